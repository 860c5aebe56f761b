//! Policy -> the PromQL to ask, as data; and what an answer is. One query a service and step carries all its metrics.
//!
//! May touch: `words`, `policy`. Deliberately absent: HTTP, JSON, clocks.

mod answer;

pub use answer::{Answer, Part, PartKind, Question, Sample};
