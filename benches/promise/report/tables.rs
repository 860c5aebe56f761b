//! Tables of what was measured: one row a noise or a service, one column a release.

use super::{
    cells::{Measured, percent, seconds},
    parts::Promises,
    promises::{Promise, with_interval},
};
use crate::{
    cells::{
        alone::{HISTORIES, TOLERANCES},
        beside::{PAST_PODS, PEERS, WITHOUT_HISTORY},
        latency,
        published::{EVERYWHERE, HEADLINE, LATE, SLOWER, SOME_SLOWER, THETAS, VALUES, services},
        value,
    },
    simulation::{
        alone::Time,
        judged::{DEFAULTS, STRICT},
        noise::ALL,
        release::Release,
        tally::Tally,
    },
};

/// A table of Markdown.
pub fn table(head: &[String], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = line(&vec!["---".to_owned(); head.len()]);
    let rows: String = rows.into_iter().map(|row| line(&row)).collect();
    line(head) + &rule + &rows
}

/// Every promise under its heading: what was measured, and whether it was kept.
pub fn promises(promises: &Promises) -> String {
    let row = |promise: &Promise| {
        vec![
            promise.promise.clone(),
            promise.measured.clone(),
            promise.kept.word().to_owned(),
        ]
    };
    let head = ["promise", "measured [95 %]", "kept"].map(str::to_owned);
    let under =
        |(heading, promises): &(&str, Vec<Promise>)| format!("### {heading}\n\n{}\n", table(&head, promises.iter().map(row)));
    promises.iter().map(under).collect()
}

/// A row: its name, and the rest.
pub fn head(first: &str, others: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(first.to_owned()).chain(others).collect()
}

/// `99.2 %, 150/420 s`: reverted since onset, median and p95.
pub fn found(tally: &Tally) -> String {
    let share = percent(tally.found().fraction());
    match (tally.revert_time(0.5), tally.revert_time(0.95)) {
        (Some(median), Some(late)) => format!("{share}, {median:.0}/{late:.0} s"),
        _ => share,
    }
}

/// Reverted from the first step on, by theta.
pub fn by_theta(measured: &Measured, judge: &str) -> String {
    let thetas = THETAS.map(|theta| format!("{theta}×"));
    let rows = ALL.iter().map(|noise| {
        let cell = |theta: &f64| {
            let tally = measured.beside(noise.name, HEADLINE, Release::times(*theta), judge);
            if *theta <= 1.0 {
                with_interval(tally.gone(), 0.05)
            } else {
                found(tally)
            }
        };
        head(noise.name, THETAS.iter().map(cell))
    });
    table(&head("noise", thetas), rows)
}

/// Reverted since this minute, by theta.
pub fn late(measured: &Measured, minute: usize, judge: &str) -> String {
    let rows = ALL.iter().map(|noise| {
        let cell = |theta: &f64| found(measured.beside(noise.name, HEADLINE, Release::late(*theta, minute), judge));
        head(noise.name, LATE.iter().map(cell))
    });
    table(&head("noise", LATE.map(|theta| format!("{theta}×"))), rows)
}

/// Who passes, how soon, and who stays undecided.
pub fn passing(measured: &Measured) -> String {
    let thetas = [0.5, 1.0, 1.2, 2.0];
    let columns = thetas.map(|theta| format!("{theta}×: passed, median/p95; undecided"));
    let rows = ALL.iter().flat_map(|noise| {
        [STRICT, DEFAULTS].map(|judge| {
            let cell = |theta: &f64| {
                let tally = measured.beside(noise.name, HEADLINE, Release::times(*theta), judge);
                let times = [0.5, 0.95].map(|part| {
                    tally
                        .pass_time(part)
                        .map_or_else(|| "–".to_owned(), |time| format!("{time:.0}"))
                });
                format!(
                    "{}, {} s; {}",
                    percent(tally.acquitted().fraction()),
                    times.join("/"),
                    percent(tally.undecided().fraction())
                )
            };
            head(&format!("{}, {judge}", noise.name), thetas.iter().map(cell))
        })
    });
    table(&head("noise, policy", columns), rows)
}

/// Every service in one noise.
pub fn services_in(measured: &Measured, world: &str, judge: &str) -> String {
    let thetas = [1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0];
    let mut columns = vec!["1×: reverted / passed / undecided".to_owned()];
    columns.extend(thetas.map(|theta| format!("{theta}×")));
    columns.push("3× from minute 10".to_owned());
    let rows = services().map(|service| {
        let at = |release: Release| measured.beside(world, service, release, judge);
        let harmless = at(Release::times(1.0));
        let mut row = vec![
            format!("{} req/s, {} %", service.requests, service.bad * 100.0),
            [harmless.gone(), harmless.kept(), harmless.undecided()]
                .map(|share| percent(share.fraction()))
                .join(" / "),
        ];
        row.extend(thetas.map(|theta| found(at(Release::times(theta)))));
        row.push(found(at(Release::late(3.0, 10))));
        row
    });
    table(&head("service", columns), rows)
}

