//! Files that are right: the examples, defaults, and a policy that survives being written out.

use std::{fs, path::Path};

use lastgood::policy::{self, Arms, MetricKind, Mode, OnRegression, Policy, Side, Target, WorkloadKind};
use rstest::rstest;

fn example(name: &str) -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name);
    let text = fs::read_to_string(&path).expect("an example");
    policy::parse(&text, name).unwrap_or_else(|errors| panic!("{errors}"))
}

#[rstest]
#[case("host-service.yaml")]
#[case("low-traffic.yaml")]
#[case("kubernetes-deployment.yaml")]
fn an_example_is_valid_and_survives_being_filled_in(#[case] name: &str) {
    let policy = example(name);
    let filled = policy::filled(&policy);
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}"));
    assert_eq!(again, policy);
}

#[rstest]
#[case("host-service.yaml")]
#[case("low-traffic.yaml")]
#[case("kubernetes-deployment.yaml")]
fn an_example_tells_the_editor_its_schema(#[case] name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name);
    let text = fs::read_to_string(path).expect("an example");
    assert!(text.starts_with("# yaml-language-server: $schema=./policy.schema.json\n"));
}

const SMALLEST: &str = "\
apiVersion: lastgood.dev/v1
kind: Policy
metadata: {name: myapp}
spec:
  target: {host: {releases: /opt/myapp/releases, current: /opt/myapp/current, activate: {unit: myapp.service, by: reload}}}
  metrics:
    - {name: errors, ratio: {bad: errors_total, total: requests_total}}
    - {name: latency, histogram: latency_seconds}
";

