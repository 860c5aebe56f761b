//! Noise in time, for comparisons of before and after: clustering of a service's totals, and how far hours differ
//! (statistics.md, section 8).

use std::time::Duration;

/// Least spread of ln(rate) between hours, learnt and assumed.
const RMS_LEAST: f64 = 0.2;
const RMS_ASSUMED: f64 = 0.3;
const PHI_ASSUMED: f64 = 3.0;
/// With less than a day: the spread of ln(rate) that passing expects of an unknown service, and what that is worth in degrees of freedom.
const RESTLESS: f64 = 0.45;
const RESTLESS_FREEDOM: f64 = 3.0;
/// Fewer windows of five minutes than this say less of it than those of a minute.
const LEAST_WINDOWS: usize = 6;
const HOUR: Duration = Duration::from_secs(3600);
/// So much usable history counts as a day: restarts and rollouts leave gaps in any day.
const A_DAY: Duration = Duration::from_secs(22 * 3600);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Noise in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TimeNoise {
    pub(super) phi: f64,
    pub(super) rms: f64,
    /// The same for passing, which must not take what a short history could not show for rest.
    pub(super) wary: f64,
    /// Whether a day taught it.
    pub(super) learnt: bool,
    /// How much history there was.
    pub(super) history: Duration,
}

/// Learns from totals `[bad, total]` by the end of their step in milliseconds, in time order.
pub(super) fn learn(steps: &[(i64, [f64; 2])], step: Duration) -> TimeNoise {
    let history = step.saturating_mul(u32::try_from(steps.len()).unwrap_or(u32::MAX));
    let series = Series::new(steps, step);
    let (mut phi, mut rms) = (series.phi(), series.rms());
    let learnt = history >= A_DAY;
    let mut wary = rms;
    if !learnt {
        (phi, rms) = (phi.max(PHI_ASSUMED), rms.max(RMS_ASSUMED));
        wary = rms.max(series.restlessness());
    }
    TimeNoise {
        phi,
        rms,
        wary,
        learnt,
        history,
    }
}

/// Running sums over every step of the time, those without counts included.
struct Series {
    hour: usize,
    minutes: [usize; 3],
    sums: Vec<[f64; 3]>,
}

impl Series {
    fn new(steps: &[(i64, [f64; 2])], step: Duration) -> Self {
        let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let in_steps = |d: Duration| {
            usize::try_from(d.as_millis() / step.as_millis().max(1))
                .unwrap_or(usize::MAX)
                .max(1)
        };
        let end = steps.last().map_or(0, |(at, _)| *at);
        let place = |at: i64| {
            usize::try_from((end - at) / step_ms)
                .ok()
                .filter(|back| *back < in_steps(LONGEST))
        };
        let length = steps.iter().find_map(|(at, _)| place(*at)).map_or(0, |back| back + 1);
        let mut counts = vec![[0.0; 3]; length];
        for (at, [bad, total]) in steps {
            if let Some(back) = place(*at) {
                counts[length - 1 - back] = [*bad, *total, 1.0];
            }
        }
        let mut sums = vec![[0.0; 3]];
        sums.extend(counts.iter().scan([0.0; 3], |sum, count| {
            *sum = std::array::from_fn(|i| sum[i] + count[i]);
            Some(*sum)
        }));
        Self {
            hour: in_steps(HOUR),
            minutes: [1, 5, 15].map(|m| in_steps(Duration::from_secs(m * 60))),
            sums,
        }
    }

    /// `[bad, total, steps that were counted]` from one step to another.
    fn between(&self, from: usize, to: usize) -> [f64; 3] {
        std::array::from_fn(|i| self.sums[to][i] - self.sums[from][i])
    }

