//! Each number that is promised, what was measured of it, and whether it was kept.

use super::cells::{Measured, percent, seconds};
use crate::{
    cells::{
        alone::HISTORIES,
        beside::{PAST_PODS, WITHOUT_HISTORY},
        latency,
        published::{HEADLINE, services},
        together::THREE,
        value,
    },
    simulation::{
        alone::Time,
        judged::STRICT,
        release::Release,
        tally::{Share, Tally},
    },
};

/// Whether a promise was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// What was measured is within it.
    Yes,
    /// What was measured is beyond it, by less than chance explains: the promise lies inside the interval.
    Within,
    /// Broken.
    No,
}

/// One promise.
#[derive(Debug, Clone)]
pub struct Promise {
    /// What is promised.
    pub promise: String,
    /// What was measured.
    pub measured: String,
    /// Whether it was kept.
    pub kept: Kept,
}

impl Kept {
    /// As it stands in the tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Within => "within chance",
            Self::No => "**no**",
        }
    }
}

/// A share with its interval: `0.4 % [0.2, 0.6] of 2000`.
pub fn with_interval(share: Share, miss: f64) -> String {
    let (low, high) = share.interval(miss);
    format!(
        "{} [{:.2}, {:.2}] of {}",
        percent(share.fraction()),
        low * 100.0,
        high * 100.0,
        share.of
    )
}

/// Intervals miss so often.
pub const MISS: f64 = 0.05;

pub fn at_most(promise: String, share: Share, limit: f64, miss: f64) -> Promise {
    let kept = match share {
        Share { of: 0, .. } => Kept::No,
        _ if share.fraction() <= limit => Kept::Yes,
        _ if share.interval(miss).0 <= limit => Kept::Within,
        _ => Kept::No,
    };
    Promise {
        promise: format!("{promise}: at most {}", percent(limit)),
        measured: with_interval(share, miss),
        kept,
    }
}

pub fn at_least(promise: String, share: Share, limit: f64) -> Promise {
    let kept = match share {
        Share { of: 0, .. } => Kept::No,
        _ if share.fraction() >= limit => Kept::Yes,
        _ if share.interval(MISS).1 >= limit => Kept::Within,
        _ => Kept::No,
    };
    let bound = if limit == 1.0 { String::new() } else { "at least ".to_owned() };
    Promise {
        promise: format!("{promise}: {bound}{}", percent(limit)),
        measured: with_interval(share, MISS),
        kept,
    }
}

/// A median, with the interval of its order statistics.
fn median(promise: String, time: impl Fn(f64) -> Option<f64>, count: u32, limit: f64) -> Promise {
    let reach = 0.98 / f64::from(count.max(1)).sqrt();
    let (low, middle, high) = (time((0.5 - reach).max(0.0)), time(0.5), time((0.5 + reach).min(1.0)));
    let kept = match (middle, low) {
        (Some(middle), _) if middle <= limit => Kept::Yes,
        (_, Some(low)) if low <= limit => Kept::Within,
        _ => Kept::No,
    };
    Promise {
        promise: format!("{promise}: median at most {limit:.0} s"),
        measured: format!("{} [{}, {}]", seconds(middle), seconds(low), seconds(high)),
        kept,
    }
}

fn found_within(promise: &str, tally: &Tally, limit: f64) -> Promise {
    median(promise.to_owned(), |part| tally.revert_time(part), tally.found().count, limit)
}

/// Noise, and the most false reverts that are promised at tolerance 1 without a floor.
pub const FALSE_REVERTS: [(&str, f64); 14] = [
    ("calm", 0.01),
    ("real", 0.01),
    ("few real", 0.01),
    ("retry storm", 0.01),
    ("uneven", 0.01),
    ("step", 0.01),
    ("daily", 0.01),
    ("own drift 0.2", 0.01),
    ("nasty", 0.015),
    ("few nasty", 0.015),
    ("own drift 0.4", 0.015),
    ("clumped outage", 0.025),
    ("real, counts x20", 0.025),
    ("nasty, counts x20", 0.025),
];

/// Latencies.
pub const SHAPES: [&str; 5] = [
    "cold",
    "log-normal",
    "log-normal, fine buckets",
    "bimodal",
    "bimodal, fine buckets",
];

/// Harmless releases that are reverted, where both versions run.
pub fn false_reverts(measured: &Measured) -> Vec<Promise> {
    let harmless = Release::times(1.0);
    let mut promises: Vec<Promise> = FALSE_REVERTS
        .iter()
        .map(|(world, limit)| {
            let share = measured.beside(world, HEADLINE, harmless, STRICT).gone();
            at_most(format!("*{world}*"), share, *limit, MISS)
        })
        .collect();
    for shape in SHAPES {
        let share = measured.latency(shape, Release::slower(1.0), latency::DEFAULTS).gone();
        promises.push(at_most(format!("*{shape}* latency"), share, 0.01, MISS));
    }
    for moves in value::ALL {
        for times in [1.0, 1.3] {
            let share = measured.value(moves.name, Release::times(times)).gone();
            let promise = format!("a value, *{}*, {times}× where 1.3× is tolerated", moves.name);
            promises.push(at_most(promise, share, 0.01, MISS));
        }
    }
    for (world, limit) in [("real", 0.01), ("nasty", 0.015)] {
        let share = measured.together(world, harmless, THREE).gone();
        let promise = format!("all three metrics of a policy together, *{world}*");
        promises.push(at_most(promise, share, limit, MISS));
    }
    let share = measured.beside("nasty", HEADLINE, harmless, WITHOUT_HISTORY).gone();
    promises.push(at_most("*nasty*, no history".to_owned(), share, 0.03, MISS));
    for (world, limit) in [("few real", 0.01), ("few nasty", 0.015)] {
        let share = measured.beside(world, HEADLINE, harmless, PAST_PODS).gone();
        promises.push(at_most(format!("*{world}*, twelve past pods"), share, limit, MISS));
    }
    promises
}

