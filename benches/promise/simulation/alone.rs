//! A rollout with nothing beside it: a day of history, then two hours of watch, one instance (statistics.md, section 8).
//! What the service's rate and load do in time is also that of a rolling update.

use std::f64::consts::TAU;

use super::{
    beside::{STEP, Service},
    chance::{Chance, log_normal},
    release::Release,
};

/// Steps of history and watch.
pub const DAY: usize = 5_760;
pub const WATCH: usize = 480;
/// Steps of an outage, and how many times as much fails in it.
pub const OUTAGE: usize = 4;
pub const TWENTYFOLD: f64 = 20.0;

/// What the service's rate does in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Nothing.
    Flat,
    /// Drift of 0.3, a shared one-minute twentyfold outage a day.
    Real,
    /// Drift of 0.5, four outages a day, dispersion 4.
    Nasty,
    /// The curve of a day.
    Daily,
    /// Three minutes an hour at four times the rate.
    HourlyJob,
    /// Twice the rate from a random moment of the watch on, and not the release's fault.
    Step,
}

impl Time {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 6] = [Self::Flat, Self::Real, Self::Nasty, Self::Daily, Self::HourlyJob, Self::Step];

    /// As it is called in the tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Real => "real",
            Self::Nasty => "nasty",
            Self::Daily => "daily",
            Self::HourlyJob => "hourly job",
            Self::Step => "a step during the watch",
        }
    }

    const fn drift(self) -> f64 {
        match self {
            Self::Real => 0.3,
            Self::Nasty => 0.5,
            _ => 0.0,
        }
    }

    /// One-minute twentyfold outages.
    pub const fn outages_a_day(self) -> f64 {
        match self {
            Self::Real => 1.0,
            Self::Nasty => 4.0,
            _ => 0.0,
        }
    }

    /// Variance of counts over that of independent requests.
    pub const fn clusters(self) -> f64 {
        match self {
            Self::Flat => 1.0,
            Self::Nasty => 4.0,
            _ => 1.5,
        }
    }

    /// What a service does through a day of history and `watch` steps more.
    pub fn course(self, bad: f64, watch: usize, chance: &mut Chance) -> Course {
        let steps = DAY + watch;
        let begins = chance.uniform() * 86_400.0;
        let change = DAY as f64 * STEP + chance.uniform() * watch as f64 * STEP;
        let mut rates: Vec<f64> = chance.drift(steps);
        for (t, rate) in rates.iter_mut().enumerate() {
            let seconds = t as f64 * STEP;
            let shape = match self {
                Self::Daily => (0.5 * (TAU * (seconds + begins) / 86_400.0).sin()).exp(),
                Self::HourlyJob if (seconds + begins) % 3_600.0 < 180.0 => 4.0,
                Self::Step if seconds > change => 2.0,
                _ => 1.0,
            };
            *rate = bad * shape * log_normal(self.drift(), *rate);
        }
        let outages = chance.poisson(steps as f64 / DAY as f64 * self.outages_a_day());
        for _ in 0..outages {
            let start = chance.below(steps - OUTAGE);
            rates[start..start + OUTAGE].iter_mut().for_each(|rate| *rate *= TWENTYFOLD);
        }
        let load = |t: usize| (0.4 * (TAU * (t as f64 * STEP + begins) / 86_400.0).sin()).exp();
        Course {
            rates,
            load: (0..steps).map(load).collect(),
        }
    }
}

/// What one service does in time.
pub struct Course {
    /// Its bad rate at each step.
    pub rates: Vec<f64>,
    /// Its load, as a multiple of the usual one.
    pub load: Vec<f64>,
}

/// One service in time, before anything is known of the release.
pub struct World {
    time: Time,
    name: Vec<u64>,
    requests: Vec<u64>,
    rates: Vec<f64>,
}

/// Streams of chance within a rollout.
const SHAPE: u64 = 1;
const OLD: u64 = 2;
const NEW: u64 = 3;

impl World {
    /// The service of the rollout that `name` names.
    pub fn new(time: Time, service: Service, name: &[u64]) -> Self {
        let mut chance = Chance::of(&[name, &[SHAPE]].concat());
        let Course { rates, load } = time.course(service.bad, WATCH, &mut chance);
        let requests = load
            .iter()
            .map(|load| chance.poisson(service.requests * STEP * load))
            .collect();
        Self {
            time,
            name: name.to_vec(),
            requests,
            rates,
        }
    }

    /// `[bad, total]` of each step of the day before.
    pub fn before(&self) -> Vec<[u64; 2]> {
        let mut chance = Chance::of(&[&self.name[..], &[OLD]].concat());
        (0..DAY)
            .map(|t| chance.bad(self.requests[t], self.rates[t], self.time.clusters()))
            .collect()
    }

    /// `[bad, total]` of each step of the watch of `release`.
    pub fn watch(&self, release: &Release) -> Vec<[u64; 2]> {
        let mut chance = Chance::of(&[&self.name[..], &[NEW, release.stream()]].concat());
        let mut step = |t: usize| {
            let (total, rate) = (self.requests[DAY + t], release.rate(t, self.rates[DAY + t]));
            let clusters = if release.outright() { 1.0 } else { self.time.clusters() };
            chance.bad(total, rate, clusters)
        };
        (0..WATCH).map(&mut step).collect()
    }
}
