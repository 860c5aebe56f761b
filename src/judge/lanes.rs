//! Sums, maxima, exponentials and logarithms over a whole row of the grid, in loops that a compiler turns into vector instructions.
//!
//! Only additions, multiplications, divisions and bits: the same counts give the same evidence to the last bit on every machine, which
//! the mathematical libraries of different systems do not promise.

use super::grid::Row;

const LANES: usize = 8;

/// The sum of products of two rows, or parts of rows, of the same length.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// The sum of a row, or part of one.
pub(super) fn sum(row: &[f64]) -> f64 {
    let (row, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in row {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// The largest of a row that holds no NaN.
pub(super) fn largest(row: &[f64]) -> f64 {
    let (row, rest) = row.as_chunks::<LANES>();
    let mut most = [f64::NEG_INFINITY; LANES];
    for chunk in row {
        for (most, value) in most.iter_mut().zip(chunk) {
            *most = larger(*most, *value);
        }
    }
    most.iter()
        .chain(rest)
        .fold(f64::NEG_INFINITY, |most, value| larger(most, *value))
}

/// Unlike `f64::max` it says nothing of NaN, and is one instruction.
pub(super) const fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The other one.
pub(super) const fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Makes `exp(x - largest x)` of each point.
pub(super) fn exp_below_largest(row: &mut Row) {
    let highest = largest(row);
    for value in row {
        *value = exp(*value - highest);
    }
}

/// ln 2 in two parts, the first with so few digits that its product with an exponent is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// Added and taken away again it rounds to a whole number, which then stands in the lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u32 = 52;
/// Below this the exponential is as good as 0.
const LEAST_EXPONENT: f64 = -708.0;

/// 1/n! from 0 to 12.
const TAYLOR: [f64; 13] = {
    let mut terms = [1.0; 13];
    let mut n = 1;
    while n < 13 {
        terms[n] = terms[n - 1] / n as f64;
        n += 1;
    }
    terms
};

/// exp of a number at or below 0, to within two units in the last place: `2^k` times the Taylor series of what is left, at most
/// ln 2/2 in size, where the next term is below 2e-16; its even and its odd powers apart, as neither waits for the other. From -708
/// downwards it is 3e-308.
fn exp(x: f64) -> f64 {
    let x = larger(x, LEAST_EXPONENT);
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let rest = (x - k * LN_2[0]) - k * LN_2[1];
    let square = rest * rest;
    let (mut even, mut odd) = (TAYLOR[12], TAYLOR[11]);
    for n in (0..6).rev() {
        even = even * square + TAYLOR[2 * n];
    }
    for n in (0..5).rev() {
        odd = odd * square + TAYLOR[2 * n + 1];
    }
    (even + odd * rest) * f64::from_bits((shifted.to_bits() << MANTISSA).wrapping_add(ONE))
}

/// Near sqrt(1/2): mantissas are taken from there up to sqrt 2.
const LOWEST: u64 = 0x3fe6_a09e_0000_0000;
/// The bits of 2^52, whose lowest ones count.
const COUNT: u64 = 0x4330_0000_0000_0000;
/// The polynomial of FreeBSD's `e_log.c` for (ln(1+s) - ln(1-s) - 2s)/s in s^2: within 2^-58 of it.
const ODD: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

/// ln(1 + y) of a number at or above 0, to within two units in the last place. What is lost in 1 + y is made good.
pub(super) fn ln_1p(y: f64) -> f64 {
    let u = 1.0 + y;
    let lost = (y - (u - 1.0)) / u;
    let bits = u.to_bits().wrapping_sub(LOWEST);
    let k = f64::from_bits((bits >> MANTISSA) | COUNT) - f64::from_bits(COUNT);
    let f = f64::from_bits((bits & ((1 << MANTISSA) - 1)).wrapping_add(LOWEST)) - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let mut series = ODD[6];
    for i in (0..6).rev() {
        series = series * square + ODD[i];
    }
    let half = 0.5 * f * f;
    let low = s * (half + series * square) + (k * LN_2[1] + lost);
    k * LN_2[0] - ((half - low) - f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64, what: f64) {
        assert!(
            (found - wanted).abs() <= 4.0 * f64::EPSILON * wanted.abs(),
            "{what}: {found} {wanted}"
        );
    }

    #[test]
    fn they_agree_with_the_mathematical_library() {
        for i in 0..70_000 {
            let x = -f64::from(i) * 0.010_1;
            close(exp(x), x.exp(), x);
            let y = (f64::from(i) * 0.001_3 - 40.0).exp();
            close(ln_1p(y), y.ln_1p(), y);
        }
        assert_eq!((exp(0.0), ln_1p(0.0)), (1.0, 0.0));
        assert!(exp(-1e300) > 0.0 && exp(f64::NEG_INFINITY) < 1e-300);
    }

    #[test]
    fn sums_and_maxima_miss_no_point() {
        let row: Row = std::array::from_fn(|j| ((j * 37 % 73) as f64) - 20.0);
        assert_eq!(sum(&row), (0..73).map(|j| f64::from(j) - 20.0).sum::<f64>());
        assert_eq!(largest(&row), 52.0);
        assert_eq!(dot(&row, &row), row.iter().map(|x| x * x).sum::<f64>());
    }
}
