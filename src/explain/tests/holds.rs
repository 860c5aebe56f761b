//! Holds in words: in a record, in alerts, and as a list.

use super::alerts::both;
use crate::{
    decide::{Decision, Guard},
    explain::{HeldStatus, Language, holds_table, specimen as s},
    record::{AlertKind, MarkedWorkload, Record},
    words::Outcome,
};

fn held(mut record: Record) -> Record {
    record.hold = Some(crate::record::Hold {
        rollout: record.id,
        version: record.to.clone(),
        asked_at: s::at(-1),
        until: s::at(299),
        pods: 2,
        of: 4,
        outcome: Some(Outcome::Held),
        goes_on: None,
        changed_at: s::at(0),
        detail: None,
    });
    record
}

#[test]
fn a_hold_is_part_of_the_story_and_of_the_record() {
    let record = held(s::watching());
    let texts = [Language::En, Language::Zh].map(|language| crate::explain::text(&record, language));
    assert!(texts[0].contains("held at 2 of 4 pods, until"), "{}", texts[0]);
    assert!(texts[1].contains("4 个 pod 中的 2 个"), "{}", texts[1]);
    let mut over = record;
    if let Some(hold) = &mut over.hold {
        hold.outcome = Some(Outcome::Released);
        hold.goes_on = Some(crate::record::GoesOn::Healthy);
    }
    let text = crate::explain::text(&over, Language::En);
    assert!(text.contains("released") && text.contains("it is healthy so far"), "{text}");
    assert!(!text.lines().next().expect("a line").contains("held"), "{text}");
}

#[test]
fn what_is_convicted_and_stays_held_says_how_it_goes_on() {
    let guard = Guard::NoLastGood;
    let mut refused = s::convicted(Decision::Refuse { guard });
    refused.outcome = Some(Outcome::Refused);
    insta::assert_snapshot!(both(AlertKind::Refused, Some(held(refused))));
}

#[test]
fn a_hold_without_a_verdict_and_one_that_could_not_be_done_are_told() {
    insta::assert_snapshot!(both(AlertKind::HeldTooLong, Some(held(s::watching()))));
    let because = "cannot write to deployment shop/myapp: forbidden; give lastgood's role in shop what `deploy/kubernetes` lists"
        .to_owned();
    insta::assert_snapshot!(both(AlertKind::NotHeld { because }, Some(s::watching())));
}

#[test]
fn a_list_names_what_is_stored_and_what_only_a_workload_tells_of() {
    let record = held(s::watching());
    let stored = HeldStatus {
        target: Some("prod/myapp".parse().expect("a key")),
        hold: record.hold.clone(),
        workload: None,
        until: s::at(299),
        overdue: false,
    };
    let forgotten = HeldStatus {
        target: None,
        hold: None,
        workload: Some(MarkedWorkload {
            kind: "deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: "other".to_owned(),
            rollout: record.id,
            until: s::at(-60),
            in_force: true,
        }),
        until: s::at(-60),
        overdue: true,
    };
    let table = holds_table(&[stored, forgotten], s::at(60));
    for said in [
        "2 of 4",
        "held",
        "shop/other",
        "forgotten, overdue",
        "kubectl rollout resume deployment/other -n shop && kubectl annotate deployment/other -n shop lastgood.dev/held-",
    ] {
        assert!(table.contains(said), "{said}: {table}");
    }
}
