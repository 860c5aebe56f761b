//! Who else writes the workload: Argo CD, Flux, Helm, another controller; and what a person does there to go back.

use serde_json::Value;

use super::object::{Object, text};

/// Who owns a workload beside the people who apply it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Whether it would write the bad version back after a revert: then nothing is written.
    pub writes_back: bool,
    /// Who owns it, and what to do there: a sentence for people.
    pub sentence: String,
}

/// The owner of `workload`, if there is one.
#[must_use]
pub fn owner(workload: &Object) -> Option<Owner> {
    let back = |sentence| Owner {
        writes_back: true,
        sentence,
    };
    let fights = controller(workload).or_else(|| argo(workload)).or_else(|| flux(workload));
    fights.map(back).or_else(|| helm(workload))
}

fn controller(workload: &Object) -> Option<String> {
    let owner = workload.controller()?;
    let (kind, name) = (text(owner, "kind")?, text(owner, "name")?);
    let namespace = workload.namespace();
    Some(format!(
        "it is made by {kind} {name}, which writes its own template back; go back there: `kubectl edit {} {name} -n {namespace}`",
        kind.to_lowercase()
    ))
}

fn argo(workload: &Object) -> Option<String> {
    // `shop:apps/Deployment:ns/name`, or `argocd-ns_shop:…` where applications live in any namespace.
    let tracked = workload
        .annotation("argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split(':').next());
    let labelled = workload.label("argocd.argoproj.io/instance");
    let writes = managers(workload).any(|manager| manager.starts_with("argocd"));
    let instance = workload.label("app.kubernetes.io/instance").filter(|_| writes);
    let name = tracked.or(labelled).or(instance).filter(|name| !name.is_empty());
    if name.is_none() && !writes {
        return None;
    }
    let application = name.map_or("APPLICATION".to_owned(), |name| name.replacen('_', "/", 1));
    Some(format!(
        "Argo CD's application {application} writes it; revert the commit in its git repository, or, with automatic sync off, \
         `argocd app rollback {application}`"
    ))
}

fn flux(workload: &Object) -> Option<String> {
    for (kind, prefix, command) in [
        ("HelmRelease", "helm.toolkit.fluxcd.io", "helmrelease"),
        ("Kustomization", "kustomize.toolkit.fluxcd.io", "kustomization"),
    ] {
        let label = |end: &str| workload.label(&format!("{prefix}/{end}"));
        if let Some(name) = label("name") {
            let namespace = label("namespace").unwrap_or("flux-system");
            return Some(format!(
                "Flux's {kind} {name} writes it; revert the commit in git, then `flux reconcile {command} {name} -n {namespace} --with-source`"
            ));
        }
    }
    let writes = |name: &str| managers(workload).any(|manager| manager == name);
    (writes("kustomize-controller") || writes("helm-controller"))
        .then(|| "Flux writes it; revert the commit in git, then `flux reconcile source git NAME -n flux-system`".to_owned())
}

/// Helm does not write back by itself, but its own record goes on naming the bad release.
fn helm(workload: &Object) -> Option<Owner> {
    let release = workload.annotation("meta.helm.sh/release-name")?;
    let namespace = workload
        .annotation("meta.helm.sh/release-namespace")
        .unwrap_or_else(|| workload.namespace());
    Some(Owner {
        writes_back: false,
        sentence: format!(
            "Helm's release {release} still names the version that was left; make its record agree: `helm rollback {release} -n {namespace}`"
        ),
    })
}

fn managers(workload: &Object) -> impl Iterator<Item = &str> {
    workload
        .list("/metadata/managedFields")
        .filter(|entry| entry.get("subresource").is_none_or(Value::is_null))
        .filter_map(|entry| text(entry, "manager"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(metadata: Value) -> Object {
        let mut metadata = metadata;
        metadata["namespace"] = json!("shop");
        Object(json!({"metadata": metadata}))
    }

    fn told(metadata: Value) -> (bool, String) {
        let owner = owner(&with(metadata)).expect("an owner");
        (owner.writes_back, owner.sentence)
    }

    #[test]
    fn k15_each_owner_that_writes_back_is_known_and_says_what_to_do() {
        for (metadata, command) in [
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "myapp:apps/Deployment:shop/myapp"}}),
                "`argocd app rollback myapp`",
            ),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "teams_myapp:apps/Deployment:shop/myapp"}}),
                "`argocd app rollback teams/myapp`",
            ),
            (
                json!({"labels": {"app.kubernetes.io/instance": "shop"}, "managedFields": [{"manager": "argocd-controller"}]}),
                "`argocd app rollback shop`",
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}}),
                "`flux reconcile kustomization apps -n flux --with-source`",
            ),
            (
                json!({"labels": {"helm.toolkit.fluxcd.io/name": "web"}}),
                "`flux reconcile helmrelease web -n flux-system --with-source`",
            ),
            (
                json!({"managedFields": [{"manager": "kustomize-controller"}]}),
                "`flux reconcile source git",
            ),
            (
                json!({"ownerReferences": [{"kind": "Service", "name": "hello", "uid": "1", "controller": true}]}),
                "`kubectl edit service hello -n shop`",
            ),
        ] {
            let (writes_back, sentence) = told(metadata);
            assert!(writes_back && sentence.contains(command), "{sentence}");
        }
    }

    #[test]
    fn helm_does_not_write_back_and_people_who_apply_own_nothing() {
        let (writes_back, sentence) = told(json!({"annotations": {"meta.helm.sh/release-name": "web"}}));
        assert!(!writes_back && sentence.contains("`helm rollback web -n shop`"), "{sentence}");
        for nobody in [
            json!({}),
            json!({"labels": {"app.kubernetes.io/instance": "myapp"}}),
            json!({"ownerReferences": [{"kind": "Thing", "name": "x", "uid": "1"}]}),
            json!({"managedFields": [{"manager": "kubectl-client-side-apply"}, {"manager": "helm-controller", "subresource": "status"}]}),
        ] {
            assert_eq!(owner(&with(nobody.clone())), None, "{nobody}");
        }
    }
}
