//! Alerts of marks, in both languages, word for word.

use super::alerts::both;
use crate::{
    decide::Decision,
    explain::specimen as s,
    policy::MarkKind,
    record::{AlertKind, MarkResult},
};

#[test]
fn a_mark_says_what_it_is_at_why_it_left_and_what_is_to_be_done_where_it_is_not() {
    let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned();
    let because = "the registry registry.example:5000 does not answer (connection refused); lastgood tries again".to_owned();
    let withdrawn = s::convicted(Decision::AlertOnly).to;
    let mut told = Vec::new();
    for (mark, left, result) in [
        (MarkKind::TagImage, None, MarkResult::Moved { from: None }),
        (MarkKind::Link, Some(withdrawn.clone()), MarkResult::Already),
        (
            MarkKind::TagImage,
            Some(withdrawn),
            MarkResult::Theirs { found: Some(digest) },
        ),
        (
            MarkKind::TagImage,
            None,
            MarkResult::NotYet {
                because: because.clone(),
            },
        ),
        (MarkKind::Link, None, MarkResult::Impossible { because }),
    ] {
        let (name, to) = ("stable".to_owned(), s::good());
        told.push(both(
            AlertKind::Mark {
                mark,
                name,
                to,
                left,
                result,
            },
            None,
        ));
    }
    insta::assert_snapshot!(told.join("\n\n"));
}
