//! The table of statistics.md, section 8, as promises: found with nothing beside the release, and how soon.

use super::{
    cells::{Measured, percent, seconds},
    promises::{Kept, Promise},
};
use crate::simulation::{
    release::Release,
    tally::{Share, Tally},
};

/// A share in percent, and the median in seconds where the table has one.
type Found = (f64, Option<f64>);

/// History, world, and: 3× and 5× at tolerance 1, 5× and 10× at tolerance 1.25.
type Line = (&'static str, &'static str, [Found; 4]);

/// The columns.
const COLUMNS: [(f64, f64); 4] = [(3.0, 1.0), (5.0, 1.0), (5.0, 1.25), (10.0, 1.25)];
/// Rollouts a cell that the table was made of.
const MADE_OF: u32 = 200;

const fn at(share: f64, seconds: f64) -> Found {
    (share, Some(seconds))
}

const fn only(share: f64) -> Found {
    (share, None)
}

const TABLE: [Line; 15] = [
    (
        "24 h",
        "flat",
        [at(100.0, 45.0), at(100.0, 15.0), at(100.0, 15.0), at(100.0, 15.0)],
    ),
    (
        "24 h",
        "daily",
        [at(100.0, 60.0), at(100.0, 30.0), at(100.0, 30.0), at(100.0, 15.0)],
    ),
    (
        "24 h",
        "real",
        [at(88.0, 570.0), at(100.0, 150.0), at(100.0, 195.0), at(100.0, 45.0)],
    ),
    ("24 h", "nasty", [only(18.0), at(68.0, 795.0), only(43.0), at(94.0, 300.0)]),
    (
        "24 h",
        "hourly job",
        [at(100.0, 600.0), at(100.0, 135.0), at(100.0, 195.0), at(100.0, 45.0)],
    ),
    (
        "24 h",
        "a step during the watch",
        [at(100.0, 45.0), at(100.0, 15.0), at(100.0, 30.0), at(100.0, 15.0)],
    ),
    ("1 h", "flat", [only(89.0), at(100.0, 30.0), at(100.0, 60.0), at(100.0, 15.0)]),
    ("1 h", "real", [only(80.0), at(100.0, 45.0), at(100.0, 82.0), at(100.0, 15.0)]),
    (
        "1 h",
        "nasty",
        [only(78.0), at(100.0, 45.0), at(100.0, 82.0), at(100.0, 15.0)],
    ),
    (
        "10 min",
        "flat",
        [only(60.0), at(100.0, 45.0), at(100.0, 75.0), at(98.0, 15.0)],
    ),
    ("10 min", "real", [only(76.0), at(99.0, 45.0), at(98.0, 75.0), at(98.0, 15.0)]),
    (
        "10 min",
        "nasty",
        [only(84.0), at(97.0, 45.0), at(90.0, 75.0), at(98.0, 15.0)],
    ),
    ("1 min", "flat", [only(7.0), at(82.0, 60.0), only(32.0), at(100.0, 15.0)]),
    ("1 min", "real", [only(30.0), at(86.0, 60.0), only(56.0), at(100.0, 15.0)]),
    ("1 min", "nasty", [only(58.0), at(86.0, 60.0), only(79.0), at(100.0, 15.0)]),
];

/// One promise a line of the table.
pub fn promises(measured: &Measured) -> Vec<Promise> {
    TABLE.iter().map(|line| promise(measured, line)).collect()
}

fn promise(measured: &Measured, (history, world, promised): &Line) -> Promise {
    let (mut wanted, mut got, mut kept) = (Vec::new(), Vec::new(), Kept::Yes);
    for ((theta, tolerance), (share, median)) in COLUMNS.into_iter().zip(promised) {
        let tally = measured.alone(world, Release::times(theta), history, tolerance);
        let middle = tally.revert_time(0.5);
        let time = median.map_or_else(String::new, |median| format!(", {median:.0} s"));
        wanted.push(format!("{theta}× {share} %{time}"));
        got.push(format!("{}, {}", percent(tally.found().fraction()), seconds(middle)));
        kept = kept.max(found(tally.found(), *share)).max(soon(tally, *median));
    }
    Promise {
        promise: format!("{history}, *{world}*: {}", wanted.join("; ")),
        measured: got.join("; "),
        kept,
    }
}

/// Both shares are of few rollouts: they contradict each other where their intervals do not meet.
fn found(share: Share, promised: f64) -> Kept {
    let count = (promised / 100.0 * f64::from(MADE_OF)).round() as u32;
    let table = Share { count, of: MADE_OF };
    if share.of == 0 {
        Kept::No
    } else if share.fraction() * 100.0 >= promised - 0.5 {
        Kept::Yes
    } else if share.interval(0.05).1 >= table.interval(0.05).0 {
        Kept::Within
    } else {
        Kept::No
    }
}

/// A median of so few is told to a tenth and a step; the lower end of its own interval counts where it is beyond.
fn soon(tally: &Tally, promised: Option<f64>) -> Kept {
    let reach = 0.98 / f64::from(tally.found().count.max(1)).sqrt();
    let low = tally.revert_time((0.5 - reach).max(0.0));
    match (tally.revert_time(0.5), low, promised) {
        (_, _, None) => Kept::Yes,
        (Some(median), _, Some(promised)) if median <= promised => Kept::Yes,
        (_, Some(low), Some(promised)) if low <= promised * 1.1 + 15.0 => Kept::Within,
        _ => Kept::No,
    }
}
