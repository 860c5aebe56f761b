//! Seeded chance: every part of every rollout draws from its own stream, so that neither threads nor other parts move it.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use rand_distr::{Binomial, Distribution, Gamma, Poisson, StandardNormal};

/// One stream of chance.
#[derive(Debug, Clone)]
pub struct Chance(Xoshiro256PlusPlus);

impl Chance {
    /// The stream that these numbers name.
    pub fn of(name: &[u64]) -> Self {
        let mixed = name
            .iter()
            .fold(0x9E37_79B9_7F4A_7C15, |state, part| scrambled(state ^ *part));
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// Uniform in 0..end.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A standard normal deviate.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A Poisson count; 0 for a mean of 0.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        Poisson::new(mean).map_or(0, |law| {
            let count: f64 = law.sample(&mut self.0);
            count as u64
        })
    }

    /// A Gamma deviate of mean 1.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        Gamma::new(shape, shape.recip()).map_or(1.0, |law| law.sample(&mut self.0))
    }

    /// A binomial count; the chance is clipped to [0, 1].
    pub fn binomial(&mut self, count: u64, chance: f64) -> u64 {
        let chance = chance.clamp(0.0, 1.0);
        if chance >= 1.0 {
            return count;
        }
        Binomial::new(count, chance).map_or(0, |law| law.sample(&mut self.0))
    }

    /// `[bad, total]` of `total` requests at a bad rate of `rate`, so clustered that the variance is about `clusters` times that of
    /// independent requests: the rate is multiplied by a Gamma deviate of the same variance over mean.
    pub fn bad(&mut self, total: u64, rate: f64, clusters: f64) -> [u64; 2] {
        let burst = if clusters > 1.0 {
            self.gamma((total as f64 * rate / (clusters - 1.0)).max(1e-6))
        } else {
            1.0
        };
        [self.binomial(total, rate * burst), total]
    }

    /// A stationary AR(1) series of standard deviation 1 with memory 0.95 a step.
    pub fn drift(&mut self, steps: usize) -> Vec<f64> {
        const MEMORY: f64 = 0.95;
        let mut at = self.normal();
        (0..steps)
            .map(|step| {
                if step > 0 {
                    at = MEMORY * at + (1.0 - MEMORY * MEMORY).sqrt() * self.normal();
                }
                at
            })
            .collect()
    }
}

/// The finalizer of splitmix64.
fn scrambled(state: u64) -> u64 {
    let mut x = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A factor of mean 1 from a standard normal deviate.
pub fn log_normal(spread: f64, deviate: f64) -> f64 {
    (spread * deviate - spread * spread / 2.0).exp()
}
