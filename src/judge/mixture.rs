//! Has it changed, now or at any earlier step? The mixture of likelihood ratios over when and how far (statistics.md, section 3).

use super::grid::{EMPTY, Jump, Row};

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
    jump: Jump,
    starts: Starts,
    unchanged: Row,
    changed: Row,
    rest: f64,
}

impl Mixture {
    pub(super) fn new(weights: Weights, jump: Jump, starts: Starts) -> Self {
        Self {
            weights,
            jump,
            starts,
            unchanged: [1.0; super::grid::POINTS],
            changed: EMPTY,
            rest: 1.0,
        }
    }

    /// One step of the watch goes by; `factors` is its likelihood at each point, none where it could not be used.
    pub(super) fn step(&mut self, factors: Option<&Row>) {
        self.starts.arrive();
        let Some(factors) = factors else { return };
        let weight = std::mem::take(&mut self.starts.carried);
        if weight > 0.0 {
            let mut mass = self.weights.null;
            for (mass, unchanged) in mass.iter_mut().zip(&self.unchanged) {
                *mass *= unchanged;
            }
            self.jump.add(weight, &mass, &mut self.changed);
            self.rest -= weight;
        }
        let mut largest = 0.0_f64;
        for (j, factor) in factors.iter().enumerate() {
            self.changed[j] *= factor;
            self.unchanged[j] *= factor;
            largest = largest.max(self.changed[j]).max(self.unchanged[j]);
        }
        // By the maximum, not by sum w0 B: that overflows (section 13).
        let scale = largest.recip();
        for (changed, unchanged) in self.changed.iter_mut().zip(&mut self.unchanged) {
            *changed *= scale;
            *unchanged = (*unchanged * scale).max(LEAST);
        }
    }

    /// The e-value of harm.
    pub(super) fn harm(&self) -> f64 {
        self.changed.iter().sum::<f64>() / dot(&self.weights.null, &self.unchanged).max(LEAST) + self.rest.max(0.0)
    }

    /// The e-value of safety.
    pub(super) fn safe(&self) -> f64 {
        self.safe_between(&self.weights.acceptable, &self.weights.harmful)
    }

    /// The e-value of `acceptable` against `harmful` (section 6: what is excluded).
    pub(super) fn safe_between(&self, acceptable: &Row, harmful: &Row) -> f64 {
        (dot(acceptable, &self.unchanged) / dot(harmful, &self.unchanged).max(LEAST)).min(SAFEST)
    }

    /// `B`: how likely each multiple is to have held all along, up to a factor.
    pub(super) const fn likelihood(&self) -> &Row {
        &self.unchanged
    }
}

/// The likelihood at each point, the largest being 1, from its logarithm up to a constant.
pub(super) fn factors(exponent: Row) -> Row {
    let highest = exponent.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    exponent.map(|exponent| (exponent - highest).exp())
}

fn dot(a: &Row, b: &Row) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
