//! A rollout beside a baseline: an hour of the old pods, then half an hour of both (statistics.md, section 12).

use std::f64::consts::TAU;

use super::{
    chance::{Chance, log_normal},
    noise::{Also, Noise},
    release::Release,
};

/// Steps of the hour before, and of the watch; 15 s each.
pub const HOUR: usize = 240;
pub const WATCH: usize = 120;
/// Seconds a step.
pub const STEP: f64 = 15.0;

/// What a service does when nothing is shipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Service {
    /// Requests a second, both arms together.
    pub requests: f64,
    /// The share that fails.
    pub bad: f64,
}

/// `[bad, total]` of each pod in each step.
pub type Counts = Vec<Vec<[u64; 2]>>;

/// One service in one noise, before anything is known of the release.
pub struct World<'a> {
    noise: &'a Noise,
    name: Vec<u64>,
    shares: Vec<f64>,
    /// Requests of each pod in each step of the hour before and the watch.
    requests: Vec<Vec<u64>>,
    /// The rate at which they would fail, and whether there is an outage.
    rates: Vec<Vec<f64>>,
    outage: Vec<bool>,
    /// What the old pods do, whatever is shipped, in the hour before and the watch.
    old: Counts,
}

/// Streams of chance within a rollout.
const SHAPE: u64 = 1;
const OLD: u64 = 2;
const NEW: u64 = 3;
const RETRY: u64 = 4;

impl<'a> World<'a> {
    /// The service of the rollout that `name` names; `metric` tells apart what differs between metrics of one service.
    pub fn new(noise: &'a Noise, service: Service, name: &[u64], metric: u64) -> Self {
        let mut chance = Chance::of(&[name, &[SHAPE]].concat());
        let shares = noise.shares();
        let day = Day::new(noise, &mut chance);
        let load = load(&mut chance);
        let requests = load
            .iter()
            .enumerate()
            .map(|(t, load)| {
                let mean = service.requests * STEP * load * day.load(t);
                shares.iter().map(|share| chance.poisson(mean * share)).collect()
            })
            .collect();
        let outage = outages(noise, &mut chance);
        let rates = rates(noise, service.bad, &day, &outage, &mut chance);
        let mut world = Self {
            noise,
            name: [name, &[metric]].concat(),
            shares,
            requests,
            rates,
            outage,
            old: Vec::new(),
        };
        let mut chance = world.stream(OLD, 0);
        world.old = (0..HOUR + WATCH)
            .map(|t| {
                (noise.fleet.candidate..world.shares.len())
                    .map(|pod| world.count(&mut chance, t, pod, None))
                    .collect()
            })
            .collect();
        if noise.also == Also::Retries {
            let mut chance = world.stream(RETRY, 0);
            let alone = world.shares[noise.fleet.candidate..].to_vec();
            for t in 0..HOUR {
                retried(&mut world.old[t], world.outage[t], &alone, &mut chance);
            }
        }
        world
    }

    fn stream(&self, part: u64, release: u64) -> Chance {
        Chance::of(&[&self.name[..], &[part, release]].concat())
    }

    /// The old pods in the hour before.
    pub fn before(&self) -> &[Vec<[u64; 2]>] {
        &self.old[..HOUR]
    }

    /// All pods in the watch of `release`, the candidate's first.
    pub fn watch(&self, release: &Release) -> Counts {
        let mut chance = self.stream(NEW, release.stream());
        let mut retry = self.stream(RETRY, release.stream());
        let step = |t: usize| {
            let new = (0..self.noise.fleet.candidate).map(|pod| self.count(&mut chance, HOUR + t, pod, Some((t, release))));
            let mut pods: Vec<[u64; 2]> = new.chain(self.old[HOUR + t].iter().copied()).collect();
            if self.noise.also == Also::Retries {
                retried(&mut pods, self.outage[HOUR + t], &self.shares, &mut retry);
            }
            pods
        };
        (0..WATCH).map(step).collect()
    }

