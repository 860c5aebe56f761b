//! The journal of systemd by its native protocol: an entry a datagram, with fields that `journalctl` finds it by.

use std::path::PathBuf;

use serde_json::Value;

use super::{Lines, datagrams::Datagrams};

/// Where the journal listens.
pub const SOCKET: &str = "/run/systemd/journal/socket";
/// What stands in each entry: severity info, facility authpriv, as for the syslog.
const ALWAYS: [(&str, &str); 3] = [
    ("PRIORITY", "6"),
    ("SYSLOG_FACILITY", "10"),
    ("SYSLOG_IDENTIFIER", "lastgood"),
];

/// The journal that listens at a socket.
#[derive(Debug)]
pub struct Journald {
    to: Datagrams,
}

impl Journald {
    /// The one at `path`, [`SOCKET`]; it need not be there yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self {
            to: Datagrams::new(path),
        }
    }
}

impl Lines for Journald {
    fn add(&mut self, line: &str) -> Result<(), String> {
        let entry = entry(line);
        self.to.send(&entry).map_err(|error| {
            format!(
                "cannot send to the journal at {} ({error}); see that systemd-journald runs and takes entries of {} bytes",
                self.to.path.display(),
                entry.len()
            )
        })
    }
}

/// The line as the message, and each of its keys as a field: `action` is `LASTGOOD_ACTION`.
fn entry(line: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    field(&mut entry, "MESSAGE", line);
    for (name, value) in ALWAYS {
        field(&mut entry, name, value);
    }
    let keys = serde_json::from_str::<Value>(line).unwrap_or_default();
    for (key, value) in keys.as_object().into_iter().flatten() {
        let name = format!("LASTGOOD_{}", key.to_uppercase());
        match value {
            Value::Null => {}
            Value::String(text) => field(&mut entry, &name, text),
            other => field(&mut entry, &name, &other.to_string()),
        }
    }
    entry
}

/// `NAME=value` and a line feed; a value of several lines by its length, little-endian in eight bytes.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend(name.bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend((value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend(value.bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn an_entry_has_the_line_and_its_keys_as_fields_and_several_lines_go_by_their_length() {
        let line = r#"{"chain":"prod/myapp","seq":4,"why":"two\nlines","refused":false,"rollout":null}"#;
        let told = String::from_utf8(entry(line)).expect("text");
        let always = format!("MESSAGE={line}\nPRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=lastgood\n");
        assert!(told.starts_with(&always), "{told}");
        for field in [
            "\nLASTGOOD_CHAIN=prod/myapp\n",
            "\nLASTGOOD_SEQ=4\n",
            "\nLASTGOOD_WHY\n\u{9}\0\0\0\0\0\0\0two\nlines\n",
            "\nLASTGOOD_REFUSED=false\n",
        ] {
            assert!(told.contains(field), "{field}: {told}");
        }
        assert!(!told.contains("LASTGOOD_ROLLOUT"), "what is null is none: {told}");
    }

    #[test]
    fn it_is_a_datagram_and_a_journal_that_is_not_there_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let mut journal = Journald::new(path.clone());
        let told = journal.add("{}").expect_err("not there");
        assert!(told.contains("see that systemd-journald runs"), "{told}");
        let listener = UnixDatagram::bind(&path).expect("a socket");
        journal.add("{}").expect("sent");
        let mut taken = [0; 200];
        let size = listener.recv(&mut taken).expect("a datagram");
        assert!(taken[..size].starts_with(b"MESSAGE={}\nPRIORITY=6\n"));
    }
}
