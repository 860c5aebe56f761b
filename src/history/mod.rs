//! What must survive: one history a target in SQLite, changed by compare and set. The only SQL.
//!
//! May touch: `ports`, `record`'s types, SQLite. Deliberately absent: what a history means.