    /// Whole windows of `window` steps, each with the hour before it, as `[bad, total]`; only where most of that hour is known.
    fn windows(&self, window: usize) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
        let last = self.sums.len().saturating_sub(window);
        (self.hour..last).step_by(window).filter_map(move |start| {
            let [bad, total, _] = self.between(start, start + window);
            let [past_bad, past_total, known] = self.between(start - self.hour, start);
            let fit = total > 0.0 && past_total > 0.0 && known * 2.0 >= self.hour as f64;
            fit.then_some(([bad, total], [past_bad, past_total]))
        })
    }

    /// The largest clustering about the rate of the hour before, over windows of 1, 5 and 15 minutes.
    fn phi(&self) -> f64 {
        let over = |window: usize| {
            let (mut scatter, mut spare) = (0.0, 0.0);
            for ([bad, total], [past_bad, past_total]) in self.windows(window) {
                let expected = total * (past_bad + 0.5) / past_total.max(1.0);
                scatter += (bad - expected).powi(2);
                spare += expected * (1.0 + window as f64 / self.hour as f64);
            }
            scatter / spare.max(1e-9)
        };
        self.minutes.map(over).into_iter().fold(1.0, f64::max)
    }

    /// Root mean square of ln(a quarter of an hour over the hour before) about 0, less its sampling part.
    fn rms(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0_f64);
        for ([bad, total], [past_bad, past_total]) in self.windows(self.minutes[2]) {
            let (a, b) = (bad + 0.5, past_bad + 0.5);
            sum += (a / total * past_total / b).ln().powi(2) - a.recip() - b.recip();
            count += 1.0;
        }
        (sum / count.max(1.0)).max(RMS_LEAST * RMS_LEAST).sqrt()
    }

    /// How far ln(rate) may lie from that of the newest hour or less, as far as its own windows tell: their variance about its mean, less
    /// that of counts, weighed against [`RESTLESS`] by what so many events can tell of it. A rate that moves within the hour may move as far
    /// beyond it; an outage in it counts in full.
    fn restlessness(&self) -> f64 {
        let end = self.sums.len() - 1;
        let start = end.saturating_sub(self.hour);
        let [minute, five, _] = self.minutes;
        let window = if (end - start) / five >= LEAST_WINDOWS { five } else { minute };
        let [bad, total, _] = self.between(start, end);
        let rate = (bad + 0.5) / total.max(1.0);
        let (mut excess, mut squares, mut expected, mut count) = (0.0, 0.0, 0.0, 0.0_f64);
        for from in (start..=end.saturating_sub(window))
            .rev()
            .step_by(window)
            .filter(|from| from + window <= end)
        {
            let [bad, total, known] = self.between(from, from + window);
            if known > 0.0 {
                let usual = total * rate;
                excess += (bad - usual).powi(2) - usual;
                (squares, expected, count) = (squares + usual * usual, expected + usual, count + 1.0);
            }
        }
        let prior = RESTLESS * RESTLESS;
        let freedom = (count - 1.0).max(0.0);
        let variance = (excess / squares.max(f64::MIN_POSITIVE) * count / freedom.max(1.0)).max(0.0);
        let told = prior * expected / count.max(1.0);
        let freedom = freedom * (told / (1.0 + told)).powi(2);
        ((prior * RESTLESS_FREEDOM + variance * freedom) / (RESTLESS_FREEDOM + freedom)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(15);

    /// What is learnt of so many steps of 750 requests, of which `bad` says how many go bad.
    fn learnt(steps: usize, bad: impl Fn(usize) -> f64) -> TimeNoise {
        let counts: Vec<(i64, [f64; 2])> = (0..steps).map(|t| (15_000 * t as i64, [bad(t), 750.0])).collect();
        learn(&counts, STEP)
    }

    #[test]
    fn passing_expects_of_a_short_history_what_it_could_not_show_and_of_a_restless_hour_that_it_goes_on() {
        let restless = |t: usize| if (t / 20).is_multiple_of(2) { 2.0 } else { 7.0 };
        let calm = |_: usize| 4.0;
        let wary = |steps: usize, bad: fn(usize) -> f64| learnt(steps, bad).wary;
        assert_eq!(wary(240, calm), RMS_ASSUMED, "an hour of rest is rest");
        assert!(wary(240, restless) > 0.5, "{}", wary(240, restless));
        let minute = wary(4, calm);
        assert!((minute - RESTLESS).abs() < 1e-12, "a minute shows nothing: {minute}");
        assert!(wary(40, |t| f64::from(t == 7)) > 0.4, "nor do ten with one failure in them");
        let noise = learnt(240, restless);
        assert_eq!(
            (noise.phi, noise.rms),
            (PHI_ASSUMED, RMS_ASSUMED),
            "conviction asks for no more than it did"
        );
        let day = learnt(5_760, restless);
        assert!(day.learnt && day.wary == day.rms, "a day teaches both alike: {day:?}");
    }
}
