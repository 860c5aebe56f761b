//! Workloads of Kubernetes: which version they run, what is written to go back, and what never is.

#[cfg(test)]
mod announcements;
#[cfg(test)]
mod api;
#[cfg(test)]
mod by_image;
#[cfg(test)]
#[path = "../history/contract.rs"]
mod contract;
#[cfg(test)]
mod controllers;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod histories;
#[cfg(test)]
mod holding;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod patches;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reverts;
#[cfg(test)]
mod revisions;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod rules;
#[cfg(test)]
#[path = "../history/sample.rs"]
mod sample;
#[cfg(test)]
mod ships;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod watching;
