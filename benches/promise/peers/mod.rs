//! What else decides about rollouts, on the same counts: a fixed limit, Kayenta's classifier, and Wald's test, which is told the answer.
//!
//! They see the totals of both arms in each step, as their users' queries do.

pub mod kayenta;
pub mod limit;
pub mod wald;

/// `[bad, total]` of the candidate and of the baseline in one step.
pub type Both = [[u64; 2]; 2];

/// Steps a minute.
const MINUTE: usize = 4;

/// The sums of both arms in whole minutes.
fn minutes(steps: &[Both]) -> Vec<Both> {
    let sum = |steps: &[Both]| {
        steps.iter().fold([[0; 2]; 2], |sum: Both, step| {
            std::array::from_fn(|arm| std::array::from_fn(|i| sum[arm][i] + step[arm][i]))
        })
    };
    steps.chunks_exact(MINUTE).map(sum).collect()
}

/// The last step of a minute, counted from 0.
const fn end(minute: usize) -> usize {
    (minute + 1) * MINUTE - 1
}
