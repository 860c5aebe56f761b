//! `lastgood status`.

use unicode_width::UnicodeWidthStr as _;

use crate::{
    explain::{TargetStatus, specimen as s, status, status_table},
    policy::Mode,
    record::TargetHistory,
};

fn several() -> Vec<TargetStatus> {
    let watching = status(
        &s::history(Some(s::watching())),
        &s::policy(),
        Mode::Enforce,
        None,
        None,
        None,
        s::at(720),
    );
    let mut resting = s::history(None);
    resting.unready = s::unready();
    let mut resting = status(&resting, &s::policy(), Mode::Observe, None, None, None, s::at(720));
    resting.target.service = "checkout".parse().expect("a service");
    let mut wide = s::history(Some(s::blind()));
    wide.versions[1].version.name = "版本-二".parse().expect("a version");
    wide.served[0].version.name = "版本-二".parse().expect("a version");
    let wide = status(&wide, &s::policy(), Mode::Enforce, None, Some(&s::fault()), None, s::at(720));
    let unseen = status(
        &TargetHistory::new(s::policy().key()),
        &s::policy(),
        Mode::Propose,
        None,
        None,
        None,
        s::at(720),
    );
    vec![watching, resting, wide, unseen]
}

#[test]
fn the_table_says_what_runs_what_would_be_gone_back_to_and_what_is_missing() {
    insta::assert_snapshot!(status_table(&several(), false, s::at(720)));
    insta::assert_snapshot!(status_table(&several(), true, s::at(720)));
}

#[test]
fn wide_characters_keep_the_columns_aligned() {
    let table = status_table(&several(), false, s::at(720));
    let column = |line: &str, word: &str| line.find(word).map(|at| line[..at].width());
    let lines: Vec<&str> = table.lines().collect();
    let standing = column(lines[0], "STANDING");
    assert!(standing.is_some());
    assert_eq!(column(lines[1], "unproven"), standing);
    assert_eq!(column(lines[3], "unproven"), standing, "{table}");
}

#[test]
fn an_empty_table_says_what_to_do() {
    insta::assert_snapshot!(status_table(&[], false, s::at(0)));
}
