//! Harmful releases: that they do not pass, and that outright failures always go.

use super::{
    cells::{Measured, percent},
    promises::{MISS, Promise, SHAPES, at_least, at_most},
};
use crate::{
    cells::{
        Cell,
        alone::HISTORIES,
        latency,
        published::{FAILING, HEADLINE, services},
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

/// Harmful releases that pass.
pub fn false_passes(measured: &Measured) -> Vec<Promise> {
    let twice = Release::times(2.0);
    let mut promises = Vec::new();
    for noise in ALL {
        for judge in [STRICT, DEFAULTS] {
            let share = measured.beside(noise.name, HEADLINE, twice, judge).acquitted();
            promises.push(at_most(format!("*{}*, 2× passes, {judge}", noise.name), share, 0.05, MISS));
        }
        promises.extend(worst_pass(measured, &noise, |_| true, STRICT));
        promises.extend(worst_pass(measured, &noise, above_the_floor, DEFAULTS));
    }
    for shape in SHAPES {
        let share = measured.latency(shape, Release::slower(2.0), latency::DEFAULTS).acquitted();
        promises.push(at_most(format!("*{shape}* latency, 2× slower passes"), share, 0.05, MISS));
    }
    for (history, _) in HISTORIES {
        for time in Time::ALL {
            let share = measured.alone(time.name(), twice, history, 1.0).acquitted();
            let promise = format!("{history} of history, *{}*, 2× passes", time.name());
            promises.push(at_most(promise, share, 0.05, MISS));
        }
    }
    promises
}

/// Whether a cell belongs to a promise.
pub type OfCell = fn(&Cell) -> bool;

/// Releases that fail outright.
pub fn outright(measured: &Measured) -> Vec<Promise> {
    let places: [(&str, OfCell); 3] = [
        ("every noise and traffic, without a floor", |cell| cell.judge == STRICT),
        ("every noise and traffic, with the floor", |cell| cell.judge == DEFAULTS),
        ("nothing beside it, every noise and history", |cell| {
            cell.place.kind == "before/after"
        }),
    ];
    outright_in(measured, &places)
}

/// The same over every cell of each of these places at once: not one may stay, not one may pass, not even for a moment.
pub fn outright_in(measured: &Measured, places: &[(&str, OfCell)]) -> Vec<Promise> {
    let mut promises = Vec::new();
    for failing in FAILING {
        for (place, here) in places {
            let (name, sum) = failed(measured, failing, place, *here);
            promises.push(at_least(format!("{name}: reverted"), sum.found(), 1.0).exact());
            let mut passed = at_most(format!("{name}: passed"), sum.acquitted(), 0.0, MISS).exact();
            if sum.acquitted().count > 0 {
                passed.measured += &format!(", {} of them reverted later", sum.acquitted().count - sum.kept().count);
            }
            promises.push(passed);
        }
    }
    promises
}

fn failed(measured: &Measured, failing: f64, place: &str, judged: OfCell) -> (String, Tally) {
    let here = |cell: &&Cell| cell.release == Release::failing(failing) && judged(cell);
    let mut sum = Tally::default();
    measured.all().iter().filter(here).for_each(|cell| sum.merge(&cell.tally));
    (format!("{} errors, {place}", percent(failing)), sum)
}

/// The passes of 2× in the service in which they are most, with an interval that allows for having looked at twelve.
fn worst_pass(measured: &Measured, noise: &Noise, looked_at: impl Fn(&Service) -> bool, judge: &str) -> Option<Promise> {
    let twice = Release::times(2.0);
    let share = |service| (service, measured.beside(noise.name, service, twice, judge).acquitted());
    let cells = services().filter(looked_at).map(share);
    let (service, share) = cells.max_by(|a, b| a.1.fraction().total_cmp(&b.1.fraction()))?;
    let place = format!("{} req/s, {} %", service.requests, service.bad * 100.0);
    let promise = format!("*{}*, 2× passes, {judge}, worst at {place}", noise.name);
    Some(at_most(promise, share, 0.05, MISS / 12.0))
}

/// Under the defaults twice as bad is harm only above twice the floor of 0.1 %: below it nobody minds, and passing is right.
fn above_the_floor(service: &Service) -> bool {
    service.bad >= 0.001
}
