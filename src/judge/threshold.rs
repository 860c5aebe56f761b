//! A value that must not be beyond a plain bound for so long (statistics.md, section 10): a rule of the policy, not evidence.
//!
//! Nothing is compared, nothing is learnt, and there are no odds: what the policy calls harm is there, or it is not. So it stands beside
//! section 9's weighted mean and not in it. A bound that may revert convicts by itself, and until then takes no weight from the metrics
//! that are evidence; `falseRevert` bounds those alone, for a release that breaks a rule of its policy is not harmless.
//!
//! Each pod counts for itself, as each series of an alerting rule does. What was not seen did not hold: a pod without a value in a step
//! begins anew, on both sides, so missing data neither convict nor acquit.

use std::{collections::BTreeMap, time::Duration};

use super::evidence::{ThresholdEvidence, ValueEvidence};
use crate::{
    policy::Threshold as Rule,
    words::{Increment, MetricStep, Moment, Pod},
};

/// One value against its bound, by the pod.
#[derive(Debug, Clone)]
pub(super) struct Threshold {
    rule: Rule,
    /// Since when each pod has been beyond it without a break.
    beyond: BTreeMap<Pod, Moment>,
    /// Since when there was a value in every step.
    seen_since: Option<Moment>,
    newest: Option<Moment>,
    /// The value that was farthest beyond in the newest used step.
    worst: Option<f64>,
    /// The longest that any pod was beyond it; none: it never was.
    longest: Option<Duration>,
}

impl Threshold {
    pub(super) const fn new(rule: Rule) -> Self {
        Self {
            rule,
            beyond: BTreeMap::new(),
            seen_since: None,
            newest: None,
            worst: None,
            longest: None,
        }
    }

    /// Takes one step; says whether there was a value in it.
    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        let values = step.candidate.iter().filter_map(|pod| match pod.increment {
            Increment::Value { value } => Some((&pod.pod, value)),
            _ => None,
        });
        let beyond = values.clone().filter(|(_, value)| self.rule.is_beyond(*value));
        self.beyond.retain(|pod, _| beyond.clone().any(|(other, _)| other == pod));
        for (pod, _) in beyond {
            if !self.beyond.contains_key(pod) {
                self.beyond.insert(pod.clone(), at);
            }
        }
        let worst = values
            .map(|(_, value)| value)
            .reduce(|one, other| self.rule.worse(one, other));
        let used = worst.is_some();
        if used {
            (self.worst, self.newest) = (worst, Some(at));
            self.seen_since.get_or_insert(at);
            self.longest = self.longest.max(self.held());
        } else {
            self.seen_since = None;
        }
        used
    }

    /// How long a pod has been beyond it, of all the longest; none: no pod is.
    fn held(&self) -> Option<Duration> {
        let newest = self.newest?;
        self.beyond.values().map(|since| newest.since(*since)).max()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.held().is_some_and(|held| held >= self.rule.held_for)
    }

    /// Whether it was seen for as long as it may be broken, and no pod is beyond it now.
    pub(super) fn is_kept(&self) -> bool {
        let seen = self.seen_since.zip(self.newest).map(|(since, newest)| newest.since(since));
        self.beyond.is_empty() && seen.is_some_and(|seen| seen >= self.rule.held_for)
    }

    pub(super) const fn served(&self) -> bool {
        self.newest.is_some()
    }

    pub(super) fn evidence(&self) -> ValueEvidence {
        ValueEvidence {
            candidate: self.worst,
            threshold: Some(ThresholdEvidence {
                rule: self.rule,
                held: self.held(),
                longest: self.longest,
            }),
            ..ValueEvidence::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Side, words::PodIncrement};

    fn threshold(side: Side, value: f64) -> Threshold {
        Threshold::new(Rule {
            side,
            value,
            held_for: Duration::from_secs(60),
        })
    }

    fn at(step: usize) -> Moment {
        Moment::from_millis(1_764_000_000_000 + 15_000 * step as i64)
    }

    /// Steps in which each pod has these values; NaN: none.
    fn take(threshold: &mut Threshold, from: usize, steps: &[&[f64]]) -> Option<usize> {
        let mut broken = None;
        for (t, values) in steps.iter().enumerate() {
            let there = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
            let candidate = there.map(|(pod, value)| PodIncrement {
                pod: Pod(format!("pod-{pod}").into()),
                increment: Increment::Value { value: *value },
            });
            let step = MetricStep {
                candidate: candidate.collect(),
                ..MetricStep::default()
            };
            let used = threshold.step(at(from + t), &step);
            assert_eq!(used, values.iter().any(|value| !value.is_nan()));
            broken = broken.or(threshold.is_broken().then_some(from + t));
        }
        broken
    }

    #[test]
    fn one_pod_beyond_it_for_long_enough_breaks_it_and_a_dip_begins_again() {
        let mut above = threshold(Side::Above, 0.9);
        let story: [&[f64]; 9] = [
            &[0.5, 0.95],
            &[0.5, 0.95],
            &[0.95, 0.9],
            &[0.95, 0.95],
            &[0.5, 0.95],
            &[0.5, 0.95],
            &[0.5, 0.95],
            &[0.5, 0.95],
            &[0.5, 0.95],
        ];
        assert_eq!(take(&mut above, 0, &story), Some(7));
        let _ = take(&mut above, 9, &[&[0.5, 0.7]]);
        let evidence = above.evidence();
        let longest = evidence.threshold.map(|threshold| (threshold.held, threshold.longest));
        assert_eq!(evidence.candidate, Some(0.7));
        assert_eq!(
            longest,
            Some((None, Some(Duration::from_secs(75)))),
            "told after it ended too"
        );
    }

    #[test]
    fn what_was_not_seen_is_not_known_to_have_held() {
        let mut below = threshold(Side::Below, 10.0);
        let story: [&[f64]; 6] = [&[0.0], &[-3.0], &[f64::NAN], &[9.0], &[9.0], &[9.0]];
        assert_eq!(take(&mut below, 0, &story), None);
        assert_eq!(take(&mut below, 6, &[&[9.0], &[9.0]]), Some(7));
    }

    #[test]
    fn it_is_kept_once_it_was_seen_for_as_long_and_not_over_a_gap() {
        let mut above = threshold(Side::Above, 0.9);
        let _ = take(&mut above, 0, &[&[0.5], &[0.95], &[f64::NAN], &[0.5], &[0.5]]);
        assert!(!above.is_kept() && above.served());
        let _ = take(&mut above, 5, &[&[0.5], &[0.5], &[0.5]]);
        assert!(above.is_kept() && !above.is_broken());
    }
}
