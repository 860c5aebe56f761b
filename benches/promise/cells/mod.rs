//! What is measured: scenarios, each of which plays rollouts of many releases on the same worlds and has them judged in several ways.

pub mod alone;
pub mod auto;
pub mod beside;
pub mod latency;
pub mod objective;
pub mod published;
pub mod together;
pub mod value;
pub mod value_beside;

use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::simulation::{judged::Outcome, release::Release, tally::Tally};

/// Worlds in which releases are shipped.
pub trait Scenario: Sync {
    /// Where: world, requests a second, base error share.
    fn place(&self) -> Place;
    /// What is shipped, and how many rollouts of each.
    fn releases(&self) -> &[(Release, u32)];
    /// How they are judged.
    fn judges(&self) -> Vec<String>;
    /// What comes of one rollout of each release of which there are more than `number`, for every judge; none where a judge is not asked.
    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>>;

    /// Rollouts of the release that is played most.
    fn rollouts(&self) -> u32 {
        self.releases().iter().map(|(_, rollouts)| *rollouts).max().unwrap_or(0)
    }
}

/// Where a cell lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The kind of comparison and the noise: `beside`, `real`.
    pub kind: &'static str,
    /// The noise.
    pub world: String,
    /// Requests a second.
    pub requests: f64,
    /// Base share of errors; 0 for latencies.
    pub bad: f64,
}

/// One cell of the tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Where.
    pub place: Place,
    /// What was shipped.
    pub release: Release,
    /// Who judged.
    pub judge: String,
    /// What came of it.
    pub tally: Tally,
}

/// Rollouts that one thread takes at a time.
const PORTION: u32 = 100;

/// Plays every scenario on so many threads. The result does not depend on how many.
pub fn measure(scenarios: &[Box<dyn Scenario>], threads: usize, told: impl Fn(usize, usize) + Sync) -> Vec<Cell> {
    let mut jobs: Vec<(usize, u32)> = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        jobs.extend((0..scenario.rollouts()).step_by(PORTION as usize).map(|from| (index, from)));
    }
    let sums = Mutex::new(scenarios.iter().map(|scenario| empty(scenario.as_ref())).collect::<Vec<_>>());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((index, from)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
            let scenario = scenarios[index].as_ref();
            let part = played(scenario, from..(from + PORTION).min(scenario.rollouts()));
            let mut sums = sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (sum, part) in sums[index].iter_mut().flatten().zip(part.iter().flatten()) {
                sum.merge(part);
            }
            drop(sums);
            told(next.load(Ordering::Relaxed).min(jobs.len()), jobs.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let sums = sums.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    scenarios
        .iter()
        .zip(sums)
        .flat_map(|(scenario, sums)| cells(scenario.as_ref(), sums))
        .collect()
}

fn empty(scenario: &dyn Scenario) -> Vec<Vec<Tally>> {
    vec![vec![Tally::default(); scenario.judges().len()]; scenario.releases().len()]
}

/// What comes of these rollouts, by release and judge.
pub fn played(scenario: &dyn Scenario, numbers: Range<u32>) -> Vec<Vec<Tally>> {
    let releases = scenario.releases();
    let mut tallies = empty(scenario);
    for number in numbers {
        for (index, outcomes) in scenario.play(number).into_iter().enumerate() {
            for (tally, outcome) in tallies[index].iter_mut().zip(outcomes) {
                if let Some(outcome) = outcome {
                    tally.add(outcome, releases[index].0.onset);
                }
            }
        }
    }
    tallies
}

fn cells(scenario: &dyn Scenario, sums: Vec<Vec<Tally>>) -> Vec<Cell> {
    let (place, judges) = (scenario.place(), scenario.judges());
    let mut cells = Vec::new();
    for ((release, _), tallies) in scenario.releases().iter().zip(sums) {
        for (judge, tally) in judges.iter().zip(tallies).filter(|(_, tally)| tally.rollouts > 0) {
            cells.push(Cell {
                place: place.clone(),
                release: *release,
                judge: judge.clone(),
                tally,
            });
        }
    }
    cells
}
