//! Rollouts of one release, and how many may go wrong by chance before it is no chance.

use lastgood::{judge::Comparison, words::Step};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::simulation::{
    beside::{HOUR, Service, WATCH, World},
    judged::{Judged, Outcome, plan, pods, ratio_steps},
    noise::Noise,
    release::Release,
    tally::Tally,
};

/// 200 requests a second, 0.5 % errors.
pub const SERVICE: Service = Service {
    requests: 200.0,
    bad: 0.005,
};

/// So rarely does a judge that keeps its promise fail one of these tests.
const RARE: f64 = 1e-6;

/// More of `of` rollouts than this are practically never wrong where each is with a chance of `promised`.
pub fn most(of: u32, promised: f64) -> u32 {
    let law = Binomial::new(promised, u64::from(of)).expect("a share");
    (0..of).find(|count| law.sf(u64::from(*count)) < RARE).unwrap_or(of)
}

/// Fewer of `of` rollouts than this are practically never right where each is with a chance of `promised`.
pub fn least(of: u32, promised: f64) -> u32 {
    of - most(of, 1.0 - promised)
}

/// One rollout beside a baseline: the hour before, and the watch.
pub fn rollout(noise: &Noise, service: Service, release: &Release, number: u32) -> [Vec<Step>; 2] {
    let new = noise.fleet.candidate;
    let world = World::new(noise, service, &[77, u64::from(number)], 0);
    let pods = pods(new + noise.fleet.baseline);
    [
        ratio_steps(world.before(), 0, &pods[new..], 0),
        ratio_steps(&world.watch(release), new, &pods, HOUR),
    ]
}

/// What came of so many rollouts, judged with the history that `history` makes of each.
pub fn tally(
    noise: &Noise,
    release: Release,
    rollouts: u32,
    judged: &Judged,
    history: impl Fn(u32, Vec<Step>) -> Vec<Step> + Sync,
) -> Tally {
    let plan = plan(Comparison::Concurrent, WATCH, noise.fleet.candidate, noise.fleet.baseline);
    let outcome = |number: u32| -> Outcome {
        let [before, watch] = rollout(noise, SERVICE, &release, number);
        let learnt = judged.learn(&plan, &history(number, before));
        judged.follow(&plan, &learnt, &watch)
    };
    let mut tally = Tally::default();
    (0..rollouts).for_each(|number| tally.add(outcome(number), release.onset));
    tally
}

/// The same, judged by the strict policy with the hour before as it was.
pub fn strict(noise: &Noise, release: Release, rollouts: u32) -> Tally {
    tally(noise, release, rollouts, &Judged::strict(), |_, before| before)
}
