//! Pods that have ended teach how far healthy pods of a service differ (statistics.md, section 4).

use lastgood::{
    judge::{Background, Comparison, Judge, PastPods, Plan, calibrate, summarize},
    policy::Policy,
    words::{Arm, MetricStep, Step, Verdict},
};

use crate::rig::*;

/// *few, real* of statistics.md, section 12: one new pod beside two old ones, 200 requests a second.
struct World {
    dice: Dice,
    drift: f64,
}

impl World {
    /// Steps in which the pods of each arm, with their own persistent factors, share drift; `candidate`: the multiple of the first.
    fn steps(&mut self, count: usize, candidates: &[f64], baselines: &[f64]) -> Vec<Step> {
        let service = Service {
            load: 200.0 / 3.0,
            drift: 0.0,
            outages: 0.0,
            ..REAL
        };
        let step = |t: usize| {
            self.drift = 0.95 * self.drift + (1.0 - 0.95 * 0.95_f64).sqrt() * self.dice.normal();
            let shared = (0.3 * self.drift - 0.045).exp();
            let mut arm = |factors: &[f64]| {
                let counted = factors.iter().map(|factor| service.step(&mut self.dice, shared * factor));
                pods(counted.map(|[bad, total]| bad_of(bad, total)).collect::<Vec<_>>())
            };
            Step {
                at: at(t),
                metrics: vec![MetricStep {
                    candidate: arm(candidates),
                    baseline: arm(baselines),
                    ..MetricStep::default()
                }],
            }
        };
        (0..count).map(step).collect()
    }

    /// A healthy pod's own factor.
    fn pod(&mut self) -> f64 {
        (0.1 * self.dice.normal()).exp()
    }
}

fn few(seed: u64, worse: f64, past_rollouts: usize) -> Option<Verdict> {
    let mut world = World {
        dice: Dice::new(seed + 1),
        drift: 0.0,
    };
    let policy = policy(vec![ratio("errors", 1.0, 0.0)]);
    let plan = Plan {
        baseline_pods: 2,
        ..plan(Comparison::Concurrent, 120)
    };
    let nothing = Background {
        recent: &[],
        own_hour: &[],
        past_pods: &[],
    };
    let unlearnt = calibrate(&policy, &plan, &nothing);
    let mut past_pods: Vec<PastPods> = Vec::new();
    // Of each of the past's rollouts the three pods that ended with the next.
    for _ in 0..past_rollouts {
        let three = [(); 3].map(|()| world.pod());
        let steps = world.steps(HOUR, &[], &three);
        past_pods.extend(summarize(&policy, &unlearnt, STEP, &steps, Arm::Baseline));
    }
    let (old, new) = ([world.pod(), world.pod()], world.pod());
    let history = world.steps(HOUR, &[], &old);
    let watch = world.steps(120, &[new * worse], &old);
    let background = Background {
        recent: &history,
        own_hour: &history,
        past_pods: &past_pods,
    };
    let mut judge = Judge::new(&policy, &plan, &calibrate(&policy, &plan, &background));
    watch.iter().for_each(|step| judge.step(step));
    judge.verdict()
}

fn reverted(rollouts: u64, worse: f64, past_rollouts: usize) -> usize {
    let verdicts = (0..rollouts).map(|seed| few(seed, worse, past_rollouts));
    verdicts.filter(|verdict| *verdict == Some(Verdict::Regression)).count()
}

#[test]
fn twice_as_bad_is_found_far_more_often_with_twelve_past_pods() {
    let (without, with) = (reverted(50, 2.0, 0), reverted(50, 2.0, 4));
    // 34 % and over 80 % in the design: by chance neither bound is crossed once in ten thousand.
    assert!(without <= 31, "{without} of 50 without");
    assert!(with >= 32, "{with} of 50 with twelve past pods");
    assert!(with >= without + 10, "{with} with, {without} without");
}

#[test]
fn harmless_releases_stay_with_twelve_past_pods() {
    // Of 80 at 1 %, more than 7 has a chance of under one in a million.
    let wrong = reverted(80, 1.0, 4);
    assert!(wrong <= 7, "{wrong} of 80 harmless releases reverted");
}

fn summaries(policy: &Policy, candidates: &[f64], baselines: &[f64], arm: Arm) -> Vec<PastPods> {
    let mut world = World {
        dice: Dice::new(9),
        drift: 0.0,
    };
    let plan = plan(Comparison::Concurrent, 120);
    let steps = world.steps(HOUR, candidates, baselines);
    let background = Background {
        recent: &[],
        own_hour: &steps,
        past_pods: &[],
    };
    summarize(policy, &calibrate(policy, &plan, &background), STEP, &steps, arm)
}

#[test]
fn a_summary_tells_how_far_each_pod_was_from_those_of_its_own_version() {
    let policy = policy(vec![errors(), ratio("others", 1.0, 0.0)]);
    // A regression moves all pods of its version, and so none against the others.
    let summaries = summaries(&policy, &[10.0, 10.0], &[1.0, 1.5], Arm::Candidate);
    let [errors] = summaries.as_slice() else {
        panic!("the second metric counted nothing: {summaries:?}");
    };
    assert_eq!((errors.count.metric.as_str(), errors.count.above), ("errors", None));
    assert_eq!(errors.count.queries, policy.metrics[0].queries_hash());
    assert_eq!(errors.pods.len(), 2);
    for pod in &errors.pods {
        assert!((pod.ratio - 1.0).abs() < 0.05 && pod.group == 2 && pod.phi >= 1.0, "{pod:?}");
        assert!(pod.expected > 1_000.0, "{pod:?}");
    }
    let text = serde_json::to_string(&summaries).expect("JSON");
    assert_eq!(serde_json::from_str::<Vec<PastPods>>(&text).expect("summaries"), summaries);
}

#[test]
fn the_summaries_of_another_query_or_a_lone_pod_teach_nothing() {
    let here = policy(vec![errors()]);
    let unlike = |factor: f64| summaries(&here, &[], &[1.0, factor], Arm::Baseline);
    let sigma = |past: &[PastPods]| {
        let plan = plan(Comparison::Concurrent, 120);
        let background = Background {
            recent: &[],
            own_hour: &[],
            past_pods: past,
        };
        let judge = Judge::new(&here, &plan, &calibrate(&here, &plan, &background));
        judge.evidence().metrics[0].noise.sigma
    };
    let (nothing, far) = (sigma(&[]), sigma(&unlike(2.0)));
    assert!(far > 1.3 * nothing && sigma(&unlike(1.0)) < nothing, "{far} {nothing}");
    let mut other = unlike(2.0);
    other[0].count.queries = policy(vec![latency()]).metrics[0].queries_hash();
    assert_eq!(sigma(&other), nothing);
    assert_eq!(summaries(&here, &[], &[1.0], Arm::Baseline), []);
    let mut alone = unlike(2.0);
    alone[0].pods.iter_mut().for_each(|pod| pod.group = 1);
    assert_eq!(sigma(&alone), nothing);
}