/// Harmless because the policy tolerates it: just 20 % slower.
pub fn just_tolerated(measured: &Measured) -> Vec<Promise> {
    let promise = |shape: &&str| {
        let share = measured.latency(shape, Release::slower(1.2), latency::DEFAULTS).gone();
        at_most(format!("*{shape}* latency, 1.2× as slow"), share, 0.01, MISS)
    };
    SHAPES.iter().map(promise).collect()
}

/// The same in the service of the twelve in which it is worst, with an interval that allows for having looked at twelve.
pub fn worst_false_reverts(measured: &Measured) -> Vec<Promise> {
    let worst = |(world, limit): &(&str, f64)| {
        let cells = services().map(|service| (service, measured.beside(world, service, Release::times(1.0), STRICT).gone()));
        let (service, share) = cells.max_by(|a, b| a.1.fraction().total_cmp(&b.1.fraction()))?;
        let place = format!("{} req/s, {} %", service.requests, service.bad * 100.0);
        Some(at_most(format!("*{world}*, worst at {place}"), share, *limit, MISS / 12.0))
    };
    FALSE_REVERTS.iter().filter_map(worst).collect()
}

/// Harmless releases that are reverted, with nothing beside them.
pub fn false_reverts_alone(measured: &Measured) -> Vec<Promise> {
    let harmless = Release::times(1.0);
    let mut promises = Vec::new();
    for (history, steps) in HISTORIES {
        for time in Time::ALL {
            let a_day = steps == HISTORIES[0].1;
            if a_day || matches!(time, Time::Flat | Time::Real) {
                let share = measured.alone(time.name(), harmless, history, 1.0).gone();
                promises.push(at_most(
                    format!("{history} of history, *{}*", time.name()),
                    share,
                    0.015,
                    MISS,
                ));
            }
        }
    }
    promises
}

/// Regressions that are found, and how soon.
pub fn detection(measured: &Measured) -> Vec<Promise> {
    let at = |world: &str, release: Release| measured.beside(world, HEADLINE, release, STRICT);
    let mut promises = Vec::new();
    // One step more than section 12's table.
    for (world, limits) in [("calm", [60.0, 30.0, 30.0]), ("real", [75.0, 45.0, 30.0])] {
        for (theta, limit) in [3.0, 5.0, 10.0].into_iter().zip(limits) {
            let tally = at(world, Release::times(theta));
            promises.push(at_least(format!("*{world}*, {theta}× found"), tally.found(), 1.0));
            promises.push(found_within(&format!("*{world}*, {theta}×"), tally, limit));
        }
    }
    let real = |theta: f64| at("real", Release::times(theta));
    promises.push(found_within("*nasty*, 3×", at("nasty", Release::times(3.0)), 165.0));
    promises.push(at_least("*real*, 2× found".to_owned(), real(2.0).found(), 0.97));
    promises.push(found_within("*real*, 2×", real(2.0), 200.0));
    promises.push(at_least("*real*, 1.5× found".to_owned(), real(1.5).found(), 0.6));
    for (world, limit) in [("real", 120.0), ("nasty", 240.0)] {
        let tally = at(world, Release::late(3.0, 10));
        promises.push(found_within(&format!("*{world}*, 3× from minute 10"), tally, limit));
    }
    let few = at("few real", Release::times(3.0));
    promises.push(at_least("*few real*, 3× found".to_owned(), few.found(), 0.96));
    promises.push(found_within("*few real*, 3×", few, 90.0));
    let past = measured.beside("few real", HEADLINE, Release::times(2.0), PAST_PODS);
    promises.push(at_least(
        "*few real*, twelve past pods, 2× found".to_owned(),
        past.found(),
        0.75,
    ));
    promises
}

impl Promise {
    /// A promise of all or none: one exception breaks it.
    pub fn exact(mut self) -> Self {
        if self.kept == Kept::Within {
            self.kept = Kept::No;
        }
        self
    }
}

/// How soon a healthy release passes.
pub fn passing(measured: &Measured) -> Vec<Promise> {
    let limit = |(world, limit): (&str, f64)| {
        let tally = measured.beside(world, HEADLINE, Release::times(1.0), STRICT);
        let count = tally.acquitted().count;
        median(format!("*{world}*, passes"), |part| tally.pass_time(part), count, limit)
    };
    [("real", 180.0), ("nasty", 420.0)].map(limit).to_vec()
}
