//! Whatever happens in whatever order: no panic, and every invariant holds after every step.

use std::time::Duration;

use proptest::prelude::*;

use super::script::{Story, alice, metric, version};
use crate::{
    decide::Freeze,
    engine::{Event, Look, PersonWord, Stage},
    judge::{Comparison, Evidence, LateChange},
    policy::{Mode, OnInconclusive, OnRegression},
    record::{ActResult, Activation, DataFault, Ordered, Phase, SeenObject, Unready},
    words::{GapReason, Moment, RolloutId, Verdict, Version},
};

/// One throw of the dice: what, three dice, and how long before it.
type Throw = (u8, u8, u8, u8, u32);

fn rollout(story: &Story, die: u8) -> RolloutId {
    let other = story.history.closed.last().map(|closed| closed.id);
    let open = story.history.open.as_ref().map(|open| open.id);
    let (first, second) = if die.is_multiple_of(8) { (other, open) } else { (open, other) };
    first.or(second).unwrap_or(RolloutId::new(uuid::Uuid::from_u128(9_999_999)))
}

fn some_version(die: u8) -> Version {
    version(&format!("v{}", die % 9))
}

/// Dice alone would seldom answer a question while it is open: half of the time the world does.
fn loaded(story: &Story, throw: Throw) -> Throw {
    let (_, a, b, c, later) = throw;
    let what = match story.history.open.as_ref().map(|open| &open.phase) {
        Some(Phase::Reverting) if a.is_multiple_of(2) => 10 + u8::from(b.is_multiple_of(3)),
        Some(Phase::AwaitingApproval { .. }) if a.is_multiple_of(2) => 12,
        Some(Phase::Verifying { .. }) if a.is_multiple_of(2) => 9,
        Some(Phase::Watching { .. }) if a.is_multiple_of(2) => 7,
        Some(Phase::WaitingForActivation { .. }) if a.is_multiple_of(2) => 1,
        _ => throw.0,
    };
    (what, a / 2, b, c | 1, later)
}

fn moment(story: &Story, die: u8) -> Moment {
    match die % 4 {
        0 => story.now,
        1 => story.now.minus(Duration::from_secs(u64::from(die) * 10)),
        2 => story.now.plus(Duration::from_secs(u64::from(die) * 10)),
        _ => Moment::from_millis([-200_000_000_000_000, 200_000_000_000_000, 0][usize::from(die) % 3]),
    }
}

fn evidence(story: &Story, a: u8, b: u8) -> Evidence {
    let steps = u32::from(a) * 4;
    let mut errors = metric("errors", true);
    errors.late = a.is_multiple_of(5).then_some(LateChange {
        at: story.now,
        harm_log10: 3.0,
    });
    let mut memory = metric("memory", false);
    memory.verdict = b.is_multiple_of(7).then_some(Verdict::Regression);
    Evidence {
        at: moment(story, a % 6),
        steps,
        used: steps * u32::from(b % 5 + 1) / 5,
        whole_since: None,
        compare: if b.is_multiple_of(11) {
            Comparison::None
        } else {
            Comparison::BeforeAfter
        },
        alone_since: None,
        verdict: match b % 4 {
            0 => Some(Verdict::Regression),
            1 | 2 => Some(Verdict::Healthy),
            _ => None,
        },
        harm_log10: 0.0,
        needed_harm_log10: 2.0,
        metrics: vec![errors, memory],
    }
}

fn result(story: &Story, a: u8, b: u8) -> ActResult {
    let error = "it did not".to_owned();
    match a % 5 {
        0 if b.is_multiple_of(3) => ActResult::Gone,
        0 => ActResult::Superseded {
            runs: Some(some_version(b)),
        },
        1 => ActResult::Refused { found: error },
        2 => ActResult::NotMoved { error },
        3 => ActResult::NotActivated {
            moved_at: moment(story, b),
            error,
        },
        _ => ActResult::Applied {
            moved_at: moment(story, b),
            activated_at: moment(story, b),
            detail: String::new(),
        },
    }
}

fn look(story: &Story, a: u8, b: u8) -> Look {
    let (moved_at, activated_at) = (moment(story, b), moment(story, b));
    match a % 4 {
        0 => Look::Moved { moved_at },
        1 => Look::Done { moved_at, activated_at },
        2 if b.is_multiple_of(2) => Look::Gone,
        2 => Look::Other { runs: None },
        _ => Look::NotBegun,
    }
}

