//! A stored record -> sentences, in English and Chinese: one source for alert, command line and page.
//!
//! May touch: the pure rooms' types. Deliberately absent: judging again, clocks, channels.

mod alert;
mod audit;
mod by_hand;
mod canvas;
mod clean;
mod comparison;
mod document;
mod gone;
mod grounds;
mod guard;
mod held;
mod hindrance;
mod holds;
mod language;
mod live;
mod marked;
mod marks;
mod not_helped;
mod number;
mod odds;
mod operational;
mod ordered;
mod past;
mod releases;
mod span_of_time;
#[cfg(test)]
pub(crate) mod specimen;
mod startup;
mod status;
mod status_table;
mod story;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod trail;
mod values;
mod waiting;
mod way;
mod words;

pub use alert::alert;
pub use canvas::{fit, wrap};
pub use clean::{clean, is_hidden};
pub use document::{API_VERSION, document};
pub use guard::guard_sentence;
pub use holds::{HeldStatus, holds, holds_table};
pub use language::{Language, UnknownLanguage};
pub use live::live;
pub use marks::MarkStatus;
pub use number::odds;
pub use releases::{ProvenIn, ReleaseStatus, proven_elsewhere, releases, releases_table};
pub use status::{ClosedRollout, RolloutStatus, Stands, TargetStatus, show_proven_elsewhere, status};
pub use status_table::status_table;
pub use text::{in_one_line, text, verdict_in_one_line};
pub use told::{Span, Told};
pub use trail::trail;
pub use way::{Lately, LatelyOf, Passage, Way};
