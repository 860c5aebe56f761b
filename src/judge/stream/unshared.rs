//! What one step alone says, until it is known that the old version does not share it.
//!
//! Pods are scraped one after another. In the step in which an outage of both versions begins or ends, the pods of the candidate may be counted
//! up to a moment inside it and those of the baseline up to one outside. Such a step looks like a regression, however large, and the next one
//! shows what it was: by then every pod of the baseline was scraped again. Neither rule makes evidence of harm larger than it would be
//! without them, so that they break nothing of what is promised of it (docs/decisions).

use super::{Against, Bad, Counter, Stream};
use crate::words::{MetricStep, Moment};

/// So many times what is usual stand out. Of less, phi takes care.
const STANDS_OUT: f64 = 5.0;
/// The baseline shares what it has at least this part of: it may have been counted for a part of the outage only.
const SHARES: f64 = 0.1;
/// A baseline with so many standard deviations more than is usual has more.
const SURELY: f64 = 3.0;
/// Of what hardly ever fails so much of an event is usual in a step.
const LEAST: f64 = 0.5;

/// How far the shares of bad events of both sides stand out in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sides {
    /// Of the candidate, where it stands out; else 0.
    candidate: f64,
    /// Of the baseline, where it surely has more than usual; else 0.
    baseline: f64,
    /// How many pods of the candidate were counted.
    served: usize,
}

impl Sides {
    /// Of `[bad, total]` of both, the candidate's of `served` pods, where `usual` is the usual share, and bad events come in clusters of `phi`.
    fn new(candidate: [f64; 2], served: usize, baseline: [f64; 2], usual: f64, phi: f64) -> Self {
        let expected = |[_, total]: [f64; 2]| (usual * total).max(LEAST);
        let share = |[bad, total]: [f64; 2], out: bool| if out { bad / total } else { 0.0 };
        let of_baseline = expected(baseline);
        Self {
            candidate: share(candidate, candidate[0] > STANDS_OUT * expected(candidate)),
            baseline: share(baseline, baseline[0] >= of_baseline + SURELY * (phi * of_baseline).sqrt()),
            served,
        }
    }

    /// What of the candidate stands out, and is not shared by the baseline in the same step; else none.
    pub(super) fn unshared(self) -> Option<f64> {
        (self.candidate > 0.0 && !self.shares(self.candidate)).then_some(self.candidate)
    }

    /// Whether the baseline shares what stood out so far.
    fn shares(self, candidate: f64) -> bool {
        self.baseline >= SHARES * candidate
    }
}

/// What the baseline shared of late. A pod of the candidate that was scraped too late to be counted in a step is counted in the next one, which
/// so tells of both.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lately {
    /// The largest share of the baseline, where it surely had more than usual, since the candidate was last counted, and since the time before that.
    shares: [f64; 2],
    /// How many pods of the candidate were counted when it last was.
    served: usize,
}

impl Lately {
    /// With one step more.
    fn with(self, sides: Sides) -> Self {
        let [last, before] = self.shares;
        if sides.served == 0 {
            return Self {
                shares: [last.max(sides.baseline), before],
                ..self
            };
        }
        Self {
            shares: [sides.baseline, last],
            served: sides.served,
        }
    }

    /// Whether what stands out in this next step is of a time in which the baseline shared it.
    fn shared(self, sides: Sides, candidate: f64) -> bool {
        let steps = if sides.served > self.served { 2 } else { 1 };
        self.shares[..steps].iter().any(|baseline| *baseline >= SHARES * candidate)
    }
}

/// What the newest step alone says against the candidate: no evidence until the baseline was counted again.
#[derive(Debug, Clone)]
pub(super) struct Unshared {
    /// The candidate's share of bad events in it.
    share: f64,
    /// The stream without it.
    before: Stream,
}

