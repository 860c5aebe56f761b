//! Whole rollouts on a real Kubernetes: a real Prometheus, pods that are real processes under load, kubectl, and the real lastgood.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "what only the tests of the plane itself need")]
#[path = "../plane/rig.rs"]
mod plane;

#[path = "../plane/account.rs"]
mod account;
mod applies;
mod clients;
mod costs;
mod deployments;
mod faults;
mod going_on;
mod gone;
mod holding;
mod kinds;
mod marks;
mod people;
#[expect(dead_code, reason = "what only the tests of the plane itself need")]
#[path = "../plane/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "what only the tests of registries themselves need")]
#[path = "../registry/rig.rs"]
mod registry;
mod releases;
mod scene;
mod startup;
mod together;
#[path = "../plane/written.rs"]
mod written;
