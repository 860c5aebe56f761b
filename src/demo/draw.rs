//! Seeded draws, the same in every run: SplitMix64 (Steele, Lea and Flood, 2014), whose state is one counter.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of draws that tasks may share.
#[derive(Debug)]
pub struct Draw(AtomicU64);

impl Draw {
    /// The source that `seed` names.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn bits(&self) -> u64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    pub fn uniform(&self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// True with probability `share`.
    pub fn chance(&self, share: f64) -> bool {
        self.uniform() < share
    }

    /// Standard normal (Box and Muller, 1958).
    pub fn normal(&self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Poisson with mean `mean`, by multiplication (Knuth): for small means.
    pub fn poisson(&self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let mut product = self.uniform();
        let mut count = 0;
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_that_they_promise() {
        let draw = Draw::new(7);
        let n = 20_000;
        let mean = |f: &dyn Fn() -> f64| (0..n).map(|_| f()).sum::<f64>() / f64::from(n);
        assert!((mean(&|| draw.uniform()) - 0.5).abs() < 0.01);
        assert!(mean(&|| draw.normal()).abs() < 0.03);
        assert!((mean(&|| draw.normal().powi(2)) - 1.0).abs() < 0.05);
        assert!((mean(&|| f64::from(draw.poisson(4.0))) - 4.0).abs() < 0.1);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let (a, b) = (Draw::new(1), Draw::new(1));
        assert!((0..100).all(|_| a.bits() == b.bits()));
    }
}
