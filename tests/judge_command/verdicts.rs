//! What is answered.

use serde_json::{Value, json};

use super::rig::*;

#[test]
fn the_example_of_the_manual_is_judged() {
    let line = r#"{"id":"r1","history":[{"pod-a":[1,200],"pod-b":[0,190]}],"steps":[{"candidate":{"pod-c":[3,60]},"baseline":{"pod-a":[1,180],"pod-b":[0,175]}}]}"#;
    let ended = judge(line, &[]);
    let [answer] = ended.answers.as_slice() else {
        panic!("{}", ended.errors);
    };
    assert_eq!(
        (ended.exit, &answer["id"], &answer["verdict"]),
        (4, &json!("r1"), &json!("inconclusive"))
    );
    assert_eq!(
        (&answer["candidate"], &answer["baseline"]),
        (&json!([3, 60]), &json!([1, 355]))
    );
    assert_eq!(
        (&answer["compare"], &answer["noise"]["source"]),
        (&json!("concurrent"), &json!("assumed"))
    );
    assert!(answer.get("step").is_none() && answer.get("because").is_none(), "{answer}");
}

#[test]
fn a_regression_is_final_and_tells_its_step() {
    let mut rollout = beside("bad", 20, [30, 200], [1, 200]);
    for t in 5..20 {
        rollout["steps"][t]["candidate"]["pod-c"] = json!([0, 200]);
    }
    let (exit, answer) = one(&rollout, &[]);
    assert_eq!((exit, &answer["verdict"]), (3, &json!("regression")));
    let step = answer["step"].as_u64().expect("a step");
    assert!((1..=2).contains(&step), "{answer}");
    assert_eq!(answer["after_seconds"], json!(step as f64 * 15.0));
    assert_eq!(answer["candidate"], json!([150, 4_000]), "all steps are read");
    assert!(answer["ratio"]["low"].as_f64() < answer["ratio"]["high"].as_f64());
    assert_eq!(answer["needed"]["harm_log10"], json!(2.0));
    assert_eq!(answer["noise"]["source"], json!("history"));
}

#[test]
fn a_healthy_release_tells_when_it_first_was() {
    let (exit, answer) = one(
        &beside("good", 120, [4, 1_000], [4, 1_000]),
        &["--step", "30s", "--floor", "0%"],
    );
    assert_eq!((exit, &answer["verdict"]), (0, &json!("healthy")));
    let step = answer["step"].as_f64().expect("a step");
    assert!(step > 1.0 && answer["after_seconds"] == json!(step * 30.0), "{answer}");
    assert!(answer["evidence"]["safe_log10"].as_f64() >= answer["needed"]["safe_log10"].as_f64());
}

#[test]
fn without_a_baseline_in_any_step_the_history_is_compared_with() {
    let steps = vec![json!({"candidate": {"pod-c": [60, 400]}}); 10];
    let (exit, answer) = one(&json!({"id": "h", "history": hour([1, 200]), "steps": steps}), &[]);
    assert_eq!((exit, &answer["compare"]), (3, &json!("before-after")));
    assert_eq!(answer["baseline"][1], json!(96_000));
}

#[test]
fn a_regression_that_shows_only_after_the_old_version_has_gone_is_found() {
    let (exit, answer) = one(&going("late", [40, 120], [1, 200], [20, 400], [1, 200]), &["--floor", "0%"]);
    assert_eq!(
        (exit, &answer["verdict"], &answer["compare"]),
        (3, &json!("regression"), &json!("auto"))
    );
    assert!(answer["step"].as_u64().is_some_and(|step| step > 40), "{answer}");
    assert_eq!(
        answer["alone"],
        json!({"candidate": [1_600, 32_000], "before": [720, 96_000]})
    );
    assert_eq!(answer["candidate"], json!([1_640, 40_000]), "all steps are read");
    assert_eq!(answer["baseline"], json!([80, 16_000]));
}

#[test]
fn evidence_beside_the_old_version_stays_after_it_has_gone() {
    let (exit, answer) = one(&going("kept", [20, 60], [30, 200], [0, 200], [1, 200]), &[]);
    assert_eq!((exit, &answer["verdict"]), (3, &json!("regression")));
    assert!(answer["step"].as_u64().is_some_and(|step| step <= 3), "{answer}");
    // Half of what convicts, and the other half alone.
    let (_, half) = one(&going("half", [1, 1], [5, 200], [0, 0], [1, 200]), &["--floor", "0%"]);
    assert_eq!(
        (&half["verdict"], &half["compare"]),
        (&json!("inconclusive"), &json!("concurrent"))
    );
    let (exit, both) = one(&going("both", [1, 40], [5, 200], [8, 200], [1, 200]), &["--floor", "0%"]);
    assert_eq!((exit, &both["compare"]), (3, &json!("auto")), "{both}");
}

#[test]
fn a_shared_outage_while_both_run_convicts_nobody() {
    let mut rollout = going("outage", [60, 120], [2, 400], [2, 400], [1, 200]);
    for t in 30..34 {
        rollout["steps"][t] = json!({"candidate": {"pod-c": [80, 400]}, "baseline": {"pod-a": [40, 200], "pod-b": [40, 200]}});
    }
    let (_, answer) = one(&rollout, &["--floor", "0%", "--tolerate", "1"]);
    assert_ne!(answer["verdict"], json!("regression"), "{answer}");
    // Without a baseline the same minute would: it is never compared with the past while one runs.
    for t in 0..120 {
        rollout["steps"][t]["baseline"] = json!({});
    }
    let (_, alone) = one(&rollout, &["--floor", "0%", "--tolerate", "1"]);
    assert_eq!(alone["compare"], json!("before-after"));
}

