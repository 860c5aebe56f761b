//! The grid of multiples that evidence is kept on, and the law of a jump on it (statistics.md, sections 2 and 3).

use std::sync::LazyLock;

/// Points of the grid.
pub(super) const POINTS: usize = 73;
/// The point at which the candidate is exactly as bad as what it is compared with.
pub(super) const ZERO: usize = 34;
/// The last point.
pub(super) const LAST: usize = POINTS - 1;

/// One number a grid point.
pub(super) type Row = [f64; POINTS];

/// A row of zeros.
pub(super) const EMPTY: Row = [0.0; POINTS];

/// The points and the widths of their cells.
#[derive(Debug)]
pub(super) struct Grid {
    /// ln of the multiple.
    pub(super) x: Row,
    /// The multiple itself.
    pub(super) times: Row,
    /// Half the distance between the neighbors, at the ends the distance to the neighbor.
    pub(super) dx: Row,
}

/// The one grid that everything lives on.
pub(super) static GRID: LazyLock<Grid> = LazyLock::new(Grid::new);

impl Grid {
    fn new() -> Self {
        let density = 0.25_f64;
        let (low, high) = ((-2.8 / density).asinh(), (4.2 / density).asinh());
        let spacing = (high - low) / LAST as f64;
        let x: Row = std::array::from_fn(|j| density * ((j as f64 - ZERO as f64) * spacing).sinh());
        let dx = std::array::from_fn(|j| match j {
            0 => x[1] - x[0],
            LAST => x[LAST] - x[LAST - 1],
            _ => (x[j + 1] - x[j - 1]) / 2.0,
        });
        Self {
            x,
            times: x.map(f64::exp),
            dx,
        }
    }

    /// The last point that is not above `x`, never one below zero.
    pub(super) fn at_or_below(&self, x: f64) -> usize {
        // The slack lets a policy's ln that is a grid point but for rounding be that point.
        self.x.partition_point(|point| *point <= x + 1e-9).saturating_sub(1).max(ZERO)
    }
}

/// How far a change jumps: mostly near the smallest harmful change, sometimes far. Both scales lie side by side.
#[derive(Debug, Clone)]
pub(super) struct Jump {
    /// The density `d exp(-d/s)` as a first-order recursion: what is left of it from point to point, and the norm of a jump from a point.
    decay: [Scales; POINTS],
    norm: [Scales; POINTS],
    /// Where a jump from [`ZERO`] ends.
    from_zero: Row,
}

/// One number for the near jump and one for the far.
type Scales = [f64; 2];

const SHARES: Scales = [0.7, 0.3];
const FAR_SCALE: f64 = 1.2;
/// No scale is finer: the grid could not tell it apart, and the weights would leave the range of a double.
const FINEST_SCALE: f64 = 0.01;

impl Jump {
    /// The law for a smallest harmful change of `ln_harmful`.
    pub(super) fn new(ln_harmful: f64) -> Self {
        let Grid { x, dx, .. } = &*GRID;
        let scales = [(ln_harmful / 2.0).max(FINEST_SCALE), FAR_SCALE];
        let mut jump = Self {
            decay: std::array::from_fn(|j| {
                if j == 0 {
                    [0.0; 2]
                } else {
                    scales.map(|s| (-(x[j] - x[j - 1]) / s).exp())
                }
            }),
            norm: [[0.0; 2]; POINTS],
            from_zero: EMPTY,
        };
        for i in ZERO..LAST {
            jump.norm[i] = scales.map(|s| {
                let reach: f64 = (i + 1..POINTS)
                    .map(|j| (x[j] - x[i]) * (-(x[j] - x[i]) / s).exp() * dx[j])
                    .sum();
                reach.recip()
            });
        }
        let mut here = EMPTY;
        here[ZERO] = 1.0;
        let mut from_zero = EMPTY;
        jump.add(1.0, &here, &mut from_zero);
        jump.from_zero = from_zero;
        jump
    }

