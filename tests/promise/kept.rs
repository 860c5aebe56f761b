//! The promise, kept by the judge and broken by judges that are broken.

use crate::{
    bounds::{SERVICE, least, most, rollout, strict, tally},
    cells::{
        Scenario,
        alone::Alone,
        auto::Auto,
        latency::Latency,
        objective::Objective,
        played,
        value_beside::{self, ValueBeside},
    },
    peers::{
        Both,
        limit::{Rule, reverted},
    },
    simulation::{
        alone::Time,
        beside::World,
        judged::{Judged, ratio},
        latency::{COLD, LOG_NORMAL_NATIVE},
        noise::{ALL, CALM, FEW_REAL, NASTY, Noise, REAL},
        release::Release,
        tally::Tally,
    },
};

const HARMLESS: u32 = 400;
const HARMFUL: u32 = 100;

fn stays(noise: &Noise, promised: f64) {
    let wrong = strict(noise, Release::times(1.0), HARMLESS).gone().count;
    assert!(
        wrong <= most(HARMLESS, promised),
        "{}: {wrong} of {HARMLESS} harmless releases reverted",
        noise.name
    );
}

#[test]
fn harmless_releases_stay_in_noise_that_both_arms_share() {
    stays(&REAL, 0.01);
    stays(&FEW_REAL, 0.01);
}

#[test]
fn harmless_releases_stay_in_noise_that_the_arms_do_not_share() {
    stays(&NASTY, 0.015);
    for noise in ALL.iter().filter(|noise| noise.name == "clumped outage") {
        stays(noise, 0.025);
    }
}

#[test]
fn a_judge_that_learnt_of_no_noise_does_not_keep_the_promise() {
    // Calm history: phi is 1 and pods are equal. In nasty noise that is what a judge without section 4 believes.
    let calm = |number: u32, _| rollout(&CALM, SERVICE, &Release::times(1.0), number)[0].clone();
    let wrong = tally(&NASTY, Release::times(1.0), HARMLESS, &Judged::strict(), calm)
        .gone()
        .count;
    assert!(wrong > most(HARMLESS, 0.015), "only {wrong} of {HARMLESS} reverted");
}

#[test]
fn a_fixed_limit_does_not_keep_the_promise() {
    let wrong = (0..HARMLESS).filter(|number| {
        let world = World::new(&NASTY, SERVICE, &[77, u64::from(*number)], 0);
        let totals = |pods: &[[u64; 2]]| pods.iter().fold([0; 2], |sum, [bad, total]| [sum[0] + bad, sum[1] + total]);
        let new = NASTY.fleet.candidate;
        let watch = world.watch(&Release::times(1.0));
        let steps: Vec<Both> = watch
            .iter()
            .map(|pods| [totals(&pods[..new]), totals(&pods[new..])])
            .collect();
        reverted(&steps, 2.0 * SERVICE.bad, Rule::Altogether(3)).is_some()
    });
    let wrong = wrong.count() as u32;
    assert!(wrong > most(HARMLESS, 0.015), "only {wrong} of {HARMLESS} reverted");
}

fn found(tally: &Tally, promised: f64, median: f64) {
    let count = tally.found().count;
    assert!(
        count >= least(tally.rollouts, promised),
        "{count} of {} found",
        tally.rollouts
    );
    // The 40th percentile: of a hundred rollouts the median itself is not certain to be within what it is of all.
    let time = tally.revert_time(0.4).expect("some were found");
    assert!(time <= median, "{time} s");
}

#[test]
fn harmful_releases_are_found_in_time() {
    found(&strict(&REAL, Release::times(2.0), HARMFUL), 0.97, 200.0);
    found(&strict(&REAL, Release::late(3.0, 10), HARMFUL), 0.99, 120.0);
    found(&strict(&NASTY, Release::times(3.0), HARMFUL), 0.97, 165.0);
    found(&strict(&FEW_REAL, Release::times(3.0), HARMFUL), 0.96, 90.0);
}

#[test]
fn a_judge_that_tolerates_too_much_does_not_find_them() {
    let blind = Judged::by("tolerance 1.9", vec![ratio("errors", 1.9, 0.0)], 1);
    let tally = tally(&REAL, Release::times(2.0), HARMFUL, &blind, |_, before| before);
    assert!(tally.found().count < least(HARMFUL, 0.97), "{:?}", tally.found());
}

#[test]
fn what_is_harmful_does_not_pass() {
    for noise in [&REAL, &NASTY] {
        let passed = strict(noise, Release::times(2.0), HARMFUL).acquitted().count;
        assert!(passed <= most(HARMFUL, 0.05), "{}: {passed} of {HARMFUL} passed", noise.name);
    }
}

#[test]
fn a_healthy_release_passes_in_time() {
    let tally = strict(&REAL, Release::times(1.0), HARMFUL);
    assert!(tally.acquitted().count >= least(HARMFUL, 0.95), "{:?}", tally.acquitted());
    let time = tally.pass_time(0.4).expect("some passed");
    assert!(time < 180.0, "{time} s");
}

