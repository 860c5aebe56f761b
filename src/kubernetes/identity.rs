//! Which version a pod template is: the fingerprint of what matters in it, and the name that people know it by (product.md, Identity of a
//! version).

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::object::text;
use crate::words::{Fingerprint, Version, VersionName};

/// What a restart writes; it is no release.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// What the deployment controller adds to a ReplicaSet's template.
const TEMPLATE_HASH: &str = "pod-template-hash";
/// Annotations that are ours begin so.
pub(super) const OURS: &str = "lastgood.dev/";
/// So many characters of a digest are shown.
const SHOWN: usize = 12;

/// The template without what does not make a version: restarts, our annotations, those `ignored` by the settings, hashes that controllers
/// add, and keys without a value.
#[must_use]
pub fn normalized(template: &Value, ignored: &[String]) -> Value {
    let mut template = without_nulls(template);
    let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) else {
        return template;
    };
    metadata.remove("creationTimestamp");
    retain(metadata, "annotations", |key| {
        key != RESTARTED_AT && !key.starts_with(OURS) && !ignored.iter().any(|ignored| ignored == key)
    });
    retain(metadata, "labels", |key| key != TEMPLATE_HASH);
    if metadata.is_empty()
        && let Some(whole) = template.as_object_mut()
    {
        whole.remove("metadata");
    }
    template
}

fn retain(metadata: &mut Map<String, Value>, key: &str, keeps: impl Fn(&str) -> bool) {
    let Some(entries) = metadata.get_mut(key).and_then(Value::as_object_mut) else {
        return;
    };
    entries.retain(|name, _| keeps(name));
    if entries.is_empty() {
        metadata.remove(key);
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// The fingerprint of a template: equal for two templates that differ in restarts, in our annotations or in the order of their keys only.
#[must_use]
pub fn fingerprint(template: &Value, ignored: &[String]) -> Fingerprint {
    let mut canonical = String::new();
    write(&normalized(template, ignored), &mut canonical);
    Fingerprint::from_sha256(&Sha256::digest(canonical).into())
}

/// JSON with sorted keys, whatever order the map of this build keeps.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in sorted {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write(item, out);
                out.push(',');
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// The version that `template` is, named after `container` (its tag), else after the only image that is not as in `before`, else after
/// the first container.
#[must_use]
pub fn version(template: &Value, before: Option<&Value>, container: Option<&str>, ignored: &[String]) -> Version {
    Version {
        name: name(template, before, container),
        fingerprint: fingerprint(template, ignored),
    }
}

fn name(template: &Value, before: Option<&Value>, container: Option<&str>) -> VersionName {
    let images = images(template);
    let named = container.and_then(|wanted| images.iter().find(|(name, _)| *name == wanted));
    let changed = || {
        let old = self::images(before?);
        let mut changed = images.iter().filter(|image| !old.contains(image));
        changed.next().filter(|_| changed.next().is_none())
    };
    let image = named.or_else(changed).or_else(|| images.first());
    shown(image.map_or("", |(_, image)| *image))
}

/// Name and image of each container of a template; init containers are not what people call a version.
pub(super) fn images(template: &Value) -> Vec<(&str, &str)> {
    let containers = template.pointer("/spec/containers").and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter_map(|container| Some((text(container, "name")?, text(container, "image").unwrap_or_default())))
        .collect()
}

/// What people call an image: its tag, else the beginning of its digest, else `latest`. The API server takes any text for an image, so
/// what no version may be called is replaced.
pub(super) fn shown(image: &str) -> VersionName {
    let (reference, digest) = image
        .split_once('@')
        .map_or((image, None), |(reference, digest)| (reference, Some(digest)));
    let last = reference.rsplit('/').next().unwrap_or_default();
    let told = match (last.split_once(':'), digest) {
        (Some((_, tag)), _) => tag.to_owned(),
        (None, Some(digest)) => digest.replace(':', "-").chars().take("sha256-".len() + SHOWN).collect(),
        (None, None) => "latest".to_owned(),
    };
    VersionName::nearest(&told)
}

/// Whether the image's tag may come to mean another image: `latest`, or none, and no digest.
#[must_use]
pub fn floats(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or_default();
    !image.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(image: &str) -> Value {
        json!({
            "metadata": {"creationTimestamp": null, "labels": {"app": "myapp"}},
            "spec": {"containers": [{"name": "app", "image": image}, {"name": "proxy", "image": "proxy:7"}]},
        })
    }

    fn named(template: &Value, before: Option<&Value>, container: Option<&str>) -> String {
        version(template, before, container, &[]).name.to_string()
    }

    #[test]
    fn k23_a_version_is_called_by_the_tag_of_the_named_container_else_of_the_image_that_changed_else_of_the_first() {
        let (v1, v2) = (template("registry:5000/shop/app:v1"), template("registry:5000/shop/app:v2"));
        assert_eq!(named(&v2, None, None), "v2");
        assert_eq!(named(&v2, Some(&v1), Some("proxy")), "7");
        let mut both = v2.clone();
        both["spec"]["containers"][1]["image"] = json!("proxy:8");
        assert_eq!(named(&both, Some(&v2), None), "8", "only the proxy changed");
        assert_eq!(named(&both, Some(&v1), None), "v2", "both changed");
        assert_eq!(named(&v2, Some(&v2), Some("gone")), "v2");
    }

    #[test]
    fn any_text_for_an_image_has_a_name() {
        for (image, name) in [
            ("app", "latest"),
            ("registry:5000/app", "latest"),
            ("app@sha256:0123456789abcdef0123456789abcdef", "sha256-0123456789ab"),
            ("app:v1@sha256:0123456789abcdef", "v1"),
            ("app:\u{1b}[31m/x", "latest"),
            ("app:", "_"),
            ("", "latest"),
        ] {
            assert_eq!(named(&template(image), None, None), name, "{image}");
        }
        assert_eq!(named(&json!({}), None, None), "latest");
    }

    #[test]
    fn a_restart_and_our_own_annotations_make_no_version() {
        let plain = template("app:v1");
        let mut restarted = plain.clone();
        restarted["metadata"]["annotations"] = json!({
            RESTARTED_AT: "2026-11-24T12:00:00Z",
            "lastgood.dev/irreversible": "drops a column",
            "cattle.io/timestamp": "2026",
        });
        restarted["metadata"]["labels"][TEMPLATE_HASH] = json!("5d4f");
        let ignored = ["cattle.io/timestamp".to_owned()];
        assert_eq!(fingerprint(&plain, &[]), fingerprint(&restarted, &ignored));
        assert_ne!(fingerprint(&plain, &[]), fingerprint(&restarted, &[]));
    }

    #[test]
    fn a_changed_variable_or_checksum_is_a_version_under_the_same_tag() {
        let plain = template("app:v1");
        let mut variable = plain.clone();
        variable["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "1"}]);
        let mut checksum = plain.clone();
        checksum["metadata"]["annotations"] = json!({"checksum/config": "abc"});
        let seen = [&plain, &variable, &checksum].map(|template| version(template, None, None, &[]));
        assert!(seen.iter().all(|version| version.name == seen[0].name));
        assert!(seen[0].fingerprint != seen[1].fingerprint && seen[0].fingerprint != seen[2].fingerprint);
        assert_ne!(seen[1].fingerprint, seen[2].fingerprint);
    }

    #[test]
    fn tags_that_move_are_known() {
        assert!(floats("app") && floats("registry:5000/app:latest"));
        assert!(!floats("app:v1") && !floats("app@sha256:00") && !floats("app:latest@sha256:00"));
    }
}