    fn count(&self, chance: &mut Chance, t: usize, pod: usize, release: Option<(usize, &Release)>) -> [u64; 2] {
        let (total, usual) = (self.requests[t][pod], self.rates[t][pod]);
        let rate = release.map_or(usual, |(step, release)| release.rate(step, usual));
        if release.is_some_and(|(_, release)| release.outright()) {
            return [chance.binomial(total, rate), total];
        }
        let [bad, total] = chance.bad(total, rate, self.noise.clusters);
        if self.noise.also == Also::Counts && self.outage[t] {
            return [chance.poisson(bad as f64 * 20.0).min(total), total];
        }
        [bad, total]
    }
}

/// ln(load) walks about at random; it is as usual when the watch begins.
fn load(chance: &mut Chance) -> Vec<f64> {
    let mut at = 0.0;
    let walk: Vec<f64> = (0..HOUR + WATCH)
        .map(|_| {
            at += 0.02 * chance.normal();
            at
        })
        .collect();
    walk.iter().map(|ln| (ln - walk[HOUR]).exp()).collect()
}

/// Where there is an outage: at most one in the hour before and one in the watch.
fn outages(noise: &Noise, chance: &mut Chance) -> Vec<bool> {
    let mut steps = vec![false; HOUR + WATCH];
    for (from, length) in [(0, HOUR), (HOUR, WATCH)] {
        if chance.happens(noise.outages) {
            let start = from + chance.below(length - noise.outage());
            steps[start..start + noise.outage()].fill(true);
        }
    }
    steps
}

fn rates(noise: &Noise, bad: f64, day: &Day, outage: &[bool], chance: &mut Chance) -> Vec<Vec<f64>> {
    let pods = noise.shares().len();
    let shared = chance.drift(outage.len());
    let lasting: Vec<f64> = (0..pods).map(|_| (noise.pods * chance.normal()).exp()).collect();
    let own: Vec<Vec<f64>> = if noise.own > 0.0 {
        (0..pods).map(|_| chance.drift(outage.len())).collect()
    } else {
        Vec::new()
    };
    let mut rate = |t: usize, pod: usize| {
        let mut rate = bad * log_normal(noise.drift, shared[t]) * lasting[pod] * day.rate(t);
        rate *= own.get(pod).map_or(1.0, |own| log_normal(noise.own, own[t]));
        if noise.also == Also::Step && t >= HOUR + WATCH / 2 {
            rate *= 3.0;
        }
        match (outage[t], noise.also) {
            (false, _) | (true, Also::Counts) => rate,
            (true, Also::Clumped) => rate * 20.0 * log_normal(1.0, chance.normal()),
            (true, _) => rate * 20.0,
        }
    };
    (0..outage.len())
        .map(|t| (0..pods).map(|pod| rate(t, pod)).collect())
        .collect()
}

/// Retries of one step (statistics.md, section 12), on any of these pods.
fn retried(pods: &mut [[u64; 2]], storm: bool, shares: &[f64], chance: &mut Chance) {
    let again = if storm { 0.9 } else { 0.3 };
    let mut failed: Vec<u64> = pods.iter().map(|[bad, _]| *bad).collect();
    let whole: f64 = shares.iter().sum();
    for _ in 0..3 {
        let retries: Vec<u64> = failed.iter().map(|failed| chance.binomial(*failed, 0.9)).collect();
        let stay: Vec<u64> = retries.iter().map(|retries| chance.binomial(*retries, 0.5)).collect();
        let elsewhere = (retries.iter().sum::<u64>() - stay.iter().sum::<u64>()) as f64;
        for (pod, counts) in pods.iter_mut().enumerate() {
            let retries = stay[pod] + chance.poisson(elsewhere * shares[pod] / whole);
            failed[pod] = chance.binomial(retries, again);
            counts[0] += failed[pod];
            counts[1] += retries;
        }
    }
}

/// The curve of a day, from a random hour on; flat where the noise has none.
struct Day {
    begins: f64,
    curved: bool,
}

impl Day {
    fn new(noise: &Noise, chance: &mut Chance) -> Self {
        Self {
            begins: chance.uniform(),
            curved: noise.also == Also::Daily,
        }
    }

    fn wave(&self, t: usize) -> f64 {
        if self.curved {
            (TAU * (self.begins + t as f64 * STEP / 86_400.0)).sin()
        } else {
            0.0
        }
    }

    fn load(&self, t: usize) -> f64 {
        (0.4 * self.wave(t)).exp()
    }

    fn rate(&self, t: usize) -> f64 {
        (0.5 * self.wave(t)).exp()
    }
}
