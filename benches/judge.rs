//! What a step, a calibration and a forecast cost: one metric beside a baseline, before and after, and a histogram of four bounds.
//! `benches/speed.rs` reads the results.

#[path = "../tests/judge/rig.rs"]
#[expect(dead_code, clippy::expect_used, reason = "the rig serves the tests too")]
mod rig;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lastgood::{
    judge::{Background, Comparison, Judge, Trials, calibrate, forecast},
    policy::Metric,
    words::{MetricStep, Step},
};
use rig::*;

fn ratio_steps(dice: &mut Dice) -> Vec<Step> {
    let mut one = |n: usize| pods((0..n).map(|_| FLAT.step(dice, 1.0)).map(|[bad, total]| bad_of(bad, total)));
    let metric = |(candidate, baseline)| MetricStep {
        candidate,
        baseline,
        ..MetricStep::default()
    };
    (0..240)
        .map(|t| Step {
            at: at(t),
            metrics: vec![metric((one(3), one(9)))],
        })
        .collect()
}

fn histogram_steps(dice: &mut Dice, pods_an_arm: usize) -> Vec<Step> {
    let mut one = || pods((0..pods_an_arm).map(|_| durations(dice, &DEFAULT_BUCKETS, 200, SPREAD, |_, seconds| seconds)));
    let metric = |(candidate, baseline)| MetricStep {
        bounds: DEFAULT_BUCKETS.to_vec(),
        candidate,
        baseline,
        gaps: Vec::new(),
    };
    (0..240)
        .map(|t| Step {
            at: at(t),
            metrics: vec![metric((one(), one()))],
        })
        .collect()
}

fn measure(criterion: &mut Criterion, name: &str, metric: Metric, compare: Comparison, steps: &[Step]) {
    let (policy, plan) = (policy(vec![metric]), plan(compare, 1_000_000));
    let background = Background {
        recent: steps,
        own_hour: steps,
        past_pods: &[],
    };
    let learnt = calibrate(&policy, &plan, &background);
    let mut judge = Judge::new(&policy, &plan, &learnt);
    let mut next = steps.iter().cycle();
    criterion.bench_function(&format!("step/{name}"), |bencher| {
        bencher.iter(|| next.next().into_iter().for_each(|step| judge.step(black_box(step))));
    });
    criterion.bench_function(&format!("evidence/{name}"), |bencher| {
        bencher.iter(|| black_box(judge.evidence()))
    });
    criterion.bench_function(&format!("new/{name}"), |bencher| {
        bencher.iter(|| Judge::new(&policy, &plan, black_box(&learnt)))
    });
}

fn steps(criterion: &mut Criterion) {
    let mut dice = Dice::new(6);
    let (ratios, histograms) = (ratio_steps(&mut dice), histogram_steps(&mut dice, 1));
    for (name, compare) in [
        ("concurrent", Comparison::Concurrent),
        ("before_after", Comparison::BeforeAfter),
    ] {
        measure(criterion, &format!("ratio/{name}"), errors(), compare, &ratios);
        measure(criterion, &format!("histogram/{name}"), latency(), compare, &histograms);
    }
}

/// Twenty pods an arm, and what is learnt before a rollout.
fn pods_and_past(criterion: &mut Criterion) {
    let mut dice = Dice::new(8);
    let twenty = histogram_steps(&mut dice, 20);
    measure(criterion, "histogram/twenty_pods", latency(), Comparison::Concurrent, &twenty);
    let hour = ratio_steps(&mut dice);
    let day = ratios(&REAL.counts(&mut dice, 24 * HOUR, |_| 1.0), false);
    for (name, metric, compare, recent, own_hour) in [
        ("ratio/hour_of_nine_pods", errors(), Comparison::Concurrent, &hour, &hour[..]),
        ("ratio/day", errors(), Comparison::BeforeAfter, &day, &day[23 * HOUR..]),
        (
            "histogram/hour_of_twenty_pods",
            latency(),
            Comparison::Concurrent,
            &twenty,
            &twenty[..],
        ),
    ] {
        let (policy, plan) = (policy(vec![metric]), plan(compare, 480));
        let background = Background {
            recent,
            own_hour,
            past_pods: &[],
        };
        criterion.bench_function(&format!("calibrate/{name}"), |bencher| {
            bencher.iter(|| calibrate(&policy, &plan, black_box(&background)));
        });
    }
}

/// What `check --prometheus` computes for one service: two hours of watch, 51 rollouts a change.
fn forecasts(criterion: &mut Criterion) {
    let mut dice = Dice::new(9);
    let metrics = [
        ("ratio", errors(), ratio_steps(&mut dice)),
        ("histogram", latency(), histogram_steps(&mut dice, 1)),
    ];
    for (name, metric, hour) in metrics {
        let (policy, plan) = (policy(vec![metric]), plan(Comparison::BeforeAfter, 480));
        let background = Background {
            recent: &hour,
            own_hour: &hour,
            past_pods: &[],
        };
        let learnt = calibrate(&policy, &plan, &background);
        let trials = Trials {
            prove_after: std::time::Duration::from_secs(1800),
            rollouts: 51,
            seed: 1,
        };
        criterion.bench_function(&format!("forecast/{name}"), |bencher| {
            bencher.iter(|| forecast(&policy, &plan, &learnt, black_box(&background), &trials));
        });
    }
}

criterion_group! {
    name = slow;
    config = Criterion::default().sample_size(10);
    targets = forecasts
}
criterion_group!(benches, steps, pods_and_past);
criterion_main!(benches, slow);