/// The noises for which [`services_in`] is whole.
pub fn everywhere() -> impl Iterator<Item = &'static str> {
    EVERYWHERE.iter().map(|noise| noise.name)
}

/// Latencies.
pub fn latencies(measured: &Measured) -> String {
    let rows = [
        ("log-normal", latency::DEFAULTS),
        ("log-normal, fine buckets", latency::DEFAULTS),
        ("bimodal", latency::DEFAULTS),
        ("bimodal, fine buckets", latency::DEFAULTS),
        ("cold", latency::DEFAULTS),
        ("cold", latency::NO_WARMUP),
    ];
    let rows = rows.map(|(shape, judge)| {
        let name = judge.strip_prefix("latency, ").unwrap_or(judge);
        (format!("{shape}, {name}"), move |release| {
            measured.latency(shape, release, judge)
        })
    });
    by_slowness(rows)
}

/// One row for each name and the cells of its releases.
pub fn by_slowness<'a, F: Fn(Release) -> &'a Tally>(rows: impl IntoIterator<Item = (String, F)>) -> String {
    let mut columns: Vec<String> = SLOWER.iter().map(|times| format!("{times}×")).collect();
    columns.push("1 % of requests 5×".to_owned());
    let row = |(name, tally): (String, F)| {
        let cell = |release: Release| {
            let tally = tally(release);
            let passed = percent(tally.acquitted().fraction());
            format!("{}; passed {passed}, {}", found(tally), seconds(tally.pass_time(0.5)))
        };
        let slower = SLOWER.iter().map(|times| cell(Release::slower(*times)));
        head(&name, slower.chain(std::iter::once(cell(SOME_SLOWER))))
    };
    table(&head("latencies", columns), rows.into_iter().map(row))
}

/// Values that are no counts.
pub fn values(measured: &Measured) -> String {
    let rows = value::ALL.iter().map(|moves| {
        let cell = |times: &f64| {
            let tally = measured.value(moves.name, Release::times(*times));
            if *times < 1.5 {
                with_interval(tally.gone(), 0.05)
            } else {
                found(tally)
            }
        };
        head(moves.name, VALUES.iter().map(cell))
    });
    table(&head("ln(value)", VALUES.map(|times| format!("{times}×"))), rows)
}

/// With nothing beside it.
pub fn alone(measured: &Measured) -> String {
    let releases = [
        Release::times(1.0),
        Release::times(2.0),
        Release::times(3.0),
        Release::times(5.0),
        Release::times(10.0),
        Release::late(3.0, 30),
    ];
    let columns = releases.map(|release| release.to_string());
    let rows = HISTORIES.iter().flat_map(|(history, _)| {
        TOLERANCES.into_iter().flat_map(move |tolerance| {
            Time::ALL.map(|time| {
                let cell = |release: &Release| {
                    let tally = measured.alone(time.name(), *release, history, tolerance);
                    if *release == Release::times(1.0) {
                        with_interval(tally.gone(), 0.05)
                    } else {
                        found(tally)
                    }
                };
                let name = format!("{history}, {}, tolerance {tolerance}", time.name());
                head(&name, releases.iter().map(cell))
            })
        })
    });
    table(&head("history, noise, policy", columns), rows)
}

/// Beside a baseline without any history, and with what remains of twelve past pods.
pub fn otherwise_known(measured: &Measured) -> String {
    let thetas = [1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
    let unknown = ALL.iter().map(|noise| (noise.name, WITHOUT_HISTORY, "no history"));
    let few = ["few real", "few nasty"].map(|world| (world, PAST_PODS, "twelve past pods"));
    let rows = unknown.chain(few).map(|(world, judge, name)| {
        let cell = |theta: &f64| {
            let tally = measured.beside(world, HEADLINE, Release::times(*theta), judge);
            if *theta == 1.0 {
                with_interval(tally.gone(), 0.05)
            } else {
                found(tally)
            }
        };
        head(&format!("{world}, {name}"), thetas.iter().map(cell))
    });
    table(&head("noise, known", thetas.map(|theta| format!("{theta}×"))), rows)
}

/// Side by side with the peers, in one noise. The judge's own row holds the same rollouts and more of them.
pub fn peers(measured: &Measured, world: &str) -> String {
    let mut releases: Vec<Release> = [1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0].map(Release::times).to_vec();
    releases.push(Release::late(3.0, 10));
    let columns = releases.iter().map(Release::to_string);
    let rows = std::iter::once(STRICT).chain(PEERS).map(|judge| {
        let cell = |release: &Release| {
            let tally = measured.beside(world, HEADLINE, *release, judge);
            if *release == Release::times(1.0) {
                with_interval(tally.gone(), 0.05)
            } else {
                format!("{}{}", found(tally), early(tally))
            }
        };
        let name = if judge == STRICT { "**lastgood**, tolerance 1" } else { judge };
        head(name, releases.iter().map(cell))
    });
    table(&head("judge", columns), rows)
}

fn early(tally: &Tally) -> String {
    if tally.early == 0 {
        return String::new();
    }
    let share = f64::from(tally.early) / f64::from(tally.rollouts.max(1));
    format!(" ({} before it)", percent(share))
}
