//! Has it changed, now or at any earlier step? The mixture of likelihood ratios over when and how far (statistics.md, section 3).

use super::{
    grid::{EMPTY, Jump, POINTS, Row, ZERO},
    lanes::{dot, larger, largest, sum},
};

/// Nothing on the grid is ever less likely than this, so that no quotient divides by zero.
const LEAST: f64 = 1e-280;
/// e-values of safety are never larger (section 6).
pub(super) const SAFEST: f64 = 1e15;

/// How likely a change is to begin at each step of the watch; weights of steps that could not be used are carried on.
#[derive(Debug, Clone)]
pub(super) struct Starts {
    step_seconds: f64,
    steps: u32,
    first: f64,
    unit: f64,
    next: u32,
    carried: f64,
}

impl Starts {
    /// Most of the weight on the start of the watch, a quarter on later steps, the sooner the more.
    pub(super) fn spread(steps: u32, step_seconds: f64) -> Self {
        let sum: f64 = (1..steps).map(|t| (f64::from(t) * step_seconds + 150.0).recip()).sum();
        let unit = if sum > 0.0 { 0.25 / sum } else { 0.0 };
        Self {
            step_seconds,
            steps,
            first: 0.75,
            unit,
            next: 0,
            carried: 0.0,
        }
    }

    /// All of it on the start: what decides before/after (section 8).
    pub(super) fn at_once(steps: u32, step_seconds: f64) -> Self {
        Self {
            first: 1.0,
            unit: 0.0,
            ..Self::spread(steps, step_seconds)
        }
    }

    fn arrive(&mut self) {
        let t = self.next;
        self.next = self.next.saturating_add(1);
        self.carried += match t {
            0 => self.first,
            _ if t < self.steps => self.unit / (f64::from(t) * self.step_seconds + 150.0),
            _ => 0.0,
        };
    }
}

/// Weights of the nulls and alternatives on the grid; each row sums to 1.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// `w0`: the null of harm.
    pub(super) null: Row,
    /// `ws`: what is acceptable, the alternative of safety.
    pub(super) acceptable: Row,
    /// `wh`: what is harmful, the null of safety.
    pub(super) harmful: Row,
}

/// `B`, `N` and `rest` of section 3.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    weights: Weights,
    unchanged: Row,
    /// The same without the steps that say nothing of safety; none as long as there were none.
    apart_from_outages: Option<Row>,
    change: Option<Change>,
}

/// The side of harm: `N` and `rest`.
#[derive(Debug, Clone)]
struct Change {
    jump: Jump,
    starts: Starts,
    /// Whether all of the null is at [`ZERO`]: then every jump is from there.
    from_zero: bool,
    /// Nothing below [`ZERO`] ever: a change only makes worse.
    changed: Row,
    rest: f64,
    harm: f64,
}

impl Change {
    /// A change may begin at this step, with all the weight that was carried to it.
    fn begin(&mut self, null: &Row, unchanged: &Row) {
        let weight = std::mem::take(&mut self.starts.carried);
        if weight <= 0.0 {
            return;
        }
        if self.from_zero {
            self.jump.add_from_zero(weight * unchanged[ZERO], &mut self.changed);
        } else {
            let mut mass = EMPTY;
            for j in ZERO..POINTS {
                mass[j] = null[j] * unchanged[j];
            }
            self.jump.add(weight, &mass, &mut self.changed);
        }
        self.rest -= weight;
    }
}

impl Mixture {
    /// Of harm from when `starts` says, and of safety.
    pub(super) fn new(weights: Weights, jump: Jump, starts: Starts) -> Self {
        let change = Change {
            jump,
            starts,
            from_zero: weights.null[ZERO] >= 1.0,
            changed: EMPTY,
            rest: 1.0,
            harm: 1.0,
        };
        Self {
            change: Some(change),
            ..Self::of_safety(weights)
        }
    }

    /// Of safety alone: its evidence of harm stays 1.
    pub(super) const fn of_safety(weights: Weights) -> Self {
        Self {
            weights,
            unchanged: [1.0; POINTS],
            apart_from_outages: None,
            change: None,
        }
    }

