//! Channels: Slack, the generic webhook, the log. They send what `explain` rendered.
//!
//! May touch: `ports`, `explain`, `record`'s types, HTTP. Deliberately absent: deciding what to tell.
