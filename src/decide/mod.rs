//! Verdict + policy + past + now -> decision. The guards between verdict and act live here, each with its name.
//!
//! May touch: `words`, `policy`, `judge`'s evidence. Deliberately absent: adapters, prose, the state machine.

mod decision;
mod guards;

pub use decision::{Brake, Decision, Fleet, Freeze, Guard, Past};
pub use guards::{APPROVAL_TIME, decide};
