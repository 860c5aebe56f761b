//! The old version goes in mid-watch: the evidence beside it stays, and goes on against its own last hour (statistics.md, section 8).

use lastgood::{
    judge::{Background, Comparison, Evidence, Judge, Plan, calibrate},
    policy::Policy,
    words::{Arm, Gap, GapReason, MetricStep, Step, Verdict},
};

use crate::rig::*;

const STEPS: usize = 240;
const GONE: usize = 40;

/// What each arm counts, two pods each, `candidate` and `shared` times the usual rate at each step; none: the old version has gone.
fn beside(dice: &mut Dice, t: usize, candidate: f64, shared: f64, old: bool) -> Step {
    let mut arm = |factor: f64| pods((0..2).map(|_| FLAT.step(dice, factor)).map(|[bad, total]| bad_of(bad, total)));
    let (candidate, baseline) = (arm(candidate * shared), arm(shared));
    let metric = MetricStep {
        candidate,
        baseline: if old { baseline } else { Vec::new() },
        ..MetricStep::default()
    };
    Step {
        at: at(t),
        metrics: vec![metric],
    }
}

fn history(dice: &mut Dice) -> Vec<Step> {
    let only_old = |mut step: Step| {
        step.metrics[0].candidate.clear();
        step
    };
    (0..HOUR).map(|t| only_old(beside(dice, t, 1.0, 1.0, true))).collect()
}

struct Watch {
    policy: Policy,
    compare: Comparison,
    history: Vec<Step>,
}

impl Watch {
    fn new(seed: u64, compare: Comparison) -> Self {
        Self {
            policy: policy(vec![ratio("errors", 1.25, 0.001)]),
            compare,
            history: history(&mut Dice::new(seed)),
        }
    }

    fn judge(&self) -> Judge {
        let plan = Plan {
            candidate_pods: 2,
            baseline_pods: 2,
            ..plan(self.compare, STEPS as u32)
        };
        learnt(&self.policy, &plan, &self.history)
    }

    /// The evidence after each of `steps`, the old version having gone before the first that counts none of it.
    fn evidence(&self, steps: &[Step]) -> Vec<Evidence> {
        let mut judge = self.judge();
        let mut one = |step: &Step| {
            if step.metrics[0].baseline.is_empty() {
                judge.baseline_gone();
            }
            judge.step(step);
            judge.evidence()
        };
        steps.iter().map(&mut one).collect()
    }
}

fn steps(seed: u64, candidate: impl Fn(usize) -> f64, shared: impl Fn(usize) -> f64) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    (0..STEPS)
        .map(|t| beside(&mut dice, t, candidate(t), shared(t), t < GONE))
        .collect()
}

fn convicted(evidence: &[Evidence]) -> Option<usize> {
    evidence
        .iter()
        .position(|evidence| evidence.verdict == Some(Verdict::Regression))
}

#[test]
fn a_regression_that_begins_when_the_old_version_goes_is_found() {
    let worse = |t| if t < GONE { 1.0 } else { 5.0 };
    let auto = Watch::new(1, Comparison::Auto).evidence(&steps(2, worse, |_| 1.0));
    let found = convicted(&auto).expect("a regression");
    assert!((GONE..GONE + 40).contains(&found), "{found}");
    let metric = &auto[found].metrics[0];
    let alone = metric.alone.expect("what was counted alone");
    assert_eq!(
        (auto[GONE - 1].compare, auto[found].compare),
        (Comparison::Concurrent, Comparison::Auto)
    );
    assert_eq!(auto[found].alone_since, Some(at(GONE - 1)));
    assert!(alone.candidate[1] < metric.candidate[1] && alone.before[1] > metric.baseline[1]);
    assert_eq!(metric.late, None, "a conviction is no late change");
}

