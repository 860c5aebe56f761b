//! docs/promise.md and what belongs to it: what was promised and what was measured, tables, plots, every cell.

pub mod cells;
pub mod page;
pub mod passes;
pub mod plots;
pub mod promises;
pub mod svg;
pub mod tables;
pub mod times;
