//! What holds after every step of every story (failures.md, Safety invariants).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::{Effect, Event, Look, PersonWord, Stage, Transition},
    record::{AlertKind, Intent, Phase, Record, TargetHistory},
    words::{Outcome, RolloutId, Standing, Verdict, Version},
};

/// Steps between two readings of the history's own text, which cost more than all else.
const TEXT_EVERY: u32 = 5;

/// What is remembered between steps.
#[derive(Default)]
pub struct Invariants {
    reverted: BTreeMap<Version, RolloutId>,
    alerts: BTreeSet<String>,
    steps: u32,
}

impl Invariants {
    /// Checks one step.
    pub fn hold(&mut self, before: &TargetHistory, event: &Event, after: &Transition) {
        self.at_most_one_revert(event, after);
        self.alerts_are_told_once(before, after);
        every_end_is_told(before, after);
        bounds(&after.history);
        self.steps += 1;
        if self.steps.is_multiple_of(TEXT_EVERY) {
            let text = serde_json::to_string(&after.history).expect("a history is JSON");
            let read: TargetHistory = serde_json::from_str(&text).expect("and is read again");
            assert_eq!(read, after.history, "a history survives its own text");
        }
    }

    fn at_most_one_revert(&mut self, event: &Event, after: &Transition) {
        if let Event::Person {
            version,
            word: PersonWord::Allow,
            ..
        } = event
        {
            self.reverted.remove(version);
        }
        for effect in &after.effects {
            let Effect::Revert(intent) = effect else {
                continue;
            };
            if intent.ordered.is_some() {
                ordered(event, intent, after);
                continue;
            }
            let again = matches!(
                event,
                Event::Looked {
                    look: Look::NotBegun,
                    ..
                }
            );
            let by_evidence = matches!(event, Event::Judged { stage: Stage::Watch, .. });
            // A release that does not start is convicted by its pods, without a metric.
            let by_pods =
                matches!(event, Event::Observed(_)) && after.history.open.as_ref().is_some_and(|open| open.startup.is_some());
            assert!(
                again || by_evidence || by_pods || matches!(event, Event::Approved { .. }),
                "a revert out of {event:?}"
            );
            let open = after.history.open.as_ref().expect("I1: a revert has an open rollout");
            assert_eq!(open.intent.as_ref(), Some(intent), "I1: the intent is stored before the act");
            assert_eq!(open.phase, Phase::Reverting);
            assert_eq!(open.to, intent.from, "I4: only the judged version is replaced");
            assert_eq!(after.history.current.as_ref(), Some(&intent.from), "a newer one always wins");
            let to = after.history.known(&intent.to).expect("I3: known");
            assert!(
                matches!(to.standing, Standing::Assumed | Standing::Passed | Standing::Proven),
                "I3: {to:?}"
            );
            // A proposal that follows a look found nothing begun either: else the question would not be open.
            let asked = matches!(event, Event::Approved { .. });
            match self.reverted.insert(intent.from.clone(), intent.rollout) {
                None => {}
                Some(rollout) => assert!(
                    (again || asked) && rollout == intent.rollout,
                    "I2: {} twice",
                    intent.from.name
                ),
            }
        }
    }

    fn alerts_are_told_once(&mut self, before: &TargetHistory, after: &Transition) {
        let old: BTreeSet<&String> = before.outbox.iter().map(|alert| &alert.id).collect();
        for alert in after.history.outbox.iter().filter(|alert| !old.contains(&alert.id)) {
            assert!(self.alerts.insert(alert.id.clone()), "N02: {} twice", alert.id);
            assert!(!alert.deliveries.is_empty());
            if let Some(record) = &alert.record {
                let contested = matches!(alert.kind, AlertKind::Contested { .. });
                assert!(contested || alert.id.starts_with(&record.id.to_string()));
            }
        }
    }
}

/// A person's order: stored before the act, about what runs, and begun again only after a look.
fn ordered(event: &Event, intent: &Intent, after: &Transition) {
    let looked = matches!(
        event,
        Event::Looked {
            look: Look::NotBegun,
            ..
        }
    );
    assert!(looked || matches!(event, Event::GoBack { .. }), "an order out of {event:?}");
    let open = after.history.open.as_ref().expect("an order has an open rollout");
    assert_eq!(open.intent.as_ref(), Some(intent), "the intent is stored before the act");
    assert_eq!((open.phase.clone(), &open.to), (Phase::Reverting, &intent.to));
    assert!(
        looked || after.history.current.as_ref() == Some(&intent.from),
        "what they saw runs"
    );
}

/// I13: whatever ends with a need for a person was told in the same step.
fn every_end_is_told(before: &TargetHistory, after: &Transition) {
    let history = &after.history;
    let Some(closed) = history.closed.last().filter(|closed| before.closed.last() != Some(closed)) else {
        return;
    };
    let needed = match (closed.outcome, closed.verdict) {
        (Some(Outcome::Reverted), _) if closed.ordered().is_some() => Some("rolled_back"),
        (Some(Outcome::Refused), _) => Some("refused"),
        (Some(Outcome::Failed | Outcome::Stuck | Outcome::DidNotHelp), _) => Some("not_helped"),
        (Some(Outcome::Contested), _) => Some("contested"),
        (Some(Outcome::Reverted), _) => Some("reverted"),
        (Some(Outcome::Verified), _) => Some("verified"),
        (None, Some(Verdict::Blind)) => Some("blind"),
        _ => None,
    };
    if needed == Some("contested") {
        let of = format!("{}/contested/{}/", history.target, closed.to.fingerprint);
        assert!(history.told.iter().any(|id| id.starts_with(&of)), "I13: {of}");
    } else if let Some(needed) = needed {
        let id = format!("{}/{needed}", closed.id);
        assert!(history.told.contains(&id), "I13: {id} was not told of {:?}", closed.outcome);
    }
}

fn bounds(history: &TargetHistory) {
    assert!(history.closed.len() <= 10 && history.served.len() <= 200 && history.told.len() <= 200);
    let records = history.open.iter().chain(&history.closed);
    records.for_each(|record: &Record| assert!(record.timeline.len() <= 100));
    for (stretch, next) in history.served.iter().zip(history.served.iter().skip(1)) {
        assert!(stretch.until.is_some_and(|until| stretch.from <= until && until <= next.from));
    }
    let ids: BTreeSet<&String> = history.outbox.iter().map(|alert| &alert.id).collect();
    assert_eq!(ids.len(), history.outbox.len(), "ids of alerts are unique");
    let kinds_with_record = history
        .outbox
        .iter()
        .filter(|alert| !matches!(alert.kind, AlertKind::NotReady { .. } | AlertKind::Mark { .. }));
    kinds_with_record.for_each(|alert| assert!(alert.record.is_some(), "{} has its record", alert.id));
    assert!(
        history
            .open
            .iter()
            .all(|open| open.phase != Phase::Closed && open.closed_at.is_none())
    );
}
