//! What a step costs: one metric beside a baseline, before and after, and a histogram of four bounds.

#[path = "../tests/judge/rig.rs"]
#[expect(dead_code, clippy::expect_used, reason = "the rig serves the tests too")]
mod rig;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use lastgood::{
    judge::{Background, Comparison, Judge, calibrate},
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

fn histogram_steps(dice: &mut Dice) -> Vec<Step> {
    let mut one = || pods([durations(dice, &DEFAULT_BUCKETS, 200, SPREAD, |_, seconds| seconds)]);
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
    let (ratios, histograms) = (ratio_steps(&mut dice), histogram_steps(&mut dice));
    for (name, compare) in [
        ("concurrent", Comparison::Concurrent),
        ("before_after", Comparison::BeforeAfter),
    ] {
        measure(criterion, &format!("ratio/{name}"), errors(), compare, &ratios);
        measure(criterion, &format!("histogram/{name}"), latency(), compare, &histograms);
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
