//! What every back end of `ports::History` must keep, as one function over the port.

use std::time::Duration;

use futures::future::join_all;
use lastgood::{
    ports::{History, HistoryError, Revision},
    record::{ControllerState, Record, TargetHistory, verify},
    words::{Actor, Version},
};

use crate::sample;

/// All of the contract but what needs a restart. `history` is empty; it keeps the newest `keeps` records of a target at least.
pub async fn holds(history: &dyn History, keeps: usize) {
    nothing_is_found_before_the_first_commit(history).await;
    a_rich_history_comes_back_as_it_was(history).await;
    a_commit_at_another_revision_changes_nothing(history).await;
    of_many_writers_at_one_revision_exactly_one_wins(history).await;
    records_outlive_the_document(history, keeps).await;
    the_controllers_state_is_compared_and_set_too(history).await;
    the_audit_outlives_the_document_and_never_changes(history).await;
    contents_are_kept_once_and_never_change(history).await;
    what_a_person_has_forgotten_is_gone_and_the_audit_stays(history).await;
    what_cannot_be_read_back_is_not_stored(history).await;
}

async fn what_a_person_has_forgotten_is_gone_and_the_audit_stays(history: &dyn History) {
    let target = sample::target("forgotten");
    let chain = target.to_string();
    let left_open = Record {
        closed_at: None,
        ..sample::record(&target, 410)
    };
    let known = TargetHistory {
        versions: sample::history(&target).versions,
        closed: vec![sample::record(&target, 400)],
        open: Some(left_open.clone()),
        ..TargetHistory::new(target.clone())
    };
    history.commit(&known, None).await.expect("the first commit");
    for known in &known.versions {
        history.keep(&target, &known.version, "a template").await.expect("kept");
    }
    let (mut known, revision) = history.load(&target).await.expect("loaded").expect("it is there");
    known.open = None;
    let now = left_open.seen_at.plus(Duration::from_secs(3600));
    known.forget_all(&Actor("alice".to_owned()), "it is another service", "a test", now);
    assert!(known.is_blank());
    history.commit(&known, Some(&revision)).await.expect("forgotten");
    assert_eq!(history.records(&target, 100).await, Ok(Vec::new()));
    assert_eq!(history.record(left_open.id).await, Ok(None));
    assert_eq!(history.all_kept(&target).await, Ok(Vec::new()));
    let entries = history.audit(Some(&chain)).await.expect("an audit").entries;
    assert_eq!(verify(&chain, &entries, &[known.audit.head(&chain)], None), [""; 0]);
    let last = &entries.last().expect("an entry").document;
    assert!(last.contains("\"forget\"") && last.contains("3 versions"), "{last}");
}

async fn nothing_is_found_before_the_first_commit(history: &dyn History) {
    let target = sample::target("nobody");
    assert_eq!(history.targets().await, Ok(Vec::new()));
    assert_eq!(history.load(&target).await, Ok(None));
    assert_eq!(history.record(sample::rollout(1)).await, Ok(None));
    assert_eq!(history.records(&target, 5).await, Ok(Vec::new()));
    assert_eq!(history.load_controller().await, Ok((ControllerState::default(), None)));
    assert_eq!(history.kept(&target, &sample::version("v1").name).await, Ok(Vec::new()));
}

async fn a_rich_history_comes_back_as_it_was(history: &dyn History) {
    let target = sample::target("rich");
    let rich = sample::history(&target);
    let revision = history.commit(&rich, None).await.expect("the first commit");
    assert_eq!(history.load(&target).await, Ok(Some((rich.clone(), revision.clone()))));
    assert_eq!(history.targets().await, Ok(vec![target.clone()]));
    let mut next = rich;
    next.outbox.clear();
    let after = history.commit(&next, Some(&revision)).await.expect("the second commit");
    assert_ne!(after, revision);
    assert_eq!(history.load(&target).await, Ok(Some((next, after))));
}

