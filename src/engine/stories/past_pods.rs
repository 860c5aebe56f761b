//! Pods that are gone: what remains of them teaches later rollouts how far pods differ.

use super::{
    pods::{beside, old, ready, sees, shipped},
    script::{HOUR, Story, version},
};
use crate::judge::{self, PastPods, PodCount, PodSummary};

/// What remains of so many pods of the old version, each of which failed so many times as often as the others.
fn remains(ratios: &[f64]) -> Vec<PastPods> {
    let summary = |ratio: &f64| PodSummary {
        ratio: *ratio,
        expected: 80.0,
        phi: 1.5,
        group: 3,
    };
    vec![PastPods {
        count: PodCount {
            metric: "errors".to_owned(),
            queries: version("v1").fingerprint,
            above: None,
        },
        pods: ratios.iter().map(summary).collect(),
    }]
}

/// v2 was shipped, is judged, and its watch ends; the old pods are gone then, or not.
fn watched(story: &mut Story, ratios: &[f64], gone: bool) {
    story.old_pods = remains(ratios);
    let serving = old(story);
    let first = ready(story, "v2", 0);
    sees(story, "v2", beside(&serving, std::slice::from_ref(&first)));
    story.calibrated();
    assert_eq!(story.open().old_pods, story.old_pods);
    let left = if gone { Vec::new() } else { serving };
    sees(story, "v2", beside(&left, &[first]));
    story.later(3 * HOUR);
    story.judged(|evidence| evidence.verdict = None);
}

#[test]
fn pods_of_a_version_that_was_replaced_teach_later_rollouts_how_far_pods_differ() {
    let mut story = shipped();
    watched(&mut story, &[0.9, 1.0, 1.1], true);
    story.closed_as(None);
    assert_eq!(story.history.past_pods, remains(&[0.9, 1.0, 1.1]));
    assert!(story.last_closed().old_pods.is_empty(), "they are kept in one place");
}

#[test]
fn pods_that_serve_on_are_not_of_the_past_yet() {
    let mut story = shipped();
    watched(&mut story, &[0.9, 1.0, 1.1], false);
    story.closed_as(None);
    assert_eq!(story.history.past_pods, []);
}

#[test]
fn of_the_past_the_last_twelve_pods_of_a_count_are_kept() {
    let (mut past, mut other) = (Vec::new(), remains(&[1.0, 1.0]));
    other[0].count.above = Some(0.5);
    judge::remember(&mut past, other.clone());
    for rollout in 0..6 {
        judge::remember(&mut past, remains(&[1.0 + f64::from(rollout), 1.0, 1.0]));
    }
    assert_eq!(past.len(), 2);
    assert_eq!(past[0], other[0], "another bound is another count");
    let firsts: Vec<f64> = past[1].pods.iter().step_by(3).map(|pod| pod.ratio).collect();
    assert_eq!((past[1].pods.len(), firsts), (12, vec![3.0, 4.0, 5.0, 6.0]));
    for bound in 0..40 {
        let mut moved = remains(&[1.0, 1.0]);
        moved[0].count.above = Some(f64::from(bound));
        judge::remember(&mut past, moved);
    }
    assert!(past.len() <= 16 && past.iter().any(|past| past.count.above == Some(39.0)));
}
