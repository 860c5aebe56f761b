//! What a version's name says: its numbers, how far beyond a tag it is, and whether the tree was dirty; and the order that this gives.

use std::cmp::Ordering;

use super::VersionName;

/// The place of a version among others, from its name alone: `v1.2.3-rc.1` < `v1.2.3` < `v1.2.3-4-gabc1234` < the same `-dirty` < `v1.10`.
///
/// Names that begin with no number (`abc1234`, `build-17`) come before all that do, in the order a person would put them: runs of digits
/// by value, the rest as text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionOrder {
    /// The numbers of the tag, trailing zeros left out; empty where the name is no version.
    numbers: Vec<u64>,
    /// What the tag says after its numbers, before it is released: `rc.1`. None sorts after every one.
    before: Before,
    /// Commits since the tag.
    ahead: u64,
    /// Whether files were changed that no commit has.
    dirty: bool,
    /// The whole name, for whatever the rest leaves open; `v1` and `v01` alone are left in one place.
    name: Parts,
}

/// A pre-release; [`Before::Released`] sorts last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    Pre(Parts),
    Released,
}

/// A text in which runs of digits count as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Parts(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Digits: by how many there are without leading zeros, then by themselves, so that no length overflows.
    Digits(usize, String),
    Text(String),
}

impl Parts {
    fn of(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            parts.push(if digits {
                let value = run.trim_start_matches('0');
                Part::Digits(value.len(), value.to_owned())
            } else {
                Part::Text(run.to_owned())
            });
            rest = after;
        }
        Self(parts)
    }
}

impl VersionName {
    /// Where it stands among other versions, by its name alone.
    #[must_use]
    pub fn order(&self) -> VersionOrder {
        let (tree, dirty) = match self.as_str().strip_suffix("-dirty") {
            Some(tree) => (tree, true),
            None => (self.as_str(), false),
        };
        let (tag, ahead) = described(tree);
        let (numbers, rest) = numbers(tag.strip_prefix('v').unwrap_or(tag));
        // `+build` says how it was built, not what comes before it.
        let before = match rest.split('+').next().unwrap_or_default() {
            "" => Before::Released,
            pre => Before::Pre(Parts::of(pre.trim_start_matches('-'))),
        };
        VersionOrder {
            numbers,
            before,
            ahead,
            dirty,
            name: Parts::of(self.as_str()),
        }
    }

    /// Whether it was built from a tree with changes that no commit has (`git describe --dirty`): nobody can build it again.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.as_str().ends_with("-dirty")
    }

    /// Whether it is the name of a tag that moves, and so names no version.
    #[must_use]
    pub fn moves(&self) -> bool {
        ["latest", "stable", "current"].contains(&self.as_str().to_ascii_lowercase().as_str())
    }

    /// Orders two versions by what their names say.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// `TAG-COMMITS-gHASH` of `git describe`: the tag, and how many commits are on top of it.
fn described(tree: &str) -> (&str, u64) {
    let parse = || {
        let (front, hash) = tree.rsplit_once("-g")?;
        let (tag, ahead) = front.rsplit_once('-')?;
        let is_hash = hash.len() >= 4 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let ahead = ahead.parse().ok()?;
        is_hash.then_some((tag, ahead))
    };
    parse().unwrap_or((tree, 0))
}

/// The numbers that `text` begins with, `1.2.3`, and what follows them. None where what follows is more of a word (`1abc` is a hash).
fn numbers(text: &str) -> (Vec<u64>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (front, rest) = text.split_at(end);
    let read: Option<Vec<u64>> = front.split('.').map(|number| number.parse().ok()).collect();
    match read {
        Some(mut numbers) if rest.is_empty() || rest.starts_with(['-', '+']) => {
            // A zero alone stays: `v0` is a version.
            while numbers.len() > 1 && numbers.last() == Some(&0) {
                numbers.pop();
            }
            (numbers, rest)
        }
        _ => (Vec::new(), text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> VersionName {
        text.parse().expect("a version")
    }

    #[test]
    fn versions_come_in_the_order_a_person_would_put_them() {
        let sorted = [
            "abc1234",
            "abc1234-dirty",
            "build-9",
            "build-17",
            "v0",
            "v0.9.9",
            "v1.2",
            "v1.2.3-rc.2",
            "v1.2.3-rc.10",
            "v1.2.3",
            "v1.2.3-dirty",
            "v1.2.3-4-gabc1234",
            "v1.2.3-4-gabc1234-dirty",
            "v1.2.3-10-gabc1234",
            "v1.2.4-rc.1-2-gabc1234",
            "v1.2.4",
            "v1.10.0",
            "2026.11.24",
        ];
        let mut shuffled: Vec<VersionName> = sorted.iter().rev().map(|text| name(text)).collect();
        shuffled.sort_by(VersionName::compare);
        let texts: Vec<&str> = shuffled.iter().map(VersionName::as_str).collect();
        assert_eq!(texts, sorted);
    }

    #[test]
    fn a_hash_that_begins_with_digits_is_no_version() {
        assert!(name("12ab345").order() < name("v0.0.1").order());
    }

    #[test]
    fn a_dirty_version_and_a_moving_tag_are_known_by_their_names() {
        assert!(name("v1.2.3-dirty").is_dirty() && !name("v1.2.3-dirty.1").is_dirty());
        assert!(name("latest").moves() && name("Latest").moves() && !name("latest-1").moves());
    }

    proptest! {
        #[test]
        fn the_order_of_any_two_names_is_one_order(a in "[v0-9a-g.+-]{1,12}", b in "[v0-9a-g.+-]{1,12}") {
            if let (Ok(a), Ok(b)) = (a.parse::<VersionName>(), b.parse::<VersionName>()) {
                prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
                prop_assert_eq!(a.compare(&a), Ordering::Equal);
            }
        }
    }
}
