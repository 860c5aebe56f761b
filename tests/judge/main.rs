//! The judge through its public interface: stories, properties, a small simulation, restarts.

mod auto;
#[cfg(test)]
mod forecast;
mod objective;
mod outages;
mod past_pods;
mod properties;
mod restart;
#[cfg(test)]
mod rig;
mod simulation;
mod stories;
mod threshold;
mod value;
mod value_beside;
