//! Registries of images, against the docker-registry of Debian's packages: whether an image is there, and a tag that is moved.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod authority;
mod doors;
mod host;
mod odd;
mod rig;
mod tags;
