//! What of a policy the judge goes by.

use crate::policy::{Metric, Policy, Risk};

/// Risks and metrics: all that the judge asks of a policy.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// What mistakes are allowed.
    pub risk: Risk,
    /// Never convict on fewer bad events of the candidate.
    pub at_least_bad: u64,
    /// The metrics, in the order of every step's.
    pub metrics: &'a [Metric],
}

impl<'a> From<&'a Policy> for Terms<'a> {
    fn from(policy: &'a Policy) -> Self {
        Self {
            risk: policy.risk,
            at_least_bad: policy.at_least_bad,
            metrics: &policy.metrics,
        }
    }
}
