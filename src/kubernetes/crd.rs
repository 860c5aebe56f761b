//! The definition of the histories' objects, for `kubectl apply`.

/// The custom resource definition of `histories.lastgood.dev`, as YAML.
///
/// The schema names what people read with kubectl and keeps all else: the documents are lastgood's own, with formats of their own, and an
/// older controller must not have a newer one's fields pruned away.
#[must_use]
pub const fn histories() -> &'static str {
    include_str!("../../deploy/kubernetes/histories.yaml")
}
