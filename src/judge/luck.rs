//! Luck: how far ln(multiple) may be from 0 although nothing is wrong (statistics.md, sections 4 and 8).

use statrs::function::{
    erf::erfc,
    gamma::{gamma_lr, gamma_ur},
};

use super::noise::Spread;

/// A law of ln(multiple) for a candidate that is no worse.
#[derive(Debug, Clone)]
pub(super) enum Luck {
    /// Pods differ, or hours of a value: a mixture of normals, as (probability, standard deviation).
    Pods(Vec<(f64, f64)>),
    /// The hour before was itself a count, and hours differ.
    Past(PastLuck),
}

/// The luck that a candidate is convicted by, and that by which it passes.
#[derive(Debug, Clone)]
pub(super) struct Lucks {
    harm: Luck,
    safety: Option<Luck>,
}

impl Lucks {
    /// As [`Luck::between`]; it passes by a more careful spread.
    pub(super) fn between(spread: &Spread, candidate_pods: f64, baseline_pods: f64) -> Self {
        Self {
            harm: Luck::between(spread, candidate_pods, baseline_pods),
            safety: Some(Luck::between(&spread.wary(), candidate_pods, baseline_pods)),
        }
    }

    /// As [`Luck::past`]; it passes by hours that may differ by `wary_rms`, if that is another.
    pub(super) fn past(bad: f64, phi: f64, rms: f64, wary_rms: Option<f64>) -> Self {
        Self {
            harm: Luck::past(bad, phi, rms),
            safety: wary_rms.map(|rms| Luck::past(bad, phi, rms)),
        }
    }

    pub(super) const fn harm(&self) -> &Luck {
        &self.harm
    }

    pub(super) fn safety(&self) -> &Luck {
        self.safety.as_ref().unwrap_or(&self.harm)
    }
}

impl Luck {
    /// Between `candidate_pods` and `baseline_pods` that differ by `spread`.
    pub(super) fn between(spread: &Spread, candidate_pods: f64, baseline_pods: f64) -> Self {
        Self::Pods(spread.sigmas(candidate_pods, baseline_pods).collect())
    }

    /// Of a value, in hours that differ by `rms`.
    pub(super) fn between_hours(rms: f64) -> Self {
        Self::Pods(vec![(1.0, rms)])
    }

    /// Against a past of `bad` events at clustering `phi`, in hours that differ by `rms`.
    pub(super) fn past(bad: f64, phi: f64, rms: f64) -> Self {
        Self::Past(PastLuck::new((bad + 0.5) / phi, rms))
    }

    /// `S(x)`: the probability of more than `x`. Never computed as 1 minus the other: that rounds in the far tail (section 13).
    pub(super) fn above(&self, x: f64) -> f64 {
        match self {
            Self::Pods(normals) => normals
                .iter()
                .map(|(p, sigma)| p * tail(x / (sigma * std::f64::consts::SQRT_2)) / 2.0)
                .sum(),
            Self::Past(past) => past.read(&past.above, x),
        }
    }

    /// The probability of at most `x`.
    pub(super) fn below(&self, x: f64) -> f64 {
        match self {
            Self::Pods(_) => self.above(-x),
            Self::Past(past) => past.read(&past.below, x),
        }
    }
}

/// `S(x) = E_z[Q(a, a exp(x - rms z))]`, z standard normal on 101 points (section 8), tabulated every `rms/10`: there the points
/// of z fall on the table's own, so each gamma integral is needed once. Between them ln S is smooth at the scale of `rms`.
#[derive(Debug, Clone)]
pub(super) struct PastLuck {
    spacing: f64,
    lowest: i32,
    above: Vec<f64>,
    below: Vec<f64>,
}

/// The farthest that two points of the grid are apart, and a little.
const REACH: f64 = 7.2;
const Z_POINTS: usize = 101;
const Z_SPACING: f64 = 0.1;
/// Above so many events the past's own sampling is nothing beside `rms` (at least 0.2), and the integrals get slow.
const MOST_SHAPE: f64 = 1e4;
const LEAST_PROBABILITY: f64 = 1e-300;

