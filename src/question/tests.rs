//! The question as a whole: every part is there, told apart, and of the right pods.

use std::time::Duration;

use super::*;
use crate::policy::{Harmful, Metric, OnRegression, Tolerate};

fn policy(instance: Option<&str>) -> Policy {
    let ratio = MetricKind::Ratio(RatioMetric {
        bad: r#"requests_total{app="a",code=~"5.."}"#.into(),
        total: r#"requests_total{app="a"}"#.into(),
        tolerate: Tolerate {
            times: 1.25,
            floor: 0.001,
        },
        harmful: Harmful { times: 2.0 },
        objective: None,
    });
    let histogram = MetricKind::Histogram(HistogramMetric {
        selector: "seconds".into(),
        quantiles: vec![0.5],
        tolerate_slower: 0.2,
        tolerate_floor: Duration::from_millis(5),
        harmful_slower: 1.0,
        warmup: Duration::ZERO,
    });
    let metric = |name: &str, kind| Metric {
        name: name.into(),
        kind,
        on_regression: OnRegression::Revert,
    };
    let mut policy = fixture::policy(vec![metric("errors", ratio), metric("latency", histogram)]);
    policy.arms = Arms::Time {
        instance: instance.map(str::to_owned),
    };
    policy
}

#[test]
fn one_question_carries_every_part_of_every_metric() {
    let question = question(&policy(None));
    assert_eq!(question.parts.len(), 7 + 5);
    assert_eq!(question.promql.matches("lastgood_part").count(), 12);
    assert!(
        question
            .promql
            .contains(r#"label_replace(sum by (job, instance) (requests_total{app="a"}), "lastgood_part", "1", "", "")"#)
    );
    let stamp = question
        .parts
        .iter()
        .find(|part| part.metric == 1 && part.kind == PartKind::Stamp);
    assert_eq!(
        stamp.map(|part| part.promql.as_str()),
        Some(
            r#"max by (job, instance) (timestamp(seconds_bucket{le="+Inf"})) or on (job, instance) max by (job, instance) (timestamp(seconds))"#
        )
    );
}

#[test]
fn a_metric_can_be_asked_alone_and_an_unknown_one_asks_nothing() {
    let policy = policy(None);
    assert!(of_metric(&policy, 1).parts.iter().all(|part| part.metric == 1));
    assert_eq!(of_metric(&policy, 2).parts, []);
    assert_eq!(readable(&policy, 2), Vec::<String>::new());
}

#[test]
fn what_is_shown_can_be_pasted_and_is_short() {
    assert_eq!(
        queries(&policy(None)),
        [
            r#"sum by (job, instance) (requests_total{app="a",code=~"5.."})"#,
            r#"sum by (job, instance) (requests_total{app="a"})"#,
            "sum by (job, instance, le) (seconds_bucket) or on (job, instance) sum by (job, instance) (seconds)",
        ]
    );
}

#[test]
fn the_instance_that_the_policy_picks_is_in_every_part() {
    let question = question(&policy(Some("10.0.0.1:80")));
    for part in &question.parts {
        assert!(part.promql.contains(r#"instance="10.0.0.1:80""#), "{}", part.promql);
    }
}

#[test]
fn a_value_is_one_series_an_instance() {
    let mut policy = policy(None);
    policy.metrics[0].kind = MetricKind::Value(ValueMetric {
        query: "resident_bytes".into(),
        tolerate_more: 0.3,
        threshold: None,
        warmup: Duration::ZERO,
    });
    assert_eq!(readable(&policy, 0), ["max by (job, instance) (resident_bytes)"]);
    let counted = of_metric(&policy, 0);
    let series = counted.parts.iter().find(|part| part.kind == PartKind::SeriesOfTotal);
    assert_eq!(
        series.map(|part| part.promql.as_str()),
        Some("count by (job, instance) (resident_bytes)")
    );
}

#[test]
fn a_workload_is_asked_for_by_its_pods_and_whatever_labels_name_them() {
    let mut policy = fixture::policy(vec![fixture::ratio()]);
    policy.target = crate::policy::Target::Kubernetes(crate::policy::KubernetesTarget {
        namespace: "shop".to_owned(),
        kind: crate::policy::WorkloadKind::Deployment,
        name: "my.app".to_owned(),
        container: None,
    });
    policy.arms = Arms::Pod {
        pod_label: "kubernetes_pod".to_owned(),
        namespace_label: "ns".to_owned(),
    };
    assert_eq!(
        queries(&policy),
        [
            r#"sum by (ns, kubernetes_pod) (requests_total{code=~"5..",ns="shop",kubernetes_pod=~"my[.]app-.+"})"#,
            r#"sum by (ns, kubernetes_pod) (requests_total{ns="shop",kubernetes_pod=~"my[.]app-.+"})"#,
        ]
    );
    assert_eq!(question(&policy).by, ["ns", "kubernetes_pod"]);
}