async fn a_commit_at_another_revision_changes_nothing(history: &dyn History) {
    let target = sample::target("conflict");
    let empty = TargetHistory::new(target.clone());
    let conflict = Err(HistoryError::Conflict("prod/conflict".to_owned()));
    let never = Revision("7".to_owned());
    assert_eq!(history.commit(&empty, Some(&never)).await, conflict);
    assert_eq!(history.load(&target).await, Ok(None));
    let first = history.commit(&empty, None).await.expect("the first commit");
    assert_eq!(history.commit(&empty, None).await, conflict);
    let second = history.commit(&empty, Some(&first)).await.expect("the second commit");
    let mut late = empty.clone();
    late.closed = vec![sample::record(&target, 100)];
    assert_eq!(history.commit(&late, Some(&first)).await, conflict);
    let elsewhere = Revision("another store's".to_owned());
    assert_eq!(history.commit(&late, Some(&elsewhere)).await, conflict);
    assert_eq!(history.load(&target).await, Ok(Some((empty, second))));
    assert_eq!(history.record(sample::rollout(100)).await, Ok(None));
}

async fn of_many_writers_at_one_revision_exactly_one_wins(history: &dyn History) {
    let target = sample::target("race");
    let first = history
        .commit(&TargetHistory::new(target.clone()), None)
        .await
        .expect("first");
    let writers = (0..20).map(|number| {
        let mut mine = TargetHistory::new(target.clone());
        mine.reverts = vec![sample::at(number)];
        let first = &first;
        async move { (history.commit(&mine, Some(first)).await, mine) }
    });
    let ended = join_all(writers).await;
    let won: Vec<_> = ended.iter().filter(|(result, _)| result.is_ok()).collect();
    assert_eq!(won.len(), 1, "{ended:?}");
    let lost = ended
        .iter()
        .filter(|(result, _)| matches!(result, Err(HistoryError::Conflict(_))));
    assert_eq!(lost.count(), 19);
    let (revision, winner) = won[0];
    let stored = (winner.clone(), revision.clone().expect("won"));
    assert_eq!(history.load(&target).await, Ok(Some(stored)));
}

async fn records_outlive_the_document(history: &dyn History, keeps: usize) {
    let target = sample::target("old");
    let mut document = TargetHistory::new(target.clone());
    let mut revision = None;
    for number in 200..215 {
        let mut open = sample::record(&target, number);
        open.closed_at = None;
        document.open = Some(open);
        revision = Some(history.commit(&document, revision.as_ref()).await.expect("opened"));
        document.open = None;
        document.closed.push(sample::record(&target, number));
        let surplus = document.closed.len().saturating_sub(10);
        document.closed.drain(..surplus);
        revision = Some(history.commit(&document, revision.as_ref()).await.expect("closed"));
    }
    let newest_first: Vec<_> = (200..215)
        .rev()
        .map(|number| sample::record(&target, number))
        .take(keeps)
        .collect();
    let oldest = newest_first.last().expect("one").clone();
    assert_eq!(document.closed.contains(&oldest), keeps <= 10);
    assert_eq!(history.record(oldest.id).await, Ok(Some(oldest)));
    assert_eq!(history.records(&target, 100).await, Ok(newest_first.clone()));
    assert_eq!(history.records(&target, 3).await.as_deref(), Ok(&newest_first[..3]));
}

async fn the_audit_outlives_the_document_and_never_changes(history: &dyn History) {
    let target = sample::target("audited");
    let chain = target.to_string();
    let mut document = TargetHistory::new(target.clone());
    let mut revision = None;
    for number in 0..25 {
        document.audit.add(&chain, sample::at(number), sample::deed(number));
        revision = Some(history.commit(&document, revision.as_ref()).await.expect("stored"));
    }
    let entries = history.audit(Some(&chain)).await.expect("the audit").entries;
    assert_eq!(entries.len(), 25, "the document carries ten");
    assert_eq!(verify(&chain, &entries, &[document.audit.head(&chain)], None), [""; 0]);
    let mut other = document.clone();
    other.audit.add(&chain, sample::at(99), sample::deed(99));
    let conflict = history.commit(&other, Some(&Revision("1".to_owned()))).await;
    assert!(matches!(conflict, Err(HistoryError::Conflict(_))));
    other.audit.newest[0].document = "forged".to_owned();
    history.commit(&other, revision.as_ref()).await.expect("stored");
    let after = history.audit(Some(&chain)).await.expect("the audit").entries;
    assert_eq!(after[..25], entries, "what is there stays as it is");
    assert_eq!((after.len(), after[25].seq), (26, 26));
    assert!(history.audit(None).await.expect("all of it").entries.len() >= 26);
}

