//! A policy as a file would say it, with every default written out.

use super::{
    Activate, Arms, HistogramMetric, HostTarget, KubernetesTarget, Metric, MetricKind, NotifyOn, OnProven, Policy, RatioMetric,
    Side, StepSetting, Target, ValueMetric, WorkloadKind,
    file::{
        ActivateFile, ApiVersion, ArmsBy, ArmsFile, AtLeastFile, HarmfulFile, HostFile, Kind, KubernetesFile, LimitsFile,
        MetadataFile, MetricFile, NotifyFile, OnBlind, OnProvenFile, PolicyFile, RatioFile, RequireFile, RevertFile, RiskFile,
        SpecFile, TargetFile, TolerateFile, WatchFile,
    },
    given::Given,
    quantity::{Quantity, Share, Time, duration_text, share_text},
    resolve::can_be_held,
};

/// `policy` as YAML in the file's own shape, defaults filled in. Parsing it gives the same policy.
#[must_use]
pub fn filled(policy: &Policy) -> String {
    let file = PolicyFile {
        api_version: ApiVersion::V1.into(),
        kind: Kind::Policy.into(),
        metadata: MetadataFile {
            name: policy.service.to_string().into(),
        }
        .into(),
        spec: spec(policy).into(),
    };
    // The wire structs hold nothing that YAML cannot say; the text of an error would be no policy and be seen.
    serde_saphyr::to_string(&file).unwrap_or_else(|error| format!("# {error}\n"))
}

fn spec(policy: &Policy) -> SpecFile {
    SpecFile {
        env: policy.env.to_string().into(),
        mode: policy.mode.into(),
        target: target(&policy.target).into(),
        arms: arms(&policy.arms).into(),
        watch: watch(policy).into(),
        compare: policy.compare.into(),
        risk: RiskFile {
            false_revert: Share(policy.risk.false_revert).into(),
            missed_regression: Share(policy.risk.missed_regression).into(),
        }
        .into(),
        metrics: policy
            .metrics
            .iter()
            .map(|metric| self::metric(metric).into())
            .collect::<Vec<_>>()
            .into(),
        at_least: AtLeastFile {
            bad: policy.at_least_bad.into(),
        }
        .into(),
        on_regression: policy.on_regression.into(),
        on_inconclusive: policy.on_inconclusive.into(),
        on_blind: OnBlind::Alert.into(),
        revert: RevertFile {
            to: policy.revert.to.into(),
            verify_for: Time(policy.revert.verify_for).into(),
            max_age: Time(policy.revert.max_age).into(),
            min_version: maybe(policy.revert.min_version.as_ref().map(ToString::to_string)),
        }
        .into(),
        limits: LimitsFile {
            reverts_per_hour: policy.limits.reverts_per_hour.into(),
        }
        .into(),
        startup: match &policy.target {
            Target::Host(_) => Given::default(),
            Target::Kubernetes(_) => policy.startup.into(),
        },
        require: if policy.require.is_nothing() {
            Given::default()
        } else {
            RequireFile {
                proven_in: maybe(policy.require.proven_in.as_ref().map(ToString::to_string)),
            }
            .into()
        },
        on_proven: on_proven(&policy.on_proven),
        notify: notify(policy).into(),
    }
}

fn on_proven(marks: &OnProven) -> Given<OnProvenFile> {
    if marks.is_nothing() {
        return Given::default();
    }
    OnProvenFile {
        tag_image: maybe(marks.tag_image.clone()),
        link: maybe(marks.link.clone()),
    }
    .into()
}

fn maybe<T>(value: Option<T>) -> Given<T> {
    value.map_or_else(Given::default, Given::from)
}

fn target(target: &Target) -> TargetFile {
    match target {
        Target::Host(host) => TargetFile {
            host: self::host(host).into(),
            ..TargetFile::default()
        },
        Target::Kubernetes(workload) => TargetFile {
            kubernetes: kubernetes(workload).into(),
            ..TargetFile::default()
        },
    }
}

fn kubernetes(workload: &KubernetesTarget) -> KubernetesFile {
    let named = |kind: WorkloadKind| maybe((workload.kind == kind).then(|| workload.name.clone()));
    KubernetesFile {
        namespace: workload.namespace.clone().into(),
        deployment: named(WorkloadKind::Deployment),
        stateful_set: named(WorkloadKind::StatefulSet),
        daemon_set: named(WorkloadKind::DaemonSet),
        container: maybe(workload.container.clone()),
    }
}

fn arms(arms: &Arms) -> ArmsFile {
    match arms {
        Arms::Time { instance } => ArmsFile {
            by: ArmsBy::Time.into(),
            instance: maybe(instance.clone()),
            ..ArmsFile::default()
        },
        Arms::Pod {
            pod_label,
            namespace_label,
        } => ArmsFile {
            by: ArmsBy::Pod.into(),
            pod_label: pod_label.clone().into(),
            namespace_label: namespace_label.clone().into(),
            ..ArmsFile::default()
        },
    }
}

