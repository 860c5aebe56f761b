//! The story's stage: a host that obeys the script, a clock that the script sets, and a memory of what was emitted.

use std::time::Duration;

use super::invariants::Invariants;
pub use super::props::{DAY, HOUR, MINUTE, STEP, alice, metric, policy, version};
use crate::{
    decide::Fleet,
    engine::{Context, Effect, Event, PersonWord, Stage, resume, step},
    judge::{Comparison, Evidence, PastPods, Plan},
    policy::{Mode, Policy},
    record::{ActResult, DataFault, Intent, Observation, Ordered, Process, Record, SeenObject, TargetHistory},
    words::{GapReason, Moment, Outcome, Retention, RolloutId, Standing, Verdict, Version},
};

/// What is on stage.
pub struct Story {
    pub history: TargetHistory,
    pub policy: Policy,
    pub fleet: Fleet,
    pub now: Moment,
    pub process: Process,
    pub object: SeenObject,
    pub old_pods: Vec<PastPods>,
    points_to: Option<Version>,
    moved_at: Moment,
    ids: u128,
    effects: Vec<Effect>,
    alerts: Vec<String>,
    invariants: Invariants,
}

impl Story {
    /// A target that was never seen.
    pub fn new() -> Self {
        let now = Moment::from_millis(1_764_000_000_000);
        let policy = policy();
        Self {
            history: TargetHistory::new(policy.key()),
            policy,
            fleet: Fleet {
                mode: Mode::Enforce,
                reverts_last_hour: 0,
                reverts_per_hour: 10,
                frozen: None,
                retention: Retention::default(),
            },
            now,
            process: Process {
                invocation: "invocation-0".to_owned(),
                main_pid: 100,
                started_at: Some(now.minus(Duration::from_secs(DAY))),
                active: true,
                restarts: 0,
            },
            object: SeenObject::None,
            old_pods: Vec::new(),
            points_to: None,
            moved_at: now.minus(Duration::from_secs(DAY)),
            ids: 0,
            effects: Vec::new(),
            alerts: Vec::new(),
            invariants: Invariants::default(),
        }
    }

    /// v1 was seen first and proven by its soak, half an hour ago.
    pub fn after_first_sight() -> Self {
        let mut story = Self::new();
        story.switches("v1");
        story.later(30 * MINUTE);
        story.judged(|evidence| evidence.compare = Comparison::None);
        story.tells(&["proven"]);
        story.closed_as(None);
        story
    }

    /// v1 is proven, and v2 was shipped and began to serve.
    pub fn with_candidate() -> Self {
        let mut story = Self::after_first_sight();
        story.ships("v2");
        story
    }

