//! What the hour before is compared with: the hour without its outages (docs/decisions/2026-11-29-an-outage-in-the-hour-before.md).

use super::noise::sum_of;

/// An outage is looked for in windows of so many milliseconds.
const WINDOW_MS: i64 = 30_000;
/// With so many times the bad events of what else there is a window is an outage.
const OUTAGE: f64 = 8.0;
/// But not with less than so many clusters of this many.
const CLUSTER: f64 = 3.0;

/// What was counted in the hour before, as `[bad, total]`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Hour {
    /// What is usual in it.
    pub(super) usual: [f64; 2],
    /// In its outages, which are left out.
    pub(super) left_out: [f64; 2],
}

impl Hour {
    /// From the counts of pods in each step, by its end in milliseconds and in time order.
    pub(super) fn new(steps: &[(i64, Vec<[f64; 2]>)]) -> Self {
        let window = |(end, _): &(i64, _)| (end - 1).div_euclid(WINDOW_MS);
        let windows = steps.chunk_by(|a, b| window(a) == window(b));
        let mut kept: Vec<[f64; 2]> = windows.map(|steps| sum_of(steps.iter().flat_map(|(_, pods)| pods))).collect();
        let all = sum_of(&kept);
        let usual = loop {
            let [bad, total] = sum_of(&kept);
            let rate = (bad + 0.5) / total.max(1.0);
            let before = kept.len();
            kept.retain(|[bad, total]| *bad <= OUTAGE * (rate * total).max(CLUSTER));
            if kept.len() == before {
                break [bad, total];
            }
        };
        Self {
            usual,
            left_out: [all[0] - usual[0], all[1] - usual[1]],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An hour of steps of 15 s with 750 requests of two pods.
    fn hour(bad: impl Fn(usize) -> f64) -> Hour {
        let steps: Vec<_> = (0..240)
            .map(|t| (15_000 * (t as i64 + 1), vec![[bad(t), 500.0], [0.0, 250.0]]))
            .collect();
        Hour::new(&steps)
    }

    #[test]
    fn a_minute_of_outage_is_left_out_wherever_it_begins() {
        for from in [100, 101] {
            let hour = hour(|t| if (from..from + 4).contains(&t) { 75.0 } else { 4.0 });
            let left_out = if from % 2 == 0 { [300.0, 3_000.0] } else { [308.0, 4_500.0] };
            assert_eq!(hour.left_out, left_out);
            assert_eq!(hour.usual[0], 4.0 * (180_000.0 - left_out[1]) / 750.0);
        }
    }

    #[test]
    fn what_is_no_outage_stays() {
        let everything = [0.0; 2];
        // A job for three minutes of the hour, a tide, a cluster of a service that hardly ever fails, half an hour of trouble.
        assert_eq!(hour(|t| if t < 12 { 16.0 } else { 4.0 }).left_out, everything);
        assert_eq!(hour(|t| 4.0 + 8.0 * (t as f64 / 20.0).sin().max(0.0)).left_out, everything);
        assert_eq!(hour(|t| if t == 7 { 20.0 } else { 0.0 }).left_out, everything);
        assert_eq!(hour(|t| if t < 120 { 80.0 } else { 4.0 }).left_out, everything);
        assert_eq!(Hour::new(&[]), Hour::default());
    }
}