    /// One step of the watch goes by; `factors` is its likelihood at each point, none where it could not be used.
    pub(super) fn step(&mut self, factors: Option<&Row>) {
        self.go_by(factors, false);
    }

    /// The same for a step that says nothing of safety.
    pub(super) fn outage(&mut self, factors: Option<&Row>) {
        self.go_by(factors, true);
    }

    fn go_by(&mut self, factors: Option<&Row>, outage: bool) {
        if let Some(change) = &mut self.change {
            change.starts.arrive();
        }
        let Some(factors) = factors else { return };
        if let Some(change) = &mut self.change {
            change.begin(&self.weights.null, &self.unchanged);
            multiply(&mut change.changed[ZERO..], &factors[ZERO..]);
        }
        self.keep_apart(factors, outage);
        multiply(&mut self.unchanged, factors);
        // By the maximum, not by sum w0 B: that overflows (section 13).
        let changed = self.change.as_ref().map_or(0.0, |change| largest(&change.changed[ZERO..]));
        let scale = larger(largest(&self.unchanged), changed).recip();
        for unchanged in &mut self.unchanged {
            *unchanged = larger(*unchanged * scale, LEAST);
        }
        if let Some(change) = &mut self.change {
            for changed in &mut change.changed[ZERO..] {
                *changed *= scale;
            }
            let never = dot(&self.weights.null[ZERO..], &self.unchanged[ZERO..]);
            change.harm = sum(&change.changed[ZERO..]) / larger(never, LEAST) + larger(change.rest, 0.0);
        }
    }

    fn keep_apart(&mut self, factors: &Row, outage: bool) {
        if outage {
            self.apart_from_outages.get_or_insert(self.unchanged);
        } else if let Some(row) = &mut self.apart_from_outages {
            multiply(row, factors);
            let scale = largest(row).recip();
            for value in row {
                *value = larger(*value * scale, LEAST);
            }
        }
    }

    /// The e-value of harm.
    pub(super) fn harm(&self) -> f64 {
        self.change.as_ref().map_or(1.0, |change| change.harm)
    }

    /// The e-value of safety.
    pub(super) fn safe(&self) -> f64 {
        self.safe_against(&self.weights.harmful)
    }

    /// The same against another null (section 6: what is excluded).
    pub(super) fn safe_against(&self, harmful: &Row) -> f64 {
        self.safe_between(&self.weights.acceptable, harmful)
    }

    /// The e-value of `acceptable` against `harmful`.
    pub(super) fn safe_between(&self, acceptable: &Row, harmful: &Row) -> f64 {
        let likelihood = self.apart_from_outages.as_ref().unwrap_or(&self.unchanged);
        (dot(acceptable, likelihood) / larger(dot(harmful, likelihood), LEAST)).min(SAFEST)
    }

    /// `B`: how likely each multiple is to have held all along, up to a factor.
    pub(super) const fn likelihood(&self) -> &Row {
        &self.unchanged
    }
}

fn multiply(row: &mut [f64], factors: &[f64]) {
    for (value, factor) in row.iter_mut().zip(factors) {
        *value *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{grid::GRID, weights};

    #[test]
    fn an_outage_convicts_and_never_acquits() {
        let (weights, jump) = weights::against_known(2.0_f64.ln());
        let mut mixture = Mixture::new(weights, jump, Starts::spread(10, 15.0));
        let toward = |x: f64| GRID.x.map(|point| (-(point - x).powi(2) / 0.1).exp());
        let (well, badly) = (toward(-0.5), toward(1.5));
        (0..5).for_each(|_| mixture.outage(Some(&well)));
        assert!((mixture.safe() - 1.0).abs() < 1e-9, "{}", mixture.safe());
        mixture.outage(Some(&badly));
        assert!(mixture.harm() > 1e3, "{}", mixture.harm());
        mixture.step(Some(&well));
        let once = mixture.safe();
        mixture.outage(Some(&well));
        assert!(once > 100.0 && mixture.safe() == once, "{once}");
    }
}
