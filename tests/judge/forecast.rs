//! What could be found at this traffic: the forecast says it before any rollout, and rollouts agree with it.

use std::time::Duration;

use lastgood::{
    judge::{
        Background, Change, Comparison, Found, MetricForecast, NoiseSource, Outlook, Plan, Seldom, Trials, calibrate, forecast,
    },
    policy::{Metric, MetricKind, RatioMetric},
    words::{MetricStep, Step},
};

use crate::rig::*;

const TRIALS: Trials = Trials {
    prove_after: Duration::from_secs(1800),
    rollouts: 31,
    seed: 1,
};
/// Two hours.
const WATCH: u32 = 480;

/// The forecast of one metric after this history.
fn foreseen(metric: Metric, history: &[Step]) -> MetricForecast {
    let (policy, plan) = (policy(vec![metric]), plan(Comparison::BeforeAfter, WATCH));
    let background = Background {
        recent: history,
        own_hour: &history[history.len().saturating_sub(HOUR)..],
        past_pods: &[],
    };
    let learnt = calibrate(&policy, &plan, &background);
    forecast(&policy, &plan, &learnt, &background, &TRIALS).remove(0)
}

fn outlook(metric: Metric, history: &[Step]) -> Outlook {
    let forecast = foreseen(metric, history);
    forecast.outlook.unwrap_or_else(|| panic!("{:?}", forecast.because))
}

fn hour_of(service: Service, seed: u64) -> Vec<Step> {
    ratios(&service.counts(&mut Dice::new(seed), HOUR, |_| 1.0), false)
}

fn of(outlook: &Outlook, change: Change) -> Found {
    *outlook.found.iter().find(|found| found.change == change).expect("forecast")
}

