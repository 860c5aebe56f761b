//! What keeps pods from starting and is not held against their version, in words.

use super::{
    Language, Told,
    grounds::closing,
    language::say,
    number,
    span_of_time::clock,
    story::who,
    told::{bold, code, outside, signed},
};
use crate::{
    policy::{KubernetesTarget, Target},
    record::{Hindered, Record, Waiting},
    words::Pod,
};

/// Pods do not start: which, in whose words, and what to do.
pub(super) fn told(record: &Record, language: Language) -> Told {
    let (who, version) = (who(record, language), starting(record));
    let gist = gist(record, language).unwrap_or_default();
    let headline = say!(
        language,
        "{who}: {version} does not start: {gist}. That is not held against it, and nothing is reverted.",
        "{who}：{version} 无法启动：{gist}。这不归咎于该版本，不会回滚。"
    );
    let mut lines = Vec::new();
    if let (Some(hindered), Target::Kubernetes(workload)) = (&record.hindered, &record.policy.target) {
        lines.push(seen(hindered, language));
        let look = code(look(record, workload));
        lines.push(say!(
            language,
            "Look at it: {look}. The rollout goes on by itself when that is over, which is told too.",
            "查看：{look}。问题消除后发布会自行继续，届时另行通知。"
        ));
    }
    Told::new(&signed("🚧", &headline), &closing(lines, record, language))
}

/// It is over.
pub(super) fn over(record: &Record, language: Language) -> Told {
    let (who, version) = (who(record, language), starting(record));
    let headline = say!(
        language,
        "{who}: all pods of {version} are ready; what kept them from starting is over.",
        "{who}：{version} 的所有 pod 均已就绪；先前的启动问题已消除。"
    );
    Told::new(&signed("✅", &headline), &closing(Vec::new(), record, language))
}

/// `no node takes its pods`, where something keeps them from starting.
pub(super) fn gist(record: &Record, language: Language) -> Option<String> {
    let hindered = record.hindered.as_ref()?;
    Some(match hindered.by.what {
        Waiting::ImageNotFound | Waiting::ImageNameInvalid => say!(language, "its image does not exist", "其镜像不存在"),
        Waiting::CrashLoop => say!(language, "its pods crash again and again", "其 pod 反复崩溃"),
        Waiting::RegistryAway => say!(
            language,
            "its image cannot be fetched, and no registry says for certain that there is none",
            "无法拉取其镜像，而镜像仓库也未明确表示镜像不存在"
        ),
        Waiting::ConfigMissing => say!(
            language,
            "a ConfigMap or Secret that it names is missing",
            "它引用的 ConfigMap 或 Secret 不存在"
        ),
        Waiting::CannotStart => say!(language, "its node cannot start a container", "节点无法启动其容器"),
        Waiting::Unschedulable => say!(language, "no node takes its pods", "没有节点能容纳其 pod"),
        Waiting::Quota => say!(
            language,
            "a quota, a limit or an admission rule forbids its pods",
            "配额、限制或准入规则不允许创建其 pod"
        ),
        Waiting::Volumes => say!(language, "a volume cannot be had", "无法获得存储卷"),
        Waiting::Network => say!(language, "its network cannot be had", "无法建立其网络"),
        Waiting::Other => say!(language, "the cluster keeps its pods from starting", "集群使其 pod 无法启动"),
    })
}

/// The version whose pods are to start: what was put back, else the candidate.
fn starting(record: &Record) -> String {
    let back = record.intent.as_ref().map(|intent| &intent.to);
    bold(&back.unwrap_or(&record.to).name)
}

/// Since when, how many, one of them, and in whose words.
fn seen(hindered: &Hindered, language: Language) -> String {
    let (since, pods, said) = (
        clock(hindered.since),
        number::pods(hindered.pods, language),
        outside(&hindered.by.said),
    );
    match &hindered.pod {
        Some(pod) => {
            let pod = bold(name(&pod.0));
            say!(
                language,
                "Since {since}, {pods}, one of them {pod}: {said}",
                "自 {since} 起，共 {pods}，其一为 {pod}：{said}"
            )
        }
        None => say!(
            language,
            "Since {since}, pods that are not even made: {said}",
            "自 {since} 起，pod 未能创建：{said}"
        ),
    }
}

/// The line that shows what pods wait for; where nothing is known to keep them, how the workload stands.
pub(super) fn look(record: &Record, workload: &KubernetesTarget) -> String {
    let hindered = record.hindered.as_ref();
    let what = match (
        hindered.map(|hindered| hindered.by.what),
        hindered.and_then(|hindered| hindered.pod.as_ref()),
    ) {
        (Some(Waiting::Quota), _) => "describe resourcequota,limitrange".to_owned(),
        (Some(Waiting::Volumes), _) => "get persistentvolumeclaim".to_owned(),
        (_, Some(pod)) => return look_at(pod, workload),
        (_, None) => format!("describe {}/{}", workload.kind.as_str(), workload.name),
    };
    format!("kubectl -n {} {what}", workload.namespace)
}

/// The line that shows one pod.
pub(super) fn look_at(pod: &Pod, workload: &KubernetesTarget) -> String {
    format!("kubectl -n {} describe pod {}", workload.namespace, name(&pod.0))
}

fn name(pod: &str) -> &str {
    pod.rsplit('/').next().unwrap_or_default()
}
