//! The parts of docs/promise.md: each can be measured alone, keeps what it says until it is measured again, and says when and by which
//! judge that was.

use std::fmt;

use super::{
    auto,
    cells::Measured,
    general, native, objective,
    promises::{Kept, Promise},
    values,
};
use crate::cells::value_beside;

/// Promises under their headings.
pub type Promises = Vec<(&'static str, Vec<Promise>)>;

/// What can be measured alone.
pub struct Part {
    /// As `--only` takes it.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// The kinds of its cells, in the order of `cells.csv`.
    pub kinds: &'static [&'static str],
    /// What is promised, and whether it was kept.
    pub promises: fn(&Measured) -> Promises,
    /// All that it says, from its heading on.
    text: fn(&Measured, &Promises) -> String,
}

/// In the order of the page.
pub const PARTS: [Part; 5] = [
    Part {
        name: "general",
        about: "beside a baseline, with nothing beside it, latency, values, several metrics",
        kinds: &["before/after", "value", "latency", "three metrics", "beside"],
        promises: general::promises,
        text: general::text,
    },
    Part {
        name: "auto",
        about: "the old version gone in mid-watch",
        kinds: &["auto"],
        promises: auto::promises,
        text: auto::text,
    },
    Part {
        name: "objective",
        about: "objectives",
        kinds: &["objective"],
        promises: objective::promises,
        text: objective::text,
    },
    Part {
        name: "native",
        about: "native histograms",
        kinds: &["native"],
        promises: native::promises,
        text: native::text,
    },
    Part {
        name: value_beside::KIND,
        about: "values beside a baseline",
        kinds: &[value_beside::KIND],
        promises: values::promises,
        text: values::text,
    },
];

/// Where cells of a kind stand in `cells.csv`.
pub fn place_of(kind: &str) -> Option<usize> {
    PARTS.iter().flat_map(|part| part.kinds).position(|known| *known == kind)
}

/// When, where and by what a part was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The day.
    pub date: String,
    /// git's name of the judge's source.
    pub judge: String,
    /// Judged rollouts.
    pub rollouts: u64,
    /// How long it took.
    pub duration: String,
    /// Processor and threads.
    pub machine: String,
}

/// A part as it stands on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its name.
    pub name: String,
    /// When, where and by what it was measured.
    pub stamp: Stamp,
    text: String,
}

/// Parts begin with this on a page; what follows the last of them is told anew.
const BEGINS: &str = "<!-- measured: ";
pub const ENDS: &str = "<!-- for all parts -->\n";

impl Part {
    /// As it was measured now.
    pub fn told(&self, measured: &Measured, promises: &Promises, stamp: Stamp) -> Told {
        let (heading, text) = (self.text)(measured, promises)
            .split_once("\n\n")
            .map_or_else(Default::default, |(heading, text)| (heading.to_owned(), text.to_owned()));
        Told {
            name: self.name.to_owned(),
            text: format!("{heading}\n\n*{stamp}.*\n\n{text}"),
            stamp,
        }
    }
}

impl Told {
    /// The parts of a page that was made before.
    pub fn read(page: &str) -> Vec<Self> {
        let parts = page.split(ENDS).next().unwrap_or_default().split(BEGINS).skip(1);
        let read = |part: &str| {
            let (marker, text) = part.split_once(" -->\n")?;
            let [name, date, judge, rollouts, duration, machine] = marker.split(" | ").collect::<Vec<_>>().try_into().ok()?;
            Some(Self {
                name: name.to_owned(),
                stamp: Stamp {
                    date: date.to_owned(),
                    judge: judge.to_owned(),
                    rollouts: rollouts.parse().ok()?,
                    duration: duration.to_owned(),
                    machine: machine.to_owned(),
                },
                text: text.to_owned(),
            })
        };
        parts.filter_map(read).collect()
    }

    /// How many promises it says were kept, kept within chance, and broken.
    pub fn score(&self) -> [usize; 3] {
        [Kept::Yes, Kept::Within, Kept::No].map(|kept| {
            let row = format!("| {} |", kept.word());
            self.text.lines().filter(|line| line.ends_with(&row)).count()
        })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            date,
            judge,
            rollouts,
            duration,
            machine,
        } = self;
        write!(
            f,
            "Measured on {date}: {rollouts} judged rollouts by the judge {judge}, in {duration} on {machine}"
        )
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stamp {
            date,
            judge,
            rollouts,
            duration,
            machine,
        } = &self.stamp;
        let name = &self.name;
        writeln!(
            f,
            "{BEGINS}{name} | {date} | {judge} | {rollouts} | {duration} | {machine} -->"
        )?;
        f.write_str(&self.text)
    }
}
