//! What one step alone says, until it is known that the old version does not share it.
//!
//! Pods are scraped one after another. In the step in which an outage of both versions begins or ends, the pods of the candidate may be counted
//! up to a moment inside it and those of the baseline up to one outside. Such a step looks like a regression, however large, and the next one
//! shows what it was: by then every pod of the baseline was scraped again. Neither rule makes evidence of harm larger than it would be
//! without them, so that they break nothing of what is promised of it (docs/decisions).

use super::{Against, Bad, Stream};
use crate::words::{MetricStep, Moment, Pod, PodIncrement};

/// So many times what is usual stand out. Of less, phi takes care.
const STANDS_OUT: f64 = 5.0;
/// The baseline shares what it has at least this part of: it may have been counted for a part of the outage only.
const SHARES: f64 = 0.1;
/// A baseline with so many standard deviations more than is usual has more.
const SURELY: f64 = 3.0;
/// Of what hardly ever fails so much of an event is usual in a step.
const LEAST: f64 = 0.5;

/// What is usual: the share of bad events, and how they cluster.
#[derive(Debug, Clone, Copy)]
struct Usual {
    share: f64,
    phi: f64,
}

impl Usual {
    /// Bad events of so many.
    fn bad(self, total: f64) -> f64 {
        (self.share * total).max(LEAST)
    }

    /// The share of bad events that stands out; else 0.
    fn standing_out(self, [bad, total]: [f64; 2]) -> f64 {
        if bad > STANDS_OUT * self.bad(total) {
            bad / total
        } else {
            0.0
        }
    }

    /// The share of bad events that is surely more than usual; else 0.
    fn surely_more(self, [bad, total]: [f64; 2]) -> f64 {
        let usual = self.bad(total);
        if bad >= usual + SURELY * (self.phi * usual).sqrt() {
            bad / total
        } else {
            0.0
        }
    }
}

/// How far the shares of bad events of both sides stand out in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sides {
    /// Of the candidate, where it stands out; else 0.
    candidate: f64,
    /// Of the baseline, where it surely has more than usual; else 0.
    baseline: f64,
}

impl Sides {
    /// Of `[bad, total]` of both.
    fn new(candidate: [f64; 2], baseline: [f64; 2], usual: Usual) -> Self {
        Self {
            candidate: usual.standing_out(candidate),
            baseline: usual.surely_more(baseline),
        }
    }

    /// What of the candidate stands out, and is not shared by the baseline in the same step; else none.
    fn unshared(self) -> Option<f64> {
        (self.candidate > 0.0 && !self.shares(self.candidate)).then_some(self.candidate)
    }

    /// Whether the baseline shares what stood out so far.
    fn shares(self, candidate: f64) -> bool {
        self.baseline >= SHARES * candidate
    }
}

/// One step beside a baseline that was counted in it.
struct Beside {
    sides: Sides,
    usual: Usual,
    baseline: [f64; 2],
}

/// What the baseline had of late. A pod of the candidate that was scraped too late to be counted in a step is counted in the next one, which
/// so tells of both.
#[derive(Debug, Clone, Default)]
pub(super) struct Lately {
    /// `[bad, total]` of the baseline where its share was largest: since the candidate was last counted, and since the time before that.
    baseline: [[f64; 2]; 2],
    /// The pods of the candidate that were counted then.
    served: Vec<Pod>,
}

