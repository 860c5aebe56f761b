//! Properties that hold for every rollout (statistics.md, section 13).

use lastgood::{
    judge::{Comparison, Evidence, Judge, Plan},
    words::{Increment, MetricStep, Pod, Step, Verdict},
};
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestCaseError},
};

use crate::rig::*;

type Counts = Vec<([u64; 2], [u64; 2])>;

fn beside(counts: &Counts) -> Vec<Step> {
    let arm = |[k, n]: [u64; 2]| {
        let half = [k / 2, n / 2];
        pods([
            bad_of(half[0], half[1].max(half[0])),
            bad_of(k - half[0], (n - half[1]).max(k - half[0])),
        ])
    };
    let step = |(t, (c, b)): (usize, &([u64; 2], [u64; 2]))| Step {
        at: at(t),
        metrics: vec![MetricStep {
            candidate: arm(*c),
            baseline: arm(*b),
            ..MetricStep::default()
        }],
    };
    counts.iter().enumerate().map(step).collect()
}

fn start(floor: f64, compare: Comparison, steps: usize) -> Judge {
    let policy = policy(vec![ratio("errors", 1.25, floor)]);
    let plan = Plan {
        candidate_pods: 2,
        baseline_pods: 2,
        ..plan(compare, steps as u32)
    };
    let mut dice = Dice::new(1);
    let history = ratios(&FLAT.counts(&mut dice, 40, |_| 1.0), false);
    learnt(&policy, &plan, &history)
}

/// The evidence after `steps`; with `auto` the old version has gone half-way through.
fn told(judge: &mut Judge, steps: &[Step], compare: Comparison) -> Evidence {
    for (t, step) in without_baseline(steps, compare).iter().enumerate() {
        if compare == Comparison::Auto && t >= steps.len() / 2 {
            judge.baseline_gone();
        }
        judge.step(step);
    }
    judge.evidence()
}

fn without_baseline(steps: &[Step], compare: Comparison) -> Vec<Step> {
    let mut steps = steps.to_vec();
    let half = steps.len() / 2;
    for step in steps.iter_mut().skip(half).filter(|_| compare == Comparison::Auto) {
        step.metrics.iter_mut().for_each(|metric| metric.baseline.clear());
    }
    steps
}

fn counts(most: u64) -> impl Strategy<Value = [u64; 2]> {
    (0..=most)
        .prop_flat_map(|total| (0..=total, Just(total)))
        .prop_map(|(bad, total)| [bad, total])
}

fn few_steps(most: u64) -> impl Strategy<Value = Counts> {
    prop::collection::vec((counts(most), counts(most)), 1..12)
}

fn compares() -> impl Strategy<Value = Comparison> {
    prop_oneof![
        Just(Comparison::Concurrent),
        Just(Comparison::BeforeAfter),
        Just(Comparison::Auto)
    ]
}

fn floors() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(0.001)]
}

fn gap() -> [Step; 1] {
    [Step {
        at: at(99),
        metrics: vec![MetricStep::default()],
    }]
}

/// As one row of counts in each bucket, not cumulative.
type Buckets = Vec<u64>;

fn buckets(most: u64) -> impl Strategy<Value = Buckets> {
    prop::collection::vec(0..most, 12)
}

fn whole(buckets: &Buckets) -> Increment {
    let sums = buckets.iter().scan(0, |sum, count| {
        *sum += count;
        Some(*sum)
    });
    Increment::Buckets(sums.collect())
}

fn slow(t: usize, candidate: Option<&Buckets>, baseline: &Buckets) -> Step {
    let metric = MetricStep {
        bounds: DEFAULT_BUCKETS.to_vec(),
        candidate: candidate.map_or_else(Vec::new, |buckets| pods([whole(buckets)])),
        baseline: pods([whole(baseline)]),
        gaps: Vec::new(),
    };
    Step {
        at: at(t),
        metrics: vec![metric],
    }
}

