//! A restart: the calibration comes back from JSON, the steps from Prometheus, and the evidence is the same to the last bit.

use lastgood::{
    judge::{Background, Calibration, Comparison, Evidence, Judge, Plan, calibrate},
    words::{MetricStep, Step},
};

use crate::rig::*;

#[test]
fn evidence_after_a_restart_is_the_same_to_the_last_bit() {
    for compare in [Comparison::BeforeAfter, Comparison::Concurrent] {
        let mut dice = Dice::new(8);
        let mut both = |t: usize, worse: f64| {
            let mut one = |worse: f64| {
                let [bad, total] = REAL.step(&mut dice, worse);
                let histogram = durations(&mut dice, &DEFAULT_BUCKETS, 40, SPREAD, |_, seconds| seconds * worse);
                (pods([bad_of(bad, total)]), pods([histogram]))
            };
            let (candidate, baseline) = (one(worse), one(1.0));
            let ratio = MetricStep {
                candidate: candidate.0,
                baseline: baseline.0,
                ..MetricStep::default()
            };
            let bounds = DEFAULT_BUCKETS.to_vec();
            let histogram = MetricStep {
                bounds,
                candidate: candidate.1,
                baseline: baseline.1,
                gaps: Vec::new(),
            };
            Step {
                at: at(t),
                metrics: vec![ratio, histogram],
            }
        };
        let history: Vec<Step> = (0..300).map(|t| both(t, 1.0)).collect();
        let watch: Vec<Step> = (300..340).map(|t| both(t, 1.5)).collect();
        let (policy, plan) = (policy(vec![errors(), latency()]), plan(compare, 40));
        let learnt = calibrate(
            &policy,
            &plan,
            &Background {
                recent: &history,
                own_hour: &history[60..],
                past_pods: &[],
            },
        );
        let stored = serde_json::to_string(&learnt).expect("JSON");
        let restored: Calibration = serde_json::from_str(&stored).expect("the same format");
        assert_eq!(restored, learnt);
        let stored_plan = serde_json::to_string(&plan).expect("JSON");
        let restored_plan: Plan = serde_json::from_str(&stored_plan).expect("a plan");
        let run = |plan: &Plan, learnt: &Calibration| -> Vec<Evidence> {
            let mut judge = Judge::new(&policy, plan, learnt);
            watch
                .iter()
                .map(|step| {
                    judge.step(step);
                    judge.evidence()
                })
                .collect()
        };
        let (before, after) = (run(&plan, &learnt), run(&restored_plan, &restored));
        assert_eq!(serde_json::to_string(&before).ok(), serde_json::to_string(&after).ok());
        assert_eq!(before, after);
    }
}

#[test]
fn a_calibration_of_a_newer_format_is_refused() {
    let error = serde_json::from_str::<Calibration>(r#"{"format":2,"metrics":[]}"#)
        .expect_err("refused")
        .to_string();
    assert!(error.contains("format 2") && error.contains("reads format 1"), "{error}");
}
