//! The judge through its public interface: stories, properties, a small simulation, restarts.

mod objective;
mod properties;
mod restart;
#[cfg(test)]
mod rig;
mod simulation;
mod stories;
mod value;
