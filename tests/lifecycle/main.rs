//! Whole rollouts on a whole host: a real Prometheus, a real service under load, and the real lastgood as a process of its own.

#![cfg(test)]

mod crashes;
mod guards;
mod operation;
mod people;
mod rig;
mod rollouts;
mod secrets;
mod users;
