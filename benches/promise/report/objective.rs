//! The part of releases that are judged by an objective alone.

use super::{
    auto::passed,
    cells::{Measured, percent},
    parts::Promises,
    passes,
    promises::{MISS, Promise, at_most, with_interval},
    tables::{self, found, head},
};
use crate::{
    cells::{
        objective::{HISTORIES, KIND, TIMES},
        published::OF_ALLOWED,
    },
    simulation::release::Release,
};

/// One arm alone is held to what is promised where nothing runs beside a release, in *nasty* with a short history and without one too,
/// of which nothing is promised there.
const FALSE_REVERTS: f64 = 0.015;
const FALSE_PASSES: f64 = 0.05;
/// So many times what the objective allows keeps it.
const HARMLESS: [f64; 3] = [0.5, 0.8, 1.0];

/// What is promised. Of how soon a broken objective is found nothing is.
pub fn promises(measured: &Measured) -> Promises {
    let each = |promise: &dyn Fn(&str, &str) -> Vec<Promise>| -> Vec<Promise> {
        let places = HISTORIES
            .into_iter()
            .flat_map(|(history, _)| TIMES.map(|time| (history, time.name())));
        places.flat_map(|(history, world)| promise(history, world)).collect()
    };
    vec![
        (
            "False reverts by an objective that is kept",
            each(&|history, world| {
                let promise = |times: f64| {
                    let share = measured.objective(world, Release::times(times), history).gone();
                    at_most(
                        format!("{history}, *{world}*, {times}× what is allowed"),
                        share,
                        FALSE_REVERTS,
                        MISS,
                    )
                };
                HARMLESS.map(promise).to_vec()
            }),
        ),
        (
            "False passes by an objective that is broken",
            each(&|history, world| {
                let share = measured.objective(world, Release::times(2.0), history).acquitted();
                let promise = format!("{history}, *{world}*, 2× what is allowed passes");
                vec![at_most(promise, share, FALSE_PASSES, MISS)]
            }),
        ),
        (
            "Outright failures by an objective",
            passes::outright_in(measured, &[("by an objective", |cell| cell.place.kind == KIND)]),
        ),
    ]
}

/// All that it says.
pub fn text(measured: &Measured, promises: &Promises) -> String {
    format!(
        "## Objectives\n\n`objective: 99.5%`, at least 5 bad events, 50 requests/s, a watch of 2 h: a release is judged alone, by what the objective allows, \
         whatever ran before; the history teaches only how counts cluster. The old version failed exactly as often as is allowed, its outages \
         included. 3,000 rollouts up to 1×, 400 elsewhere, 200 outright failures.\n\n{}### Reverted, passed and undecided\n\n{}\n",
        tables::promises(promises),
        all(measured)
    )
}

fn all(measured: &Measured) -> String {
    let mut columns = OF_ALLOWED.map(|times| format!("{times}×")).to_vec();
    columns.extend(["0.5×", "1×"].map(|times| format!("{times}: passed, median; undecided")));
    columns.push("2×: passed".to_owned());
    let rows = HISTORIES
        .into_iter()
        .flat_map(|(history, _)| TIMES.map(|time| (history, time.name())));
    let row = |(history, world): (&str, &str)| {
        let at = |times: f64| measured.objective(world, Release::times(times), history);
        let cell = |times: &f64| {
            if *times > 1.0 {
                found(at(*times))
            } else {
                with_interval(at(*times).gone(), MISS)
            }
        };
        let mut row: Vec<String> = OF_ALLOWED.iter().map(cell).collect();
        row.extend([0.5, 1.0].map(|times| passed(at(times))));
        row.push(percent(at(2.0).acquitted().fraction()));
        head(&format!("{world}, {history}"), row)
    };
    tables::table(&head("noise, history", columns), rows.map(row))
}
