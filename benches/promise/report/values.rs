//! The part of values that are no counts, of pods beside each other.

use super::{
    auto::passed,
    cells::{Measured, percent},
    parts::Promises,
    promises::{MISS, Promise, at_most, with_interval},
    tables::{self, found, head},
};
use crate::{
    cells::value_beside::{ALL, TIMES},
    simulation::release::Release,
};

/// Twice what is tolerated.
const HARMFUL: f64 = 2.6;

/// What is promised. Of how soon anything is found nothing is.
pub fn promises(measured: &Measured) -> Promises {
    let at = |name: &str, times: f64| measured.value_beside(name, Release::times(times));
    let reverts = ALL.iter().flat_map(|pods| {
        [1.0, 1.3].map(|times| {
            let promise = format!("{}, {times}× where 1.3× is tolerated", pods.name);
            at_most(promise, at(pods.name, times).gone(), 0.01, MISS)
        })
    });
    let passes = ALL.iter().map(|pods| -> Promise {
        let promise = format!("{}, {HARMFUL}× passes", pods.name);
        at_most(promise, at(pods.name, HARMFUL).acquitted(), 0.05, MISS)
    });
    vec![
        ("False reverts by a value beside a baseline", reverts.collect()),
        ("False passes by a value beside a baseline", passes.collect()),
    ]
}

/// All that it says.
pub fn text(measured: &Measured, promises: &Promises) -> String {
    format!(
        "## Values beside a baseline\n\n30 % more is tolerated, twice that is harmful. An hour of history, in which and in the watch of 2 h all pods share a \
         drift (sd 0.3), and each moves about a level of its own (AR(1) 0.95, sd 0.1; or 0.99 with a saw of ten minutes and steps that go ten \
         times as far). New pods come two minutes apart. 2,000 rollouts. Such a metric only alerts by default.\n\n{}\
         ### Reverted, passed and undecided\n\n{}\n",
        tables::promises(promises),
        all(measured)
    )
}

fn all(measured: &Measured) -> String {
    let mut columns = TIMES.map(|times| format!("{times}×")).to_vec();
    columns.push("1×: passed, median; undecided".to_owned());
    columns.push(format!("{HARMFUL}×: passed"));
    let rows = ALL.iter().map(|pods| {
        let at = |times: f64| measured.value_beside(pods.name, Release::times(times));
        let cell = |times: &f64| match *times < 1.5 {
            true => with_interval(at(*times).gone(), MISS),
            false => found(at(*times)),
        };
        let mut row: Vec<String> = TIMES.iter().map(cell).collect();
        row.push(passed(at(1.0)));
        row.push(percent(at(HARMFUL).acquitted().fraction()));
        head(pods.name, row)
    });
    tables::table(&head("pods", columns), rows)
}
