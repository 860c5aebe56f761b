//! The page of a record, as text and as JSON, and that both come from the stored record alone.

use crate::{
    decide::{Decision, Guard},
    explain::{Language, alert, document, specimen as s, text},
    record::{Alert, AlertKind, Record},
    words::Outcome,
};

#[test]
fn the_page_of_a_revert_holds_all_that_is_stored() {
    let record = s::settled(Outcome::Verified, Some(true), [15.0, 3_000.0]);
    insta::assert_snapshot!(
        [Language::En, Language::Zh]
            .map(|language| text(&record, language))
            .join("\n")
    );
}

#[test]
fn the_page_of_a_refusal_ends_the_guard_in_what_to_do() {
    let mut record = s::convicted(Decision::Refuse {
        guard: Guard::NoLastGood,
    });
    record.outcome = Some(Outcome::Refused);
    record.evidence = Some(s::evidence(vec![s::quiet(s::bad_errors()), s::slow()]));
    insta::assert_snapshot!(text(&s::before_after(record), Language::En));
}

#[test]
fn the_page_of_a_blind_rollout_names_the_query() {
    insta::assert_snapshot!(text(&s::blind(), Language::En));
}

#[test]
fn the_page_of_a_value_has_its_levels_in_place_of_counts() {
    let mut record = s::before_after(s::watching());
    record.policy.metrics.push(s::policies::memory());
    record.evidence = Some(s::warned(s::memory()));
    insta::assert_snapshot!(
        [Language::En, Language::Zh]
            .map(|language| text(&record, language))
            .join("\n")
    );
}

#[test]
fn the_page_of_a_value_beside_the_version_before_says_what_came_after_it_had_gone() {
    let page = |gone: bool, language: Language| {
        let mut record = s::watching();
        record.policy.metrics.push(s::policies::memory());
        record.evidence = Some(s::warned(s::memory_beside(gone)));
        text(&record, language)
    };
    insta::assert_snapshot!([page(false, Language::En), page(true, Language::En), page(true, Language::Zh)].join("\n"));
}

#[test]
fn the_page_of_a_bound_alone_has_no_odds_at_all() {
    let mut record = s::before_after(s::watching());
    record.evidence = Some(s::evidence(vec![s::queue(Some(60), Some(60))]));
    insta::assert_snapshot!(
        [Language::En, Language::Zh]
            .map(|language| text(&record, language))
            .join("\n")
    );
}

#[test]
fn the_document_is_stable() {
    insta::assert_json_snapshot!(document(&s::settled(Outcome::Verified, Some(true), [15.0, 3_000.0])));
}

#[test]
fn n04_every_text_is_regenerated_byte_for_byte_from_the_stored_json() {
    let records = [
        s::watching(),
        s::reverted(),
        s::blind(),
        s::before_after(s::late()),
        s::settled(Outcome::DidNotHelp, None, [1.0, 3.0]),
    ];
    for record in records {
        let stored = serde_json::to_string(&record).expect("a record is JSON");
        let read: Record = serde_json::from_str(&stored).expect("stored JSON is a record");
        for language in [Language::En, Language::Zh] {
            assert_eq!(text(&record, language), text(&read, language));
        }
        assert_eq!(document(&record).to_string(), document(&read).to_string());
        let told = s::alert(AlertKind::Reverted, Some(record));
        let stored = serde_json::to_string(&told).expect("an alert is JSON");
        let read: Alert = serde_json::from_str(&stored).expect("stored JSON is an alert");
        assert_eq!(alert(&told, Language::En), alert(&read, Language::En));
    }
}
