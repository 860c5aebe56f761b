//! Lines of any input, one at a time: numbered, of a bounded length, in UTF-8.

use std::{
    collections::{HashSet, VecDeque},
    io::{self, BufRead, Read},
};

use sha2::{Digest, Sha256};

/// No rollout is written in more bytes than this; each line in work is held in memory.
const LONGEST: u64 = 64 << 20;
/// So many ids are remembered, as 128 bits of their digest, so that memory stays constant (some 16 MiB) however long the input is. An id
/// that comes again later than that is not noticed; two ids of one digest would take some 2^64 ids.
pub(super) const REMEMBERED: usize = 1 << 18;
/// What some editors write before the first line.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// One line: its number, from 1, and its text or what is wrong with it.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: Result<String, String>,
}

/// The lines of `input` that are not blank.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// The rest of a line that is too long.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let mut piece = Vec::new();
            self.input.by_ref().take(1 << 16).read_until(b'\n', &mut piece)?;
            if piece.is_empty() || piece.ends_with(b"\n") {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        loop {
            let mut bytes = Vec::new();
            match self.input.by_ref().take(LONGEST + 1).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            self.number += 1;
            let number = self.number;
            if bytes.len() as u64 > LONGEST && !bytes.ends_with(b"\n") {
                let text = Err(format!(
                    "longer than {} MiB: write one rollout a line, of fewer steps",
                    LONGEST >> 20
                ));
                return Some(self.skip_line().map(|()| Line { number, text }));
            }
            if number == 1 && bytes.starts_with(MARK) {
                bytes.drain(..MARK.len());
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let text = String::from_utf8(bytes).map_err(|error| {
                let end = error.utf8_error().valid_up_to();
                let found = error.as_bytes().get(end).copied().unwrap_or_default();
                format!(
                    "column {}: the byte 0x{found:02x} is no UTF-8: write the file in UTF-8",
                    end + 1
                )
            });
            return Some(Ok(Line { number, text }));
        }
    }
}

/// The ids of the newest rollouts.
#[derive(Default)]
pub(super) struct Ids {
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl Ids {
    /// Whether `id` was not among the newest ones; it is now.
    pub(super) fn is_new(&mut self, id: &str) -> bool {
        let mut first = [0; 16];
        first.copy_from_slice(&Sha256::digest(id.as_bytes())[..16]);
        let key = u128::from_le_bytes(first);
        if !self.known.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_count_and_are_no_rollouts() {
        let lines: Vec<(u64, bool)> = Lines::new(&b"\n{}\n  \r\n\xff\nlast"[..])
            .map(|line| line.expect("readable"))
            .map(|line| (line.number, line.text.is_ok()))
            .collect();
        assert_eq!(lines, [(2, true), (4, false), (5, true)]);
    }

    #[test]
    fn an_id_is_known_for_a_long_time_and_not_for_ever() {
        let mut ids = Ids::default();
        assert!(ids.is_new("r") && !ids.is_new("r"));
        for i in 0..REMEMBERED {
            assert!(ids.is_new(&i.to_string()));
        }
        assert!(ids.is_new("r"));
        assert_eq!(ids.known.len(), REMEMBERED);
    }
}
