//! Whole rollouts on a whole host: a real Prometheus, a real service under load, and the real lastgood as a process of its own.

#![cfg(test)]

mod crashes;
mod people;
mod rig;
mod rollouts;
