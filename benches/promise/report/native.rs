//! The part of latencies that are counted in native histograms.

use super::{
    cells::Measured,
    parts::Promises,
    promises::{MISS, Promise, at_most},
    tables,
};
use crate::{cells::published::NATIVE, simulation::release::Release};

/// What is promised: as of classic buckets.
pub fn promises(measured: &Measured) -> Promises {
    let of = |promise: &dyn Fn(&str) -> Promise| NATIVE.iter().map(|shape| promise(shape.name)).collect::<Vec<_>>();
    let slower = |times: f64, shape: &str| measured.native(shape, Release::slower(times));
    let reverts = |times: f64| {
        of(&|shape| {
            at_most(
                format!("*{shape}*, {times}× as slow"),
                slower(times, shape).gone(),
                0.01,
                MISS,
            )
        })
    };
    let passes = of(&|shape| {
        let share = slower(2.0, shape).acquitted();
        at_most(format!("*{shape}*, 2× as slow passes"), share, 0.05, MISS)
    });
    vec![
        ("False reverts by native histograms", [reverts(1.0), reverts(1.2)].concat()),
        ("False passes by native histograms", passes),
    ]
}

/// All that it says.
pub fn text(measured: &Measured, promises: &Promises) -> String {
    let rows = NATIVE.iter().map(|shape| {
        let name = format!("{}, the defaults", shape.name);
        (name, move |release| measured.native(shape.name, release))
    });
    format!(
        "## Native histograms\n\nThe services, releases and policy of *Latency*, counted in exponential buckets of schema 3: each bound is 1.09 times the \
         one before, and no bucket is split, so 20 % slower is judged as 30 % slower. 2,000 rollouts at 1× and 1.2×, 300 elsewhere.\n\n{}\
         ### How soon, and what passes\n\n{}\n",
        tables::promises(promises),
        tables::by_slowness(rows)
    )
}
