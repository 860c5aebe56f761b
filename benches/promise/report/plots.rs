//! The plots of docs/promise.md.

use super::{
    cells::Measured,
    promises::FALSE_REVERTS,
    svg::{Axis, Dot, Line, dots, lines},
};
use crate::{
    cells::{
        beside::PEERS,
        published::{BAD, EVERYWHERE, HEADLINE, REQUESTS, THETAS},
    },
    simulation::{beside::Service, judged::STRICT, release::Release},
};

/// File names and their contents.
pub fn all(measured: &Measured) -> Vec<(&'static str, String)> {
    vec![
        ("false-reverts.svg", false_reverts(measured)),
        ("time-to-detect.svg", time_to_detect(measured)),
        ("peers.svg", peers(measured)),
        ("traffic.svg", traffic(measured)),
    ]
}

fn ticks(values: &[f64], words: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    values.iter().map(|value| (*value, words(*value))).collect()
}

fn times() -> Axis {
    Axis {
        name: "how many times worse the release is",
        ends: (1.0, 100.0),
        logarithmic: true,
        ticks: ticks(&[1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0], |theta| format!("{theta}×")),
    }
}

fn duration() -> Axis {
    Axis {
        name: "median time to the revert",
        ends: (15.0, 1_800.0),
        logarithmic: true,
        ticks: ticks(&[15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0], |seconds| {
            if seconds < 60.0 {
                format!("{seconds} s")
            } else {
                format!("{} min", seconds / 60.0)
            }
        }),
    }
}

fn false_reverts(measured: &Measured) -> String {
    let dot = |(world, promise): &(&str, f64)| {
        let share = measured.beside(world, HEADLINE, Release::times(1.0), STRICT).gone();
        let (low, high) = share.interval(0.05);
        Dot {
            name: (*world).to_owned(),
            share: share.fraction() * 100.0,
            interval: (low * 100.0, high * 100.0),
            promise: promise * 100.0,
        }
    };
    let x = Axis {
        name: "reverted",
        ends: (0.0, 3.0),
        logarithmic: false,
        ticks: ticks(&[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0], |percent| format!("{percent} %")),
    };
    let all: Vec<Dot> = FALSE_REVERTS.iter().map(dot).collect();
    dots(
        "Harmless releases that are reverted, 95 % intervals, and the promise",
        &x,
        &all,
    )
}

fn time_to_detect(measured: &Measured) -> String {
    let line = |world: &str, judge: &str, name: String| {
        let point = |theta: &f64| {
            let tally = measured.beside(world, HEADLINE, Release::times(*theta), judge);
            // The median of those that were found says something where most were.
            (tally.found().fraction() >= 0.5).then_some((*theta, tally.revert_time(0.5)?))
        };
        Line {
            name,
            dashed: judge != STRICT,
            points: THETAS.iter().filter(|theta| **theta > 1.0).filter_map(point).collect(),
        }
    };
    let mut all: Vec<Line> = EVERYWHERE
        .iter()
        .map(|noise| line(noise.name, STRICT, noise.name.to_owned()))
        .collect();
    all.push(line("calm", PEERS[6], "calm: Wald, told theta".to_owned()));
    lines(
        "How soon a release is reverted (200 requests/s, 0.5 % errors)",
        &times(),
        &duration(),
        &all,
    )
}

fn peers(measured: &Measured) -> String {
    let thetas = [1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0];
    let line = |judge: &str| Line {
        name: if judge == STRICT {
            "lastgood".to_owned()
        } else {
            judge.to_owned()
        },
        dashed: judge == PEERS[6],
        points: thetas
            .iter()
            .map(|theta| {
                let tally = measured.beside("real", HEADLINE, Release::times(*theta), judge);
                (*theta, tally.found().fraction() * 100.0)
            })
            .collect(),
    };
    let x = Axis {
        ends: (1.0, 10.0),
        ticks: ticks(&thetas, |theta| format!("{theta}×")),
        ..times()
    };
    let y = Axis {
        name: "reverted",
        ends: (0.0, 100.0),
        logarithmic: false,
        ticks: ticks(&[0.0, 25.0, 50.0, 75.0, 100.0], |percent| format!("{percent} %")),
    };
    let judges = [STRICT, PEERS[0], PEERS[2], PEERS[4], PEERS[5], PEERS[6]];
    let all = judges.map(line);
    lines("Who reverts what within 30 minutes, in the noise “real”", &x, &y, &all)
}

fn traffic(measured: &Measured) -> String {
    let line = |(bad, theta): (f64, f64)| Line {
        name: format!("{} % errors, {theta}×", bad * 100.0),
        dashed: false,
        points: REQUESTS
            .iter()
            .filter_map(|requests| {
                let service = Service {
                    requests: *requests,
                    bad,
                };
                let tally = measured.beside("real", service, Release::times(theta), STRICT);
                (tally.found().fraction() >= 0.5).then_some((*requests, tally.revert_time(0.5)?))
            })
            .collect(),
    };
    let x = Axis {
        name: "requests a second",
        ends: (2.0, 5_000.0),
        logarithmic: true,
        ticks: ticks(&REQUESTS, |requests| format!("{requests}")),
    };
    let all: Vec<Line> = BAD.into_iter().flat_map(|bad| [(bad, 2.0), (bad, 5.0)]).map(line).collect();
    lines(
        "How soon, by traffic, in the noise “real” (where at least half are found)",
        &x,
        &duration(),
        &all,
    )
}
