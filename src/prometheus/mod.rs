//! Queries over HTTP, instant and range; answers become typed samples with their times; NaN, warnings and cuts become named facts here.
//!
//! May touch: `ports`, `question`'s types, HTTP. Deliberately absent: other adapters, counting.
