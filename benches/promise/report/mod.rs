//! docs/promise.md and what belongs to it: what was promised and what was measured, tables, plots, every cell.

mod auto;
pub mod cells;
mod general;
mod native;
mod objective;
pub mod page;
pub mod parts;
mod passes;
pub mod plots;
pub mod promises;
mod svg;
mod tables;
mod times;
mod values;
