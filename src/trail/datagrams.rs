//! A socket of this machine that takes datagrams: connected when first needed, and again where its listener was started anew.

use std::{io, os::unix::net::UnixDatagram, path::PathBuf, time::Duration};

/// So long a receiver that is slow may take.
const WITHIN: Duration = Duration::from_secs(1);

/// The way to one listener.
#[derive(Debug)]
pub(super) struct Datagrams {
    pub path: PathBuf,
    connected: Option<UnixDatagram>,
}

impl Datagrams {
    /// To the one that listens at `path`; it need not be there yet.
    pub const fn new(path: PathBuf) -> Self {
        Self { path, connected: None }
    }

    /// Sends one.
    pub fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let was_connected = self.connected.is_some();
        let sent = self.once(datagram);
        if sent.is_err() && was_connected {
            // It was started again, and listens at a socket of the same name.
            return self.once(datagram);
        }
        sent
    }

    fn once(&mut self, datagram: &[u8]) -> io::Result<()> {
        let socket = match self.connected.take() {
            Some(socket) => socket,
            None => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(&self.path)?;
                socket.set_write_timeout(Some(WITHIN))?;
                socket
            }
        };
        socket.send(datagram)?;
        self.connected = Some(socket);
        Ok(())
    }
}
