//! Releases that need more of something that is no count, beside the version before: pods that each have a level of their own and a long
//! memory (statistics.md, section 10).

use lastgood::{
    judge::Comparison,
    policy::{Metric, OnRegression},
    words::{Increment, MetricStep, PodIncrement, Step},
};

use super::{Place, Scenario, value::JUDGE};
use crate::simulation::{
    alone::WATCH,
    chance::Chance,
    judged::{Judged, Outcome, memory, plan, pods, step},
    release::Release,
};

/// A service whose pods' ln(value) moves so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pods {
    /// As it is called in the tables.
    pub name: &'static str,
    /// Pods of the version before, and new ones, of which one comes every two minutes.
    old: usize,
    new: usize,
    /// Standard deviation of a pod about its own level, and memory a step.
    sd: f64,
    memory: f64,
    /// How far one pod's own level lies from another's.
    own: f64,
    /// Amplitude of a saw of ten minutes, each pod's at its own time.
    saw: f64,
    /// The share of steps in which a pod moves ten times as far.
    jumps: f64,
}

/// Many pods and few, alike and not, and what no autoregression of a step is.
pub const ALL: [Pods; 5] = [
    Pods {
        name: "alike, 3 beside 9",
        old: 9,
        new: 3,
        own: 0.0,
        ..DIFFERING
    },
    Pods {
        name: "differing by 0.1, 3 beside 9",
        old: 9,
        new: 3,
        ..DIFFERING
    },
    Pods {
        name: "differing by 0.1, 1 beside 2",
        old: 2,
        ..DIFFERING
    },
    Pods {
        name: "differing by 0.3, 1 beside 3",
        own: 0.3,
        ..DIFFERING
    },
    Pods {
        name: "differing by 0.1, AR(1) 0.99, saws, jumps, 1 beside 3",
        memory: 0.99,
        saw: 0.2,
        jumps: 0.01,
        ..DIFFERING
    },
];

const DIFFERING: Pods = Pods {
    name: "",
    old: 3,
    new: 1,
    sd: 0.1,
    memory: 0.95,
    own: 0.1,
    saw: 0.0,
    jumps: 0.0,
};

/// As `cells.csv` calls them.
pub const KIND: &str = "value-beside";
/// So many times as much is needed; 1.3 times is tolerated, and twice that is harmful.
pub const TIMES: [f64; 6] = [1.0, 1.3, 1.5, 2.0, 2.6, 3.0];
/// Steps of the hour before.
const HOUR: usize = 240;

/// Releases of one service.
pub struct ValueBeside {
    /// The seed of all chance.
    pub seed: u64,
    /// How its pods move.
    pub pods: Pods,
    /// What is shipped, how often: `Change::Times` is how many times as much it needs.
    pub releases: Vec<(Release, u32)>,
}

/// An autoregression of unit deviation.
struct Drift {
    memory: f64,
    now: f64,
}

impl Drift {
    fn of(memory: f64, chance: &mut Chance) -> Self {
        Self {
            memory,
            now: chance.normal(),
        }
    }

    fn next(&mut self, far: f64, chance: &mut Chance) -> f64 {
        self.now = self.memory * self.now + (1.0 - self.memory * self.memory).sqrt() * far * chance.normal();
        self.now
    }
}

impl Pods {
    /// ln(value) of every pod, the new ones first, in every step of the hour before and the watch; all share a drift of their load.
    fn values(&self, chance: &mut Chance) -> Vec<Vec<f64>> {
        const SHARED: f64 = 0.3;
        let mut shared = Drift::of(0.95, chance);
        let mut pods: Vec<(f64, f64, Drift)> = (0..self.new + self.old)
            .map(|_| (self.own * chance.normal(), chance.uniform(), Drift::of(self.memory, chance)))
            .collect();
        let mut values = |t: usize| {
            let load = SHARED * shared.next(1.0, chance);
            pods.iter_mut()
                .map(|(own, phase, drift)| {
                    let far = if chance.happens(self.jumps) { 10.0 } else { 1.0 };
                    let saw = self.saw * (2.0 * (t as f64 / 40.0 + *phase).fract() - 1.0);
                    load + *own + saw + self.sd * drift.next(far, chance)
                })
                .collect()
        };
        (0..HOUR + WATCH).map(&mut values).collect()
    }
}

impl Scenario for ValueBeside {
    fn place(&self) -> Place {
        Place {
            kind: KIND,
            world: self.pods.name.to_owned(),
            requests: 0.0,
            bad: 0.0,
        }
    }

    fn releases(&self) -> &[(Release, u32)] {
        &self.releases
    }

    fn judges(&self) -> Vec<String> {
        vec![JUDGE.to_owned()]
    }

    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>> {
        const BYTES: f64 = 2e8;
        const APART: usize = 8;
        let Pods { new, old, .. } = self.pods;
        let name = self.pods.name.bytes().map(u64::from).sum();
        let values = self.pods.values(&mut Chance::of(&[self.seed, name, u64::from(number)]));
        let names = pods(new + old);
        let pod = |pod: usize, ln: f64| PodIncrement {
            pod: names[pod].clone(),
            increment: Increment::Value { value: BYTES * ln.exp() },
        };
        let baseline = |t: usize| (new..new + old).map(|i| pod(i, values[t][i])).collect();
        let before = |t: usize| MetricStep {
            baseline: baseline(t),
            ..MetricStep::default()
        };
        let history: Vec<Step> = (0..HOUR).map(|t| step(t, vec![before(t)])).collect();
        let reverting = Metric {
            on_regression: OnRegression::Revert,
            ..memory()
        };
        let (judged, plan) = (
            Judged::by(JUDGE, vec![reverting], 1),
            plan(Comparison::Concurrent, WATCH, new, old),
        );
        let learnt = judged.learn(&plan, &history);
        let rollout = |(release, rollouts): &(Release, u32)| {
            let watched = |t: usize| {
                let come = (t / APART + 1).min(new);
                let candidate = (0..come)
                    .map(|i| pod(i, values[HOUR + t][i] + release.rate(t, 1.0).ln()))
                    .collect();
                MetricStep {
                    candidate,
                    ..before(HOUR + t)
                }
            };
            let outcome = || {
                let watch: Vec<Step> = (0..WATCH).map(|t| step(HOUR + t, vec![watched(t)])).collect();
                judged.follow(&plan, &learnt, &watch)
            };
            vec![(number < *rollouts).then(outcome)]
        };
        self.releases.iter().map(rollout).collect()
    }
}
