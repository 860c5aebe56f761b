//! A fixed limit on the candidate's error ratio, checked once a minute over that minute: three failed checks in a row, as an alert with
//! `for:` has it, or so many failed checks altogether, as Flagger's `threshold` and Argo Rollouts' `failureLimit` have it.

use super::{Both, end, minutes};

/// How failed checks add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// So many in a row.
    InARow(u32),
    /// So many, whatever came between.
    Altogether(u32),
}

/// The step of the revert.
pub fn reverted(steps: &[Both], limit: f64, rule: Rule) -> Option<usize> {
    let mut failed = 0;
    for (minute, [[bad, total], _]) in minutes(steps).into_iter().enumerate() {
        let fails = total > 0 && bad as f64 / total as f64 > limit;
        failed = match rule {
            Rule::InARow(_) if !fails => 0,
            _ => failed + u32::from(fails),
        };
        let (Rule::InARow(enough) | Rule::Altogether(enough)) = rule;
        if failed >= enough {
            return Some(end(minute));
        }
    }
    None
}
