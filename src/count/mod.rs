//! Answers -> exact increments per pod and step, every gap with its name (product.md, From counters to counts).
//!
//! May touch: `words`, `policy`, `question`. Deliberately absent: HTTP, JSON, statistics.
