//! What came of many rollouts: shares with intervals, and times since onset.

use statrs::distribution::{Beta, ContinuousCDF};

use super::{beside::STEP, judged::Outcome};

/// Outcomes of rollouts of one cell. Counts only, so that sums do not depend on who counted first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rollouts.
    pub rollouts: u32,
    /// Reverted before there was anything to revert for.
    pub early: u32,
    /// Reverted, by the step since onset.
    pub reverted: Vec<u32>,
    /// First passed, by the step since onset; some of them were reverted later. A pass before the onset is none.
    pub passed: Vec<u32>,
    /// Never reverted, and passed at some time.
    pub stayed: u32,
}

/// A share of rollouts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// How many.
    pub count: u32,
    /// Of how many.
    pub of: u32,
}

impl Tally {
    /// Adds one rollout whose release changed something at `onset`.
    pub fn add(&mut self, outcome: Outcome, onset: usize) {
        self.rollouts += 1;
        match outcome.reverted {
            Some(step) if step < onset => self.early += 1,
            Some(step) => mark(&mut self.reverted, step - onset),
            None => self.stayed += u32::from(outcome.passed.is_some()),
        }
        if let Some(since) = outcome.passed.and_then(|step| step.checked_sub(onset)) {
            mark(&mut self.passed, since);
        }
    }

    /// Adds the rollouts of another part of the cell.
    pub fn merge(&mut self, other: &Self) {
        self.rollouts += other.rollouts;
        self.early += other.early;
        self.stayed += other.stayed;
        for (sum, part) in [(&mut self.reverted, &other.reverted), (&mut self.passed, &other.passed)] {
            sum.resize(sum.len().max(part.len()), 0);
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    }

    const fn share(&self, count: u32) -> Share {
        Share {
            count,
            of: self.rollouts,
        }
    }

    /// Reverted since onset.
    pub fn found(&self) -> Share {
        self.share(self.reverted.iter().sum())
    }

    /// Reverted at any time.
    pub fn gone(&self) -> Share {
        self.share(self.early + self.reverted.iter().sum::<u32>())
    }

    /// Passed since onset at some time before any revert.
    pub fn acquitted(&self) -> Share {
        self.share(self.passed.iter().sum())
    }

    /// Passed and never reverted.
    pub const fn kept(&self) -> Share {
        self.share(self.stayed)
    }

    /// Neither reverted nor passed.
    pub fn undecided(&self) -> Share {
        self.share(self.rollouts - self.gone().count - self.stayed)
    }

    /// Seconds since onset within which this part of the reverted were.
    pub fn revert_time(&self, part: f64) -> Option<f64> {
        time(&self.reverted, part)
    }

    /// Seconds within which this part of those that passed did.
    pub fn pass_time(&self, part: f64) -> Option<f64> {
        time(&self.passed, part)
    }
}

fn mark(steps: &mut Vec<u32>, step: usize) {
    steps.resize(steps.len().max(step + 1), 0);
    steps[step] += 1;
}

/// The end of the step in which the ceil(part * n)-th came.
fn time(steps: &[u32], part: f64) -> Option<f64> {
    let all: u32 = steps.iter().sum();
    let wanted = (part * f64::from(all)).ceil().max(1.0);
    let mut seen = 0;
    let step = steps.iter().position(|count| {
        seen += count;
        f64::from(seen) >= wanted
    })?;
    Some((step + 1) as f64 * STEP)
}

impl Share {
    /// As a fraction; 0 of nothing.
    pub fn fraction(self) -> f64 {
        f64::from(self.count) / f64::from(self.of.max(1))
    }

    /// The Clopper-Pearson interval that misses with at most `miss`, half of it on either side.
    pub fn interval(self, miss: f64) -> (f64, f64) {
        let (k, n) = (f64::from(self.count), f64::from(self.of));
        let end = |a: f64, b: f64, p: f64| Beta::new(a, b).map_or(f64::NAN, |law| law.inverse_cdf(p));
        let low = if self.count == 0 {
            0.0
        } else {
            end(k, n - k + 1.0, miss / 2.0)
        };
        let high = if self.count == self.of {
            1.0
        } else {
            end(k + 1.0, n - k, 1.0 - miss / 2.0)
        };
        (low, high)
    }
}