impl Lately {
    /// Takes one step more, in which these pods of the candidate are counted.
    fn note<'p>(&mut self, baseline: [f64; 2], served: impl Iterator<Item = &'p Pod>) {
        let mut served = served.cloned().peekable();
        let [last, before] = &mut self.baseline;
        if served.peek().is_some() {
            self.served.clear();
            self.served.extend(served);
            (*last, *before) = (baseline, *last);
        } else if baseline[0] * last[1] >= last[0] * baseline[1] {
            *last = baseline;
        }
    }

    /// Whether what stands out in the next step, in which these pods are counted, is of a time in which the baseline shared it.
    fn shared<'p>(&self, candidate: f64, usual: Usual, mut served: impl Iterator<Item = &'p Pod>) -> bool {
        let steps = if served.all(|pod| self.served.contains(pod)) { 1 } else { 2 };
        let mut baseline = self.baseline[..steps].iter();
        baseline.any(|counts| usual.surely_more(*counts) >= SHARES * candidate)
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
        let Some(mut beside) = self.beside(step) else {
            if let Some(unshared) = &mut self.unshared {
                unshared.before.take(at, step, false);
            }
            return self.take(at, step, false);
        };
        if let Some(unshared) = self.unshared.take().filter(|unshared| beside.sides.shares(unshared.share)) {
            let lately = std::mem::take(&mut self.lately);
            *self = unshared.before;
            self.lately = lately;
            self.miss();
            beside = self.beside(step).unwrap_or(beside);
        }
        let alone = beside.sides.unshared();
        let served = served(self.question.candidate, step);
        let over = alone.is_some_and(|share| self.lately.shared(share, beside.usual, served.clone()));
        self.lately.note(beside.baseline, served);
        let Some(share) = alone else {
            return self.take(at, step, false);
        };
        // The baseline's share of an outage ended sooner.
        if over {
            return self.miss();
        }
        let before = self.clone();
        let used = self.take(at, step, true);
        self.unshared = used.then(|| Box::new(Unshared { share, before }));
        used
    }

    /// How far the sides of a step stand out; none where the baseline is not counted in it, and where no regression is asked for.
    fn beside(&self, step: &MetricStep) -> Option<Beside> {
        let Against::Beside(noise) = &self.against else { return None };
        let counted = |bad: Bad, pods: &[PodIncrement]| {
            let counter = bad.counter(&step.bounds).filter(|_| !self.question.passing)?;
            Some(counter.sum(pods)).filter(|[_, n]| *n > 0.0)
        };
        let candidate = counted(self.question.candidate, &step.candidate).unwrap_or_default();
        let baseline = counted(self.question.baseline, &step.baseline)?;
        let usual = Usual {
            share: noise.usual(self.baseline, baseline),
            phi: noise.phi(),
        };
        Some(Beside {
            sides: Sides::new(candidate, baseline, usual),
            usual,
            baseline,
        })
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

/// The pods of the candidate that are counted in a step.
fn served(candidate: Bad, step: &MetricStep) -> impl Iterator<Item = &Pod> + Clone {
    let counter = candidate.counter(&step.bounds);
    let counts = move |pod: &&PodIncrement| {
        let counts = counter.and_then(|counter| counter.of(&pod.increment));
        counts.is_some_and(|[_, n]| n > 0.0)
    };
    step.candidate.iter().filter(counts).map(|pod| &pod.pod)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Usual = Usual { share: 0.005, phi: 1.5 };

    fn sides(candidate: f64, baseline: f64) -> Sides {
        Sides::new([candidate, 400.0], [baseline, 600.0], USUAL)
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
        let [one, other] = ["one", "other"].map(|name| Pod(name.into()));
        let after = |steps: &[&[&Pod]]| {
            let mut lately = Lately::default();
            lately.note([300.0, 600.0], [&one, &other].into_iter());
            for served in steps {
                lately.note([3.0, 600.0], served.iter().copied());
            }
            [&[&one][..], &[&other], &[&one, &other]].map(|served: &[&Pod]| lately.shared(0.5, USUAL, served.iter().copied()))
        };
        assert_eq!(after(&[]), [true; 3]);
        assert_eq!(after(&[&[&one]]), [false, true, true], "the other one may be late");
        assert_eq!(after(&[&[], &[]]), [true; 3], "none was counted since");
        assert_eq!(after(&[&[&one, &other]]), [false; 3]);
        assert_eq!(after(&[&[&one], &[&one, &other]]), [false; 3]);
    }

    #[test]
    fn single_failures_of_what_never_fails_do_not_stand_out() {
        let never = Usual { share: 1e-6, phi: 1.5 };
        let of = |bad: f64| Sides::new([bad, 50.0], [0.0, 50.0], never);
        assert_eq!([2.0, 3.0].map(|bad| of(bad).unshared()), [None, Some(0.06)]);
    }
}