    pub fn later(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// One step; pure, and every invariant holds.
    pub fn happens(&mut self, event: &Event) {
        self.ids += 1;
        let context = Context {
            policy: &self.policy,
            fleet: &self.fleet,
            fresh: RolloutId::new(uuid::Uuid::from_u128(self.ids)),
            origin: "a story",
        };
        let after = step(&self.history, &context, event, self.now);
        assert_eq!(after, step(&self.history, &context, event, self.now), "same in, same out");
        self.invariants.hold(&self.history, event, &after);
        let new = after.history.told.iter().filter(|id| !self.history.told.contains(id));
        for id in new {
            let of_target = ["not_ready", "contested", "mark"]
                .into_iter()
                .find(|kind| id.contains(&format!("/{kind}/")));
            let kind = of_target.or_else(|| id.split('/').nth(1));
            self.alerts.push(kind.expect("an alert names its kind").to_owned());
        }
        self.history = after.history;
        self.effects.extend(after.effects);
    }

    /// The platform looks at what the script put in place.
    pub fn looks(&mut self) {
        let observation = Observation {
            at: self.now,
            version: self.points_to.clone(),
            moved_at: Some(self.moved_at),
            process: Some(self.process.clone()),
            remarks: Vec::new(),
            pods: Vec::new(),
            wanted: 0,
            lacking: None,
            object: self.object.clone(),
            deadline: Duration::ZERO,
            rolling: None,
        };
        self.happens(&Event::Observed(observation));
    }

    /// `current` is moved now, and seen at once.
    pub fn switches(&mut self, name: &str) {
        if !self.history.versions.is_empty() {
            self.moved_at = self.now;
        }
        self.points_to = Some(version(name));
        self.looks();
    }

    /// `current` is gone for a moment.
    pub fn unlinks(&mut self) {
        self.points_to = None;
        self.looks();
    }

    /// The unit is started anew, and seen at once.
    pub fn restarts(&mut self) {
        self.process.main_pid += 1;
        self.process.invocation = format!("invocation-{}", self.process.main_pid);
        self.process.started_at = Some(self.now);
        self.looks();
    }

    /// The whole of a deployment: switched, started two seconds later, calibrated.
    pub fn ships(&mut self, name: &str) {
        self.switches(name);
        self.later(2);
        self.restarts();
        self.calibrated();
    }

    pub fn open(&self) -> &Record {
        self.history.open.as_ref().expect("a rollout is open")
    }

    pub fn last_closed(&self) -> &Record {
        self.history.closed.last().expect("a rollout is closed")
    }

    pub fn calibrated(&mut self) {
        let event = Event::Calibrated {
            rollout: self.open().id,
            plan: Plan {
                step: Duration::from_secs(STEP),
                steps: u32::try_from(self.policy.watch.length.as_secs() / STEP).expect("few"),
                compare: Comparison::BeforeAfter,
                candidate_pods: 1,
                baseline_pods: 1,
            },
            calibration: serde_json::json!({"phi": 1.5}),
            old_pods: self.old_pods.clone(),
            queries: vec!["bad".to_owned()],
        };
        self.happens(&event);
    }

    fn evidence(&self) -> Evidence {
        let activated = self.open().activation.as_ref().expect("it serves").at;
        let steps = u32::try_from(self.now.since(activated).as_secs() / STEP).expect("few");
        Evidence {
            at: self.now,
            steps,
            used: steps,
            whole_since: None,
            compare: Comparison::BeforeAfter,
            alone_since: None,
            verdict: None,
            harm_log10: 0.0,
            needed_harm_log10: 2.0,
            metrics: vec![metric("errors", true)],
        }
    }

    /// A step of the watch up to now was judged.
    pub fn judged(&mut self, change: impl FnOnce(&mut Evidence)) {
        let mut evidence = self.evidence();
        change(&mut evidence);
        let event = Event::Judged {
            rollout: self.open().id,
            stage: Stage::Watch,
            evidence,
        };
        self.happens(&event);
    }

    pub fn judged_as(&mut self, verdict: Verdict) {
        self.judged(|evidence| evidence.verdict = Some(verdict));
    }

    /// A step of the verification up to now was judged.
    pub fn verified_as(&mut self, verdict: Option<Verdict>) {
        let event = Event::Judged {
            rollout: self.open().id,
            stage: Stage::Verification,
            evidence: Evidence {
                verdict,
                ..self.evidence()
            },
        };
        self.happens(&event);
    }

    pub fn data(&mut self, reason: Option<GapReason>) {
        let event = Event::Data {
            rollout: self.open().id,
            fault: reason.map(|reason| DataFault {
                since: self.now,
                reason,
                because: format!("at {}", self.now),
                query: Some("bad".to_owned()),
            }),
        };
        self.happens(&event);
    }

    pub fn tick(&mut self) {
        self.happens(&Event::Tick);
    }

    pub fn says(&mut self, word: PersonWord, name: &str) {
        self.happens(&Event::Person {
            version: version(name),
            word,
            by: alice(),
            reason: "I know better".to_owned(),
        });
    }

    /// Alice goes back from `from` to `to`.
    pub fn goes_back(&mut self, from: &str, to: &str) {
        self.happens(&Event::GoBack {
            from: version(from),
            to: version(to),
            ordered: Ordered {
                by: alice(),
                reason: "checkout fails".to_owned(),
                image: None,
            },
        });
    }

    pub fn approves(&mut self) {
        let rollout = self.open().id;
        self.happens(&Event::Approved { rollout, by: alice() });
    }

    pub fn intent(&self) -> Intent {
        self.open().intent.clone().expect("an intent is stored")
    }

    pub fn acted(&mut self, result: ActResult) {
        let rollout = self.open().id;
        self.happens(&Event::Acted { rollout, result });
    }

    /// The platform obeys: moved at once, active two seconds later.
    pub fn applied(&mut self) {
        let moved_at = self.now;
        self.points_to = Some(self.intent().to);
        self.moved_at = moved_at;
        self.later(2);
        self.restarts();
        self.acted(ActResult::Applied {
            moved_at,
            activated_at: self.now,
            detail: "done".to_owned(),
        });
    }

    /// The candidate is convicted, reverted to `to`, and that is verified.
    pub fn reverted_to(&mut self, to: &str) {
        let from = self.open().to.clone();
        self.judged_as(Verdict::Regression);
        self.reverts(from.name.as_str(), to);
        self.applied();
        self.tells(&["reverted"]);
        self.later(2 * MINUTE);
        self.verified_as(Some(Verdict::Healthy));
        self.tells(&["verified"]);
        self.closed_as(Some(Outcome::Verified));
    }

    /// The process was killed, and begins again with what was stored.
    pub fn crashes(&mut self) {
        self.effects.clear();
        let text = serde_json::to_string(&self.history).expect("a history is JSON");
        self.history = serde_json::from_str(&text).expect("and is read again");
        let context = Context {
            policy: &self.policy,
            fleet: &self.fleet,
            fresh: RolloutId::new(uuid::Uuid::from_u128(u128::MAX)),
            origin: "a story",
        };
        let resumed = resume(&self.history, &context, self.now);
        self.history = resumed.history;
        self.effects = resumed.effects;
    }

    /// Exactly these alerts since the last time, and no effect.
    #[track_caller]
    pub fn tells(&mut self, kinds: &[&str]) {
        assert_eq!(self.alerts, kinds);
        self.alerts.clear();
        assert_eq!(self.effects, [], "and nothing is done");
    }

    #[track_caller]
    pub fn is_quiet(&mut self) {
        self.tells(&[]);
    }

    /// Exactly one effect: the revert.
    #[track_caller]
    pub fn reverts(&mut self, from: &str, to: &str) {
        let intent = self.intent();
        assert_eq!((&intent.from, &intent.to), (&version(from), &version(to)));
        assert_eq!(self.take_effects(), [Effect::Revert(intent)]);
    }

    /// What was emitted so far is not of interest.
    pub fn forgets(&mut self) {
        self.history.outbox.drain(..self.history.outbox.len().saturating_sub(5));
        self.effects.clear();
        self.alerts.clear();
    }

    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    #[track_caller]
    pub fn stands(&self, name: &str, standing: Standing) {
        assert_eq!(
            self.history.known(&version(name)).map(|known| known.standing),
            Some(standing),
            "{name}"
        );
    }

    #[track_caller]
    pub fn closed_as(&self, outcome: Option<Outcome>) {
        assert_eq!(self.history.open, None);
        assert_eq!(self.last_closed().outcome, outcome);
    }

    #[track_caller]
    pub fn serves(&self, name: &str) {
        assert_eq!(self.history.serving(), Some(&version(name)));
    }
}
