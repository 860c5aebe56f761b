//! The audit: who did what, when, why and from where, each entry chained to the one before by its hash. One chain a target, one for the
//! controller. An entry is written in the commit of what it tells.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::words::{Actor, Fingerprint, Moment, RolloutId};

/// The chain of what belongs to no target.
pub const CONTROLLER_CHAIN: &str = "controller";
/// Entries that a history carries with it; the store keeps all.
const CARRIED: usize = 10;

/// Something that was done, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Who: `alice (uid 1000)`, `lastgood`.
    pub by: Actor,
    /// From where: `socket on web-1`, `policy file /etc/lastgood/policies/myapp.yaml`.
    pub origin: String,
    /// What kind of deed.
    pub action: Action,
    /// What, in short: `v1.2.3 -> v1.2.2`.
    pub what: String,
    /// Why, as they said or as it was found; empty where nobody said.
    pub why: String,
    /// Whether it was refused: then nothing else was changed.
    pub refused: bool,
    /// The rollout that it belongs to.
    pub rollout: Option<RolloutId>,
}

/// What kinds of deeds there are: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A person went back to a version.
    Rollback,
    /// lastgood went back to the last good version.
    Revert,
    /// How an act ended.
    Act,
    /// How a rollout ended.
    Outcome,
    /// A verdict.
    Verdict,
    /// A revert was wanted, and a person asked or a guard refused.
    Decision,
    /// A person brought a release to a host, or tried to.
    Deploy,
    /// A release was recorded.
    Record,
    /// A person approved a revert.
    Approve,
    /// A version stands elsewhere.
    Standing,
    /// A person's word on a version.
    Release,
    /// A person had all forgotten that was known of a target.
    Forget,
    /// Reverts were frozen, of one target or of all.
    Freeze,
    /// Reverts were allowed again.
    Unfreeze,
    /// A tag or a link that follows the newest proof shall be moved, was moved, or was left to someone else.
    Mark,
    /// A rolling update was held, or goes on.
    Hold,
    /// A policy came, changed, went or was rejected.
    Policy,
    /// A controller started with other settings than the one before.
    Settings,
}

impl Action {
    /// The word as it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Revert => "revert",
            Self::Act => "act",
            Self::Outcome => "outcome",
            Self::Verdict => "verdict",
            Self::Decision => "decision",
            Self::Deploy => "deploy",
            Self::Record => "record",
            Self::Approve => "approve",
            Self::Standing => "standing",
            Self::Release => "release",
            Self::Forget => "forget",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Mark => "mark",
            Self::Hold => "hold",
            Self::Policy => "policy",
            Self::Settings => "settings",
        }
    }
}

/// A deed in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// `ENV/SERVICE`, or [`CONTROLLER_CHAIN`].
    pub chain: String,
    /// From 1.
    pub seq: u64,
    /// When.
    pub at: Moment,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
}

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its chain.
    pub chain: String,
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// [`Audited`] as JSON: the very text that the hash is of.
    pub document: String,
    /// SHA-256 of the hash before it, a line feed and the document.
    pub hash: Fingerprint,
}

/// What stands before the hash in a line.
const HASH: &str = ",\"hash\":\"";

impl AuditEntry {
    /// The entry as a line of JSON: its document, with the hash as its last key.
    #[must_use]
    pub fn to_line(&self) -> String {
        let document = self.document.strip_suffix('}').unwrap_or(&self.document);
        format!("{document}{HASH}{}\"}}", self.hash)
    }

    /// The entry that such a line holds, with the very text that the hash is of; none where it holds none.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let (document, rest) = line.trim_end().rsplit_once(HASH)?;
        let hash = rest.strip_suffix("\"}")?.parse().ok()?;
        let document = format!("{document}}}");
        let audited: Audited = serde_json::from_str(&document).ok()?;
        Some(Self {
            chain: audited.chain,
            seq: audited.seq,
            document,
            hash,
        })
    }
}

/// What a store has of one chain, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredAudit {
    /// By chain, then in order.
    pub entries: Vec<AuditEntry>,
    /// The ends, with the whole hash, of what the store has dropped of a chain; none of a chain that it has from the beginning.
    pub cut: Vec<Head>,
}

