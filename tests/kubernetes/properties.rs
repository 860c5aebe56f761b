//! What holds for any template.

use lastgood::{
    kubernetes::{
        identity::fingerprint,
        patch::{Marks, revert},
        revision::Revision,
        template::{Catalog, Kept},
    },
    policy::WorkloadKind::{Deployment, StatefulSet},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::rules::patched_by;
use crate::shown::{at, controller_revision, replica_set, rollout, workload};

/// Any JSON without nulls, which the API server never sends.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z~/.]{1,6}", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_template() -> impl Strategy<Value = Value> {
    let annotations = prop::collection::btree_map("[a-z]{1,4}/[a-z]{1,6}", "\\PC{0,6}", 0..3);
    (any_value(), "[a-z]{1,6}:[a-z0-9]{1,4}", annotations).prop_map(|(extra, image, annotations)| {
        let mut template = json!({
            "metadata": {"labels": {"app": "myapp"}},
            "spec": {"containers": [{"name": "app", "image": image, "extra": extra}]},
        });
        if !annotations.is_empty() {
            template["metadata"]["annotations"] = json!(annotations);
        }
        template
    })
}

/// The same with the keys of every object inserted in another order; what the map of this build makes of that is its own affair.
fn reordered(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let mut turned: Vec<_> = entries.iter().map(|(key, value)| (key.clone(), reordered(value))).collect();
            turned.reverse();
            Value::Object(turned.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(reordered).collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn a_template_comes_back_byte_for_byte(good in any_template(), bad in any_template()) {
        let whole = serde_json::to_string(&good).expect("written");
        let replica_set = Revision::read(Deployment, &replica_set(1, &good)).expect("a revision");
        let revision = Revision::read(StatefulSet, &controller_revision("myapp-a", 1, &good)).expect("a revision");
        let version = lastgood::kubernetes::identity::version(&good, None, None, &[]);
        let document = Kept::of(&replica_set, &good).document().expect("a document");
        let catalog = Catalog::read(&[(version.clone(), document)]).expect("read");
        for revisions in [vec![replica_set], vec![revision], Vec::new()] {
            let to = catalog.template(&version, &revisions, &[]).expect("kept");
            let mut object = workload(&bad, 3).0;
            let marks = Marks { rollout: rollout(), at: at(0), fence: None };
            let operations = revert(Deployment, &lastgood::kubernetes::object::Object(object.clone()), &to, &marks);
            prop_assert!(patched_by(&mut object, &operations));
            prop_assert_eq!(serde_json::to_string(&object["spec"]["template"]).expect("written"), whole.clone());
        }
    }

    #[test]
    fn the_order_of_keys_and_a_restart_change_no_fingerprint(template in any_template(), at in "\\PC{0,20}") {
        let print = fingerprint(&template, &[]);
        prop_assert_eq!(fingerprint(&reordered(&template), &[]), print.clone());
        let mut restarted = template;
        restarted["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!(at);
        prop_assert_eq!(fingerprint(&restarted, &[]), print);
    }

    #[test]
    fn different_templates_have_different_fingerprints(one in any_template(), other in any_template()) {
        prop_assert_eq!(one == other, fingerprint(&one, &[]) == fingerprint(&other, &[]));
    }
}
