//! A simulated service with seeded noise, and policies to judge it by.

use std::time::Duration;

use lastgood::{
    judge::{Background, Comparison, Evidence, Judge, Plan, calibrate},
    policy::{
        Activate, Arms, Compare, HostTarget, Limits, Metric, Mode, Notify, OnInconclusive, OnProven, OnRegression, Policy,
        Require, RevertPolicy, RevertTo, Risk, Startup, StepSetting, Target, Watch,
    },
    words::{Fingerprint, Increment, MetricStep, Moment, Pod, PodIncrement, Step, Verdict},
};

#[path = "metrics.rs"]
mod metrics;

pub use metrics::*;

pub const STEP: Duration = Duration::from_secs(15);
pub const HOUR: usize = 240;

/// The metric `errors` with the defaults.
pub fn errors() -> Metric {
    ratio("errors", 1.25, 0.001)
}

pub fn policy(metrics: Vec<Metric>) -> Policy {
    Policy {
        service: "myapp".parse().expect("a service"),
        env: "prod".parse().expect("an environment"),
        mode: Mode::Enforce,
        target: Target::Host(HostTarget {
            releases: "/opt/myapp/releases".into(),
            current: "/opt/myapp/current".into(),
            activate: Activate::Command {
                command: vec!["true".to_owned()],
                timeout: Duration::from_secs(60),
            },
        }),
        arms: Arms::Time { instance: None },
        watch: Watch {
            length: Duration::from_secs(7200),
            prove_after: Duration::from_secs(1800),
            step: StepSetting::Auto,
            hold: None,
        },
        compare: Compare::Auto,
        risk: Risk {
            false_revert: 0.01,
            missed_regression: 0.05,
        },
        metrics,
        at_least_bad: 5,
        on_regression: OnRegression::Revert,
        on_inconclusive: OnInconclusive::Prove,
        revert: RevertPolicy {
            to: RevertTo::Passed,
            verify_for: Duration::from_secs(300),
            max_age: Duration::from_secs(90 * 86_400),
            min_version: None,
        },
        limits: Limits { reverts_per_hour: 1 },
        startup: Startup::default(),
        require: Require::default(),
        on_proven: OnProven::default(),
        notify: Notify::default(),
        hash: Fingerprint::from_sha256(&[0; 32]),
    }
}

pub fn plan(compare: Comparison, steps: u32) -> Plan {
    Plan {
        step: STEP,
        steps,
        compare,
        candidate_pods: 1,
        baseline_pods: 1,
    }
}

pub fn at(step: usize) -> Moment {
    Moment::from_millis(1_764_000_000_000).plus(STEP * step as u32)
}

pub fn pods(increments: impl IntoIterator<Item = Increment>) -> Vec<PodIncrement> {
    let named = |(i, increment)| PodIncrement {
        pod: Pod(format!("pod-{i}").into()),
        increment,
    };
    increments.into_iter().enumerate().map(named).collect()
}

pub fn bad_of(bad: u64, total: u64) -> Increment {
    Increment::Ratio { bad, total }
}

/// Steps of one metric in which only the candidate, or only the baseline, is counted.
pub fn alone(increments: impl IntoIterator<Item = Increment>, bounds: &[f64], candidate: bool) -> Vec<Step> {
    let step = |(t, increment): (usize, Increment)| {
        let (one, none) = (pods([increment]), Vec::new());
        let (candidate, baseline) = if candidate { (one, none) } else { (none, one) };
        Step {
            at: at(t),
            metrics: vec![MetricStep {
                bounds: bounds.to_vec(),
                candidate,
                baseline,
                gaps: Vec::new(),
            }],
        }
    };
    increments.into_iter().enumerate().map(step).collect()
}

pub fn ratios(counts: &[[u64; 2]], candidate: bool) -> Vec<Step> {
    alone(counts.iter().map(|[bad, total]| bad_of(*bad, *total)), &[], candidate)
}

/// What came of a rollout that was judged to its end.
pub struct Judged {
    pub evidence: Evidence,
    /// The step of the regression, and of the first time it was healthy.
    pub convicted: Option<usize>,
    pub passed: Option<usize>,
    /// The first step at which the first metric was told to have changed late, and whether it ever was late and convicted at once.
    pub late: Option<usize>,
    pub late_and_convicted: bool,
}

/// A judge that has learnt of `history`, and has seen no step yet.
pub fn learnt(policy: &Policy, plan: &Plan, history: &[Step]) -> Judge {
    let background = Background {
        recent: history,
        own_hour: &history[history.len().saturating_sub(HOUR)..],
        past_pods: &[],
    };
    Judge::new(policy, plan, &calibrate(policy, plan, &background))
}

