//! Many pods at once: each on its side, in the life that it had then.

use super::*;
use crate::count::{PodArms, PodLife};

const OLD: &str = "shop/myapp-old";
const NEW: &str = "shop/myapp-new";

fn of(pod: &'static str, bad: f64, total: f64) -> Said {
    Said { pod, ..said(bad, total) }
}

/// A pod of this side that was made, and ready, at this step.
fn life(pod: &str, arm: Arm, made: i64) -> (Pod, PodLife) {
    let life = PodLife {
        arm,
        created_at: at(made),
        ready_at: Some(at(made)),
        gone_at: None,
    };
    (Pod(pod.into()), life)
}

/// The steps after the beginning at step 0 of a story that begins at step -1.
fn told(lives: &[(Pod, PodLife)], story: &[Vec<Said>]) -> Vec<MetricStep> {
    told_of(fixture::ratio(), lives, story)
}

fn told_of(metric: crate::policy::Metric, lives: &[(Pod, PodLife)], story: &[Vec<Said>]) -> Vec<MetricStep> {
    let mut policy = fixture::policy(vec![metric]);
    policy.arms = Arms::Pod {
        pod_label: "pod".to_owned(),
        namespace_label: "namespace".to_owned(),
    };
    let question = question(&policy);
    let mut tally = Tally::pods(&policy, STEP, at(0), PodArms::of(lives.iter().cloned()));
    let answers = story.iter().zip(-1..).map(|(pods, step)| Answer {
        at: at(step),
        samples: pods.iter().flat_map(|said| said.samples(&question, at(step))).collect(),
    });
    let steps = answers.filter_map(|answer| tally.take(&question, &answer));
    steps.map(|mut step| step.metrics.remove(0)).collect()
}

fn sides(step: &MetricStep) -> [Vec<(&str, [u64; 2])>; 2] {
    [&step.candidate, &step.baseline].map(|pods| {
        let counted = pods.iter().map(|one| match &one.increment {
            Increment::Ratio { bad, total } => (&*one.pod.0, [*bad, *total]),
            other => panic!("no ratio: {other:?}"),
        });
        counted.collect()
    })
}

fn reasons(step: &MetricStep) -> Vec<(Arm, GapReason)> {
    step.gaps.iter().map(|gap| (gap.arm, gap.reason)).collect()
}

#[test]
fn each_pod_counts_on_its_side_and_strangers_on_none() {
    let lives = [life(OLD, Arm::Baseline, -100), life(NEW, Arm::Candidate, -100)];
    let all = |n: f64| {
        vec![
            of(OLD, n, 10.0 * n),
            of(NEW, 2.0 * n, 20.0 * n),
            of("shop/other", 5.0, 50.0 * n),
        ]
    };
    let steps = told(&lives, &[all(0.0), all(1.0), all(2.0)]);
    assert_eq!(sides(&steps[0]), [vec![(NEW, [2, 20])], vec![(OLD, [1, 10])]]);
    assert_eq!(reasons(&steps[0]), []);
}

#[test]
fn a_pod_that_has_just_become_ready_counts_from_zero_and_an_older_one_from_its_second_scrape() {
    let lives = [life(OLD, Arm::Baseline, -100), life(NEW, Arm::Candidate, 0)];
    let steps = told(&lives, &[vec![], vec![], vec![of(OLD, 3.0, 300.0), of(NEW, 1.0, 40.0)]]);
    assert_eq!(sides(&steps[0]), [vec![(NEW, [1, 40])], vec![]]);
    assert!(
        reasons(&steps[0]).contains(&(Arm::Baseline, GapReason::NoPrevious)),
        "{:?}",
        steps[0].gaps
    );
}