async fn the_controllers_state_is_compared_and_set_too(history: &dyn History) {
    let frozen = ControllerState {
        frozen: Some(sample::freeze()),
        ..ControllerState::default()
    };
    let first = history.commit_controller(&frozen, None).await.expect("the first commit");
    assert_eq!(history.load_controller().await, Ok((frozen.clone(), Some(first.clone()))));
    let conflict = |result| matches!(result, Err(HistoryError::Conflict(_)));
    assert!(conflict(history.commit_controller(&ControllerState::default(), None).await));
    let second = history
        .commit_controller(&ControllerState::default(), Some(&first))
        .await
        .expect("the second commit");
    assert!(conflict(history.commit_controller(&frozen, Some(&first)).await));
    assert_eq!(
        history.load_controller().await,
        Ok((ControllerState::default(), Some(second)))
    );
}

async fn contents_are_kept_once_and_never_change(history: &dyn History) {
    let (target, version) = (sample::target("kept"), sample::version("v1"));
    for document in ["{\"files\": 1}", "{\"files\": 1}", "something else"] {
        assert_eq!(history.keep(&target, &version, document).await, Ok(()));
    }
    let other = sample::version("v2");
    assert_eq!(history.keep(&target, &other, "{}").await, Ok(()));
    let expected = "{\"files\": 1}".to_owned();
    let again = Version {
        name: version.name.clone(),
        fingerprint: other.fingerprint.clone(),
    };
    assert_eq!(history.keep(&target, &again, "built anew").await, Ok(()));
    assert_eq!(
        history.kept(&target, &version.name).await,
        Ok(vec![
            (version.clone(), expected.clone()),
            (again.clone(), "built anew".to_owned())
        ])
    );
    let all = vec![
        (version.clone(), expected),
        (other.clone(), "{}".to_owned()),
        (again, "built anew".to_owned()),
    ];
    assert_eq!(history.all_kept(&target).await, Ok(all));
    assert_eq!(
        history.kept(&target, &other.name).await,
        Ok(vec![(other.clone(), "{}".to_owned())])
    );
    assert_eq!(history.kept(&sample::target("other"), &version.name).await, Ok(Vec::new()));
}

async fn what_cannot_be_read_back_is_not_stored(history: &dyn History) {
    let target = sample::target("infinite");
    let mut unfit = TargetHistory::new(target.clone());
    let mut record = sample::record(&target, 300);
    if let Some(evidence) = &mut record.evidence {
        evidence.harm_log10 = f64::INFINITY;
    }
    unfit.open = Some(record);
    let refused = history.commit(&unfit, None).await;
    assert!(matches!(refused, Err(HistoryError::Damaged(_))), "{refused:?}");
    assert_eq!(history.load(&target).await, Ok(None));
}

/// What was committed is there after a restart; `open` begins the same store again.
pub async fn survives(open: impl Fn() -> Box<dyn History>) {
    let target = sample::target("restart");
    let rich = sample::history(&target);
    let state = ControllerState {
        frozen: Some(sample::freeze()),
        ..ControllerState::default()
    };
    let before = open();
    let first = before.commit(&TargetHistory::new(target.clone()), None).await.expect("first");
    let last = before.commit(&rich, Some(&first)).await.expect("second");
    let controller = before.commit_controller(&state, None).await.expect("the controller's");
    let version = sample::version("v1");
    before.keep(&target, &version, "{}").await.expect("kept");
    drop(before);

    let after = open();
    assert_eq!(after.load(&target).await, Ok(Some((rich.clone(), last.clone()))));
    assert_eq!(after.load_controller().await, Ok((state, Some(controller))));
    assert_eq!(
        after.kept(&target, &version.name.clone()).await,
        Ok(vec![(version, "{}".to_owned())])
    );
    assert!(matches!(
        after.commit(&rich, Some(&first)).await,
        Err(HistoryError::Conflict(_))
    ));
    assert!(after.commit(&rich, Some(&last)).await.is_ok());
}
