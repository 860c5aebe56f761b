//! All metrics of a policy together: errors, timeouts that share the errors' drift and outages, and latency; equal weights.

use lastgood::{judge::Comparison, words::Step};

use super::{Place, Scenario, latency::before};
use crate::simulation::{
    beside::{HOUR, Service, WATCH, World},
    judged::{Judged, Outcome, latency, latency_step, plan, pods, ratio, ratio_step, step},
    latency::{LOG_NORMAL, World as Latencies},
    noise::Noise,
    release::Release,
};

/// Releases that change the errors, judged by three metrics.
pub struct Together {
    /// The seed of all chance.
    pub seed: u64,
    /// The noise of the ratios.
    pub noise: Noise,
    /// What is shipped, how often.
    pub releases: Vec<(Release, u32)>,
}

/// The judge's name in the tables.
pub const THREE: &str = "three metrics, tolerance 1";
const ERRORS: Service = Service {
    requests: 200.0,
    bad: 0.005,
};
const TIMEOUTS: Service = Service { bad: 0.001, ..ERRORS };

impl Scenario for Together {
    fn place(&self) -> Place {
        Place {
            kind: "three metrics",
            world: self.noise.name.to_owned(),
            requests: ERRORS.requests,
            bad: ERRORS.bad,
        }
    }

    fn releases(&self) -> &[(Release, u32)] {
        &self.releases
    }

    fn judges(&self) -> Vec<String> {
        vec![THREE.to_owned()]
    }

    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>> {
        let name = [self.seed, self.noise.drift.to_bits(), u64::from(number)];
        let errors = World::new(&self.noise, ERRORS, &name, 0);
        let timeouts = World::new(&self.noise, TIMEOUTS, &name, 1);
        let latencies = Latencies::new(LOG_NORMAL, ERRORS.requests, &name);
        let new = self.noise.fleet.candidate;
        let (plan, pods) = (
            plan(Comparison::Concurrent, WATCH, new, self.noise.fleet.baseline),
            pods(self.noise.shares().len()),
        );
        let history: Vec<Step> = errors
            .before()
            .iter()
            .zip(timeouts.before())
            .zip(before(&LOG_NORMAL, &latencies))
            .enumerate()
            .map(|(t, ((errors, timeouts), latency))| {
                let ratio = |counts: &[[u64; 2]]| ratio_step(counts, 0, &pods[new..]);
                step(t, vec![ratio(errors), ratio(timeouts), latency])
            })
            .collect();
        let metrics = vec![ratio("errors", 1.0, 0.0), ratio("timeouts", 1.0, 0.0), latency()];
        let judged = Judged::by(THREE, metrics, 1);
        let learnt = judged.learn(&plan, &history);
        let usual = latencies.watch(&Release::slower(1.0));
        let rollout = |(release, rollouts): &(Release, u32)| {
            if number >= *rollouts {
                return vec![None];
            }
            let watch: Vec<Step> = errors
                .watch(release)
                .iter()
                .zip(timeouts.watch(&Release::times(1.0)))
                .zip(&usual)
                .enumerate()
                .map(|(t, ((errors, timeouts), [young, old]))| {
                    let latency = latency_step(&LOG_NORMAL, young, old, &pods);
                    step(
                        HOUR + t,
                        vec![ratio_step(errors, new, &pods), ratio_step(&timeouts, new, &pods), latency],
                    )
                })
                .collect();
            vec![Some(judged.follow(&plan, &learnt, &watch))]
        };
        self.releases.iter().map(rollout).collect()
    }
}
