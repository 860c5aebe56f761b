//! The life of a rollout as a pure state machine: (history, event, now) -> (history, effects).
//!
//! May touch: every pure room but `explain`. Deliberately absent: await, prose, adapters.

mod event;

pub use event::{Context, Effect, Event, Look, PersonWord, Stage, Transition};