/// The end of a chain: all before it is fixed by its hash. As text `prod/myapp@42:0123456789ab`, with the first digits of the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which chain.
    pub chain: String,
    /// The last entry's place, from 1.
    pub seq: u64,
    /// The last entry's hash: 64 hexadecimal digits, or the first of them, at least [`Head::SHOWN`].
    pub hash: String,
}

impl Head {
    /// So many digits of the hash are shown to people.
    pub const SHOWN: usize = 12;

    /// The end of a chain whose last entry this is.
    #[must_use]
    pub fn of(last: &AuditEntry) -> Self {
        Self {
            chain: last.chain.clone(),
            seq: last.seq,
            hash: hex(&last.hash).to_owned(),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, seq, hash } = self;
        write!(f, "{chain}@{seq}:{}", hash.get(..Self::SHOWN).unwrap_or(hash))
    }
}

/// The text is no end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no end of a chain: write it as alerts do, ENV/SERVICE@NUMBER:HASH with at least 12 digits of the hash")]
pub struct NoHead(String);

impl FromStr for Head {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let parts = text
            .rsplit_once('@')
            .and_then(|(chain, end)| Some((chain, end.split_once(':')?)));
        let wrong = || NoHead(text.chars().take(120).collect());
        let (chain, (seq, hash)) = parts.ok_or_else(wrong)?;
        let hash = hash.to_ascii_lowercase();
        let fits = (Self::SHOWN..=64).contains(&hash.len()) && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        match seq.parse() {
            Ok(seq) if fits && !chain.is_empty() => Ok(Self {
                chain: chain.to_owned(),
                seq,
                hash,
            }),
            _ => Err(wrong()),
        }
    }
}

/// A chain as a history, or the controller's own state, carries it: its end, and the newest entries, which the store keeps for good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// How many entries it has.
    pub seq: u64,
    /// The hash of the last one; none where there is none.
    pub hash: Option<Fingerprint>,
    /// The newest ten.
    pub newest: Vec<AuditEntry>,
}

impl Chain {
    /// A chain without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            seq: 0,
            hash: None,
            newest: Vec::new(),
        }
    }

    /// Its end, as the chain `name`.
    #[must_use]
    pub fn head(&self, name: &str) -> Head {
        Head {
            chain: name.to_owned(),
            seq: self.seq,
            hash: hex(&self.last(name)).to_owned(),
        }
    }

    fn last(&self, name: &str) -> Fingerprint {
        self.hash.clone().unwrap_or_else(|| beginning(name))
    }

    /// Adds a deed at the end.
    pub fn add(&mut self, name: &str, at: Moment, deed: Deed) {
        let audited = Audited {
            chain: name.to_owned(),
            seq: self.seq + 1,
            at,
            deed,
        };
        // Nothing in it can fail to be written: texts, a number, a moment.
        let document = serde_json::to_string(&audited).unwrap_or_default();
        let hash = chained(&self.last(name), &document);
        self.seq = audited.seq;
        self.hash = Some(hash.clone());
        self.newest.push(AuditEntry {
            chain: audited.chain,
            seq: audited.seq,
            document,
            hash,
        });
        let surplus = self.newest.len().saturating_sub(CARRIED);
        self.newest.drain(..surplus);
    }
}

/// What stands before the first entry of the chain `name`.
fn beginning(name: &str) -> Fingerprint {
    digest(&format!("lastgood.dev/audit/v1\n{name}"))
}

fn chained(before: &Fingerprint, document: &str) -> Fingerprint {
    digest(&format!("{before}\n{document}"))
}

fn hex(hash: &Fingerprint) -> &str {
    hash.as_str().trim_start_matches("sha256:")
}

fn digest(text: &str) -> Fingerprint {
    Fingerprint::from_sha256(&Sha256::digest(text).into())
}

