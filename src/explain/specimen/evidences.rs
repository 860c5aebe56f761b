//! Evidence as it comes about: convicting, quiet, slow.

use std::{collections::BTreeMap, time::Duration};

use super::at;
use crate::{
    judge::{
        BoundEvidence, Comparison, Estimate, Evidence, MetricEvidence, Noise, NoiseSource, ThresholdEvidence, ValueEvidence,
    },
    policy::{Side, Threshold},
    words::{GapReason, Verdict},
};

pub(crate) const fn noise() -> Noise {
    Noise {
        phi: 1.5,
        sigma: 0.1,
        source: NoiseSource::History,
        history: Duration::from_secs(86_400),
        left_out: [0.0; 2],
    }
}

pub(crate) fn bad_errors() -> MetricEvidence {
    MetricEvidence {
        objective: None,
        name: "errors".to_owned(),
        may_revert: true,
        verdict: Some(Verdict::Regression),
        harm_log10: 37.0,
        needed_harm_log10: 2.0,
        safe_log10: -4.0,
        needed_safe_log10: 20_f64.log10(),
        candidate: [508.0, 12_400.0],
        baseline: [186.0, 37_100.0],
        alone: None,
        ratio: Some(Estimate {
            median: 8.2,
            low: 6.9,
            high: 9.7,
        }),
        excluded_times: None,
        late: None,
        noise: noise(),
        first_bad: Some(at(15)),
        bounds: Vec::new(),
        value: None,
        gaps: BTreeMap::from([(GapReason::Switch, 1)]),
        unusable: None,
    }
}

pub(crate) fn slow() -> MetricEvidence {
    let bound = |quantile, above, harm_log10, candidate, baseline, ratio| BoundEvidence {
        quantile,
        baseline_above: above,
        candidate_above: above * 1.2,
        interpolated: quantile > 0.9,
        harm_log10,
        safe_log10: -1.0,
        candidate,
        baseline,
        alone: None,
        ratio,
        excluded_times: None,
    };
    MetricEvidence {
        name: "latency".to_owned(),
        harm_log10: 12.3,
        candidate: [1_215.2, 12_400.0],
        baseline: [371.0, 37_100.0],
        ratio: Some(Estimate {
            median: 9.8,
            low: 8.4,
            high: 11.6,
        }),
        first_bad: Some(at(30)),
        bounds: vec![
            bound(
                0.5,
                0.1,
                -0.3,
                [6_100.0, 12_400.0],
                [18_500.0, 37_100.0],
                Some(Estimate {
                    median: 1.0,
                    low: 0.9,
                    high: 1.1,
                }),
            ),
            bound(
                0.99,
                0.25,
                12.6,
                [1_215.2, 12_400.0],
                [371.0, 37_100.0],
                Some(Estimate {
                    median: 9.8,
                    low: 8.4,
                    high: 11.6,
                }),
            ),
        ],
        gaps: BTreeMap::new(),
        ..bad_errors()
    }
}

pub(crate) fn below_objective() -> MetricEvidence {
    MetricEvidence {
        name: "availability".to_owned(),
        objective: Some(0.995),
        baseline: [0.0; 2],
        ..bad_errors()
    }
}

/// A value that only warns.
pub(crate) fn memory() -> MetricEvidence {
    MetricEvidence {
        name: "memory".to_owned(),
        may_revert: false,
        harm_log10: 3.1,
        candidate: [0.0; 2],
        baseline: [0.0; 2],
        ratio: Some(Estimate {
            median: 2.1,
            low: 1.9,
            high: 2.3,
        }),
        first_bad: None,
        value: Some(ValueEvidence {
            candidate: Some(412_310_528.0),
            before: Some(196_083_712.0),
            ..ValueEvidence::default()
        }),
        ..bad_errors()
    }
}

/// The same beside the version before, which then went; or not yet.
pub(crate) fn memory_beside(gone: bool) -> MetricEvidence {
    let memory = memory();
    let value = memory.value.map(|value| ValueEvidence {
        beside: value.before,
        before: value.before.filter(|_| gone),
        since: value.candidate.filter(|_| gone),
        ..value
    });
    MetricEvidence { value, ..memory }
}

/// A queue, 1,200 long now, under a bound of 1,000 that may be broken for five minutes: how long it has been, and was at the longest.
pub(crate) fn queue(held: Option<u64>, longest: Option<u64>) -> MetricEvidence {
    let broken = longest.is_some_and(|longest| longest >= 300);
    let threshold = ThresholdEvidence {
        rule: Threshold {
            side: Side::Above,
            value: 1_000.0,
            held_for: Duration::from_secs(300),
        },
        held: held.map(Duration::from_secs),
        longest: longest.map(Duration::from_secs),
    };
    MetricEvidence {
        name: "queue".to_owned(),
        may_revert: true,
        verdict: broken.then_some(Verdict::Regression),
        harm_log10: 0.0,
        safe_log10: 0.0,
        ratio: None,
        value: Some(ValueEvidence {
            candidate: Some(1_200.0),
            threshold: Some(threshold),
            ..ValueEvidence::default()
        }),
        ..memory()
    }
}

/// A metric that has reached neither bound.
pub(crate) fn quiet(metric: MetricEvidence) -> MetricEvidence {
    MetricEvidence {
        verdict: None,
        harm_log10: -0.4,
        safe_log10: 0.7,
        candidate: [12.0, 2_400.0],
        ratio: Some(Estimate {
            median: 1.1,
            low: 0.6,
            high: 1.9,
        }),
        excluded_times: Some(5.0),
        bounds: Vec::new(),
        ..metric
    }
}

pub(crate) fn evidence(metrics: Vec<MetricEvidence>) -> Evidence {
    let harm_log10 = metrics
        .iter()
        .map(|metric| metric.harm_log10)
        .fold(f64::NEG_INFINITY, f64::max);
    Evidence {
        at: at(45),
        steps: 4,
        used: 3,
        whole_since: None,
        compare: Comparison::Concurrent,
        alone_since: None,
        verdict: metrics.iter().find_map(|metric| metric.verdict),
        harm_log10,
        needed_harm_log10: 2.0,
        metrics,
    }
}

/// All is quiet but for this metric, which only warns.
pub(crate) fn warned(metric: MetricEvidence) -> Evidence {
    Evidence {
        harm_log10: -0.4,
        verdict: None,
        ..evidence(vec![quiet(bad_errors()), metric])
    }
}
