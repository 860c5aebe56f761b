//! The controller: wiring, event loops, the clock, shutdown. No judgment about health is made here.
//!
//! May touch: every room. The only room that reads a clock.

mod channels;
pub mod clock;
mod clusters;
mod courier;
pub mod deploy;
pub mod desk;
mod fleet;
mod guard;
mod images;
mod judging;
mod leading;
mod origin;
mod orphans;
mod readiness;
mod roster;
mod run;
mod store_watch;
pub mod trail;
pub mod watch;

pub use channels::sinks;
pub use clusters::Clusters;
pub use courier::Sinks;
pub use fleet::FleetState;
pub use images::registries;
pub use run::{NothingToGuard, options, run};