#[test]
fn evidence_stays_when_the_old_version_goes() {
    // Not enough for a verdict beside the old version; as bad as before after it.
    let watch = Watch::new(3, Comparison::Auto);
    let steps = steps(4, |_| 1.9, |_| 1.0);
    let evidence = watch.evidence(&steps);
    let before = evidence[GONE - 1].metrics[0].harm_log10;
    let mut judge = watch.judge();
    steps[..GONE].iter().for_each(|step| judge.step(step));
    judge.baseline_gone();
    judge.baseline_gone();
    let after = judge.evidence();
    assert_eq!(after.metrics[0].harm_log10.to_bits(), before.to_bits());
    let safe = evidence[GONE - 1].metrics[0].safe_log10;
    assert!((after.metrics[0].safe_log10 - safe).abs() < 1e-12);
    // Alone, from its beginning: the two evidences multiply.
    let alone_plan = Plan {
        compare: Comparison::BeforeAfter,
        ..plan(Comparison::BeforeAfter, (STEPS - GONE) as u32)
    };
    let alone = judge_alone(&watch, &alone_plan, &steps[GONE..]);
    for (both, alone) in evidence[GONE..].iter().zip(&alone) {
        let (both, alone) = (&both.metrics[0], &alone.metrics[0]);
        let product = (before + alone.harm_log10).clamp(-15.0, 300.0);
        assert!(
            alone.harm_log10 <= -14.0 || (both.harm_log10 - product).abs() < 1e-9,
            "{} {product}",
            both.harm_log10
        );
    }
}

fn judge_alone(watch: &Watch, plan: &Plan, steps: &[Step]) -> Vec<Evidence> {
    // Bad events beside the old version count for `atLeast` too.
    let policy = Policy {
        at_least_bad: 0,
        ..watch.policy.clone()
    };
    let mut judge = learnt(&policy, plan, &watch.history);
    let one = |step: &Step| {
        judge.step(step);
        judge.evidence()
    };
    steps.iter().map(one).collect()
}

#[test]
fn p20_a_shared_outage_while_both_run_convicts_nobody() {
    for seed in 0..8 {
        let outage = |t: usize| if (20..24).contains(&t) { 20.0 } else { 1.0 };
        let evidence = Watch::new(seed, Comparison::Auto).evidence(&steps(seed + 100, |_| 1.0, outage));
        assert_eq!(convicted(&evidence), None, "seed {seed}");
        assert_eq!(evidence[STEPS - 1].verdict, Some(Verdict::Healthy), "seed {seed}");
    }
}

#[test]
fn what_changes_long_after_the_old_version_went_is_told_and_not_convicted() {
    let late = |t| if t < 160 { 1.0 } else { 3.0 };
    let evidence = Watch::new(5, Comparison::Auto).evidence(&steps(6, |_| 1.0, late));
    assert_eq!(convicted(&evidence), None);
    let told = evidence.iter().position(|evidence| evidence.metrics[0].late.is_some());
    assert!(told.is_some_and(|t| t >= 160), "{told:?}");
}

#[test]
fn without_an_hour_to_compare_with_the_evidence_stands_still() {
    for watch in [
        Watch::new(7, Comparison::Concurrent),
        Watch {
            history: Vec::new(),
            ..Watch::new(7, Comparison::Auto)
        },
    ] {
        let evidence = watch.evidence(&steps(8, |t| if t < GONE { 1.0 } else { 50.0 }, |_| 1.0));
        let (then, last) = (&evidence[GONE - 1], &evidence[STEPS - 1]);
        assert_eq!(last.compare, Comparison::Concurrent);
        assert_eq!(last.alone_since, Some(at(GONE - 1)));
        assert_eq!(last.metrics, then.metrics, "nothing that came after is used");
        assert_ne!(last.verdict, Some(Verdict::Regression));
    }
}

#[test]
fn a_step_in_which_the_old_version_is_back_is_not_compared_with_the_past() {
    let watch = Watch::new(9, Comparison::Auto);
    let mut steps = steps(10, |_| 1.0, |_| 1.0);
    let whole = watch.evidence(&steps);
    let mut dice = Dice::new(11);
    steps[100] = beside(&mut dice, 100, 1.0, 30.0, true);
    let evidence = watch.evidence(&steps);
    assert_eq!(evidence[99].metrics, evidence[100].metrics);
    assert_eq!(evidence[99].metrics, whole[99].metrics);
}

