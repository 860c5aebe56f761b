//! What is learnt before a rollout, once: stored with it, so that recomputing gives the same evidence.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{cut::Cut, evidence::Noise, noise::Spread, value::ValuePast, value_pods::ValuePods};
use crate::policy::Threshold;

/// The only format there is.
pub(super) const FORMAT: u32 = 1;

/// Everything learnt of the service before a rollout; survives JSON to the last bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The number of this format; another one is refused.
    #[serde(deserialize_with = "known_format")]
    pub(super) format: u32,
    /// One entry a metric, in the policy's order.
    pub(super) metrics: Vec<MetricCalibration>,
}

/// What is known of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MetricCalibration {
    /// Nothing to compare with is wanted: first sight.
    Uncompared,
    /// It cannot be judged, and why.
    Unusable(String),
    /// A ratio.
    Ratio(StreamCalibration),
    /// The bounds of a histogram, ascending by quantile; at least one.
    Histogram(Vec<BoundCalibration>),
    /// A value that is no count, against its own past, as it was stored before pods were compared.
    Value(ValuePast),
    /// A value that is no count.
    Values(ValueCalibration),
    /// A value against a plain bound: nothing is learnt.
    Threshold(Threshold),
}

/// What a value is compared with; one of both at least.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ValueCalibration {
    /// The old version's pods, while they run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pods: Option<ValuePods>,
    /// The service's own past: once they have gone, or from the start where they cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) past: Option<ValuePast>,
}

/// One bound of a histogram (statistics.md, section 7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BoundCalibration {
    /// The quantile of the baseline that it stands for.
    pub(super) quantile: f64,
    /// Slow for the baseline: above this many seconds.
    pub(super) baseline_above: f64,
    /// Slow for the candidate.
    pub(super) candidate_above: f64,
    /// Whether that lies inside a bucket.
    pub(super) interpolated: bool,
    /// Slow for the candidate where it shall pass.
    pub(super) passing_above: f64,
    /// How the bucket is cut that `candidate_above` lies in; none where it is a bound, and in what was stored before buckets were cut
    /// by what was learnt: linear in the logarithm then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) candidate_cut: Option<Cut>,
    /// The same of `passing_above`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) passing_cut: Option<Cut>,
    /// What it is compared with.
    pub(super) stream: StreamCalibration,
}

/// What one stream of bad events is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamCalibration {
    pub(super) reference: Reference,
    /// As it is reported; the parts that decide are in `reference`.
    pub(super) noise: Noise,
    /// What it is compared with once nothing runs beside it any more (section 8: `auto`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Box<Self>>,
}

/// The reference of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reference {
    /// What runs beside it (section 4).
    Beside {
        /// phi and the bad rate of the hour before; none: learnt as the rollout goes.
        learnt: Option<(f64, f64)>,
        /// How far pods differ.
        spread: Spread,
        /// m_c
        candidate_pods: f64,
        /// m_b
        baseline_pods: f64,
    },
    /// The bad share that an objective allows (section 5), at a clustering in time.
    Objective {
        /// 1 less the objective
        allowed: f64,
        /// phi, from history alone
        phi: f64,
        /// How far the rate is expected to drift; none where a day taught phi, and in what was stored before this was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wary_rms: Option<f64>,
    },
    /// The last good version's own last hour (section 8).
    Past {
        /// k_h
        bad: f64,
        /// n_h, above 0
        total: f64,
        /// phi_b, between pods
        pod_phi: f64,
        /// phi, in time
        phi: f64,
        /// How far hours differ.
        rms: f64,
        /// The same for passing; none where a day taught it, and in what was stored before the two were told apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wary_rms: Option<f64>,
    },
}

fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let format = u32::deserialize(deserializer)?;
    if format == FORMAT {
        Ok(format)
    } else {
        Err(D::Error::custom(format!(
            "calibration of format {format}: this lastgood reads format {FORMAT}; run the version that wrote it"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::NoiseSource;

    #[test]
    fn a_bound_that_was_stored_before_buckets_were_cut_is_still_read() -> Result<(), serde_json::Error> {
        let stored = r#"{"quantile":0.9,"baseline_above":0.1,"candidate_above":0.12,"interpolated":true,"passing_above":0.2,"stream":
            {"reference":{"objective":{"allowed":0.1,"phi":1.5}},"noise":NOISE}}"#;
        let noise = Noise {
            phi: 1.5,
            sigma: 0.0,
            source: NoiseSource::Assumed,
            history: std::time::Duration::ZERO,
            left_out: [0.0; 2],
        };
        let bound: BoundCalibration = serde_json::from_str(&stored.replace("NOISE", &serde_json::to_string(&noise)?))?;
        assert_eq!((bound.candidate_cut, bound.passing_cut), (None, None));
        Ok(())
    }
}
