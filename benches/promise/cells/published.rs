//! What docs/promise.md is made of: every scenario with its releases and how many rollouts each gets, the dearest first.

use super::{
    Scenario,
    alone::Alone,
    auto::{self, Auto},
    beside::Beside,
    latency::Latency,
    objective::{self, Objective},
    together::Together,
    value::{self, Value},
    value_beside::{self, ValueBeside},
};
use crate::simulation::{
    alone::Time,
    beside::Service,
    latency::{BIMODAL, BIMODAL_FINE, BIMODAL_NATIVE, COLD, LOG_NORMAL, LOG_NORMAL_FINE, LOG_NORMAL_NATIVE, Shape},
    noise::{ALL, CALM, FEW_REAL, NASTY, Noise, REAL},
    release::{Change, Release},
};

/// The service of section 12's table.
pub const HEADLINE: Service = Service {
    requests: 200.0,
    bad: 0.005,
};
/// Requests a second, base shares of errors, and how many times worse.
pub const REQUESTS: [f64; 4] = [2.0, 20.0, 200.0, 5_000.0];
pub const BAD: [f64; 3] = [0.000_5, 0.005, 0.05];
pub const THETAS: [f64; 9] = [0.5, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0];
/// Minutes at which late regressions begin, and how bad they are.
pub const ONSETS: [usize; 2] = [10, 20];
pub const LATE: [f64; 7] = [1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0];
/// Shares of outright failures.
pub const FAILING: [f64; 2] = [0.5, 1.0];
/// How many times slower.
pub const SLOWER: [f64; 6] = [1.0, 1.1, 1.2, 1.5, 2.0, 5.0];
/// How many times as much of a value that is no count.
pub const VALUES: [f64; 5] = [1.0, 1.3, 1.5, 2.0, 3.0];
/// Noises in which every theta is shipped to every service.
pub const EVERYWHERE: [Noise; 4] = [CALM, REAL, NASTY, FEW_REAL];
/// How many times as many failures as an objective allows.
pub const OF_ALLOWED: [f64; 7] = [0.5, 0.8, 1.0, 2.0, 3.0, 5.0, 10.0];
/// Latencies that are counted in native histograms.
pub const NATIVE: [Shape; 2] = [LOG_NORMAL_NATIVE, BIMODAL_NATIVE];
/// Release in which 1 % of requests take five times as long.
pub const SOME_SLOWER: Release = Release {
    change: Change::SomeSlower,
    onset: 0,
};

/// How many rollouts.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub f64);

impl Size {
    /// So many of the full tier's `rollouts`.
    pub fn of(self, rollouts: u32) -> u32 {
        ((f64::from(rollouts) * self.0).round() as u32).max(2)
    }
}

/// All scenarios.
pub fn all(seed: u64, size: Size) -> Vec<Box<dyn Scenario>> {
    let mut all: Vec<Box<dyn Scenario>> = Vec::new();
    for time in Time::ALL {
        all.push(Box::new(alone(seed, size, time)));
    }
    for moves in value::ALL {
        all.push(Box::new(Value {
            seed,
            moves,
            releases: VALUES.iter().map(|times| (Release::times(*times), size.of(2_000))).collect(),
        }));
    }
    for pods in value_beside::ALL {
        all.push(Box::new(ValueBeside {
            seed,
            pods,
            releases: value_beside::TIMES
                .iter()
                .map(|times| (Release::times(*times), size.of(2_000)))
                .collect(),
        }));
    }
    for shape in [LOG_NORMAL_FINE, BIMODAL_FINE, LOG_NORMAL, BIMODAL, COLD] {
        all.push(Box::new(latency(seed, size, shape)));
    }
    for noise in [REAL, NASTY] {
        all.push(Box::new(Together {
            seed,
            noise,
            releases: vec![
                (Release::times(1.0), size.of(3_000)),
                (Release::times(3.0), size.of(300)),
                (Release::late(3.0, 10), size.of(300)),
            ],
        }));
    }
    for noise in ALL {
        all.push(Box::new(headline(seed, size, noise)));
    }
    for noise in ALL {
        for service in elsewhere() {
            all.push(Box::new(grid(seed, size, noise, service)));
        }
    }
    for time in auto::TIMES {
        for gone in auto::GONE {
            all.push(Box::new(gone_in_mid_watch(seed, size, time, gone)));
        }
    }
    for time in objective::TIMES {
        all.push(Box::new(against_objective(seed, size, time)));
    }
    for shape in NATIVE {
        all.push(Box::new(latency(seed, size, shape)));
    }
    all
}