#[test]
fn a_pod_of_the_same_name_begins_a_life_of_its_own() {
    let first = PodLife {
        gone_at: Some(at(1)),
        ..life(OLD, Arm::Baseline, -100).1
    };
    let lives = [(Pod(OLD.into()), first), life(OLD, Arm::Candidate, 1)];
    let steps = told(
        &lives,
        &[
            vec![of(OLD, 0.0, 100.0)],
            vec![of(OLD, 1.0, 110.0)],
            vec![of(OLD, 2.0, 130.0)],
            vec![of(OLD, 4.0, 9.0)],
            vec![of(OLD, 4.0, 19.0)],
        ],
    );
    assert_eq!(sides(&steps[0]), [vec![], vec![(OLD, [1, 20])]]);
    assert_eq!(
        sides(&steps[1]),
        [vec![(OLD, [4, 9])], vec![]],
        "what it counts is its own, from zero"
    );
    assert_eq!(sides(&steps[2]), [vec![(OLD, [0, 10])], vec![]]);
}

#[test]
fn what_the_pod_before_of_the_same_name_has_counted_is_never_the_new_ones() {
    let first = PodLife {
        gone_at: Some(at(1)),
        ..life(OLD, Arm::Baseline, -100).1
    };
    let lives = [(Pod(OLD.into()), first), life(OLD, Arm::Candidate, 1)];
    // The old one is scraped once more half a second after the whole second in which the new one was made.
    let same_second = Said {
        age: 9.5,
        ..of(OLD, 2.0, 140.0)
    };
    // Its scraper's clock is ahead of that of the API server by two seconds.
    let ahead = Said {
        age: 8.0,
        start: Some(at(-100).seconds()),
        ..of(OLD, 2.0, 140.0)
    };
    for last in [same_second, ahead] {
        let steps = told(
            &lives,
            &[
                vec![of(OLD, 0.0, 100.0)],
                vec![of(OLD, 1.0, 120.0)],
                vec![of(OLD, 2.0, 130.0)],
                vec![last],
                vec![Said {
                    start: Some(at(2).seconds()),
                    ..of(OLD, 4.0, 9.0)
                }],
            ],
        );
        assert_eq!(sides(&steps[1])[0], [], "{:?}", steps[1]);
        assert_eq!(sides(&steps[2]), [vec![(OLD, [4, 9])], vec![]]);
    }
}

#[test]
fn a_stale_instance_beside_a_fresh_one_is_no_second_instance() {
    let left_over = Said {
        pod: "job/b:1",
        age: 200.0,
        ..said(1.0, 20.0)
    };
    assert_eq!(last(&[vec![said(1.0, 10.0)], vec![said(1.0, 20.0), left_over]]), Ok([0, 10]));
}

#[test]
fn a_pod_that_several_targets_tell_of_is_named_and_not_counted_until_one_is_left() {
    let lives = |made| [life(OLD, Arm::Baseline, -100), life(NEW, Arm::Candidate, made)];
    let from = |targets: f64, n: f64| {
        let scraped = |said: Said, targets| Said {
            targets: Some(targets),
            ..said
        };
        vec![
            scraped(of(OLD, n, 10.0 * n), 1.0),
            scraped(of(NEW, 2.0 * n, 20.0 * n), targets),
        ]
    };
    let steps = told(
        &lives(-100),
        &[from(1.0, 0.0), from(1.0, 1.0), from(2.0, 2.0), from(1.0, 3.0), from(1.0, 4.0)],
    );
    assert_eq!(reasons(&steps[0]), [(Arm::Candidate, GapReason::SeveralInstances)]);
    assert!(
        steps[0].gaps[0].detail.starts_with("2 scrape targets of one pod"),
        "{:?}",
        steps[0].gaps
    );
    assert_eq!(sides(&steps[0]), [vec![], vec![(OLD, [1, 10])]]);
    assert_eq!(
        reasons(&steps[1]),
        [(Arm::Candidate, GapReason::NoPrevious)],
        "it was counted before"
    );
    assert_eq!(sides(&steps[2])[0], [(NEW, [2, 20])]);
    let young = told(&lives(0), &[vec![], vec![], from(2.0, 2.0), from(1.0, 3.0)]);
    assert_eq!(
        sides(&young[1])[0],
        [(NEW, [6, 60])],
        "what it has counted since it began is its own"
    );
}

