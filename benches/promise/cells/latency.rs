//! Releases that are slower, beside a baseline, by a histogram: classic buckets, as client libraries have them by default or finer, or native ones.

use lastgood::{
    judge::Comparison,
    words::{MetricStep, Step},
};

use super::{Place, Scenario};
use crate::simulation::{
    beside::{HOUR, WATCH},
    judged::{Judged, Outcome, latency, latency_step, plan, pods, step},
    latency::{Shape, World},
    release::{MINUTE, Release},
};

/// Releases of one service.
pub struct Latency {
    /// The seed of all chance.
    pub seed: u64,
    /// How its latencies are spread.
    pub shape: Shape,
    /// What is shipped, how often.
    pub releases: Vec<(Release, u32)>,
}

/// Requests a second.
pub const REQUESTS: f64 = 200.0;
/// The judges: pods' first minute left out, and, where they are slow in it, counted.
pub const DEFAULTS: &str = "latency, the defaults";
pub const NO_WARMUP: &str = "latency, warmup: 0s";
/// What is compared: histograms with bounds that somebody chose, and native ones.
pub const CLASSIC: &str = "latency";
pub const NATIVE: &str = "native";
/// New pods, and all.
pub const CANDIDATE: usize = 3;
pub const PODS: usize = 12;

impl Latency {
    fn warmups(&self) -> &'static [(&'static str, usize)] {
        if self.shape.cold {
            &[(DEFAULTS, MINUTE), (NO_WARMUP, 0)]
        } else {
            &[(DEFAULTS, 0)]
        }
    }

    /// The metric in every step of the watch, without what the pods do in their first `warmup` steps.
    fn watch(&self, world: &World, release: &Release, warmup: usize) -> Vec<MetricStep> {
        let pods = pods(PODS);
        let warm = |t: usize, pod: usize| t >= world.starts(pod) + warmup;
        let counted = |(t, [mut new, old]): (usize, [Vec<_>; 2])| {
            let cold = new.iter_mut().enumerate().filter(|(pod, _)| !warm(t, *pod));
            cold.for_each(|(_, buckets)| *buckets = None);
            latency_step(&self.shape, &new, &old, &pods)
        };
        world.watch(release).into_iter().enumerate().map(counted).collect()
    }
}

/// The metric in every step of the hour before.
pub fn before(shape: &Shape, world: &World) -> Vec<MetricStep> {
    let pods = pods(PODS);
    world
        .before()
        .iter()
        .map(|old| latency_step(shape, &[], old, &pods[CANDIDATE..]))
        .collect()
}

impl Scenario for Latency {
    fn place(&self) -> Place {
        Place {
            kind: if self.shape.native { NATIVE } else { CLASSIC },
            world: self.shape.name.to_owned(),
            requests: REQUESTS,
            bad: 0.0,
        }
    }

    fn releases(&self) -> &[(Release, u32)] {
        &self.releases
    }

    fn judges(&self) -> Vec<String> {
        self.warmups().iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>> {
        let name = self.shape.name.bytes().map(u64::from).sum();
        let world = World::new(self.shape, REQUESTS, &[self.seed, name, u64::from(number)]);
        let plan = plan(Comparison::Concurrent, WATCH, CANDIDATE, PODS - CANDIDATE);
        let steps = |from: usize, metrics: Vec<MetricStep>| -> Vec<Step> {
            let alone = |(t, metric)| step(from + t, vec![metric]);
            metrics.into_iter().enumerate().map(alone).collect()
        };
        let judged = Judged::by(DEFAULTS, vec![latency()], 5);
        let learnt = judged.learn(&plan, &steps(0, before(&self.shape, &world)));
        let rollout = |(release, rollouts): &(Release, u32)| {
            let outcome = |(_, warmup): &(&str, usize)| {
                (number < *rollouts).then(|| {
                    let watch = steps(HOUR, self.watch(&world, release, *warmup));
                    judged.follow(&plan, &learnt, &watch)
                })
            };
            self.warmups().iter().map(outcome).collect()
        };
        self.releases.iter().map(rollout).collect()
    }
}