#[test]
fn a_histogram_goes_on_by_all_its_bounds() {
    let bounds = DEFAULT_BUCKETS.to_vec();
    let mut dice = Dice::new(12);
    let mut step = |t: usize, slower: f64, old: bool| {
        let [candidate, baseline] =
            [slower, 1.0].map(|times| pods([durations(&mut dice, &bounds, 400, SPREAD, |_, s| s * times)]));
        let metric = MetricStep {
            bounds: bounds.clone(),
            candidate,
            baseline: if old { baseline } else { Vec::new() },
            gaps: Vec::new(),
        };
        Step {
            at: at(t),
            metrics: vec![metric],
        }
    };
    let mut watch = Watch {
        policy: policy(vec![latency()]),
        compare: Comparison::Auto,
        history: (0..HOUR).map(|t| step(t, 1.0, true)).collect(),
    };
    for step in &mut watch.history {
        step.metrics[0].candidate.clear();
    }
    let steps: Vec<Step> = (0..160)
        .map(|t| step(t, if t < GONE { 1.0 } else { 3.0 }, t < GONE))
        .collect();
    let evidence = watch.evidence(&steps);
    let found = convicted(&evidence).expect("a regression");
    assert!(found >= GONE, "{found}");
    let last = &evidence[found].metrics[0];
    assert!(!last.bounds.is_empty() && last.bounds.iter().all(|bound| bound.alone.is_some()));
}

#[test]
fn what_was_stored_before_there_was_auto_still_reads() {
    let old = r#"{"step":15.0,"steps":40,"compare":"concurrent","candidate_pods":3}"#;
    let plan: Plan = serde_json::from_str(old).expect("a plan");
    assert_eq!((plan.candidate_pods, plan.baseline_pods), (3, 1));
    let watch = Watch::new(13, Comparison::Concurrent);
    let evidence = watch.evidence(&steps(14, |_| 1.0, |_| 1.0)[..GONE]);
    let text = serde_json::to_string(&evidence).expect("JSON");
    assert!(!text.contains("alone"), "nothing new where nothing is new");
    assert_eq!(serde_json::from_str::<Vec<Evidence>>(&text).expect("evidence"), evidence);
    // With all that is new, calibration and evidence survive too.
    let watch = Watch::new(15, Comparison::Auto);
    let plan = Plan {
        compare: Comparison::Auto,
        ..plan
    };
    let background = Background {
        recent: &watch.history,
        own_hour: &watch.history,
        past_pods: &[],
    };
    let learnt = calibrate(&watch.policy, &plan, &background);
    let text = serde_json::to_string(&learnt).expect("JSON");
    assert_eq!(
        serde_json::from_str::<lastgood::judge::Calibration>(&text).expect("a calibration"),
        learnt
    );
    let last = watch.evidence(&steps(14, |_| 1.0, |_| 1.0)).pop().expect("evidence");
    let text = serde_json::to_string(&last).expect("JSON");
    assert!(text.contains(r#""compare":"auto""#) && text.contains(r#""alone_since""#));
    assert_eq!(serde_json::from_str::<Evidence>(&text).expect("evidence"), last);
}

#[test]
fn a_step_whose_old_pods_run_and_are_not_counted_is_none_that_was_used() {
    let mut judge = Watch::new(1, Comparison::Auto).judge();
    let mut dice = Dice::new(2);
    let unseen = Gap {
        arm: Arm::Baseline,
        reason: GapReason::Coverage,
        pod: None,
        detail: "0 of 2 ready pods were scraped freshly".to_owned(),
    };
    let mut used = |judge: &mut Judge, t, gaps: &[Gap], old| {
        let mut step = beside(&mut dice, t, 1.0, 1.0, old);
        step.metrics[0].gaps = gaps.to_vec();
        judge.step(&step);
        judge.evidence().used
    };
    assert_eq!(used(&mut judge, 0, &[], true), 1);
    assert_eq!(used(&mut judge, 1, std::slice::from_ref(&unseen), false), 1);
    judge.baseline_gone();
    assert_eq!(used(&mut judge, 2, std::slice::from_ref(&unseen), false), 2, "it has gone");
}
