//! The stage of holds: a workload of four pods, of which the platform tells how its rolling update stands.

use std::time::Duration;

use super::{
    pods::{observation, old, ready},
    script::{HOUR, MINUTE, Story, version},
};
use crate::{
    engine::{Effect, Event},
    policy::{HoldPolicy, KubernetesTarget, Target, WorkloadKind},
    record::{GoesOn, HeldMark, Hold, HoldResult, Observation, Rolling, SeenPod},
};

/// Half of four pods for at most ten minutes.
pub const SHARE: HoldPolicy = HoldPolicy {
    share: 0.5,
    max: Duration::from_secs(10 * MINUTE),
};

/// A workload of four pods: v1 is proven, and v2 just came.
pub struct Shop {
    pub story: Story,
    kind: WorkloadKind,
    /// What the workload itself says.
    pub mark: Option<HeldMark>,
}

impl Shop {
    pub fn of(kind: WorkloadKind) -> Self {
        let mut story = Story::new();
        story.policy.target = Target::Kubernetes(KubernetesTarget {
            namespace: "shop".to_owned(),
            kind,
            name: "myapp".to_owned(),
            container: None,
        });
        story.policy.watch.hold = Some(SHARE);
        let mut shop = Self { story, kind, mark: None };
        shop.looks("v1", 4, Vec::new());
        shop.story.later(HOUR);
        shop.story
            .judged(|evidence| evidence.compare = crate::judge::Comparison::None);
        shop.story.tells(&["proven"]);
        shop
    }

    pub fn new() -> Self {
        Self::of(WorkloadKind::Deployment)
    }

    /// v2 was given two pods, and its hold was asked for and done.
    pub fn held() -> Self {
        let mut shop = Self::new();
        shop.looks("v2", 2, Vec::new());
        shop.asked();
        shop.is_held();
        shop
    }

    /// The same, and it is judged.
    pub fn judged() -> Self {
        let mut shop = Self::held();
        shop.serves();
        shop
    }

    /// The first pod of v2 is ready, and judging began.
    pub fn serves(&mut self) {
        let first = ready(&self.story, "v2", 0);
        self.looks("v2", 2, vec![first]);
        self.story.calibrated();
        self.story.later(MINUTE);
    }

    /// The platform looks: `runs` was given `made` pods, and these are there beside the old ones.
    pub fn looks(&mut self, runs: &str, made: u32, new: Vec<SeenPod>) {
        let rolling = Rolling {
            made: (self.kind == WorkloadKind::Deployment).then_some(made),
            held: self.mark.clone(),
        };
        let pods = [old(&self.story), new].concat();
        let observation = Observation {
            wanted: 4,
            rolling: Some(rolling),
            ..observation(&self.story, runs, pods)
        };
        self.story.happens(&Event::Observed(observation));
    }

    pub fn hold(&self) -> &Hold {
        self.story.history.hold.as_ref().expect("a hold")
    }

    /// Exactly one effect: the hold, whose intent is stored.
    #[track_caller]
    pub fn asked(&mut self) {
        let hold = self.hold().clone();
        assert_eq!(
            self.story.open().hold.as_ref(),
            Some(&hold),
            "the intent is stored before the act"
        );
        assert_eq!(self.story.take_effects(), [Effect::Hold(hold, SHARE)]);
    }

    pub fn answers(&mut self, result: HoldResult) {
        let rollout = self.hold().rollout;
        self.story.happens(&Event::HoldTried { rollout, result });
    }

    /// The platform obeys, and the workload says so from now on.
    pub fn is_held(&mut self) {
        let hold = self.hold().clone();
        self.mark = Some(HeldMark {
            rollout: hold.rollout,
            until: hold.until,
            in_force: true,
            newer: false,
        });
        self.answers(HoldResult::Held { pods: 2, of: 4 });
        assert!(self.hold().is_held());
        self.story.is_quiet();
    }

    /// Exactly one effect: it is to go on, for this reason; and it does.
    #[track_caller]
    pub fn goes_on(&mut self, why: &GoesOn) {
        let hold = self.hold().clone();
        assert_eq!(hold.goes_on.as_ref(), Some(why));
        assert_eq!(self.story.take_effects(), [Effect::LetGo(hold)]);
        self.mark = None;
        self.answers(HoldResult::Released);
        assert_eq!(self.story.history.hold, None);
        self.story.is_quiet();
    }

    /// Looks and time change nothing.
    #[track_caller]
    pub fn stays_held(&mut self) {
        self.story.later(1);
        self.story.tick();
        let rollout = self.hold().rollout;
        self.looks("v2", 2, Vec::new());
        self.story.later(HOUR);
        self.story.tick();
        assert!(self.hold().is_held() && self.hold().rollout == rollout);
        self.story.is_quiet();
    }

    #[track_caller]
    pub fn is_not_held(&mut self) {
        assert_eq!(self.story.history.hold, None);
        assert_eq!(self.story.take_effects(), []);
    }

    /// Time and looks change nothing of the hold of v3.
    #[track_caller]
    pub fn stays_held_at_v3(&mut self) {
        self.looks("v3", 0, Vec::new());
        self.story.tick();
        assert!(self.hold().is_held() && self.hold().version == version("v3"));
        self.story.is_quiet();
    }
}
