//! Finding cells, and every cell as a line of CSV.

use super::parts;
use crate::{
    cells::{Cell, alone, auto, latency, objective, value, value_beside},
    simulation::{beside::Service, release::Release, tally::Tally},
};

/// All that was measured.
pub struct Measured {
    cells: Vec<Cell>,
    none: Tally,
}

impl Measured {
    pub fn new(cells: Vec<Cell>) -> Self {
        Self {
            cells,
            none: Tally::default(),
        }
    }

    /// A cell's outcomes; no rollouts where it was not measured, which no promise survives.
    fn find(&self, kind: &str, world: &str, service: Option<Service>, release: Release, judge: &str) -> &Tally {
        let here = |cell: &&Cell| {
            let place = &cell.place;
            let served = service.is_none_or(|service| (place.requests, place.bad) == (service.requests, service.bad));
            (place.kind, place.world.as_str()) == (kind, world) && served && cell.release == release && cell.judge == judge
        };
        self.cells.iter().find(here).map_or(&self.none, |cell| &cell.tally)
    }

    /// Beside a baseline.
    pub fn beside(&self, world: &str, service: Service, release: Release, judge: &str) -> &Tally {
        self.find("beside", world, Some(service), release, judge)
    }

    /// With nothing beside it.
    pub fn alone(&self, world: &str, release: Release, history: &str, tolerance: f64) -> &Tally {
        self.find("before/after", world, None, release, &alone::judge(history, tolerance))
    }

    /// By latency.
    pub fn latency(&self, shape: &str, release: Release, judge: &str) -> &Tally {
        self.find(latency::CLASSIC, shape, None, release, judge)
    }

    /// By latency in native buckets.
    pub fn native(&self, shape: &str, release: Release) -> &Tally {
        self.find(latency::NATIVE, shape, None, release, latency::DEFAULTS)
    }

    /// Beside the old version until that has gone, and then alone.
    pub fn auto(&self, world: &str, release: Release, judge: &str) -> &Tally {
        self.find(auto::KIND, world, None, release, judge)
    }

    /// By an objective.
    pub fn objective(&self, world: &str, release: Release, history: &str) -> &Tally {
        self.find(objective::KIND, world, None, release, history)
    }

    /// By a value that is no count.
    pub fn value(&self, moves: &str, release: Release) -> &Tally {
        self.find("value", moves, None, release, value::JUDGE)
    }

    /// By a value that is no count, beside the version before.
    pub fn value_beside(&self, pods: &str, release: Release) -> &Tally {
        self.find(value_beside::KIND, pods, None, release, value::JUDGE)
    }

    /// By three metrics.
    pub fn together(&self, world: &str, release: Release, judge: &str) -> &Tally {
        self.find("three metrics", world, None, release, judge)
    }

    /// Every cell of these releases and judges, wherever.
    pub fn all(&self) -> &[Cell] {
        &self.cells
    }

    /// All rollouts of these kinds that were judged.
    pub fn rollouts(&self, kinds: &[&str]) -> u64 {
        let those = self.cells.iter().filter(|cell| kinds.contains(&cell.place.kind));
        those.map(|cell| u64::from(cell.tally.rollouts)).sum()
    }

    /// One line a cell, and those of `before` that are of other kinds; sorted by kind.
    pub fn csv(&self, before: &str) -> String {
        let kind = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
        let measured = |line: &&str| self.cells.iter().any(|cell| cell.place.kind == kind(line));
        let others = before.lines().skip(1).filter(|line| !measured(line)).map(str::to_owned);
        let mut lines: Vec<String> = others.chain(self.cells.iter().map(line)).collect();
        lines.sort_by_key(|line| parts::place_of(&kind(line)));
        format!("{HEAD}\n{}\n", lines.join("\n"))
    }
}

const HEAD: &str = "comparison,noise,requests a second,base errors %,release,judge,rollouts,reverted,reverted before the onset,\
    passed and stayed,undecided,passed at first,median s,p95 s,median pass s,p95 pass s";

fn line(
    Cell {
        place,
        release,
        judge,
        tally,
    }: &Cell,
) -> String {
    let time = |time: Option<f64>| time.map_or_else(String::new, |time| format!("{time:.0}"));
    format!(
        "{},\"{}\",{},{},{},\"{}\",{},{},{},{},{},{},{},{},{},{}",
        place.kind,
        place.world,
        place.requests,
        place.bad * 100.0,
        release,
        judge,
        tally.rollouts,
        tally.found().count,
        tally.early,
        tally.kept().count,
        tally.undecided().count,
        tally.acquitted().count,
        time(tally.revert_time(0.5)),
        time(tally.revert_time(0.95)),
        time(tally.pass_time(0.5)),
        time(tally.pass_time(0.95)),
    )
}

/// A share as it is written: `0.4 %`.
pub fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    let nearly = (percent > 0.0 && percent < 0.05) || (percent > 99.9 && percent < 100.0);
    if nearly {
        format!("{percent:.2} %")
    } else if percent == 0.0 || percent == 100.0 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// Seconds as they are written.
pub fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.0} s"))
}