fn host(host: &HostTarget) -> HostFile {
    let activate = match &host.activate {
        Activate::Unit { unit, by } => ActivateFile {
            unit: unit.clone().into(),
            by: (*by).into(),
            ..ActivateFile::default()
        },
        Activate::Command { command, timeout } => ActivateFile {
            command: command.iter().cloned().map(Given::from).collect::<Vec<_>>().into(),
            timeout: Time(*timeout).into(),
            ..ActivateFile::default()
        },
    };
    HostFile {
        releases: host.releases.display().to_string().into(),
        current: host.current.display().to_string().into(),
        activate: activate.into(),
    }
}

fn watch(policy: &Policy) -> WatchFile {
    let step = match policy.watch.step {
        StepSetting::Auto => "auto".to_owned(),
        StepSetting::Every(step) => duration_text(step),
    };
    WatchFile {
        length: Time(policy.watch.length).into(),
        prove_after: Time(policy.watch.prove_after).into(),
        step: step.into(),
        hold: maybe(can_be_held(&policy.target).then(|| {
            let share = policy.watch.hold.map(|hold| share_text(hold.share));
            share.unwrap_or_else(|| "none".to_owned())
        })),
        hold_max: maybe(policy.watch.hold.map(|hold| Time(hold.max))),
    }
}

fn metric(metric: &Metric) -> MetricFile {
    let kind = match &metric.kind {
        MetricKind::Ratio(kind) => ratio(kind),
        MetricKind::Histogram(kind) => histogram(kind),
        MetricKind::Value(kind) => value(kind),
    };
    MetricFile {
        name: metric.name.clone().into(),
        on_regression: metric.on_regression.into(),
        ..kind
    }
}

fn ratio(kind: &RatioMetric) -> MetricFile {
    MetricFile {
        ratio: RatioFile {
            bad: kind.bad.clone().into(),
            total: kind.total.clone().into(),
        }
        .into(),
        tolerate: if kind.objective.is_some() {
            Given::default()
        } else {
            tolerated(kind)
        },
        objective: maybe(kind.objective.map(Share)),
        harmful: HarmfulFile {
            times: kind.harmful.times.into(),
            ..HarmfulFile::default()
        }
        .into(),
        ..MetricFile::default()
    }
}

fn tolerated(kind: &RatioMetric) -> Given<TolerateFile> {
    TolerateFile {
        times: kind.tolerate.times.into(),
        floor: Quantity(share_text(kind.tolerate.floor)).into(),
        ..TolerateFile::default()
    }
    .into()
}

fn histogram(kind: &HistogramMetric) -> MetricFile {
    MetricFile {
        histogram: kind.selector.clone().into(),
        quantiles: kind
            .quantiles
            .iter()
            .map(|quantile| Share(*quantile).into())
            .collect::<Vec<_>>()
            .into(),
        tolerate: TolerateFile {
            slower: Share(kind.tolerate_slower).into(),
            floor: Quantity(duration_text(kind.tolerate_floor)).into(),
            ..TolerateFile::default()
        }
        .into(),
        harmful: HarmfulFile {
            slower: Share(kind.harmful_slower).into(),
            ..HarmfulFile::default()
        }
        .into(),
        warmup: Time(kind.warmup).into(),
        ..MetricFile::default()
    }
}

fn value(kind: &ValueMetric) -> MetricFile {
    let bound = |side: Side| {
        maybe(
            kind.threshold
                .filter(|threshold| threshold.side == side)
                .map(|threshold| threshold.value),
        )
    };
    MetricFile {
        value: kind.query.clone().into(),
        tolerate: if kind.threshold.is_some() {
            Given::default()
        } else {
            let more = Share(kind.tolerate_more).into();
            TolerateFile {
                more,
                ..TolerateFile::default()
            }
            .into()
        },
        above: bound(Side::Above),
        below: bound(Side::Below),
        held_for: maybe(kind.threshold.map(|threshold| Time(threshold.held_for))),
        warmup: Time(kind.warmup).into(),
        ..MetricFile::default()
    }
}

fn notify(policy: &Policy) -> NotifyFile {
    let listed = |names: &[crate::words::ChannelName]| -> Given<Vec<Given<String>>> {
        names.iter().map(|name| name.to_string().into()).collect::<Vec<_>>().into()
    };
    let on = |what: NotifyOn| policy.notify.by.get(&what).map_or_else(Given::default, |names| listed(names));
    NotifyFile {
        default: listed(&policy.notify.default),
        revert: on(NotifyOn::Revert),
        refused: on(NotifyOn::Refused),
        blind: on(NotifyOn::Blind),
        inconclusive: on(NotifyOn::Inconclusive),
        proven: on(NotifyOn::Proven),
        failed: on(NotifyOn::Failed),
        contested: on(NotifyOn::Contested),
        late: on(NotifyOn::Late),
        skipped: on(NotifyOn::Skipped),
        cluster_fault: on(NotifyOn::ClusterFault),
        hold: on(NotifyOn::Hold),
        not_ready: on(NotifyOn::NotReady),
    }
}
