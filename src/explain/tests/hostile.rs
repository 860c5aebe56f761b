//! Names and texts from outside that try to be more than text.

use crate::{
    decide::Decision,
    explain::{Language, Span, TargetStatus, alert, live, specimen as s, status, status_table, text},
    policy::{MarkKind, Mode},
    record::{ActResult, AlertKind, Entry, Happened, MarkResult, Record},
    words::{Actor, Standing, Verdict},
};

const NASTY: &str =
    "v1`*_<!here>&\n\r\u{1b}[31m\u{1b}]0;x\u{7}\u{202e}cod\u{2066}\u{200b}\u{1}\u{2}\u{3}\u{85}\u{2028}\u{feff}$(id)'";

fn nasty() -> Record {
    let mut record = s::reverted();
    record.to.name = NASTY.parse().expect("a file may be called so");
    record.baseline = Some((record.to.clone(), Standing::Proven));
    record.decision = Some(Decision::Revert {
        to: record.to.clone(),
        standing: Standing::Proven,
    });
    record.queries = vec![NASTY.to_owned()];
    record.outcome_detail = Some(NASTY.to_owned());
    record.fault = Some(s::fault());
    if let Some(fault) = &mut record.fault {
        fault.because = NASTY.to_owned();
        fault.query = Some(NASTY.to_owned());
    }
    if let Some(evidence) = &mut record.evidence {
        evidence.metrics[0].name = NASTY.to_owned();
        evidence.metrics[1].unusable = Some(NASTY.to_owned());
    }
    for what in [
        Happened::Remarked {
            remark: NASTY.to_owned(),
        },
        Happened::Approved {
            by: Actor(NASTY.to_owned()),
        },
        Happened::Looked { found: NASTY.to_owned() },
        Happened::Acted {
            result: ActResult::Refused { found: NASTY.to_owned() },
        },
        Happened::Data {
            fault: record.fault.clone(),
        },
    ] {
        record.timeline.push(Entry { at: s::at(60), what });
    }
    record
}

fn harmless(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn kinds() -> Vec<AlertKind> {
    let mut freeze = s::freeze();
    freeze.reason = NASTY.to_owned();
    let mut unready = s::unready();
    unready[0].because = NASTY.to_owned();
    unready[1].name = NASTY.to_owned();
    vec![
        AlertKind::Reverted,
        AlertKind::Verified,
        AlertKind::NotHelped,
        AlertKind::Proposed,
        AlertKind::Refused,
        AlertKind::Regression,
        AlertKind::Blind,
        AlertKind::GoingBlind,
        AlertKind::Inconclusive,
        AlertKind::Proven,
        AlertKind::Contested { version: nasty().to },
        AlertKind::Late,
        AlertKind::Skipped {
            env: "staging".parse().expect("an environment"),
            standing: None,
        },
        AlertKind::NotReady { unready },
        AlertKind::PolicyRejected {
            errors: NASTY.to_owned(),
        },
        AlertKind::Frozen { freeze },
        AlertKind::Mark {
            mark: MarkKind::TagImage,
            name: "stable".to_owned(),
            to: nasty().to,
            left: Some(nasty().to),
            result: MarkResult::Theirs {
                found: Some(NASTY.to_owned()),
            },
        },
        AlertKind::Mark {
            mark: MarkKind::Link,
            name: "stable".to_owned(),
            to: nasty().to,
            left: None,
            result: MarkResult::NotYet {
                because: NASTY.to_owned(),
            },
        },
    ]
}

#[test]
fn n05_no_control_character_reaches_a_span_and_names_stay_in_one() {
    for kind in kinds() {
        for language in [Language::En, Language::Zh] {
            let told = alert(&s::alert(kind.clone(), Some(nasty())), language);
            for span in told.lines.iter().chain([&told.headline]).flatten() {
                assert!(span.as_str().chars().all(harmless), "{kind:?}: {span:?}");
            }
        }
    }
    let told = alert(&s::alert(AlertKind::Reverted, Some(nasty())), Language::En);
    let name = told
        .headline
        .iter()
        .find(|span| span.as_str().contains("<!here>"))
        .expect("the version is named");
    assert!(
        matches!(name, Span::Bold(text) if text.starts_with("v1`*_<!here>&\\n\\r\\x1b[31m") && text.ends_with("$(id)'")),
        "{name:?}"
    );
}

#[test]
fn n05_the_command_to_type_is_one_quoted_word_a_name() {
    let told = alert(&s::alert(AlertKind::Reverted, Some(nasty())), Language::En);
    let allow = told
        .lines
        .iter()
        .flatten()
        .find(|span| span.as_str().starts_with("lastgood release allow"));
    let allow = allow.expect("the command is there").as_str();
    assert!(
        allow.starts_with("lastgood release allow myapp $'v1`*_<!here>&\\n\\r\\x1b[31m") && allow.ends_with("$(id)\\''"),
        "{allow}"
    );
}

fn nasty_status() -> TargetStatus {
    let mut history = s::history(Some(nasty()));
    history.unready = vec![crate::record::Unready {
        name: NASTY.to_owned(),
        because: NASTY.to_owned(),
    }];
    for known in &mut history.versions {
        known.version.name = NASTY.parse().expect("a file may be called so");
    }
    let mut freeze = s::freeze();
    freeze.reason = NASTY.to_owned();
    freeze.by = Actor(NASTY.to_owned());
    status(&history, &s::policy(), Mode::Enforce, None, None, Some(&freeze), s::at(60))
}

#[test]
fn s21_nothing_drives_the_terminal_in_page_table_or_live_view() {
    let mut open = nasty();
    open.verdict = Some(Verdict::Blind);
    let pages = [
        text(&nasty(), Language::En),
        text(&open, Language::Zh),
        status_table(&[nasty_status()], true, s::at(60)),
        status_table(&[nasty_status()], false, s::at(60)),
        live(&nasty_status(), s::at(60), 80, false),
    ];
    for page in pages {
        assert!(page.chars().all(|c| c == '\n' || harmless(c)), "{page:?}");
        assert!(page.contains("<!here>"));
    }
}
