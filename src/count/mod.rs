//! Answers -> exact increments per pod and step, every gap with its name (product.md, From counters to counts).
//!
//! May touch: `words`, `policy`, `question`. Deliberately absent: HTTP, JSON, statistics.

mod arms;
mod counters;
mod native;
mod pace;
mod pod;
mod reading;
mod tally;

pub use arms::{PodArms, PodLife};
pub use pace::{scrape_interval, slowest_scrape};
pub use reading::{Reading, readings};
pub use tally::{Switch, Tally};