/// What is wrong with the chain `name`, a sentence each; empty: it is whole. `entries` are all that the store has of it, in order; `heads`
/// are ends that it had at some time: the one that is carried with what it tells of, and those that were sent out. `cut` is the end, with
/// its whole hash, of what the store dropped because it keeps only so many.
#[must_use]
pub fn verify(name: &str, entries: &[AuditEntry], heads: &[Head], cut: Option<&Head>) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut before, mut expected) = match cut {
        // Where it is no hash, the entry that follows does not fit it.
        Some(cut) => (
            format!("sha256:{}", cut.hash).parse().unwrap_or_else(|_| beginning(name)),
            cut.seq + 1,
        ),
        None => (beginning(name), 1),
    };
    for entry in entries {
        let seq = entry.seq;
        if seq != expected {
            wrong.push(match seq - expected.min(seq) {
                0 => format!("{name}: entry {seq} is there twice, or out of order"),
                1 => format!("{name}: entry {expected} is missing"),
                _ => format!("{name}: entries {expected} to {} are missing", seq - 1),
            });
        } else if chained(&before, &entry.document) != entry.hash {
            wrong.push(format!("{name}: entry {seq} was changed, or what stands before it"));
        }
        let own: Option<Audited> = serde_json::from_str(&entry.document).ok();
        if own.is_none_or(|own| own.seq != seq || own.chain != name) {
            wrong.push(format!("{name}: entry {seq} is not the one that was written there"));
        }
        before = entry.hash.clone();
        expected = seq + 1;
    }
    wrong.extend(
        heads
            .iter()
            .filter(|head| head.chain == name)
            .filter_map(|head| off(head, entries, cut)),
    );
    wrong
}

