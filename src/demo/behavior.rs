//! How one version of the service behaves: its `service.json`.

use std::{io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use super::draw::Draw;

/// What a release's `service.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behavior {
    /// Share of requests that are answered with a 500, as a fraction.
    pub errors: f64,
    /// Median of the log-normal latency, in seconds.
    pub median: f64,
    /// Standard deviation of ln(latency): the 99th percentile is `median * exp(2.33 * spread)`.
    pub spread: f64,
    /// Seed of its draws.
    pub seed: u64,
    /// Whether it starts at all; one that does not exits with status 1.
    pub starts: bool,
    /// Whether it writes a cache and a log into its own release directory, as many do.
    pub writes: bool,
}

impl Default for Behavior {
    /// A healthy version: 0.3 % errors, 20 ms in the median, 64 ms at the 99th percentile.
    fn default() -> Self {
        Self {
            errors: 0.003,
            median: 0.020,
            spread: 0.5,
            seed: 1,
            starts: true,
            writes: false,
        }
    }
}

/// Why a `service.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BehaviorError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What was met.
        source: io::Error,
    },
    /// It says something that is not known.
    #[error("{path}: {source}")]
    Parse {
        /// The file.
        path: String,
        /// What was met.
        source: serde_json::Error,
    },
}

impl Behavior {
    /// The file's name in a release directory.
    pub const FILE: &'static str = "service.json";

    /// Reads the behavior of the release in `directory`.
    ///
    /// # Errors
    /// When the file is missing or is not one.
    pub fn read(directory: &Path) -> Result<Self, BehaviorError> {
        let file = directory.join(Self::FILE);
        let path = file.display().to_string();
        let bytes = std::fs::read(&file).map_err(|source| BehaviorError::Read {
            path: path.clone(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|source| BehaviorError::Parse { path, source })
    }

    /// How long the next request takes.
    pub(super) fn latency(&self, draw: &Draw) -> Duration {
        Duration::from_secs_f64((self.median * (self.spread * draw.normal()).exp()).clamp(0.0, 10.0))
    }

    /// Whether the next request fails.
    pub(super) fn fails(&self, draw: &Draw) -> bool {
        draw.chance(self.errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_behaves_as_its_file_says() {
        let behavior = Behavior {
            errors: 0.05,
            ..Behavior::default()
        };
        let draw = Draw::new(behavior.seed);
        let failed = (0..20_000).filter(|_| behavior.fails(&draw)).count();
        assert!((900..1100).contains(&failed), "{failed}");
        let mut latencies: Vec<_> = (0..20_000).map(|_| behavior.latency(&draw).as_secs_f64()).collect();
        latencies.sort_by(f64::total_cmp);
        assert!((latencies[10_000] - 0.020).abs() < 0.001, "{}", latencies[10_000]);
        assert!((latencies[19_800] - 0.064).abs() < 0.004, "{}", latencies[19_800]);
    }

    #[test]
    fn a_key_that_does_nothing_is_refused() {
        assert!(serde_json::from_str::<Behavior>(r#"{"erors": 0.05}"#).is_err());
    }
}