#[test]
fn all_but_the_target_and_a_metric_has_its_documented_default() {
    let policy = policy::parse(SMALLEST, "smallest.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.mode, Mode::Enforce);
    insta::assert_snapshot!(policy::filled(&policy));
}

#[rstest]
#[case(
    "{host: {releases: /opt/myapp/releases, current: /opt/myapp/current, activate: {unit: myapp.service, by: reload}}}",
    "{tagImage: stable, link: stable}"
)]
#[case("{kubernetes: {namespace: shop, deployment: myapp}}", "{tagImage: v1.x_proven}")]
fn what_follows_a_proof_survives_being_filled_in_and_changes_the_hash(#[case] target: &str, #[case] on_proven: &str) {
    let text = SMALLEST.replace(
        "{host: {releases: /opt/myapp/releases, current: /opt/myapp/current, activate: {unit: myapp.service, by: reload}}}",
        target,
    );
    let without = policy::parse(&text, "without.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let policy =
        policy::parse(&format!("{text}  onProven: {on_proven}\n"), "proven.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    assert!(without.on_proven.is_nothing() && !policy.on_proven.is_nothing());
    assert_ne!(policy.hash, without.hash);
    let filled = policy::filled(&policy);
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}"));
    assert_eq!(again, policy);
}

#[test]
fn an_objective_tolerates_nothing_and_survives_being_filled_in() {
    let text = SMALLEST.replace("total: requests_total}}", "total: requests_total}, objective: 99.5%}");
    let policy = policy::parse(&text, "objective.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let MetricKind::Ratio(ratio) = &policy.metrics[0].kind else {
        panic!("a ratio")
    };
    assert_eq!(
        (ratio.objective, ratio.tolerate.times, ratio.tolerate.floor),
        (Some(0.995), 1.0, 0.0)
    );
    let filled = policy::filled(&policy);
    assert!(filled.contains("objective: 99.5%"), "{filled}");
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(again, policy);
}

#[test]
fn a_value_only_alerts_unless_told_otherwise_and_survives_being_filled_in() {
    let value = "    - {name: memory, value: 'sum by (job, instance) (rate(cpu_seconds_total[1m]))'}\n";
    let policy = policy::parse(&format!("{SMALLEST}{value}"), "value.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let metric = &policy.metrics[2];
    let MetricKind::Value(value) = &metric.kind else {
        panic!("a value")
    };
    assert_eq!((value.tolerate_more, value.warmup.as_secs()), (0.3, 60));
    assert_eq!(
        (metric.on_regression, policy.on_regression),
        (OnRegression::Alert, OnRegression::Revert)
    );
    let filled = policy::filled(&policy);
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}"));
    assert_eq!(again, policy);
}

#[test]
fn a_value_may_be_judged_by_a_plain_bound_and_survives_being_filled_in() {
    let values = "    - {name: pool, value: 'pool_used_ratio', above: 0.9}\n    - {name: workers, value: 'workers', below: -1.5, for: 90s}\n";
    let policy = policy::parse(&format!("{SMALLEST}{values}"), "bound.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let bounds: Vec<(Side, f64, u64)> = policy
        .metrics
        .iter()
        .filter_map(|metric| match &metric.kind {
            MetricKind::Value(value) => value.threshold,
            _ => None,
        })
        .map(|threshold| (threshold.side, threshold.value, threshold.held_for.as_secs()))
        .collect();
    assert_eq!(bounds, [(Side::Above, 0.9, 300), (Side::Below, -1.5, 90)]);
    let filled = policy::filled(&policy);
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}"));
    assert_eq!(again, policy);
}

#[test]
fn a_short_watch_shortens_the_proof_by_itself() {
    let text = SMALLEST.replace("  metrics:", "  watch: {for: 10m}\n  metrics:");
    let policy = policy::parse(&text, "short.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.watch.prove_after, policy.watch.length);
}

#[test]
fn the_hash_is_of_what_the_policy_says_and_not_of_how() {
    let policy = |text: &str| policy::parse(text, "a.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let smallest = policy(SMALLEST);
    assert_eq!(policy(&policy::filled(&smallest)).hash, smallest.hash, "defaults written out");
    assert_eq!(policy(&format!("# a comment\n{SMALLEST}")).hash, smallest.hash);
    assert_ne!(policy(&SMALLEST.replace("name: myapp", "name: other")).hash, smallest.hash);
    assert_ne!(
        policy(&SMALLEST.replace("  metrics:", "  risk: {falseRevert: 2%}\n  metrics:")).hash,
        smallest.hash
    );
}

#[test]
fn aliases_within_reason_are_yaml_like_any_other() {
    let text = SMALLEST.replace(
        "bad: errors_total, total: requests_total",
        "bad: &same requests_total, total: *same",
    );
    assert!(policy::parse(&text, "alias.yaml").is_ok());
}

#[rstest]
#[case("yes")]
#[case("null")]
#[case("1e3")]
#[case("0x10")]
#[case("12:30:45")]
#[case("a: b")]
#[case("# no comment")]
#[case("- item")]
#[case("{x}")]
#[case("it's \"quoted\"")]
#[case("错误率 %")]
#[case("~")]
fn a_name_that_looks_like_something_else_survives_being_filled_in(#[case] name: &str) {
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    let text = SMALLEST.replace("name: errors", &format!("name: \"{quoted}\""));
    let policy = policy::parse(&text, "odd.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.metrics[0].name, name);
    let filled = policy::filled(&policy);
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}"));
    assert_eq!(again, policy);
}

#[test]
fn a_query_over_several_lines_survives_being_filled_in() {
    let query = "|\n          sum by (instance) (\n            a_total{path=~\"/x.*\", code=\"5\"}\n          )\n";
    let text = SMALLEST.replace(
        "    - {name: errors, ratio: {bad: errors_total, total: requests_total}}",
        &format!("    - name: errors\n      ratio:\n        total: requests_total\n        bad: {query}"),
    );
    let policy = policy::parse(&text, "lines.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let filled = policy::filled(&policy);
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}"));
    assert_eq!(again, policy);
}

#[test]
fn a_policy_survives_storage_as_json() {
    let policy = example("host-service.yaml");
    let json = serde_json::to_string(&policy).expect("JSON");
    assert_eq!(serde_json::from_str::<Policy>(&json).expect("a policy"), policy);
}

#[rstest]
#[case("deployment: myapp", WorkloadKind::Deployment)]
#[case("statefulSet: myapp", WorkloadKind::StatefulSet)]
#[case("daemonSet: myapp, container: web", WorkloadKind::DaemonSet)]
fn a_workload_is_named_by_its_kind_and_its_versions_are_told_apart_by_pods(#[case] named: &str, #[case] kind: WorkloadKind) {
    let host =
        "{host: {releases: /opt/myapp/releases, current: /opt/myapp/current, activate: {unit: myapp.service, by: reload}}}";
    let text = SMALLEST.replace(host, &format!("{{kubernetes: {{namespace: shop, {named}}}}}"));
    let policy = policy::parse(&text, "workload.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let Target::Kubernetes(workload) = &policy.target else {
        panic!("a workload")
    };
    assert_eq!((workload.kind, workload.name.as_str()), (kind, "myapp"));
    let usual = Arms::Pod {
        pod_label: "pod".to_owned(),
        namespace_label: "namespace".to_owned(),
    };
    assert_eq!(policy.arms, usual);
    let filled = policy::filled(&policy);
    assert_eq!(
        policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}")),
        policy
    );
}

#[test]
fn what_is_required_survives_being_filled_in_and_changes_the_hash() {
    let plain = policy::parse(SMALLEST, "smallest.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let text = format!("{SMALLEST}  require: {{provenIn: staging}}\n");
    let demanding = policy::parse(&text, "demanding.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        demanding.require.proven_in.as_ref().map(ToString::to_string).as_deref(),
        Some("staging")
    );
    assert_ne!(demanding.hash, plain.hash);
    let filled = policy::filled(&demanding);
    let again = policy::parse(&filled, "filled.yaml").unwrap_or_else(|errors| panic!("{errors}\n{filled}"));
    assert_eq!(again, demanding);
    let stored = serde_json::to_value(&plain).expect("JSON");
    assert!(
        stored.get("require").is_none(),
        "so that a policy from before has the hash that it had"
    );
}

const WORKLOAD: &str = "\
apiVersion: lastgood.dev/v1
kind: Policy
metadata: {name: myapp}
spec:
  target: {kubernetes: {namespace: shop, deployment: myapp}}
  watch: {for: 10m, hold: 25%}
  metrics:
    - {name: errors, ratio: {bad: errors_total, total: requests_total}}
";

#[test]
fn a_hold_has_its_default_and_survives_being_filled_in() {
    let parse = |text: &str| policy::parse(text, "hold.yaml").unwrap_or_else(|errors| panic!("{errors}"));
    let policy = parse(WORKLOAD);
    let hold = policy.watch.hold.expect("a hold");
    assert_eq!((hold.share, hold.max.as_secs()), (0.25, 300));
    assert_eq!([1, 2, 4, 7, 100].map(|of| hold.pods(of)), [1, 1, 1, 1, 25]);
    let filled = policy::filled(&policy);
    assert!(filled.contains("hold: 25%") && filled.contains("holdMax: 5m"), "{filled}");
    assert_eq!(parse(&filled), policy);
    let short = parse(&WORKLOAD.replace("for: 10m", "for: 2m"));
    assert_eq!(
        short.watch.hold.expect("a hold").max.as_secs(),
        120,
        "never longer than the watch"
    );
    let none = parse(&WORKLOAD.replace("hold: 25%", "hold: none"));
    let silent = parse(&WORKLOAD.replace(", hold: 25%", ""));
    assert_eq!((none.watch.hold, &none.hash), (None, &silent.hash));
    assert!(policy::filled(&silent).contains("hold: none"));
    let set = parse(&WORKLOAD.replace("deployment:", "statefulSet:"));
    assert!(set.watch.hold.is_some());
}