/// What is wrong with an end that the chain had.
fn off(head: &Head, entries: &[AuditEntry], cut: Option<&Head>) -> Option<String> {
    let Head { chain, seq, hash } = head;
    let stored = entries.iter().find(|entry| entry.seq == *seq).map(|entry| hex(&entry.hash));
    let found = stored.or_else(|| cut.filter(|cut| cut.seq == *seq).map(|cut| cut.hash.as_str()));
    match found {
        None if *seq == 0 => None,
        // Nobody can tell any more: the store keeps only so many.
        None if cut.is_some_and(|cut| *seq < cut.seq) => None,
        None => Some(format!(
            "{chain}: it ended at entry {seq} once, and ends at {} now: it was cut off",
            entries.last().map_or_else(|| cut.map_or(0, |cut| cut.seq), |entry| entry.seq)
        )),
        Some(found) if found.starts_with(hash.as_str()) => None,
        Some(_) => Some(format!(
            "{chain}: entry {seq} had another hash once: what it holds was written anew"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(what: &str) -> Deed {
        Deed {
            by: Actor("alice (uid 1000)".to_owned()),
            origin: "socket on web-1".to_owned(),
            action: Action::Rollback,
            what: what.to_owned(),
            why: "checkout fails".to_owned(),
            refused: false,
            rollout: None,
        }
    }

    /// A chain of eight, all that the store would have.
    fn eight() -> (Vec<AuditEntry>, Head) {
        let mut chain = Chain::new();
        for number in 0..8 {
            chain.add(
                "prod/myapp",
                Moment::from_millis(1_764_000_000_000 + number),
                deed(&format!("v{number}")),
            );
        }
        (chain.newest.clone(), chain.head("prod/myapp"))
    }

    fn wrong(entries: &[AuditEntry], heads: &[Head]) -> Vec<String> {
        verify("prod/myapp", entries, heads, None)
    }

    #[test]
    fn a_whole_chain_verifies_and_an_empty_one_too() {
        let (entries, head) = eight();
        assert_eq!(wrong(&entries, &[head]), [""; 0]);
        assert_eq!(wrong(&[], &[Chain::new().head("prod/myapp")]), [""; 0]);
    }

    #[test]
    fn a_line_is_json_with_the_hash_and_holds_the_very_document() {
        let (entries, _) = eight();
        for entry in &entries {
            let line = entry.to_line();
            let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(
                (value["hash"].as_str(), value["seq"].as_u64()),
                (Some(entry.hash.as_str()), Some(entry.seq))
            );
            assert_eq!(AuditEntry::of_line(&line).as_ref(), Some(entry));
        }
        for none in ["", "{}", "{\"hash\":\"x\"}", "text"] {
            assert_eq!(AuditEntry::of_line(none), None, "{none}");
        }
    }

    #[test]
    fn s15_every_edit_of_every_byte_is_found() {
        let (entries, head) = eight();
        for index in 0..entries.len() {
            for at in 0..entries[index].document.len() {
                let mut edited = entries.clone();
                let mut bytes = edited[index].document.clone().into_bytes();
                bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
                edited[index].document = String::from_utf8(bytes).expect("ASCII");
                assert_ne!(
                    wrong(&edited, std::slice::from_ref(&head)),
                    [""; 0],
                    "entry {index}, byte {at}"
                );
            }
        }
    }

    #[test]
    fn s15_every_deletion_swap_and_repetition_is_found() {
        let (entries, head) = eight();
        for index in 0..entries.len() {
            let mut fewer = entries.clone();
            fewer.remove(index);
            assert_ne!(wrong(&fewer, std::slice::from_ref(&head)), [""; 0], "without entry {index}");
            let mut twice = entries.clone();
            twice.insert(index, entries[index].clone());
            assert_ne!(wrong(&twice, std::slice::from_ref(&head)), [""; 0], "entry {index} twice");
            for other in index + 1..entries.len() {
                let mut swapped = entries.clone();
                swapped.swap(index, other);
                assert_ne!(wrong(&swapped, &[]), [""; 0], "{index} and {other} swapped");
                let (one, two) = (entries[index].document.clone(), entries[other].document.clone());
                let mut swapped = entries.clone();
                (swapped[index].document, swapped[other].document) = (two, one);
                assert_ne!(
                    wrong(&swapped, &[]),
                    [""; 0],
                    "{index} and {other} swapped under their numbers"
                );
            }
        }
    }

    #[test]
    fn s15_a_chain_that_was_cut_off_or_written_anew_is_found_by_a_head_that_was_sent_out() {
        let (entries, head) = eight();
        for kept in 0..entries.len() {
            let cut = &entries[..kept];
            assert_eq!(wrong(cut, &[]), [""; 0], "the chain alone cannot tell");
            let found = wrong(cut, std::slice::from_ref(&head));
            assert_eq!(
                found,
                [format!(
                    "prod/myapp: it ended at entry 8 once, and ends at {kept} now: it was cut off"
                )]
            );
        }
        let mut anew = Chain::new();
        for number in 0..9 {
            anew.add(
                "prod/myapp",
                Moment::from_millis(1_764_000_000_000),
                deed(&format!("forged {number}")),
            );
        }
        assert_eq!(wrong(&anew.newest, &[]), [""; 0]);
        assert_ne!(wrong(&anew.newest, &[head]), [""; 0]);
    }

    #[test]
    fn a_chain_whose_oldest_entries_were_dropped_is_whole_from_its_checkpoint_on_and_every_edit_of_it_is_found() {
        let (entries, head) = eight();
        let cut = Head::of(&entries[2]);
        let older = Head::of(&entries[0]);
        let heads = [head, cut.clone(), older];
        let wrong = |entries: &[AuditEntry], cut: &Head| verify("prod/myapp", entries, &heads, Some(cut));
        assert_eq!(wrong(&entries[3..], &cut), [""; 0]);
        assert_ne!(wrong(&entries[4..], &cut), [""; 0], "one more is missing");
        assert_ne!(wrong(&entries[3..7], &cut), [""; 0], "the newest is missing");
        assert_ne!(wrong(&[], &cut), [""; 0], "nothing is left");
        assert_ne!(wrong(&entries[3..], &Head::of(&entries[3])), [""; 0], "another checkpoint");
        assert_ne!(verify("prod/myapp", &entries[3..], &heads, None), [""; 0], "no checkpoint");
    }

    #[test]
    fn an_entry_of_another_chain_has_no_place_here() {
        let (entries, _) = eight();
        assert_ne!(verify("prod/other", &entries, &[], None), [""; 0]);
    }
}
