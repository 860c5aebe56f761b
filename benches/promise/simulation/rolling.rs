//! A rolling update: a day of the old pods, then new ones take their places one by one, until the old version has gone in mid-watch
//! (statistics.md, section 8: `auto`).

use super::{
    alone::{Course, DAY, Time},
    beside::{Counts, STEP, Service, WATCH},
    chance::Chance,
    release::Release,
};

/// Pods of either version when it serves alone.
pub const PODS: usize = 12;

/// One service, before anything is known of the release.
pub struct World {
    time: Time,
    name: Vec<u64>,
    /// The first step in which no old pod serves.
    gone: usize,
    course: Course,
    /// Requests a step of one pod, at the usual load.
    mean: f64,
    /// Each pod's own factor of the bad rate, for good: the new ones' first.
    lasting: Vec<f64>,
    old: Counts,
}

/// Streams of chance within a rollout.
const SHAPE: u64 = 21;
const OLD: u64 = 22;
const NEW: u64 = 23;

/// Standard deviation of ln(rate) between pods, for good: as beside a baseline.
const fn spread(time: Time) -> f64 {
    match time {
        Time::Flat => 0.0,
        Time::Nasty => 0.25,
        _ => 0.1,
    }
}

impl World {
    /// The service of the rollout that `name` names; its old version has gone at step `gone` of the watch.
    pub fn new(time: Time, service: Service, gone: usize, name: &[u64]) -> Self {
        let mut chance = Chance::of(&[name, &[SHAPE]].concat());
        let course = time.course(service.bad, WATCH, &mut chance);
        let lasting = (0..2 * PODS).map(|_| (spread(time) * chance.normal()).exp()).collect();
        let mut world = Self {
            time,
            name: name.to_vec(),
            gone,
            course,
            mean: service.requests * STEP / PODS as f64,
            lasting,
            old: Vec::new(),
        };
        let mut chance = Chance::of(&[name, &[OLD]].concat());
        world.old = (0..DAY + gone)
            .map(|t| {
                let replaced = t.checked_sub(DAY).map_or(0, |t| world.new_pods(t));
                (replaced..PODS)
                    .map(|pod| world.count(&mut chance, t, PODS + pod, None))
                    .collect()
            })
            .collect();
        world
    }

    /// How many new pods serve at a step of the watch: each in the place of an old one, at least one of either until the old have gone.
    pub fn new_pods(&self, t: usize) -> usize {
        if t >= self.gone {
            PODS
        } else {
            (PODS * (t + 1) / (self.gone + 1)).clamp(1, PODS - 1)
        }
    }

    /// The old pods in the day before.
    pub fn before(&self) -> &[Vec<[u64; 2]>] {
        &self.old[..DAY]
    }

    /// The pods that serve in each step of the watch of `release`: the new ones, then those that are left of the old.
    pub fn watch(&self, release: &Release) -> Counts {
        let mut chance = Chance::of(&[&self.name[..], &[NEW, release.stream()]].concat());
        let mut step = |t: usize| -> Vec<[u64; 2]> {
            let new = (0..self.new_pods(t)).map(|pod| self.count(&mut chance, DAY + t, pod, Some((t, release))));
            new.chain(self.old.get(DAY + t).into_iter().flatten().copied()).collect()
        };
        (0..WATCH).map(&mut step).collect()
    }

    fn count(&self, chance: &mut Chance, t: usize, pod: usize, release: Option<(usize, &Release)>) -> [u64; 2] {
        let total = chance.poisson(self.mean * self.course.load[t]);
        let usual = self.course.rates[t] * self.lasting[pod];
        let rate = release.map_or(usual, |(step, release)| release.rate(step, usual));
        if release.is_some_and(|(_, release)| release.outright()) {
            return [chance.binomial(total, rate), total];
        }
        chance.bad(total, rate, self.time.clusters())
    }
}
