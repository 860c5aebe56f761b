//! The promise in small: a few cells of docs/promise.md with fixed seeds and bounds that a broken judge does not keep, and what the peers
//! and the tallies of that page are worth.

#[path = "../../benches/promise/cells/mod.rs"]
#[expect(dead_code, reason = "`make promise` plays more")]
mod cells;
#[path = "../../benches/promise/peers/mod.rs"]
mod peers;
#[path = "../../benches/promise/report/mod.rs"]
#[expect(dead_code, reason = "`make promise` draws and tells of more")]
mod report;
#[path = "../../benches/promise/simulation/mod.rs"]
mod simulation;

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod kept;
mod others;
mod parts;
#[cfg(test)]
mod repeatable;
mod tallies;
