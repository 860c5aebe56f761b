//! Latencies beside a baseline: how long requests take, in cumulative buckets (statistics.md, section 7).

use statrs::function::erf::erfc;

use super::{
    beside::{HOUR, STEP, WATCH},
    chance::Chance,
    release::{Change, MINUTE, Release},
};

/// The default buckets of client libraries, in seconds.
pub const BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, f64::INFINITY];

/// Each bound 1.2 times the one before, from 4 ms to 5 s: what is 20 % slower lies on the next bound.
pub const FINE: [f64; 41] = fine();

const fn fine() -> [f64; 41] {
    let mut bounds = [f64::INFINITY; 41];
    let (mut bound, mut index) = (0.004, 0);
    while index < 40 {
        bounds[index] = bound;
        bound *= 1.2;
        index += 1;
    }
    bounds
}

/// The resolution of native histograms: each bound 2^(1/8) = 1.09 times the one before. Client libraries begin there or finer.
pub const NATIVE_SCHEMA: i8 = 3;
/// The bucket that ends at the first of [`NATIVE`]: 2^(-80/8) s, about a millisecond.
pub const NATIVE_FIRST: i32 = -80;
/// From there to 16 s.
pub const NATIVE: [f64; 114] = native();

const fn native() -> [f64; 114] {
    const EIGHTH_OF_AN_OCTAVE: f64 = 1.090_507_732_665_257_7;
    let mut bounds = [f64::INFINITY; 114];
    let (mut bound, mut index) = (1.0 / 1_024.0, 0);
    while index < 113 {
        bounds[index] = bound;
        bound *= EIGHTH_OF_AN_OCTAVE;
        index += 1;
    }
    bounds
}

/// How latencies are spread: parts of `(share, median seconds, standard deviation of ln)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// As it is called in the tables.
    pub name: &'static str,
    /// The parts; their shares sum to 1.
    pub parts: &'static [(f64, f64, f64)],
    /// Upper bounds of the buckets.
    pub bounds: &'static [f64],
    /// Whether they are those of a native histogram: [`NATIVE`].
    pub native: bool,
    /// Standard deviation of the shared drift of ln(latency).
    pub drift: f64,
    /// Standard deviation of ln(latency) between pods, for good.
    pub pods: f64,
    /// Whether each new pod starts two steps after the one before, and is three times as slow in its first minute.
    pub cold: bool,
}

/// One hump, around 30 ms.
pub const LOG_NORMAL: Shape = Shape {
    name: "log-normal",
    parts: &[(1.0, 0.03, 0.8)],
    bounds: &BOUNDS,
    native: false,
    drift: 0.1,
    pods: 0.03,
    cold: false,
};

/// Two humps: 85 % around 12 ms from a cache, 15 % around 180 ms.
pub const BIMODAL: Shape = Shape {
    name: "bimodal",
    parts: &[(0.85, 0.012, 0.4), (0.15, 0.18, 0.5)],
    ..LOG_NORMAL
};

/// The same in finer buckets.
pub const LOG_NORMAL_FINE: Shape = Shape {
    name: "log-normal, fine buckets",
    bounds: &FINE,
    ..LOG_NORMAL
};

/// The same in finer buckets.
pub const BIMODAL_FINE: Shape = Shape {
    name: "bimodal, fine buckets",
    bounds: &FINE,
    ..BIMODAL
};

/// The same in native buckets.
pub const LOG_NORMAL_NATIVE: Shape = Shape {
    name: "log-normal, native buckets",
    bounds: &NATIVE,
    native: true,
    ..LOG_NORMAL
};

/// The same in native buckets.
pub const BIMODAL_NATIVE: Shape = Shape {
    name: "bimodal, native buckets",
    bounds: &NATIVE,
    native: true,
    ..BIMODAL
};

/// Log-normal, and new pods begin slowly.
pub const COLD: Shape = Shape {
    name: "cold",
    cold: true,
    ..LOG_NORMAL
};

const CANDIDATE: usize = 3;
const BASELINE: usize = 9;

/// Cumulative bucket counts of one pod in one step; none where it does not serve yet.
pub type Buckets = Option<Vec<u64>>;

