//! A guard whose store refuses, or was changed by someone else: nothing that was said or done is lost, and nobody is told twice.

mod rig;

use std::sync::atomic::Ordering;

use super::*;
use crate::{
    engine::Stage,
    explain::specimen,
    ports::History,
    record::{AlertKind, Delivery, Intent},
    words::{TargetKey, Verdict},
};
use rig::{FULL, LOST, Rig, SILENT, WELL, off, quiet, rig};

#[tokio::test]
async fn c05_a_word_that_could_not_be_stored_is_not_said_to_be_in_force() {
    let mut rig = rig(quiet()).await;
    rig.store_is(FULL);
    assert_eq!(rig.off().await, Err(DeskError::Failed("the disk is full".to_owned())));
    let shown = rig.guard.snapshots.borrow().history.clone();
    assert!(shown.unready.iter().any(|unready| unready.name == "store_unavailable"));
    rig.store_is(WELL);
    assert!(rig.off().await.expect("stored").history.off.is_some());
    assert!(!rig.off().await.expect("heard").changed, "it was so already");
    let shown = rig.guard.snapshots.borrow().history.clone();
    assert!(shown.unready.iter().all(|unready| unready.name != "store_unavailable"));
}

#[tokio::test]
async fn c05_an_alert_that_was_delivered_on_a_full_disk_is_delivered_once() {
    let mut history = quiet();
    let mut alert = specimen::alert(AlertKind::NotReady { unready: Vec::new() }, None);
    alert.deliveries = vec![Delivery {
        channel: "ops".parse().expect("a channel"),
        attempts: 0,
        next_at: specimen::at(0),
        last_error: None,
    }];
    history.outbox = vec![alert];
    let mut rig = rig(history).await;
    rig.store_is(FULL);
    for _ in 0..20 {
        rig.deliver().await;
    }
    assert_eq!(rig.sent.load(Ordering::SeqCst), 1);
    rig.store_is(WELL);
    rig.guard.pay().await.expect("paid");
    assert_eq!(rig.guard.history.outbox, []);
    let (stored, _) = rig.store.load(&rig.guard.history.target).await.expect("read").expect("there");
    assert_eq!(stored.outbox, []);
}

#[tokio::test]
async fn a_change_of_someone_else_is_taken_over_and_the_word_is_said_again() {
    let mut rig = rig(quiet()).await;
    let mut theirs = TargetHistory::clone(&rig.guard.history);
    theirs.reverts.push(specimen::at(-1));
    let revision = rig.guard.revision.clone();
    rig.store.commit(&theirs, revision.as_ref()).await.expect("theirs");
    let after = rig.off().await.expect("stored").history;
    assert!(after.off.is_some());
    assert_eq!(after.reverts, theirs.reverts);
}

#[tokio::test]
async fn c06_a_store_that_cannot_be_trusted_ends_the_guard_also_when_a_person_met_it() {
    let mut rig = rig(quiet()).await;
    rig.store_is(LOST);
    let (answer, answered) = oneshot::channel();
    assert!(rig.guard.order(Order { event: off(), answer }).await.is_err());
    assert!(matches!(answered.await, Ok(Err(DeskError::Failed(_)))));
}

#[tokio::test]
async fn an_intent_that_nobody_can_look_at_does_not_keep_the_controller_from_ending() {
    let mut record = specimen::convicted(crate::decide::Decision::AlertOnly);
    record.phase = Phase::Reverting;
    record.outcome = None;
    record.intent = Some(Intent {
        rollout: record.id,
        from: record.to.clone(),
        to: specimen::good(),
        at: specimen::at(0),
        approved_by: None,
        uid: None,
        ordered: None,
    });
    let mut history = quiet();
    history.open = Some(record);
    let rig = rig(history).await;
    let (_orders, ordered) = mpsc::channel(1);
    let (_policies, changed) = channel::channel(rig.guard.policy.clone());
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), rig.guard.run(ordered, changed, shutdown)).await;
    assert!(ended.expect("it ends").is_ok());
}

#[tokio::test]
async fn an_intent_of_its_own_does_not_spend_the_budget_that_it_needs() {
    let mut record = specimen::convicted(crate::decide::Decision::AlertOnly);
    record.outcome = None;
    record.intent = Some(Intent {
        rollout: record.id,
        from: record.to.clone(),
        to: specimen::good(),
        at: specimen::at(0),
        approved_by: None,
        uid: None,
        ordered: None,
    });
    let mut history = quiet();
    history.open = Some(record);
    history.reverts.clear();
    let rig = rig(history).await;
    let fleet = rig.guard.outside.fleet.lock().await;
    let spent = |target: &TargetKey| fleet.view(target, specimen::at(10)).reverts_last_hour;
    assert_eq!(
        spent(&rig.guard.history.target),
        0,
        "after a crash it decides on this very intent"
    );
    assert_eq!(spent(&"prod/other".parse().expect("a target")), 1);
}

#[tokio::test]
async fn c11_a_watch_whose_end_passed_while_the_machine_slept_is_judged_before_it_is_ended() {
    let mut history = quiet();
    history.open = Some(specimen::watching());
    let mut rig = rig(history).await;
    rig.guard.tick().await.expect("a tick");
    let day = i64::try_from(Duration::from_secs(24 * 3600).as_millis()).expect("few");
    rig.clock.0.fetch_add(day, Ordering::SeqCst);
    rig.guard.tick().await.expect("a tick");
    assert!(rig.guard.history.open.is_some(), "what Prometheus kept of it is judged first");
    rig.clock.0.fetch_add(day / 24, Ordering::SeqCst);
    rig.guard.ticked_at = rig.clock.now();
    rig.guard.tick().await.expect("a tick");
    assert!(rig.guard.history.open.is_none(), "and then it ends");
}

/// Whether others may decide while the store does not answer what this event brings.
async fn others_decide_during(rig: &mut Rig, event: Event) -> bool {
    rig.store_is(SILENT);
    let fleet = rig.guard.outside.fleet.clone();
    tokio::select! {
        biased;
        _ = rig.guard.feed(event) => panic!("the store does not answer"),
        others = async { fleet.try_lock().is_ok() } => others,
    }
}

#[tokio::test]
async fn a_slow_store_keeps_no_other_service_from_deciding_unless_the_budget_is_at_stake() {
    assert!(others_decide_during(&mut rig(quiet()).await, off()).await);

    let mut history = quiet();
    let open = specimen::watching();
    let verdict = Event::Judged {
        rollout: open.id,
        stage: Stage::Watch,
        evidence: Evidence {
            verdict: Some(Verdict::Regression),
            ..specimen::evidence(vec![specimen::bad_errors()])
        },
    };
    history.open = Some(open);
    history.reverts.clear();
    let mut rig = rig(history).await;
    Arc::make_mut(&mut rig.guard.history).current = Some(specimen::bad());
    assert!(
        !others_decide_during(&mut rig, verdict).await,
        "two cannot take the last revert of the budget"
    );
}