impl PastLuck {
    fn new(shape: f64, rms: f64) -> Self {
        let shape = shape.clamp(1e-3, MOST_SHAPE);
        let spacing = rms * Z_SPACING;
        let reach = (REACH / spacing).ceil() as i32;
        let half = (Z_POINTS / 2) as i32;
        let normal: Vec<f64> = (-half..=half)
            .map(|z| (-(f64::from(z) * Z_SPACING).powi(2) / 2.0).exp())
            .collect();
        let whole: f64 = normal.iter().sum();
        let smooth = |tail: fn(f64, f64) -> f64| -> Vec<f64> {
            let exact: Vec<f64> = (-reach - half..=reach + half)
                .map(|u| tail(shape, f64::from(u) * spacing))
                .collect();
            let mix = |window: &[f64]| window.iter().zip(&normal).map(|(tail, weight)| tail * weight).sum::<f64>() / whole;
            exact
                .windows(Z_POINTS)
                .map(|window| mix(window).max(LEAST_PROBABILITY).ln())
                .collect()
        };
        Self {
            spacing,
            lowest: -reach,
            above: smooth(upper),
            below: smooth(lower),
        }
    }

    /// Cubic through the four nearest points of ln(probability).
    fn read(&self, table: &[f64], x: f64) -> f64 {
        let position = (x / self.spacing - f64::from(self.lowest)).clamp(0.0, (table.len() - 1) as f64);
        let base = (position.floor() as usize).clamp(1, table.len() - 3);
        let t = position - base as f64;
        let [a, b, c, d] = [table[base - 1], table[base], table[base + 1], table[base + 2]];
        let cubic = b + t * ((c - a) / 2.0 + t * (a - 2.5 * b + 2.0 * c - d / 2.0 + t * ((d - a) / 2.0 + 1.5 * (b - c))));
        cubic.min(0.0).exp()
    }
}

/// `erfc`, which is 0 and 2 to a double beyond these: most of a row, where pods are alike.
fn tail(z: f64) -> f64 {
    if z > 27.5 {
        0.0
    } else if z < -6.5 {
        2.0
    } else {
        erfc(z)
    }
}

/// Beyond this exponent a tail is 0 to a double.
const FAR: f64 = 700.0;

fn upper(shape: f64, u: f64) -> f64 {
    match far(shape, u) {
        Some(true) => 0.0,
        Some(false) => 1.0,
        None => gamma_ur(shape, shape * u.exp()),
    }
}

fn lower(shape: f64, u: f64) -> f64 {
    match far(shape, u) {
        Some(true) => 1.0,
        Some(false) => 0.0,
        None => gamma_lr(shape, shape * u.exp()),
    }
}

/// Whether `u` is so far above (true) or below (false) the mode that the smaller tail is 0.
fn far(shape: f64, u: f64) -> Option<bool> {
    (shape * (u.exp() - 1.0 - u) > FAR).then_some(u > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_as_the_formula_of_section_8() {
        for (bad, phi, rms) in [(0.0, 1.5, 0.3), (20.0, 1.5, 0.2)] {
            let luck = Luck::past(bad, phi, rms);
            let shape = (bad + 0.5) / phi;
            let z = || (-50..=50).map(|i| f64::from(i) / 10.0).map(|z| (z, (-z * z / 2.0).exp()));
            let whole: f64 = z().map(|(_, weight)| weight).sum();
            for x in [-1.3, -0.51, 0.0, 0.07, 0.333, 0.9, 1.7] {
                let exact = |tail: fn(f64, f64) -> f64| {
                    z().map(|(z, weight)| weight * tail(shape, shape * f64::exp(x - rms * z)))
                        .sum::<f64>()
                        / whole
                };
                let (above, below) = (exact(gamma_ur), exact(gamma_lr));
                assert!(
                    (luck.above(x) - above).abs() <= 1e-4 * above + 1e-15,
                    "{x}: {} {above}",
                    luck.above(x)
                );
                assert!(
                    (luck.below(x) - below).abs() <= 1e-4 * below + 1e-15,
                    "{x}: {} {below}",
                    luck.below(x)
                );
            }
        }
    }

    #[test]
    fn a_long_past_leaves_only_the_difference_between_hours_without_lumps() {
        // The gamma law is then narrower than the distance of the points of z: read at the points alone it would be a staircase.
        let (bad, rms) = (3_000.0, 0.6);
        let luck = Luck::past(bad, 1.0, rms);
        let sigma = (rms * rms + f64::recip(bad + 0.5)).sqrt();
        for i in -30..30 {
            let x = f64::from(i) * 0.05;
            let normal = erfc(x / (sigma * std::f64::consts::SQRT_2)) / 2.0;
            assert!(
                (luck.above(x) - normal).abs() < 0.01 * normal,
                "{x}: {} {normal}",
                luck.above(x)
            );
        }
    }
}
