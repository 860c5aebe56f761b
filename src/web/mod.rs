//! HTTP: health and own metrics on loopback, people's commands on the Unix socket. A person's act goes in as an event.
//!
//! May touch: `ports`, `record`'s types, `explain`. Deliberately absent: deciding.

pub mod client;
mod metrics;
mod public;
mod socket;

pub use metrics::{Figures, TargetFigures};
pub use public::{Beat, serve as serve_public};
pub use socket::{Peer, Reception, StatusList, actor, serve as serve_socket};

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not allowed.
    #[error("cannot listen on {address}: {source}; is another lastgood running, or does `[server]` name a port that is taken?")]
    Listen {
        /// The address or path.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
}