fn start_histogram(compare: Comparison, steps: usize, history: &Buckets) -> Judge {
    let policy = policy(vec![latency()]);
    let hour: Vec<Step> = (0..40).map(|t| slow(t, None, history)).collect();
    learnt(&policy, &plan(compare, steps as u32), &hour)
}

/// Durations as a healthy service has them.
const USUAL: [u64; 12] = [50, 200, 400, 250, 100, 40, 20, 10, 5, 2, 1, 1];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, rng_seed: RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn a_gap_changes_nothing(counts in few_steps(2_000), compare in compares(), floor in floors()) {
        let mut judge = start(floor, compare, 40);
        let before = told(&mut judge, &beside(&counts), compare);
        judge.step(&gap()[0]);
        let after = judge.evidence();
        prop_assert_eq!(before.harm_log10.to_bits(), after.harm_log10.to_bits());
        prop_assert_eq!(before.metrics, after.metrics);
    }

    #[test]
    fn more_errors_of_the_candidate_alone_never_weigh_less(
        counts in few_steps(2_000), more in 1_u64..500, compare in compares(), floor in floors()
    ) {
        // Alike in all but the errors of the candidate in one step. In those around it the baseline has none, and the candidate is counted: nothing
        // is shared.
        let mut better = counts;
        if let [.., before, _] = better.as_mut_slice() {
            before.1[0] = 0;
            before.0[1] = before.0[1].max(1);
        }
        better.last_mut().expect("a step").0[1] += more;
        let mut worse = better.clone();
        worse.last_mut().expect("a step").0[0] += more;
        for steps in [&mut better, &mut worse] {
            steps.push(([0, 1_000], [0, 1_000]));
        }
        let (better, worse) = (told(&mut start(floor, compare, 40), &beside(&better), compare), told(&mut start(floor, compare, 40), &beside(&worse), compare));
        prop_assert!(worse.harm_log10 >= better.harm_log10 - 1e-9, "{} {}", worse.harm_log10, better.harm_log10);
    }

    #[test]
    fn evidence_is_finite_for_any_counts(counts in few_steps(u64::MAX / 2), compare in compares(), floor in floors()) {
        let evidence = told(&mut start(floor, compare, 5), &beside(&counts), compare);
        let metric = &evidence.metrics[0];
        for value in [evidence.harm_log10, metric.harm_log10, metric.safe_log10, metric.noise.phi] {
            prop_assert!(value.is_finite());
        }
        if let Some(ratio) = metric.ratio {
            prop_assert!(ratio.low.is_finite() && ratio.median.is_finite() && ratio.high.is_finite());
        }
        let text = serde_json::to_string(&evidence).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Evidence>(&text).expect("evidence"), evidence);
    }

    #[test]
    fn a_gap_changes_nothing_of_a_histogram(watch in prop::collection::vec((buckets(200), buckets(200)), 1..6), compare in compares()) {
        let mut judge = start_histogram(compare, 40, &USUAL.to_vec());
        let steps: Vec<Step> = watch.iter().enumerate().map(|(t, (one, other))| slow(t, Some(one), other)).collect();
        let before = told(&mut judge, &steps, compare);
        judge.step(&gap()[0]);
        prop_assert_eq!(before.metrics, judge.evidence().metrics);
    }

    #[test]
    fn more_slow_requests_in_the_newest_step_never_weigh_less(
        watch in prop::collection::vec((buckets(200), buckets(200)), 1..6), from in 0_usize..12, by in 0_usize..12, compare in compares()
    ) {
        let steps = |watch: &[(Buckets, Buckets)]| -> Vec<Step> {
            watch.iter().enumerate().map(|(t, (one, other))| slow(t, Some(one), other)).collect()
        };
        let mut worse = watch.clone();
        let newest = &mut worse.last_mut().expect("a step").0;
        let moved = newest[from] / 2;
        newest[from] -= moved;
        newest[(from + by).min(11)] += moved;
        let harm = |watch: &[(Buckets, Buckets)]| {
            told(&mut start_histogram(compare, 40, &USUAL.to_vec()), &steps(watch), compare).harm_log10
        };
        prop_assert!(harm(&worse) >= harm(&watch) - 1e-9);
    }

    #[test]
    fn evidence_of_a_histogram_is_finite_for_any_counts(
        history in buckets(u64::MAX / 40), worse in buckets(u64::MAX / 40), compare in compares()
    ) {
        let watch: Vec<Step> = (0..5).map(|t| slow(t, Some(&worse), &history)).collect();
        let evidence = told(&mut start_histogram(compare, 5, &history), &watch, compare);
        let text = serde_json::to_string(&evidence).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Evidence>(&text).expect("evidence"), evidence);
    }

    #[test]
    fn a_release_that_is_slow_with_every_request_is_convicted_at_any_traffic(requests in 1_u64..100_000, compare in compares()) {
        let (mut slowest, quick) = (vec![0; 12], USUAL.iter().map(|count| count * requests.div_ceil(100)).collect::<Buckets>());
        slowest[11] = requests;
        let steps: Vec<Step> = (0..120).map(|t| slow(t, Some(&slowest), &quick)).collect();
        let mut judge = start_histogram(compare, 120, &quick);
        for (t, step) in without_baseline(&steps, compare).iter().enumerate() {
            if compare == Comparison::Auto && t >= 60 {
                judge.baseline_gone();
            }
            judge.step(step);
            prop_assert_ne!(judge.verdict(), Some(Verdict::Healthy));
        }
        prop_assert_eq!(judge.verdict(), Some(Verdict::Regression));
    }

    #[test]
    fn pods_may_be_renamed(counts in few_steps(2_000), compare in compares()) {
        let steps = beside(&counts);
        let mut renamed = steps.clone();
        for pods in renamed.iter_mut().flat_map(|step| &mut step.metrics).flat_map(|metric| [&mut metric.candidate, &mut metric.baseline]) {
            pods.reverse();
            pods.iter_mut().for_each(|pod| pod.pod = Pod(format!("other-{}", pod.pod).into()));
        }
        let (one, other) = (told(&mut start(0.0, compare, 40), &steps, compare), told(&mut start(0.0, compare, 40), &renamed, compare));
        prop_assert!((one.harm_log10 - other.harm_log10).abs() < 1e-9);
    }

    #[test]
    fn a_release_that_fails_every_request_is_convicted_at_any_traffic(
        requests in 1_u64..100_000, every in 1_usize..4, compare in compares(), floor in floors()
    ) {
        let worst: Counts = (0..120).map(|t| {
            let served = if t % every == 0 { requests } else { 0 };
            ([served, served], [requests / 1_000, requests * 3])
        }).collect();
        always_convicted(&worst, compare, floor)?;
    }

    #[test]
    fn a_thousand_times_worse_is_convicted_at_any_traffic(requests in 4_u64..1_000_000, compare in compares(), floor in floors()) {
        let worst: Counts = (0..120).map(|_| ([requests / 2, requests], [requests * 3 / 2_000, requests * 3])).collect();
        always_convicted(&worst, compare, floor)?;
    }
}

/// A regression by the end, and never healthy before it.
fn always_convicted(counts: &Counts, compare: Comparison, floor: f64) -> Result<(), TestCaseError> {
    let mut judge = start(floor, compare, counts.len());
    for (t, step) in without_baseline(&beside(counts), compare).iter().enumerate() {
        if compare == Comparison::Auto && t >= counts.len() / 2 {
            judge.baseline_gone();
        }
        judge.step(step);
        prop_assert_ne!(judge.verdict(), Some(Verdict::Healthy));
    }
    prop_assert_eq!(judge.verdict(), Some(Verdict::Regression));
    Ok(())
}