#[test]
fn outright_failures_always_go_and_never_pass() {
    for noise in [&CALM, &NASTY, &FEW_REAL] {
        for share in [0.5, 1.0] {
            for judged in [Judged::strict(), Judged::defaults()] {
                let tally = tally(noise, Release::failing(share), 5, &judged, |_, before| before);
                assert_eq!((tally.found().count, tally.acquitted().count), (5, 0), "{}", noise.name);
            }
        }
    }
}

#[test]
fn a_value_of_differing_pods_convicts_what_needs_three_times_as_much_and_nobody_harmless() {
    const ROLLOUTS: u32 = 50;
    let scenario = ValueBeside {
        seed: 77,
        pods: value_beside::ALL[1],
        releases: vec![(Release::times(1.3), ROLLOUTS), (Release::times(3.0), ROLLOUTS)],
    };
    let played = played(&scenario, 0..ROLLOUTS);
    let (harmless, harmful) = (&played[0][0], &played[1][0]);
    assert!(harmless.gone().count <= most(ROLLOUTS, 0.01), "{:?}", harmless.gone());
    found(harmful, 0.99, 240.0);
    assert_eq!(harmful.acquitted().count, 0);
}

#[test]
fn with_nothing_beside_it_harmless_releases_stay_and_tenfold_ones_go() {
    let scenario = Alone {
        seed: 77,
        time: Time::Real,
        releases: vec![(Release::times(1.0), 60), (Release::times(10.0), 10)],
    };
    let tallies = played(&scenario, 0..scenario.rollouts());
    for (judge, harmless) in scenario.judges().iter().zip(&tallies[0]) {
        let wrong = harmless.gone().count;
        assert!(wrong <= most(60, 0.015), "{judge}: {wrong} of 60 reverted");
    }
    for (judge, harmful) in scenario.judges().iter().zip(&tallies[1]) {
        assert!(harmful.found().count >= 8, "{judge}: {:?}", harmful.found());
    }
}

#[test]
fn cold_pods_are_not_convicted_for_their_first_minute_and_would_be_without_a_warmup() {
    let scenario = Latency {
        seed: 77,
        shape: COLD,
        releases: vec![(Release::slower(1.0), 24), (Release::slower(2.0), 8)],
    };
    let tallies = played(&scenario, 0..scenario.rollouts());
    let [warm, cold] = [0, 1].map(|judge| tallies[0][judge].gone().count);
    assert!(
        warm <= most(12, 0.01) && cold > most(12, 0.01),
        "{warm} and {cold} of 12 reverted"
    );
    assert_eq!(tallies[1][0].found().count, 8);
}

#[test]
fn when_the_old_version_goes_in_mid_watch_harmless_releases_stay_and_tenfold_ones_go() {
    let scenario = Auto {
        seed: 77,
        time: Time::Real,
        gone: 2,
        releases: vec![(Release::times(1.0), 16), (Release::times(10.0), 4)],
    };
    let tallies = played(&scenario, 0..scenario.rollouts());
    for (judge, (harmless, harmful)) in scenario.judges().iter().zip(tallies[0].iter().zip(&tallies[1])) {
        let wrong = harmless.gone().count;
        assert!(wrong <= most(16, 0.015), "{judge}: {wrong} of 16 reverted");
        assert_eq!((harmful.found().count, harmful.acquitted().count), (4, 0), "{judge}");
    }
}

#[test]
fn an_objective_that_is_kept_convicts_nobody_and_a_broken_one_does() {
    let scenario = Objective {
        seed: 77,
        time: Time::Real,
        releases: vec![(Release::times(1.0), 60), (Release::times(5.0), 6)],
    };
    let tallies = played(&scenario, 0..scenario.rollouts());
    for (history, (kept, broken)) in scenario.judges().iter().zip(tallies[0].iter().zip(&tallies[1])) {
        let wrong = kept.gone().count;
        assert!(wrong <= most(60, 0.015), "{history}: {wrong} of 60 reverted");
        assert_eq!((broken.found().count, broken.acquitted().count), (6, 0), "{history}");
    }
}

#[test]
fn by_native_histograms_what_is_tolerated_stays_and_what_is_harmful_goes() {
    let scenario = Latency {
        seed: 77,
        shape: LOG_NORMAL_NATIVE,
        releases: vec![(Release::slower(1.2), 12), (Release::slower(2.0), 4)],
    };
    let tallies = played(&scenario, 0..scenario.rollouts());
    let [tolerated, harmful] = [&tallies[0][0], &tallies[1][0]];
    assert!(tolerated.gone().count <= most(12, 0.01), "{:?}", tolerated.gone());
    assert_eq!((harmful.found().count, harmful.acquitted().count), (4, 0));
}
