//! Releases that need more of something that is no count, with nothing beside them: values with a long memory (statistics.md, section 10).

use std::f64::consts::TAU;

use lastgood::{
    judge::Comparison,
    policy::{Metric, OnRegression},
    words::{Increment, MetricStep, PodIncrement, Step},
};

use super::{Place, Scenario};
use crate::simulation::{
    alone::{DAY, WATCH},
    chance::Chance,
    judged::{Judged, Outcome, memory, plan, pods, step},
    release::Release,
};

/// How ln(value) moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moves {
    /// As it is called in the tables.
    pub name: &'static str,
    /// Standard deviation, and memory a step.
    sd: f64,
    memory: f64,
    /// How far one process's level lies from another's.
    own: f64,
    /// Amplitudes of a curve over the day, and of a saw of ten minutes.
    day: f64,
    saw: f64,
    /// The share of steps that move ten times as far.
    jumps: f64,
}

/// An AR(1) of 0.95 a step, the same with processes that differ and jumps, and one of 0.99 with a day and a garbage collector.
pub const ALL: [Moves; 3] = [
    Moves {
        name: "AR(1) 0.95",
        ..EVEN
    },
    Moves {
        name: "AR(1) 0.95, own levels, jumps",
        sd: 0.02,
        own: 0.08,
        jumps: 0.01,
        ..EVEN
    },
    Moves {
        name: "AR(1) 0.99, a day, a saw",
        memory: 0.99,
        day: 0.2,
        saw: 0.2,
        ..EVEN
    },
];

const EVEN: Moves = Moves {
    name: "",
    sd: 0.1,
    memory: 0.95,
    own: 0.0,
    day: 0.0,
    saw: 0.0,
    jumps: 0.0,
};

/// Releases of one service.
pub struct Value {
    /// The seed of all chance.
    pub seed: u64,
    /// How its value moves.
    pub moves: Moves,
    /// What is shipped, how often: `Change::Times` is how many times as much it needs.
    pub releases: Vec<(Release, u32)>,
}

/// The judge's name in the tables.
pub const JUDGE: &str = "value, 30 % more is tolerated";

impl Moves {
    /// The value of every step of the day before and the watch, as a multiple of its level.
    fn values(&self, chance: &mut Chance) -> Vec<f64> {
        let (mut drift, own, began) = (chance.normal(), self.own * chance.normal(), chance.uniform());
        let mut value = |t: usize| {
            let jump = if chance.happens(self.jumps) { 10.0 } else { 1.0 };
            drift = self.memory * drift + (1.0 - self.memory * self.memory).sqrt() * jump * chance.normal();
            let day = self.day * (TAU * (began + t as f64 / DAY as f64)).sin();
            let saw = self.saw * ((t % 40) as f64 / 20.0 - 1.0);
            let own = if t < DAY { 0.0 } else { own };
            (self.sd * drift + day + saw + own).exp()
        };
        (0..DAY + WATCH).map(&mut value).collect()
    }
}

impl Scenario for Value {
    fn place(&self) -> Place {
        Place {
            kind: "value",
            world: self.moves.name.to_owned(),
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
        let name = self.moves.name.bytes().map(u64::from).sum();
        let values = self.moves.values(&mut Chance::of(&[self.seed, name, u64::from(number)]));
        let (plan, pods) = (plan(Comparison::BeforeAfter, WATCH, 1, 1), pods(1));
        let metric = |value: f64, candidate: bool| {
            let pod = vec![PodIncrement {
                pod: pods[0].clone(),
                increment: Increment::Value { value: BYTES * value },
            }];
            let (candidate, baseline) = if candidate { (pod, Vec::new()) } else { (Vec::new(), pod) };
            MetricStep {
                candidate,
                baseline,
                ..MetricStep::default()
            }
        };
        let before: Vec<Step> = (0..DAY).map(|t| step(t, vec![metric(values[t], false)])).collect();
        // It reverts here, so that its verdict is the rollout's.
        let reverting = Metric {
            on_regression: OnRegression::Revert,
            ..memory()
        };
        let judged = Judged::by(JUDGE, vec![reverting], 1);
        let learnt = judged.learn(&plan, &before);
        let rollout = |(release, rollouts): &(Release, u32)| {
            let outcome = || {
                let value = |t: usize| release.rate(t, values[DAY + t]);
                let watch: Vec<Step> = (0..WATCH).map(|t| step(DAY + t, vec![metric(value(t), true)])).collect();
                judged.follow(&plan, &learnt, &watch)
            };
            vec![(number < *rollouts).then(outcome)]
        };
        self.releases.iter().map(rollout).collect()
    }
}