/// One service, before anything is known of the release.
pub struct World {
    shape: Shape,
    name: Vec<u64>,
    /// Requests a step of one pod.
    mean: f64,
    /// Everybody's latency, of each step, and each pod's own, as factors.
    shared: Vec<f64>,
    lasting: Vec<f64>,
    old: Vec<Vec<Buckets>>,
}

/// Streams of chance within a rollout.
const SHAPE: u64 = 11;
const OLD: u64 = 12;
const NEW: u64 = 13;

impl World {
    /// The service of the rollout that `name` names, at `requests` a second over twelve pods.
    pub fn new(shape: Shape, requests: f64, name: &[u64]) -> Self {
        let mut chance = Chance::of(&[name, &[SHAPE]].concat());
        let shared = chance.drift(HOUR + WATCH).iter().map(|z| (shape.drift * z).exp()).collect();
        let lasting = (0..CANDIDATE + BASELINE)
            .map(|_| (shape.pods * chance.normal()).exp())
            .collect();
        let mut world = Self {
            shape,
            name: name.to_vec(),
            mean: requests * STEP / (CANDIDATE + BASELINE) as f64,
            shared,
            lasting,
            old: Vec::new(),
        };
        let mut chance = Chance::of(&[name, &[OLD]].concat());
        world.old = (0..HOUR + WATCH)
            .map(|t| {
                let pod = |pod: usize| Some(world.buckets(&mut chance, t, CANDIDATE + pod, Change::Slower(1.0)));
                (0..BASELINE).map(pod).collect()
            })
            .collect();
        world
    }

    /// The old pods in the hour before.
    pub fn before(&self) -> &[Vec<Buckets>] {
        &self.old[..HOUR]
    }

    /// The new pods and the old ones in the watch of `release`.
    pub fn watch(&self, release: &Release) -> Vec<[Vec<Buckets>; 2]> {
        let mut chance = Chance::of(&[&self.name[..], &[NEW, release.stream()]].concat());
        let mut step = |t: usize| {
            let new = (0..CANDIDATE).map(|pod| {
                let age = t.checked_sub(self.starts(pod))?;
                let change = match release.change {
                    Change::Slower(times) if self.shape.cold && age < MINUTE => Change::Slower(3.0 * times),
                    change => change,
                };
                Some(self.buckets(&mut chance, HOUR + t, pod, change))
            });
            [new.collect(), self.old[HOUR + t].clone()]
        };
        (0..WATCH).map(&mut step).collect()
    }

    /// The step in which a new pod starts.
    pub const fn starts(&self, pod: usize) -> usize {
        if self.shape.cold { 2 * pod } else { 0 }
    }

    fn buckets(&self, chance: &mut Chance, t: usize, pod: usize, change: Change) -> Vec<u64> {
        let usual = self.shared[t] * self.lasting[pod];
        let total = chance.poisson(self.mean);
        let (mut left, mut below, mut cumulative) = (total, 0.0, 0);
        let mut counts = Vec::with_capacity(self.shape.bounds.len());
        for bound in self.shape.bounds.iter().copied() {
            let share = self.below(bound / usual, change);
            let part = (share - below) / (1.0 - below).max(f64::MIN_POSITIVE);
            let inside = if bound.is_infinite() {
                left
            } else {
                chance.binomial(left, part)
            };
            (left, below) = (left - inside, share);
            cumulative += inside;
            counts.push(cumulative);
        }
        counts
    }

    /// The share of requests that take at most so long.
    fn below(&self, seconds: f64, change: Change) -> f64 {
        let within = |seconds: f64| -> f64 {
            let part = |(share, median, spread): &(f64, f64, f64)| share * normal_below((seconds / median).ln() / spread);
            self.shape.parts.iter().map(part).sum()
        };
        match change {
            Change::Slower(times) => within(seconds / times),
            Change::SomeSlower => 0.99 * within(seconds) + 0.01 * within(seconds / 5.0),
            Change::Times(_) | Change::Share(_) => within(seconds),
        }
    }
}

/// The normal distribution function.
fn normal_below(z: f64) -> f64 {
    erfc(-z / std::f64::consts::SQRT_2) / 2.0
}
