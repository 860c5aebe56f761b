//! Properties that hold for every rollout (statistics.md, section 13).

use lastgood::{
    judge::{Background, Comparison, Evidence, Judge, Plan, calibrate},
    words::{Increment, MetricStep, Pod, Step, Verdict},
};
use proptest::{prelude::*, test_runner::RngSeed};

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
    Judge::new(
        &policy,
        &plan,
        &calibrate(
            &policy,
            &plan,
            &Background {
                recent: &history,
                own_hour: &history,
                past_pods: &[],
            },
        ),
    )
}

fn told(judge: &mut Judge, steps: &[Step]) -> Evidence {
    steps.iter().for_each(|step| judge.step(step));
    judge.evidence()
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
    prop_oneof![Just(Comparison::Concurrent), Just(Comparison::BeforeAfter)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, rng_seed: RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn a_gap_changes_nothing(counts in few_steps(2_000), compare in compares(), floor in prop_oneof![Just(0.0), Just(0.001)]) {
        let mut judge = start(floor, compare, 40);
        let before = told(&mut judge, &beside(&counts));
        let gap = [Step { at: at(99), metrics: vec![MetricStep::default()] }];
        let after = told(&mut judge, &gap);
        prop_assert_eq!(before.harm_log10.to_bits(), after.harm_log10.to_bits());
        prop_assert_eq!(before.metrics, after.metrics);
    }

    #[test]
    fn more_errors_in_the_newest_step_never_weigh_less(
        counts in few_steps(2_000), more in 1_u64..500, compare in compares(), floor in prop_oneof![Just(0.0), Just(0.001)]
    ) {
        // Alike in all but the errors of the candidate in the newest step.
        let mut better = counts;
        better.last_mut().expect("a step").0[1] += more;
        let mut worse = better.clone();
        worse.last_mut().expect("a step").0[0] += more;
        let (better, worse) = (told(&mut start(floor, compare, 40), &beside(&better)), told(&mut start(floor, compare, 40), &beside(&worse)));
        prop_assert!(worse.harm_log10 >= better.harm_log10 - 1e-9, "{} {}", worse.harm_log10, better.harm_log10);
    }

    #[test]
    fn evidence_is_finite_for_any_counts(counts in few_steps(u64::MAX / 2), compare in compares(), floor in prop_oneof![Just(0.0), Just(0.001)]) {
        let evidence = told(&mut start(floor, compare, 5), &beside(&counts));
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
    fn evidence_of_a_histogram_is_finite_for_any_counts(
        buckets in prop::collection::vec(0..u64::MAX / 40, 12), worse in prop::collection::vec(0..u64::MAX / 40, 12), compare in compares()
    ) {
        let whole = |buckets: &[u64]| {
            Increment::Buckets(buckets.iter().scan(0, |sum, count| { *sum += count; Some(*sum) }).collect())
        };
        let step = |t: usize, candidate: bool| {
            let candidate = if candidate { pods([whole(&worse)]) } else { Vec::new() };
            let metric = MetricStep { bounds: DEFAULT_BUCKETS.to_vec(), candidate, baseline: pods([whole(&buckets)]), gaps: Vec::new() };
            Step { at: at(t), metrics: vec![metric] }
        };
        let history: Vec<Step> = (0..30).map(|t| step(t, false)).collect();
        let watch: Vec<Step> = (0..5).map(|t| step(t, true)).collect();
        let evidence = judge(&policy(vec![latency()]), &plan(compare, 5), &history, &watch).evidence;
        let text = serde_json::to_string(&evidence).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Evidence>(&text).expect("evidence"), evidence);
    }

    #[test]
    fn pods_may_be_renamed(counts in few_steps(2_000), compare in compares()) {
        let steps = beside(&counts);
        let mut renamed = steps.clone();
        for pods in renamed.iter_mut().flat_map(|step| &mut step.metrics).flat_map(|metric| [&mut metric.candidate, &mut metric.baseline]) {
            pods.reverse();
            pods.iter_mut().for_each(|pod| pod.pod = Pod(format!("other-{}", pod.pod).into()));
        }
        let (one, other) = (told(&mut start(0.0, compare, 40), &steps), told(&mut start(0.0, compare, 40), &renamed));
        prop_assert!((one.harm_log10 - other.harm_log10).abs() < 1e-9);
    }

    #[test]
    fn a_release_that_fails_every_request_is_convicted_at_any_traffic(
        requests in 1_u64..100_000, every in 1_usize..4, compare in compares(), floor in prop_oneof![Just(0.0), Just(0.001)]
    ) {
        let worst: Counts = (0..120).map(|t| {
            let served = if t % every == 0 { requests } else { 0 };
            ([served, served], [requests / 1_000, requests * 3])
        }).collect();
        let mut judge = start(floor, compare, 120);
        for step in beside(&worst) {
            judge.step(&step);
            prop_assert_ne!(judge.evidence().verdict, Some(Verdict::Healthy));
        }
        prop_assert_eq!(judge.evidence().verdict, Some(Verdict::Regression));
    }
}
