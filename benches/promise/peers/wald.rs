//! Wald's sequential test, told the release's theta beforehand: the bound that nothing which has to find theta out can pass where
//! requests are independent. It knows nothing of noise.

use super::Both;

/// The step in which the likelihood ratio of `theta` against 1, given each step's bad events of both arms, reaches `needed`.
pub fn reverted(steps: &[Both], theta: f64, needed: f64) -> Option<usize> {
    let mut evidence = 0.0;
    steps.iter().position(|[[bad_new, new], [bad_old, old]]| {
        if *new > 0 && *old > 0 {
            let balance = *new as f64 / *old as f64;
            let bad = (bad_new + bad_old) as f64;
            evidence += *bad_new as f64 * theta.ln() - bad * ((theta * balance).ln_1p() - balance.ln_1p());
        }
        evidence >= needed.ln()
    })
}