    /// Adds to `out` the mass that jumps up from each point of `mass`, times `weight`; there is none below [`ZERO`]. The last point
    /// keeps its mass.
    pub(super) fn add(&self, weight: f64, mass: &Row, out: &mut Row) {
        let Grid { x, dx, .. } = &*GRID;
        let (mut here, mut risen) = ([0.0; 2], [0.0; 2]);
        for j in ZERO + 1..POINTS {
            let gap = x[j] - x[j - 1];
            let mut ends = 0.0;
            for scale in 0..2 {
                let left = here[scale] + mass[j - 1] * self.norm[j - 1][scale];
                risen[scale] = self.decay[j][scale] * (risen[scale] + gap * left);
                here[scale] = self.decay[j][scale] * left;
                ends += SHARES[scale] * risen[scale];
            }
            out[j] += weight * dx[j] * ends;
        }
        out[LAST] += weight * mass[LAST];
    }

    /// The same for a mass of `weight` at [`ZERO`] alone.
    pub(super) fn add_from_zero(&self, weight: f64, out: &mut Row) {
        for (out, share) in out[ZERO..].iter_mut().zip(&self.from_zero[ZERO..]) {
            *out += weight * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;

    #[test]
    fn the_grid_is_that_of_section_2() {
        assert!((GRID.x[0] + 2.851).abs() < 1e-3 && (GRID.x[LAST] - 4.125).abs() < 1e-3);
        assert!(GRID.x[ZERO].abs() < f64::EPSILON);
        assert_eq!(GRID.at_or_below(GRID.x[50]), 50);
        assert_eq!(GRID.at_or_below(-3.0), ZERO);
    }

    /// Section 3 as it is written: every jump from every point.
    fn product(ln_harmful: f64, mass: &Row) -> Row {
        let Grid { x, dx, .. } = &*GRID;
        let mut product = EMPTY;
        for (share, scale) in [(0.7, (ln_harmful / 2.0).max(FINEST_SCALE)), (0.3, 1.2)] {
            for i in 0..POINTS {
                let density = |j: usize| {
                    if j > i {
                        (x[j] - x[i]) * (-(x[j] - x[i]) / scale).exp() * dx[j]
                    } else {
                        0.0
                    }
                };
                let norm: f64 = (0..POINTS).map(density).sum();
                for (j, cell) in product.iter_mut().enumerate() {
                    let stays = f64::from(u8::from(i == LAST && j == LAST));
                    *cell += share * mass[i] * if i == LAST { stays } else { density(j) / norm };
                }
            }
        }
        product
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, rng_seed: RngSeed::Fixed(6), ..ProptestConfig::default() })]

        #[test]
        fn the_recursion_equals_the_matrix_product(masses in prop::collection::vec(-30.0..0.0_f64, POINTS), times in 1.01..30.0_f64) {
            let mass: Row = std::array::from_fn(|j| if j >= ZERO { masses[j].exp() } else { 0.0 });
            let jump = Jump::new(times.ln());
            let mut recursion = EMPTY;
            jump.add(1.0, &mass, &mut recursion);
            let wanted = product(times.ln(), &mass);
            let size = wanted.iter().fold(0.0_f64, |most, cell| most.max(*cell));
            for j in 0..POINTS {
                prop_assert!((recursion[j] - wanted[j]).abs() <= 1e-12 * size, "{j}: {} {}", recursion[j], wanted[j]);
            }
            let mut at_zero = EMPTY;
            at_zero[ZERO] = mass[ZERO];
            let (mut by_row, mut by_recursion) = (EMPTY, EMPTY);
            jump.add_from_zero(mass[ZERO], &mut by_row);
            jump.add(1.0, &at_zero, &mut by_recursion);
            prop_assert!(by_row.iter().zip(&by_recursion).all(|(one, other)| (one - other).abs() <= 1e-15 * mass[ZERO]));
        }
    }
}