#[test]
fn p03_a_side_of_which_too_few_ready_pods_were_scraped_is_not_counted_at_all() {
    let names = ["shop/a", "shop/b", "shop/c", "shop/d", "shop/e"];
    let lives: Vec<_> = names.iter().map(|pod| life(pod, Arm::Candidate, -100)).collect();
    let first = |count: usize, n: f64| names[..count].iter().map(|pod| of(pod, 0.0, n)).collect::<Vec<_>>();
    let four = told(&lives, &[first(5, 0.0), first(5, 1.0), first(4, 2.0)]);
    assert_eq!(four[0].candidate.len(), 4, "80 % are enough");
    let three = told(&lives, &[first(5, 0.0), first(5, 1.0), first(3, 2.0)]);
    assert_eq!(three[0].candidate, []);
    assert_eq!(reasons(&three[0])[0], (Arm::Candidate, GapReason::Coverage));
    let found = &three[0].gaps[0];
    assert_eq!(found.detail, "3 of 5 ready pods were scraped freshly");
    assert_eq!(
        found.pod.as_ref().map(|pod| &*pod.0),
        Some("shop/d"),
        "one that is missing is named"
    );
}

#[test]
fn nothing_of_a_candidate_that_could_not_be_scraped_yet_is_no_trouble_and_of_an_older_one_is() {
    let old = |n: f64| vec![of(OLD, 0.0, n)];
    for (made, reason) in [(0, GapReason::NoPrevious), (-100, GapReason::Coverage)] {
        let lives = [life(OLD, Arm::Baseline, -100), life(NEW, Arm::Candidate, made)];
        let steps = told(&lives, &[old(0.0), old(1.0), old(2.0)]);
        assert_eq!(reasons(&steps[0]), [(Arm::Candidate, reason)], "made at step {made}");
    }
}

#[test]
fn pods_with_other_buckets_than_the_old_ones_are_left_out_and_said() {
    let lives = [life(OLD, Arm::Baseline, -100), life(NEW, Arm::Candidate, -100)];
    let both = |n: f64| {
        let old = Said {
            pod: OLD,
            ..buckets(&[("0.1", n), ("+Inf", 2.0 * n)])
        };
        let new = Said {
            pod: NEW,
            ..buckets(&[("0.2", n), ("+Inf", 2.0 * n)])
        };
        vec![new, old]
    };
    let steps = told_of(histogram(Duration::ZERO), &lives, &[both(0.0), both(1.0), both(2.0)]);
    assert_eq!((steps[0].baseline.len(), steps[0].candidate.len()), (1, 0));
    assert_eq!(reasons(&steps[0]), [(Arm::Candidate, GapReason::BoundsDiffer)]);
    assert_eq!(steps[0].bounds, [0.1, f64::INFINITY]);
}

#[test]
fn the_old_version_has_gone_when_its_last_pod_has() {
    let gone = |pod: &str, step: i64| {
        let life = PodLife {
            gone_at: Some(at(step)),
            ..life(pod, Arm::Baseline, -100).1
        };
        (Pod(pod.into()), life)
    };
    let arms = PodArms::of([gone("shop/a", 3), gone("shop/b", 5), life(NEW, Arm::Candidate, 0)]);
    assert_eq!([4, 5].map(|step| arms.baseline_gone(at(step))), [false, true]);
    assert_eq!(arms.first(Arm::Candidate), Some(at(0)));
}

#[test]
fn what_others_of_the_same_name_count_is_not_counted_where_the_candidate_is_alone() {
    let whose = |arms: &PodArms| [1, 3, 5].map(|step| arms.life(&Pod(OLD.into()), at(step)).map(|life| life.created_at));
    let [first, anew] = [0, 4].map(|made| life(OLD, Arm::Candidate, made));
    let other = life(OLD, Arm::Baseline, 2);
    let taken_back = PodArms::of([first.clone(), other.clone()]).candidate_only();
    assert_eq!(whose(&taken_back), [Some(at(0)), None, None]);
    let back = PodArms::of([first, other, anew]).candidate_only();
    assert_eq!(whose(&back), [Some(at(0)), None, Some(at(4))]);
}
