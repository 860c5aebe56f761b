//! `lastgood status`: one line a target.

use comfy_table::{Table, presets};

use super::{
    Language, TargetStatus,
    clean::{bounded, clean},
    marks::MarkStatus,
    number::odds,
    odds::are_weighed,
    releases::{listed, proven_text},
    span_of_time::long,
    status::{RolloutStatus, Stands},
    words,
};
use crate::words::Moment;

/// What a version's name may take in a narrow table, in characters.
const NAME: usize = 40;

/// The table; `wide` adds mode, fingerprint and the last rollout. Below it stands every reason why a target is not ready.
/// Where nothing is guarded yet it says what to do.
#[must_use]
pub fn status_table(items: &[TargetStatus], wide: bool, now: Moment) -> String {
    if items.is_empty() {
        return "nothing is guarded yet: put a policy into a directory that `policies` of the settings names, try it with \
                `lastgood check PATH`, and reload with SIGHUP"
            .to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // As kubectl does, where there is more than one.
    let apart = items.iter().any(|item| item.namespace != items[0].namespace);
    let mut header = vec!["SERVICE", "ENV", "RUNS", "STANDING", "LAST GOOD", "READY", "ROLLOUT"];
    let marked = items.iter().any(|item| !item.marks.is_empty());
    if marked {
        header.push("MARKS");
    }
    if wide {
        header.extend(["MODE", "FINGERPRINT", "LAST ROLLOUT"]);
    }
    if apart {
        header.insert(0, "NAMESPACE");
    }
    table.set_header(header);
    for item in items {
        let mut row = row(item, (marked, wide), now);
        if apart {
            row.insert(0, item.namespace.clone().unwrap_or_else(|| "-".to_owned()));
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut out: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    out.extend(remarks(items));
    out.join("\n")
}

fn row(item: &TargetStatus, (marked, wide): (bool, bool), now: Moment) -> Vec<String> {
    let mut row = vec![
        item.target.service.to_string(),
        item.target.env.to_string(),
        item.runs
            .as_ref()
            .map_or_else(|| "-".to_owned(), |runs| name(&runs.version.name, wide)),
        item.runs.as_ref().map_or_else(
            || "-".to_owned(),
            |runs| format!("{}{}", runs.standing, proven_text(&item.proven_in, now)),
        ),
        item.last_good
            .as_ref()
            .map_or_else(|| "-".to_owned(), |good| last_good(good, wide, now)),
        ready(item),
        happening(item, now),
    ];
    if marked {
        row.push(listed(item.marks.iter().map(MarkStatus::shown)));
    }
    if wide {
        row.push(words::mode(item.mode).to_owned());
        row.push(
            item.runs
                .as_ref()
                .map_or_else(|| "-".to_owned(), |runs| runs.version.fingerprint.short().to_owned()),
        );
        row.push(last(item, now));
    }
    row
}

fn name(name: &crate::words::VersionName, wide: bool) -> String {
    let name = clean(name.as_str());
    if wide { name } else { bounded(&name, NAME) }
}

fn last_good(good: &Stands, wide: bool, now: Moment) -> String {
    let age = good
        .since
        .map(|since| format!(" {}", long(now.since(since), Language::En)))
        .unwrap_or_default();
    format!("{} ({}{age})", name(&good.version.name, wide), good.standing)
}

fn ready(item: &TargetStatus) -> String {
    match item.ready.first() {
        _ if item.off.is_some() => "no: off".to_owned(),
        _ if item.frozen.is_some() => "no: frozen".to_owned(),
        None if item.runs.is_none() => "?".to_owned(),
        None => "yes".to_owned(),
        Some(first) => match item.ready.len() {
            1 => format!("no: {}", clean(&first.name)),
            more => format!("no: {} +{}", clean(&first.name), more - 1),
        },
    }
}

fn happening(item: &TargetStatus, now: Moment) -> String {
    let rollout = item.rollout.as_ref().map(|rollout| rolling(rollout, now));
    let held = item.hold.as_ref().filter(|hold| hold.is_held());
    let held = held.map(|hold| format!("held at {} of {} pods", hold.pods, hold.of));
    let words: Vec<String> = rollout.into_iter().chain(held).collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

fn rolling(rollout: &RolloutStatus, now: Moment) -> String {
    let mut words = vec![words::phase(&rollout.phase, Language::En).to_owned()];
    if let Some(activation) = &rollout.activation {
        words.push(long(now.since(activation.at), Language::En));
    }
    if rollout.fault.is_some() {
        words.push("? blind".to_owned());
    } else if let Some(verdict) = rollout.verdict {
        words.push(format!("{} {verdict}", super::live::sign(Some(verdict))));
    } else if let Some(evidence) = rollout.evidence.as_ref().filter(|evidence| are_weighed(evidence)) {
        words.push(format!("harm {}", odds(evidence.harm_log10, "over")));
    }
    words.join(", ")
}

fn last(item: &TargetStatus, now: Moment) -> String {
    let Some(last) = &item.last else { return "-".to_owned() };
    let how = match (last.outcome, last.verdict) {
        (Some(outcome), _) => words::outcome(outcome, Language::En),
        (None, Some(verdict)) => words::verdict(verdict, Language::En),
        (None, None) => "no verdict",
    };
    let age = last
        .closed_at
        .map(|at| format!(", {} ago", long(now.since(at), Language::En)))
        .unwrap_or_default();
    format!("{}: {how}{age}", clean(last.to.name.as_str()))
}

/// Why targets are not ready, each reason once: one Prometheus that is away is one reason, however many services it has.
fn reasons(items: &[TargetStatus]) -> Vec<String> {
    let mut reasons: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for item in items {
        for reason in &item.ready {
            let target = item.target.to_string();
            match reasons.iter_mut().find(|(_, because, _)| *because == reason.because) {
                Some((_, _, targets)) if targets.contains(&target) => {}
                Some((_, _, targets)) => targets.push(target),
                None => reasons.push((&reason.name, &reason.because, vec![target])),
            }
        }
    }
    let said = reasons.into_iter();
    said.map(|(name, because, targets)| format!("{}: {}: {}", targets.join(", "), clean(name), clean(because)))
        .collect()
}

/// Below the table: every reason why a target is not ready, and the freeze.
fn remarks(items: &[TargetStatus]) -> Vec<String> {
    let mut remarks = Vec::new();
    for item in items {
        if let Some(off) = &item.off {
            remarks.push(format!(
                "{}: off since {} by {}: {}; to let it be reverted again: lastgood unfreeze {}",
                item.target,
                super::span_of_time::stamp(off.since),
                clean(&off.by.0),
                clean(&off.reason),
                item.target.service
            ));
        }
    }
    remarks.extend(reasons(items));
    if let Some(freeze) = items.iter().find_map(|item| item.frozen.as_ref()) {
        remarks.push(format!(
            "all reverts are frozen since {} by {}: {}; when the incident is over: lastgood unfreeze",
            super::span_of_time::stamp(freeze.since),
            clean(&freeze.by.0),
            clean(&freeze.reason)
        ));
    }
    if !remarks.is_empty() {
        remarks.insert(0, String::new());
    }
    remarks
}
