//! Harmful releases: that they do not pass, that outright failures always go, and what is not promised of them but told.

use super::{
    cells::{Measured, percent},
    promises::{MISS, Promise, SHAPES, at_least, at_most},
};
use crate::{
    cells::{
        Cell, latency,
        published::{FAILING, HEADLINE, RETRIED, services},
    },
    simulation::{
        alone::Time,
        beside::Service,
        judged::{DEFAULTS, STRICT},
        noise::{ALL, Noise},
        release::Release,
        tally::Tally,
    },
};

/// Twice as bad as counted. Half of the retries of a new pod's failures land on old pods, so that 2× of first attempts are counted as 1.8×
/// in a *retry storm*; 2.25× are counted as 2×.
fn harmful(world: &str) -> Release {
    Release::times(if world == "retry storm" { RETRIED } else { 2.0 })
}

/// Harmful releases that pass.
pub fn false_passes(measured: &Measured) -> Vec<Promise> {
    let mut promises = Vec::new();
    for noise in ALL {
        let release = harmful(noise.name);
        for judge in [STRICT, DEFAULTS] {
            let share = measured.beside(noise.name, HEADLINE, release, judge).acquitted();
            promises.push(at_most(
                format!("*{}*, {release} passes, {judge}", noise.name),
                share,
                0.05,
                MISS,
            ));
        }
        let whole = |service: &Service| !may_fail_whole(&noise, service.bad);
        promises.extend(worst_pass(measured, &noise, release, whole, STRICT));
    }
    for shape in SHAPES {
        let share = measured.latency(shape, Release::slower(2.0), latency::DEFAULTS).acquitted();
        promises.push(at_most(format!("*{shape}* latency, 2× slower passes"), share, 0.05, MISS));
    }
    for time in Time::ALL {
        let share = measured.alone(time.name(), Release::times(2.0), "24 h", 1.0).acquitted();
        promises.push(at_most(
            format!("24 h of history, *{}*, 2× passes", time.name()),
            share,
            0.05,
            MISS,
        ));
    }
    promises
}

/// Whether a cell belongs to a promise.
type OfCell = fn(&Cell) -> bool;

/// Releases that fail outright, over every place at once: not one may stay, not one may pass, not even for a moment.
pub fn outright(measured: &Measured) -> Vec<Promise> {
    let policies: [(&str, OfCell); 3] = [
        ("every noise and traffic, without a floor", |cell| {
            cell.judge == STRICT && !fails_whole(cell)
        }),
        ("every noise and traffic, with the floor", |cell| {
            cell.judge == DEFAULTS && !fails_whole(cell)
        }),
        ("nothing beside it, every noise and history", |cell| {
            cell.place.kind == "before/after"
        }),
    ];
    let mut promises = Vec::new();
    for failing in FAILING {
        for (place, judged) in policies {
            let (name, sum) = failed(measured, failing, place, judged);
            promises.push(at_least(format!("{name}: reverted"), sum.found(), 1.0).exact());
            promises.push(at_most(format!("{name}: passed"), sum.acquitted(), 0.0, MISS).exact());
        }
        let (name, sum) = failed(measured, failing, "5 % base errors and outages of all requests", |cell| {
            [STRICT, DEFAULTS].contains(&cell.judge.as_str()) && fails_whole(cell)
        });
        promises.push(at_least(format!("{name}: reverted"), sum.found(), 1.0).exact());
        // While the old version fails even more often, the new one is no worse.
        let mut passed = at_most(format!("{name}: passed and stayed"), sum.kept(), 0.0, MISS).exact();
        passed.measured += &format!(
            "; healthy for a moment, then reverted: {}",
            sum.acquitted().count - sum.kept().count
        );
        promises.push(passed);
    }
    promises
}

fn failed(measured: &Measured, failing: f64, place: &str, judged: OfCell) -> (String, Tally) {
    let here = |cell: &&Cell| cell.release == Release::failing(failing) && judged(cell);
    let mut sum = Tally::default();
    measured.all().iter().filter(here).for_each(|cell| sum.merge(&cell.tally));
    (format!("{} errors, {place}", percent(failing)), sum)
}

/// The passes of `release` in the service in which they are most, with an interval that allows for having looked at twelve.
fn worst_pass(
    measured: &Measured,
    noise: &Noise,
    release: Release,
    looked_at: impl Fn(&Service) -> bool,
    judge: &str,
) -> Option<Promise> {
    let share = |service| (service, measured.beside(noise.name, service, release, judge).acquitted());
    let cells = services().filter(looked_at).map(share);
    let (service, share) = cells.max_by(|a, b| a.1.fraction().total_cmp(&b.1.fraction()))?;
    let place = format!("{} req/s, {} %", service.requests, service.bad * 100.0);
    let promise = format!("*{}*, {release} passes, {judge}, worst at {place}", noise.name);
    Some(at_most(promise, share, 0.05, MISS / 12.0))
}

/// Under the defaults twice as bad is harm only above twice the floor of 0.1 %: below it nobody minds, and passing is right.
fn above_the_floor(service: &Service) -> bool {
    service.bad >= 0.001
}

/// What is not promised, and was measured: passes where an outage fails all requests of both versions, so that nothing can be twice as bad;
/// passes of 2× in a retry storm; passes of 2× under the defaults in the worst service.
pub fn told(measured: &Measured) -> Vec<Promise> {
    let twice = Release::times(2.0);
    let mut told = Vec::new();
    for noise in ALL {
        let retried = harmful(noise.name) != twice;
        let apart = |service: &Service| retried || may_fail_whole(&noise, service.bad);
        told.extend(worst_pass(measured, &noise, twice, apart, STRICT));
        told.extend(worst_pass(measured, &noise, twice, above_the_floor, DEFAULTS));
    }
    told
}

/// Whether there are minutes in which all requests of both versions fail: twentyfold outages of a service that fails in 5 %.
fn may_fail_whole(noise: &Noise, bad: f64) -> bool {
    bad >= 0.05 && noise.outages > 0.0
}

fn fails_whole(cell: &Cell) -> bool {
    let noise = ALL.iter().find(|noise| noise.name == cell.place.world);
    noise.is_some_and(|noise| may_fail_whole(noise, cell.place.bad))
}
