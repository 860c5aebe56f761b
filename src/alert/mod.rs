//! Channels: Slack, the generic webhook, the log; and the courier that carries the outbox to them. They send what `explain` rendered.
//!
//! May touch: `ports`, `explain`, `record`'s types, `engine`'s events, HTTP, the log. Deliberately absent: deciding what to tell and when
//! to try again (`engine`), reading secrets from files (`settings`), clocks.

pub mod courier;
mod http;
mod log;
mod slack;
mod webhook;

pub use http::{ChannelError, Http};
pub use log::Log;
pub use slack::Slack;
pub use webhook::Webhook;