#[test]
fn a_baseline_that_is_away_for_a_while_is_a_gap_and_not_gone() {
    let mut rollout = beside("away", 60, [2, 400], [1, 200]);
    for t in 20..40 {
        rollout["steps"][t] = json!({"candidate": {"pod-c": [200, 400]}});
    }
    let (_, answer) = one(&rollout, &["--floor", "0%"]);
    assert_ne!(answer["verdict"], json!("regression"), "{answer}");
    assert_eq!(
        (&answer["compare"], &answer["candidate"]),
        (&json!("concurrent"), &json!([80, 16_000]))
    );
    assert!(answer.get("alone").is_none());
}

#[test]
fn a_gap_says_nothing_and_the_rest_of_the_rollout_is_judged() {
    let whole = beside("g", 12, [30, 200], [1, 200]);
    let mut gaps = whole.clone();
    let steps = gaps["steps"].as_array_mut().expect("steps");
    for gap in [
        json!({"candidate": {"pod-c": null}, "baseline": {"pod-a": [4, 900]}}),
        json!({"candidate": {}, "baseline": {"pod-a": [4, 900]}}),
        json!({"candidate": null, "baseline": {"pod-a": [4, 900]}}),
        json!({"candidate": {"pod-c": [900, 900]}, "baseline": {"pod-a": null}}),
    ] {
        steps.insert(3, gap);
    }
    let (with, without) = (one(&gaps, &["--floor", "0%"]).1, one(&whole, &["--floor", "0%"]).1);
    for same in ["verdict", "candidate", "baseline", "step"] {
        assert_eq!(with[same], without[same], "{same}");
    }
}

#[test]
fn what_cannot_be_judged_is_blind_with_its_reason() {
    let zeros = json!({"candidate": {"pod-c": [0, 0]}, "baseline": {"pod-a": [1, 100]}});
    let apart = [
        json!({"candidate": {"pod-c": [0, 100]}, "baseline": {"pod-a": null}}),
        json!({"candidate": {}, "baseline": {"pod-a": [0, 100]}}),
    ];
    for (steps, because) in [
        (json!([]), "no pod was counted in any step"),
        (
            json!([{"candidate": {}}, {"candidate": null}]),
            "no pod was counted in any step",
        ),
        (json!([zeros]), "the candidate has no events in any step"),
        (json!(apart), "in no step both arms have events"),
        (
            json!([{"candidate": {"pod-c": [1, 100]}}]),
            "last hour has no events to compare with",
        ),
    ] {
        let (exit, answer) = one(&json!({"id": "b", "steps": steps}), &[]);
        assert_eq!((exit, &answer["verdict"]), (4, &json!("blind")), "{answer}");
        let said = answer["because"].as_str().expect("a reason");
        assert!(said.contains(because), "{said}");
    }
}

#[test]
fn buckets_are_judged_by_their_quantiles_in_whatever_order_they_are_written() {
    let fast = json!({"0.05": 700, "0.1": 900, "0.25": 960, "0.5": 990, "+Inf": 1_000});
    let slow = json!({"+Inf": 1_000, "0.5": 800, "0.05": 200, "0.25": 600, "0.1": 400});
    let rollout = |candidate: &Value| {
        let step = json!({"candidate": {"pod-c": candidate}, "baseline": {"pod-a": fast}});
        json!({"id": "l", "history": vec![json!({"pod-a": fast}); 240], "steps": vec![step; 60]})
    };
    let (exit, answer) = one(&rollout(&slow), &["--quantiles", "50%,90%"]);
    assert_eq!((exit, &answer["verdict"]), (3, &json!("regression")), "{answer}");
    let (_, answer) = one(&rollout(&fast), &["--quantiles", "50%,90%"]);
    assert_ne!(answer["verdict"], json!("regression"), "{answer}");
}

#[test]
fn an_objective_is_all_that_counts() {
    let rollout = |bad: u64| json!({"id": "o", "steps": vec![json!({"candidate": {"pod-c": [bad, 1_000]}}); 60]});
    let (exit, answer) = one(&rollout(40), &["--objective", "99.5%"]);
    assert_eq!(
        (exit, &answer["compare"], &answer["verdict"]),
        (3, &json!("objective"), &json!("regression"))
    );
    let (exit, answer) = one(&rollout(1), &["--objective", "99.5%"]);
    assert_eq!((exit, &answer["verdict"]), (0, &json!("healthy")));
}

#[test]
fn a_policy_and_its_metric_are_obeyed() {
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/host-service.yaml");
    let bad = beside("p", 20, [30, 200], [1, 200]);
    let (exit, answer) = one(&bad, &["--policy", policy, "--metric", "errors"]);
    assert_eq!((exit, &answer["verdict"]), (3, &json!("regression")));
    for (metric, why) in [
        ("latency", "line 1: `steps`: `[bad, total]`, but"),
        ("speed", "the policy has no metric `speed`; it has"),
    ] {
        let ended = judge(&bad.to_string(), &["--policy", policy, "--metric", metric]);
        assert!(ended.exit == 2 && ended.errors.contains(why), "{}", ended.errors);
    }
}