fn object(die: u8) -> SeenObject {
    match die % 3 {
        0 => SeenObject::Gone { because: String::new() },
        other => SeenObject::Found { uid: other.to_string() },
    }
}

/// What the dice do to the stage itself; everything else is one event.
fn on_stage(story: &mut Story, (what, a, b, _, _): Throw) -> bool {
    match what % 16 {
        0 => story.switches(some_version(a).name.as_str()),
        1 => story.restarts(),
        2 if a.is_multiple_of(3) => {
            story.object = object(b);
            story.looks();
        }
        2 => story.unlinks(),
        3 if story.history.open.is_some() => {
            story.switches(some_version(a).name.as_str());
            story.restarts();
            if story.history.open.is_some() {
                story.calibrated();
            }
        }
        4 => {
            story.fleet.mode = [Mode::Observe, Mode::Propose, Mode::Enforce, Mode::Enforce][usize::from(a % 4)];
            story.fleet.reverts_last_hour = u32::from(b % 12);
            story.fleet.frozen = b.is_multiple_of(5).then(|| Freeze {
                since: story.now,
                by: alice(),
                reason: String::new(),
            });
            story.policy.limits.reverts_per_hour = u32::from(a % 3) + 1;
            story.policy.on_inconclusive =
                [OnInconclusive::Prove, OnInconclusive::Keep, OnInconclusive::Revert][usize::from(b % 3)];
            story.policy.on_regression = if a.is_multiple_of(9) {
                OnRegression::Alert
            } else {
                OnRegression::Revert
            };
        }
        5 => {
            story.crashes();
            story.take_effects();
        }
        6 => story.tick(),
        _ => return false,
    }
    true
}

fn event(story: &Story, (what, a, b, c, _): Throw) -> Event {
    let rollout = rollout(story, c);
    match what % 16 {
        7 | 8 | 3 => Event::Judged {
            rollout,
            stage: Stage::Watch,
            evidence: evidence(story, a, b),
        },
        9 => Event::Judged {
            rollout,
            stage: Stage::Verification,
            evidence: evidence(story, a, b),
        },
        10 => Event::Acted {
            rollout,
            result: result(story, a, b),
        },
        11 => Event::Looked {
            rollout,
            look: look(story, a, b),
        },
        12 => Event::Approved { rollout, by: alice() },
        13 if c.is_multiple_of(3) => Event::GoBack {
            from: story.history.current.clone().unwrap_or_else(|| some_version(a)),
            to: some_version(b),
            ordered: Ordered {
                by: alice(),
                reason: String::new(),
                image: None,
            },
        },
        13 => Event::Person {
            version: some_version(a),
            word: [PersonWord::Prove, PersonWord::Quarantine, PersonWord::Allow][usize::from(b % 3)],
            by: alice(),
            reason: String::new(),
        },
        14 => told_or_not(story, a, b, rollout),
        _ => Event::Activated {
            rollout,
            activation: Activation {
                at: moment(story, a),
                known_by: "process_start_time".to_owned(),
                fresh_counters: true,
            },
        },
    }
}

fn told_or_not(story: &Story, a: u8, b: u8, rollout: RolloutId) -> Event {
    let alert = story.history.outbox.first().map(|alert| alert.id.clone()).unwrap_or_default();
    let channel = "ops".parse().expect("a channel");
    match a % 4 {
        0 => Event::Delivered { alert, channel },
        1 => Event::NotDelivered {
            alert,
            channel,
            error: "503".to_owned(),
            retry: b.is_multiple_of(2),
        },
        2 => Event::Readiness(
            (0..b % 2)
                .map(|_| Unready {
                    name: "unit_not_found".to_owned(),
                    because: String::new(),
                })
                .collect(),
        ),
        _ => Event::Data {
            rollout,
            fault: b.is_multiple_of(2).then(|| DataFault {
                since: moment(story, b),
                reason: GapReason::NoData,
                because: String::new(),
                query: None,
            }),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_invariant_holds(throws in prop::collection::vec(any::<Throw>(), 1..100)) {
        let mut story = Story::new();
        story.policy.limits.reverts_per_hour = 3;
        for throw in throws {
            story.later(u64::from(throw.4 % 600) * if throw.4.is_multiple_of(50) { 60 } else { 1 });
            let throw = loaded(&story, throw);
            if !on_stage(&mut story, throw) {
                let event = event(&story, throw);
                story.happens(&event);
            }

            story.forgets();
        }
    }
}