/// All services but the headline's.
pub fn elsewhere() -> impl Iterator<Item = Service> {
    services().filter(|service| *service != HEADLINE)
}

/// All services.
pub fn services() -> impl Iterator<Item = Service> {
    let of = |requests: f64| BAD.into_iter().map(move |bad| Service { requests, bad });
    REQUESTS.into_iter().flat_map(of)
}

fn headline(seed: u64, size: Size, noise: Noise) -> Beside {
    let often = |theta: f64| size.of(if theta == 1.0 { 10_000 } else { 2_000 });
    let mut releases: Vec<(Release, u32)> = THETAS.iter().map(|theta| (Release::times(*theta), often(*theta))).collect();
    for minute in ONSETS {
        releases.extend(LATE.iter().map(|theta| (Release::late(*theta, minute), size.of(1_000))));
    }
    releases.extend(FAILING.iter().map(|share| (Release::failing(*share), size.of(1_000))));
    Beside {
        seed,
        noise,
        service: HEADLINE,
        releases,
        in_full: true,
        peers: size.of(1_000),
    }
}

fn grid(seed: u64, size: Size, noise: Noise, service: Service) -> Beside {
    let mut releases = vec![(Release::times(1.0), size.of(2_000)), (Release::times(2.0), size.of(400))];
    releases.extend(FAILING.iter().map(|share| (Release::failing(*share), size.of(200))));
    if EVERYWHERE.contains(&noise) {
        let others = THETAS.iter().filter(|theta| **theta != 1.0 && **theta != 2.0);
        releases.extend(others.map(|theta| (Release::times(*theta), size.of(300))));
        for minute in ONSETS {
            releases.extend([2.0, 3.0, 5.0].map(|theta| (Release::late(theta, minute), size.of(300))));
        }
    }
    Beside {
        seed,
        noise,
        service,
        releases,
        in_full: false,
        peers: 0,
    }
}

fn alone(seed: u64, size: Size, time: Time) -> Alone {
    let mut releases = vec![(Release::times(1.0), size.of(3_000))];
    releases.extend([2.0, 3.0, 5.0, 10.0].map(|theta| (Release::times(theta), size.of(400))));
    releases.extend(FAILING.iter().map(|share| (Release::failing(*share), size.of(200))));
    releases.push((Release::late(3.0, 30), size.of(200)));
    Alone { seed, time, releases }
}

fn gone_in_mid_watch(seed: u64, size: Size, time: Time, gone: usize) -> Auto {
    let mut releases = vec![(Release::times(1.0), size.of(3_000))];
    releases.extend([2.0, 3.0, 5.0, 10.0].map(|theta| (Release::times(theta), size.of(400))));
    releases.extend(FAILING.iter().map(|share| (Release::failing(*share), size.of(200))));
    Auto {
        seed,
        time,
        gone,
        releases,
    }
}

fn against_objective(seed: u64, size: Size, time: Time) -> Objective {
    let often = |times: f64| size.of(if times > 1.0 { 400 } else { 3_000 });
    let mut releases: Vec<(Release, u32)> = OF_ALLOWED
        .iter()
        .map(|times| (Release::times(*times), often(*times)))
        .collect();
    releases.extend(FAILING.iter().map(|share| (Release::failing(*share), size.of(200))));
    Objective { seed, time, releases }
}

fn latency(seed: u64, size: Size, shape: Shape) -> Latency {
    let often = |times: f64| size.of(if times == 1.0 || times == 1.2 { 2_000 } else { 300 });
    let mut releases: Vec<(Release, u32)> = SLOWER.iter().map(|times| (Release::slower(*times), often(*times))).collect();
    releases.push((SOME_SLOWER, size.of(300)));
    Latency { seed, shape, releases }
}
