//! Settings of a cluster: which one, which of its namespaces, and who may act.

use std::path::PathBuf;

use super::{Home, loaded, refused};
use crate::settings::{KubernetesSettings, LeaseSettings, StoreSettings, policies};

#[test]
fn the_cluster_and_what_of_it_counts_are_read_and_a_store_in_it_may_be_probed_from_outside() {
    let toml = r#"
[store]
url = "kubernetes:"
[kubernetes]
kubeconfig = "/srv/ann/.kube/config"
context = "staging"
namespaces = ["shop", "pay"]
ignore_annotations = ["cattle.io/timestamp", "deployed"]
[server]
listen = "0.0.0.0:9470"
"#;
    let settings = loaded(toml, &[("LASTGOOD__KUBERNETES__CONTEXT", "prod")])
        .expect("valid")
        .settings;
    assert_eq!(settings.store, StoreSettings::Kubernetes);
    let expected = KubernetesSettings {
        kubeconfig: Some(PathBuf::from("/srv/ann/.kube/config")),
        context: Some("prod".to_owned()),
        namespaces: vec!["shop".to_owned(), "pay".to_owned()],
        ignore_annotations: vec!["cattle.io/timestamp".to_owned(), "deployed".to_owned()],
        lease: Some(LeaseSettings {
            namespace: None,
            name: "lastgood".to_owned(),
        }),
    };
    assert_eq!(settings.kubernetes, expected);
    assert_eq!(settings.server.listen.to_string(), "0.0.0.0:9470");
}

#[test]
fn what_no_cluster_can_have_is_refused() {
    let toml = r#"
[kubernetes]
kubeconfig = "config"
context = ""
namespaces = ["Shop"]
ignore_annotations = ["/timestamp"]
"#;
    assert_eq!(
        refused(toml, &[]),
        "4 settings are wrong\n  \
         DIR/lastgood.toml: kubernetes.kubeconfig: `config` is not absolute: write the whole path from `/` on\n  \
         DIR/lastgood.toml: kubernetes.context: an empty text names no context: leave the key out for the current one\n  \
         DIR/lastgood.toml: kubernetes.namespaces: `Shop` is no name of a namespace: lower-case letters, digits and `-`, as in `shop`\n  \
         DIR/lastgood.toml: kubernetes.ignore_annotations: `/timestamp` is no key of an annotation: write it whole, as in `cattle.io/timestamp`"
    );
}

#[test]
fn a_lease_is_on_by_itself_only_where_the_store_is_in_the_cluster_and_may_be_named_or_off() {
    let lease = |toml: &str| loaded(toml, &[]).expect("valid").settings.kubernetes.lease;
    let named = |namespace: Option<&str>, name: &str| {
        Some(LeaseSettings {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        })
    };
    assert_eq!(lease(""), None);
    assert_eq!(lease("[store]\nurl = \"kubernetes:\"\n"), named(None, "lastgood"));
    assert_eq!(lease("[store]\nurl = \"kubernetes:\"\n[kubernetes]\nlease = \"off\"\n"), None);
    assert_eq!(lease("[kubernetes]\nlease = \"guard\"\n"), named(None, "guard"));
    assert_eq!(
        lease("[kubernetes]\nlease = \"ops/guard.eu\"\n"),
        named(Some("ops"), "guard.eu")
    );
    assert_eq!(
        refused("[kubernetes]\nlease = \"Ops/guard\"\n", &[]),
        "DIR/lastgood.toml: kubernetes.lease: found `Ops/guard`: write `auto`, `off`, the name of a lease, or its namespace and name: `lastgood/lastgood`"
    );
}

#[test]
fn a_policy_for_a_namespace_that_the_settings_do_not_allow_is_refused_and_the_others_are_not() {
    let home = Home::new();
    for namespace in ["shop", "pay"] {
        let text = format!(
            "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: {namespace}}}\nspec:\n  \
             target: {{kubernetes: {{namespace: {namespace}, deployment: app}}}}\n  \
             metrics: [{{name: errors, ratio: {{bad: 'bad_total', total: 'all_total'}}}}]\n"
        );
        home.file(&format!("{namespace}.yaml"), &text);
    }
    let read = |table: &str| {
        let toml = format!("policies = [\"{}\"]\n{table}", home.0.path().display());
        policies::of(&loaded(&toml, &[]).expect("valid").settings)
    };
    assert_eq!(read("").accepted.len(), 2);
    let allowed = read("[kubernetes]\nnamespaces = [\"shop\"]\n");
    assert_eq!(allowed.accepted.len(), 1);
    assert_eq!(allowed.accepted[0].policy.key().to_string(), "prod/shop");
    let error = allowed.rejected[0].to_string();
    assert!(
        error.ends_with("pay.yaml: what prod/pay guards is in a namespace that the settings do not allow: `kubernetes.namespaces` has shop; add it, and grant the role in it"),
        "{error}"
    );
}