pub fn judge(policy: &Policy, plan: &Plan, history: &[Step], watch: &[Step]) -> Judged {
    let mut judge = learnt(policy, plan, history);
    let (mut convicted, mut passed, mut late, mut late_and_convicted) = (None, None, None, false);
    for (t, step) in watch.iter().enumerate() {
        judge.step(step);
        let evidence = judge.evidence();
        match evidence.verdict {
            Some(Verdict::Regression) => convicted = convicted.or(Some(t)),
            Some(Verdict::Healthy) => passed = passed.or(Some(t)),
            _ => {}
        }
        let metric = &evidence.metrics[0];
        late = late.or(metric.late.map(|_| t));
        late_and_convicted |= metric.late.is_some() && metric.verdict == Some(Verdict::Regression);
    }
    Judged {
        evidence: judge.evidence(),
        convicted,
        passed,
        late,
        late_and_convicted,
    }
}

/// Judges `watch` against `history` before and after, by one metric.
pub fn before_after(metric: Metric, history: &[Step], watch: &[Step]) -> Judged {
    judge(
        &policy(vec![metric]),
        &plan(Comparison::BeforeAfter, watch.len() as u32),
        history,
        watch,
    )
}

/// Pseudo-random numbers (xorshift64*), seeded, so that every run of a test sees the same service.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    /// Marsaglia and Tsang.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(shape.recip());
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < x * x / 2.0 + d * (1.0 - v + v.ln()) {
                return d * v;
            }
        }
    }
}

/// A service with the noise of statistics.md, section 12.
#[derive(Clone, Copy)]
pub struct Service {
    /// Requests a second.
    pub load: f64,
    /// Share of bad requests.
    pub rate: f64,
    /// Standard deviation of the slow drift of ln(rate).
    pub drift: f64,
    /// Variance of counts over that of independent requests.
    pub dispersion: f64,
    /// One-minute twentyfold outages a day.
    pub outages: f64,
}

pub const FLAT: Service = Service {
    load: 50.0,
    rate: 0.005,
    drift: 0.0,
    dispersion: 1.0,
    outages: 0.0,
};
pub const REAL: Service = Service {
    drift: 0.3,
    dispersion: 1.5,
    outages: 1.0,
    ..FLAT
};

impl Service {
    /// `[bad, total]` of `steps` steps, the rate times `worse(step)`.
    pub fn counts(&self, dice: &mut Dice, steps: usize, worse: impl Fn(usize) -> f64) -> Vec<[u64; 2]> {
        let (mut drift, mut outage) = (dice.normal(), 0);
        (0..steps)
            .map(|t| {
                drift = 0.95 * drift + (1.0_f64 - 0.95 * 0.95).sqrt() * dice.normal();
                if dice.uniform() < self.outages / 5760.0 {
                    outage = 4;
                }
                let shared = (self.drift * drift - self.drift * self.drift / 2.0).exp() * if outage > 0 { 20.0 } else { 1.0 };
                outage = usize::saturating_sub(outage, 1);
                self.step(dice, shared * worse(t))
            })
            .collect()
    }

    /// One step of one pod at `factor` times the rate.
    pub fn step(&self, dice: &mut Dice, factor: f64) -> [u64; 2] {
        let total = dice.poisson(self.load * STEP.as_secs_f64());
        let mean = total as f64 * (self.rate * factor).min(1.0);
        let burst = if self.dispersion > 1.0 {
            let shape = (mean / (self.dispersion - 1.0)).max(1e-6);
            dice.gamma(shape) / shape
        } else {
            1.0
        };
        [dice.poisson(mean * burst).min(total), total]
    }
}

/// Bounds of a client library's default buckets, and finer ones.
pub const DEFAULT_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, f64::INFINITY];

pub fn fine_buckets() -> Vec<f64> {
    let mut bounds: Vec<f64> = (0..60).map(|i| 0.004 * 1.12_f64.powi(i)).collect();
    bounds.push(f64::INFINITY);
    bounds
}

/// The usual standard deviation of ln(duration).
pub const SPREAD: f64 = 0.8;

/// Cumulative bucket counts of log-normal durations (median 30 ms), each changed by `change(dice, seconds)`.
pub fn durations(
    dice: &mut Dice,
    bounds: &[f64],
    requests: u64,
    spread: f64,
    change: impl Fn(&mut Dice, f64) -> f64,
) -> Increment {
    let mut counts = vec![0; bounds.len()];
    for _ in 0..requests {
        let seconds = 0.03 * (spread * dice.normal()).exp();
        let seconds = change(dice, seconds);
        counts[bounds.partition_point(|bound| *bound < seconds)] += 1;
    }
    for i in 1..counts.len() {
        counts[i] += counts[i - 1];
    }
    Increment::Buckets(counts)
}
