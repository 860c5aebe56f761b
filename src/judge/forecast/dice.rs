//! Seeded chance: the same seed, the same rollouts. Randomness is an argument of this room, never its own.

/// Pseudo-random numbers (SplitMix64: Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

/// From so large a mean on a Poisson count is drawn from the normal law: its skewness is under 0.15 there.
const LARGE: f64 = 50.0;

impl Dice {
    /// The `stream`-th of the independent sequences that `seed` names.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma with mean `shape` and scale 1 (Marsaglia and Tsang 2000).
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(shape.recip());
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < x * x / 2.0 + d * (1.0 - v + v.ln()) {
                return d * v;
            }
        }
    }

    /// A Poisson count.
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        if mean > LARGE {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    /// A count of this mean whose variance is `phi` times as large: a Poisson count whose own mean is gamma distributed. Sums of
    /// such counts are such counts, so that a long step may be drawn at once.
    pub(super) fn clustered(&mut self, mean: f64, phi: f64) -> u64 {
        if phi <= 1.0 + 1e-9 || mean <= 0.0 {
            return self.poisson(mean.max(0.0));
        }
        let scale = phi - 1.0;
        let drawn = self.gamma((mean / scale).max(1e-9)) * scale;
        self.poisson(drawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clustered_counts_have_their_mean_and_their_variance() {
        for (mean, phi) in [(0.4, 1.0), (3.0, 1.5), (40.0, 4.0), (400.0, 3.0)] {
            const DRAWS: usize = 20_000;
            let mut dice = Dice::new(7, 3);
            let counts: Vec<f64> = (0..DRAWS).map(|_| dice.clustered(mean, phi) as f64).collect();
            let average = counts.iter().sum::<f64>() / DRAWS as f64;
            let variance = counts.iter().map(|k| (k - average).powi(2)).sum::<f64>() / DRAWS as f64;
            assert!((average / mean - 1.0).abs() < 0.05, "{mean}: {average}");
            assert!((variance / (mean * phi) - 1.0).abs() < 0.1, "{mean} {phi}: {variance}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_stream_does_not() {
        let draws = |stream| -> Vec<u64> {
            let mut dice = Dice::new(1, stream);
            (0..20).map(|_| dice.poisson(9.0)).collect()
        };
        assert_eq!(draws(4), draws(4));
        assert_ne!(draws(4), draws(5));
    }
}
