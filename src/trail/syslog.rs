//! The local syslog: a datagram a line, as the C library writes them. No time is sent: whoever takes it notes its own.

use std::path::PathBuf;

use super::{Lines, datagrams::Datagrams};

/// Facility authpriv, severity info.
const PRIORITY: u8 = 10 * 8 + 6;

/// The syslog that listens at a socket, `/dev/log`.
#[derive(Debug)]
pub struct Syslog {
    to: Datagrams,
}

impl Syslog {
    /// The one at `path`; it need not be there yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self {
            to: Datagrams::new(path),
        }
    }
}

impl Lines for Syslog {
    fn add(&mut self, line: &str) -> Result<(), String> {
        let datagram = format!("<{PRIORITY}>lastgood[{}]: {line}", std::process::id());
        self.to.send(datagram.as_bytes()).map_err(|error| {
            format!(
                "cannot send to the syslog at {} ({error}); see that it runs and takes lines of {} bytes",
                self.to.path.display(),
                datagram.len()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_line_is_a_datagram_also_after_the_syslog_was_started_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        let mut syslog = Syslog::new(path.clone());
        let told = syslog.add("nobody listens").expect_err("not there");
        assert!(told.contains("see that it runs"), "{told}");
        for line in ["one", "two"] {
            let listener = UnixDatagram::bind(&path).expect("a socket");
            syslog.add(line).expect("sent");
            let mut taken = [0; 200];
            let size = listener.recv(&mut taken).expect("a datagram");
            let expected = format!("<86>lastgood[{}]: {line}", std::process::id());
            assert_eq!(String::from_utf8_lossy(&taken[..size]), expected);
            drop(listener);
            std::fs::remove_file(&path).expect("removed");
        }
    }
}