impl Stream {
    /// Takes one step; says whether it could be used.
    pub(in crate::judge) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        let Some(mut sides) = self.sides_of(step) else {
            if let Some(unshared) = &mut self.unshared {
                unshared.before.take(at, step);
            }
            return self.take(at, step);
        };
        let lately = self.lately;
        if let Some(unshared) = self.unshared.take().filter(|unshared| sides.shares(unshared.share)) {
            *self = unshared.before;
            self.miss();
            sides = self.sides_of(step).unwrap_or(sides);
        }
        self.sides = Some(sides);
        self.lately = lately.with(sides);
        let Some(share) = sides.unshared() else {
            return self.take(at, step);
        };
        // The baseline's share of an outage ended sooner.
        if lately.shared(sides, share) {
            return self.miss();
        }
        let before = self.clone();
        let used = self.take(at, step);
        self.unshared = used.then(|| Box::new(Unshared { share, before }));
        used
    }

    /// How far the sides of a step stand out; none where the baseline is not counted in it, and where no regression is asked for.
    fn sides_of(&self, step: &MetricStep) -> Option<Sides> {
        let Against::Beside(noise) = &self.against else { return None };
        let counter = |bad: Bad| bad.counter(&step.bounds).filter(|_| !self.question.passing);
        let candidate = counter(self.question.candidate);
        let served = |counter: Counter| counter.each(&step.candidate).filter(|[_, n]| *n > 0.0).count();
        let baseline = counter(self.question.baseline)?.sum(&step.baseline);
        let sides = || {
            let counts = candidate.map(|counter| counter.sum(&step.candidate)).unwrap_or_default();
            let usual = noise.usual(self.baseline);
            Sides::new(counts, candidate.map_or(0, served), baseline, usual, noise.phi())
        };
        (baseline[1] > 0.0).then(sides)
    }

    /// The e-value of harm, without what the newest step alone says until the baseline was counted again.
    pub(in crate::judge) fn harm(&self) -> f64 {
        self.unshared
            .as_ref()
            .map_or(&self.decisive, |unshared| &unshared.before.decisive)
            .harm()
    }

    /// The e-value of harm with all that was counted.
    pub(in crate::judge) fn harm_at_once(&self) -> f64 {
        self.decisive.harm()
    }

    /// The baseline will not be counted again: what was waiting for it is evidence.
    pub(in crate::judge) fn settle(&mut self) {
        self.unshared = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(candidate: f64, baseline: f64) -> Sides {
        Sides::new([candidate, 400.0], 2, [baseline, 600.0], 0.005, 1.5)
    }

    #[test]
    fn what_stands_out_alone_is_shared_once_the_baseline_has_a_tenth_of_it() {
        assert_eq!(sides(10.0, 0.0).unshared(), None, "five times what is usual");
        assert_eq!(sides(11.0, 3.0).unshared(), Some(11.0 / 400.0));
        assert_eq!(sides(200.0, 40.0).unshared(), None, "both");
        let alone = sides(200.0, 20.0).unshared().expect("a thirtieth is not shared");
        assert!(sides(0.0, 30.0).shares(alone) && !sides(0.0, 29.0).shares(alone));
        // 3 are usual; 9 are three standard deviations more.
        assert!(sides(0.0, 10.0).shares(0.1) && !sides(0.0, 9.0).shares(0.1));
    }

    #[test]
    fn a_step_that_a_pod_of_the_candidate_missed_is_looked_behind() {
        let usual = sides(2.0, 3.0);
        let [one_pod, none] = [(200.0, 1), (0.0, 0)].map(|(n, served)| Sides::new([0.0, n], served, [3.0, 600.0], 0.005, 1.5));
        let outage = Lately::default().with(sides(200.0, 300.0));
        assert!(outage.shared(usual, 0.5) && outage.with(one_pod).shared(usual, 0.5));
        assert!(outage.with(none).with(none).shared(usual, 0.5), "it was not counted since");
        assert!(!outage.with(usual).shared(usual, 0.5) && !outage.with(one_pod).with(usual).shared(usual, 0.5));
    }

    #[test]
    fn single_failures_of_what_never_fails_do_not_stand_out() {
        let of = |bad: f64| Sides::new([bad, 50.0], 1, [0.0, 50.0], 1e-6, 1.5);
        assert_eq!([2.0, 3.0].map(|bad| of(bad).unshared()), [None, Some(0.06)]);
    }
}