fn seconds(found: Found) -> f64 {
    found.median.unwrap_or_else(|| panic!("{found:?}")).as_secs_f64()
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// The median time to a conviction of rollouts in the same world, each with its own history: infinite where fewer than half are.
fn truth(service: Service, times: f64, watch: usize) -> f64 {
    let one = |seed: u64| {
        let counts = service.counts(
            &mut Dice::new(500 + seed),
            HOUR + watch,
            |t| if t < HOUR { 1.0 } else { times },
        );
        let (history, steps) = (ratios(&counts[..HOUR], false), ratios(&counts[HOUR..], true));
        let judged = judge(
            &policy(vec![errors()]),
            &plan(Comparison::BeforeAfter, WATCH),
            &history,
            &steps,
        );
        judged
            .convicted
            .map_or(f64::INFINITY, |step| (step + 1) as f64 * STEP.as_secs_f64())
    };
    median((0..31).map(one).collect())
}

#[test]
fn rollouts_take_as_long_as_was_forecast() {
    let worlds = [
        (Service { load: 10.0, ..FLAT }, 5.0, 200),
        (FLAT, 5.0, 60),
        (REAL, 5.0, 60),
        (Service { load: 5.0, ..FLAT }, 10.0, 120),
        (
            Service {
                load: 2.0,
                rate: 0.02,
                ..FLAT
            },
            5.0,
            200,
        ),
    ];
    for (service, times, watch) in worlds {
        let forecast = (0..5).map(|seed| seconds(of(&outlook(errors(), &hour_of(service, seed)), Change::Times(times))));
        let (forecast, truth) = (median(forecast.collect()), truth(service, times, watch));
        // One step is the least that can be told apart.
        let apart = (forecast - truth).abs() <= STEP.as_secs_f64() || (forecast / truth).max(truth / forecast) <= 1.5;
        assert!(
            apart,
            "{times} times at {}/s: forecast {forecast} s, true {truth} s",
            service.load
        );
    }
}

#[test]
fn worse_is_found_sooner_and_more_traffic_finds_it_sooner() {
    let times = |outlook: &Outlook| -> Vec<f64> {
        let found = outlook.found.iter();
        found
            .map(|found| found.median.map_or(f64::INFINITY, |median| median.as_secs_f64()))
            .collect()
    };
    let busy = times(&outlook(errors(), &hour_of(FLAT, 1)));
    let idle = times(&outlook(errors(), &hour_of(Service { load: 2.0, ..FLAT }, 1)));
    for one in [&busy, &idle] {
        assert!(one.windows(2).all(|pair| pair[1] <= pair[0]), "{one:?}");
    }
    assert!(busy.iter().zip(&idle).all(|(busy, idle)| busy <= idle), "{busy:?} {idle:?}");
    assert!(busy[2] <= 60.0 && idle[2] > 300.0, "{busy:?} {idle:?}");
    assert!(
        busy[4] <= 15.0 && idle[4] <= 60.0,
        "half of all failing is seen at any traffic"
    );
}

#[test]
fn what_cannot_be_found_says_why() {
    let at = |rate: f64, load: f64| outlook(errors(), &hour_of(Service { rate, load, ..FLAT }, 3));
    let tolerant = outlook(ratio("errors", 1.6, 0.001), &hour_of(FLAT, 3));
    assert_eq!(of(&tolerant, Change::Times(1.5)).seldom, Some(Seldom::Tolerated));
    let quiet = at(0.0002, 50.0);
    assert!(
        matches!(of(&quiet, Change::Times(2.0)).seldom, Some(Seldom::BelowFloor(share)) if share < 0.001),
        "{quiet:?}"
    );
    let idle = at(0.005, 0.01);
    assert!(
        matches!(of(&idle, Change::Times(2.0)).seldom, Some(Seldom::TooFewEvents(events)) if events < 5.0),
        "{idle:?}"
    );
    let slow = at(0.005, 2.0);
    assert!(
        matches!(of(&slow, Change::Times(2.0)).seldom, Some(Seldom::TooLittleTraffic(share)) if share < 0.5),
        "{slow:?}"
    );
}

#[test]
fn a_healthy_release_proves_more_with_time_and_traffic() {
    let busy = outlook(errors(), &hour_of(FLAT, 4));
    let idle = outlook(errors(), &hour_of(Service { load: 2.0, ..FLAT }, 4));
    for one in [&busy, &idle] {
        let (soon, end) = (one.by_prove_after, one.by_end);
        assert_eq!((soon.after.as_secs(), end.after.as_secs()), (1800, 7200));
        assert!(soon.healthy <= end.healthy, "{one:?}");
        let excluded = [soon, end].map(|proof| proof.excluded_times.unwrap_or(f64::INFINITY));
        assert!(excluded[1] <= excluded[0], "{one:?}");
    }
    let least = |one: &Outlook| one.by_prove_after.excluded_times.unwrap_or(f64::INFINITY);
    assert!(least(&busy) <= 3.0 && least(&idle) > least(&busy), "{busy:?} {idle:?}");
}

#[test]
fn slower_requests_are_found_by_the_learnt_buckets() {
    let mut dice = Dice::new(5);
    let bounds = fine_buckets();
    let mut steps = |count: usize, slower: f64| -> Vec<_> {
        (0..count)
            .map(|_| durations(&mut dice, &bounds, 300, SPREAD, |_, seconds| seconds * slower))
            .collect()
    };
    let hour = alone(steps(HOUR, 1.0), &bounds, false);
    let outlook = outlook(latency(), &hour);
    assert_eq!(of(&outlook, Change::Slower(1.2)).seldom, Some(Seldom::Tolerated));
    let [twice, five] = [2.0, 5.0].map(|times| seconds(of(&outlook, Change::Slower(times))));
    assert!(five <= twice, "{outlook:?}");
    assert!(five > 60.0, "the first minute is warm-up");
    let one = |_| {
        let watch = alone(steps(40, 2.0), &bounds, true);
        let judged = before_after(latency(), &hour, &watch);
        judged
            .convicted
            .map_or(f64::INFINITY, |step| (step + 1) as f64 * STEP.as_secs_f64())
    };
    let truth = 60.0 + median((0..9).map(one).collect());
    assert!(
        (twice / truth).max(truth / twice) <= 1.5,
        "forecast {twice} s, true {truth} s"
    );
    assert!(outlook.bad_share.is_none() && (outlook.per_second - 20.0).abs() < 0.1);
    assert_eq!(outlook.noise.source, NoiseSource::Assumed, "an hour is no day");
}

/// The old version's pods and how many of them there are, beside one new one that fails `times` as often: steps of both.
fn side_by_side(pod: Service, old: usize, new: Option<f64>, steps: usize, dice: &mut Dice) -> Vec<Step> {
    let mut step = |t: usize| {
        let mut one = |times: f64| {
            let [bad, total] = pod.step(dice, times);
            bad_of(bad, total)
        };
        let (baseline, candidate) = (pods((0..old).map(|_| one(1.0))), pods(new.map(&mut one)));
        Step {
            at: at(t),
            metrics: vec![MetricStep {
                candidate,
                baseline,
                ..MetricStep::default()
            }],
        }
    };
    (0..steps).map(&mut step).collect()
}

#[test]
fn beside_the_old_version_rollouts_take_as_long_as_was_forecast() {
    const OLD: usize = 3;
    let plan = Plan {
        baseline_pods: OLD as u32,
        ..plan(Comparison::Concurrent, WATCH)
    };
    // Twice as bad is within what a pod of its own may differ by.
    let (load, times) = (20.0, 5.0);
    let pod = Service { load, ..FLAT };
    let now = Service {
        load: load * OLD as f64 / (OLD + 1) as f64,
        ..FLAT
    };
    let policy = policy(vec![errors()]);
    let hour = |seed: u64| side_by_side(pod, OLD, None, HOUR, &mut Dice::new(seed));
    let foreseen = |seed: u64| {
        let hour = hour(seed);
        let background = Background {
            recent: &hour,
            own_hour: &hour,
            past_pods: &[],
        };
        let forecast = forecast(&policy, &plan, &calibrate(&policy, &plan, &background), &background, &TRIALS).remove(0);
        let outlook = forecast.outlook.unwrap_or_else(|| panic!("{:?}", forecast.because));
        assert!((outlook.per_second / load / OLD as f64 - 1.0).abs() < 0.05, "{outlook:?}");
        assert!(outlook.by_prove_after.healthy <= outlook.by_end.healthy, "{outlook:?}");
        seconds(of(&outlook, Change::Times(times)))
    };
    let rollout = |seed: u64| {
        let watch = side_by_side(now, OLD, Some(times), 160, &mut Dice::new(900 + seed));
        let judged = judge(&policy, &plan, &hour(seed), &watch);
        judged
            .convicted
            .map_or(f64::INFINITY, |step| (step + 1) as f64 * STEP.as_secs_f64())
    };
    let (forecast, truth) = (median((0..5).map(foreseen).collect()), median((0..31).map(rollout).collect()));
    let apart = (forecast - truth).abs() <= STEP.as_secs_f64() || (forecast / truth).max(truth / forecast) <= 1.5;
    assert!(
        apart,
        "{times} times at {load}/s a pod: forecast {forecast} s, true {truth} s"
    );
}

#[test]
fn where_the_old_version_may_go_it_is_forecast_as_if_it_went_at_once() {
    let hour = hour_of(FLAT, 8);
    let background = Background {
        recent: &hour,
        own_hour: &hour,
        past_pods: &[],
    };
    let foreseen = |compare: Comparison| {
        let (policy, plan) = (policy(vec![errors(), latency()]), plan(compare, WATCH));
        let learnt = calibrate(&policy, &plan, &background);
        forecast(&policy, &plan, &learnt, &background, &TRIALS)
    };
    let [auto, past] = [Comparison::Auto, Comparison::BeforeAfter].map(foreseen);
    assert!(auto[0].outlook.is_some() && auto[0].outlook == past[0].outlook, "{auto:?}");
}

#[test]
fn an_objective_is_forecast_against_what_it_allows() {
    let mut metric = errors();
    if let MetricKind::Ratio(RatioMetric { objective, tolerate, .. }) = &mut metric.kind {
        (*objective, tolerate.times, tolerate.floor) = (Some(0.99), 1.0, 0.0);
    }
    let outlook = outlook(metric, &hour_of(FLAT, 6));
    assert_eq!(of(&outlook, Change::Times(1.5)).seldom, Some(Seldom::WithinObjective));
    // Two and a half times what is allowed, by an hour of history, and five times.
    assert!(seconds(of(&outlook, Change::Times(5.0))) < 1_800.0, "{outlook:?}");
    assert!(seconds(of(&outlook, Change::Times(10.0))) < 300.0, "{outlook:?}");
}

#[test]
fn without_events_nothing_is_forecast_and_the_same_seed_says_the_same() {
    for (metric, increments) in [(errors(), vec![bad_of(0, 0); 10]), (latency(), Vec::new())] {
        let forecast = foreseen(metric, &alone(increments, &[], false));
        let because = forecast.because.expect("a reason");
        assert!(forecast.outlook.is_none() && because.contains("hour"), "{because}");
    }
    let again = || foreseen(errors(), &hour_of(REAL, 7));
    assert_eq!(again(), again());
}
