//! HTTP: health and own metrics on loopback, people's commands on the Unix socket. A person's act goes in as an event.
//!
//! May touch: `ports`, `record`'s types, `explain`. Deliberately absent: deciding.

pub mod client;
mod metrics;
mod public;
mod socket;

pub use metrics::{Figures, TargetFigures};
pub use public::{Beat, serve as serve_public};
pub use socket::{Peer, Reception, StatusList, actor, by_sudo, serve as serve_socket};

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not allowed.
    #[error(
        "cannot listen on {address}: {because}; end the program that does, or name another port in `[server] listen` (port 0: any free one)"
    )]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        because: std::io::Error,
    },
    /// The command socket cannot be made.
    #[error("cannot make the command socket {path}: {because}; name a path that this user may write in `[server] socket`")]
    Socket {
        /// Where.
        path: String,
        /// What the system said.
        because: std::io::Error,
    },
    /// Another lastgood has the command socket.
    #[error("another lastgood answers at {0}: end it, or name another path in `[server] socket`")]
    Taken(String),
}
