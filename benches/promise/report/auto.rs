//! The part of rolling updates whose old version has gone in mid-watch.

use super::{
    cells::{Measured, percent, seconds},
    parts::Promises,
    passes,
    promises::{MISS, Promise, at_most, with_interval},
    tables::{self, found, head},
};
use crate::{
    cells::auto::{self, GONE, HISTORIES, KIND, POLICIES, TIMES},
    simulation::{judged::STRICT, release::Release, tally::Tally},
};

/// Beside a baseline 1 % (*real*) and 1.5 % (*nasty*) are promised, and with nothing beside it 1.5 %; what is both is held to 1.5 %,
/// with an hour of history in *nasty* too, of which nothing is promised where nothing ran beside it.
const FALSE_REVERTS: f64 = 0.015;
const FALSE_PASSES: f64 = 0.05;

/// What is promised. Of how soon regressions are found nothing is.
pub fn promises(measured: &Measured) -> Promises {
    let each = |promise: &dyn Fn(&str, &str) -> Promise| -> Vec<Promise> {
        let places = HISTORIES
            .into_iter()
            .flat_map(|(history, _)| worlds().map(move |world| (history, world)));
        places.map(|(history, world)| promise(history, &world)).collect()
    };
    let at = |world: &str, theta: f64, history: &str| measured.auto(world, Release::times(theta), &auto::judge(history, STRICT));
    vec![
        (
            "False reverts where the old version has gone in mid-watch",
            each(&|history, world| {
                let share = at(world, 1.0, history).gone();
                at_most(format!("{history} of history, *{world}*"), share, FALSE_REVERTS, MISS)
            }),
        ),
        (
            "False passes where the old version has gone in mid-watch",
            each(&|history, world| {
                let share = at(world, 2.0, history).acquitted();
                at_most(
                    format!("{history} of history, *{world}*, 2× passes"),
                    share,
                    FALSE_PASSES,
                    MISS,
                )
            }),
        ),
        (
            "Outright failures where the old version has gone in mid-watch",
            passes::outright_in(measured, &[("old version gone in mid-watch", |cell| cell.place.kind == KIND)]),
        ),
    ]
}

fn worlds() -> impl Iterator<Item = String> {
    TIMES.into_iter().flat_map(|time| GONE.map(|gone| auto::world(time, gone)))
}

/// All that it says.
pub fn text(measured: &Measured, promises: &Promises) -> String {
    format!(
        "## The old version gone in mid-watch (`auto`)\n\nA rolling update of 12 pods, 200 requests/s, 0.5 %, a watch of 30 minutes. While old pods \
         serve, the new ones are judged beside them; when the last has gone (after 2 or 10 minutes) the evidence stays, and goes on against the \
         old version's own last hour. Shared outages come once a day in *real* and four times in *nasty*, as with nothing beside it. 3,000 rollouts \
         at 1×, 400 elsewhere, 200 outright failures.\n\n{}### Reverted, passed and undecided\n\n{}\n",
        tables::promises(promises),
        all(measured)
    )
}

fn all(measured: &Measured) -> String {
    let thetas = [2.0, 3.0, 5.0, 10.0];
    let mut columns = vec!["1×: reverted".to_owned(), "1×: passed, median; undecided".to_owned()];
    columns.extend(thetas.map(|theta| format!("{theta}×")));
    columns.push("2×: passed".to_owned());
    let row = |(world, judge): (String, String)| {
        let at = |theta: f64| measured.auto(&world, Release::times(theta), &judge);
        let mut row = vec![with_interval(at(1.0).gone(), MISS), passed(at(1.0))];
        row.extend(thetas.map(|theta| found(at(theta))));
        row.push(percent(at(2.0).acquitted().fraction()));
        head(&format!("{world}, {judge}"), row)
    };
    let rows = POLICIES.into_iter().flat_map(|policy| {
        let judges = HISTORIES.map(|(history, _)| auto::judge(history, policy));
        judges
            .into_iter()
            .flat_map(|judge| worlds().map(move |world| (world, judge.clone())))
    });
    tables::table(&head("noise, history, policy", columns), rows.map(row))
}

/// `98.7 %, 150 s; 1.2 %`: passed, the median of when, and neither passed nor reverted.
pub fn passed(tally: &Tally) -> String {
    let [passed, undecided] = [tally.acquitted(), tally.undecided()].map(|share| percent(share.fraction()));
    format!("{passed}, {}; {undecided}", seconds(tally.pass_time(0.5)))
}
