//! What is held: `lastgood hold list`.

use comfy_table::{Table, presets};
use serde::Serialize;

use super::{
    Language, TargetStatus,
    clean::clean,
    span_of_time::{long, stamp},
};
use crate::{
    record::{Hold, MarkedWorkload},
    words::{Moment, TargetKey},
};

/// One hold: as it is stored, as the workload tells of it, or both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldStatus {
    /// Whose; none where nothing stored tells of it.
    pub target: Option<TargetKey>,
    /// What is stored.
    pub hold: Option<Hold>,
    /// What the workload tells.
    pub workload: Option<MarkedWorkload>,
    /// Until when.
    pub until: Moment,
    /// Whether it should have gone on by now.
    pub overdue: bool,
}

/// All holds: those that are stored with what their workloads tell, then those that only workloads tell of.
#[must_use]
pub fn holds(stored: &[TargetStatus], marked: Vec<MarkedWorkload>, now: Moment) -> Vec<HeldStatus> {
    let mut marked = marked;
    let mut all: Vec<HeldStatus> = Vec::new();
    for status in stored {
        let Some(hold) = &status.hold else { continue };
        let own = marked.iter().position(|mark| mark.rollout == hold.rollout);
        all.push(HeldStatus {
            target: Some(status.target.clone()),
            workload: own.map(|place| marked.remove(place)),
            until: hold.until,
            overdue: now > hold.until,
            hold: Some(hold.clone()),
        });
    }
    all.extend(marked.into_iter().map(|mark| HeldStatus {
        target: None,
        hold: None,
        until: mark.until,
        overdue: now > mark.until,
        workload: Some(mark),
    }));
    all
}

/// The table; below it, what to type for what nothing stored tells of.
#[must_use]
pub fn holds_table(items: &[HeldStatus], now: Moment) -> String {
    if items.is_empty() {
        return "nothing is held".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["SERVICE", "ENV", "VERSION", "PODS", "HELD FOR", "UNTIL", "STATE", "ROLLOUT"]);
    for item in items {
        table.add_row(row(item, now));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let forgotten: Vec<String> = items.iter().filter(|item| item.hold.is_none()).filter_map(by_hand).collect();
    if !forgotten.is_empty() {
        lines.push(String::new());
        lines.extend(forgotten);
    }
    lines.join("\n")
}

fn row(item: &HeldStatus, now: Moment) -> Vec<String> {
    let hold = item.hold.as_ref();
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let rollout = hold
        .map(|hold| hold.rollout)
        .or(item.workload.as_ref().map(|mark| mark.rollout));
    let named = item
        .workload
        .as_ref()
        .map(|mark| clean(&format!("{}/{}", mark.namespace, mark.name)));
    vec![
        or_dash(item.target.as_ref().map(|key| key.service.to_string()).or(named)),
        or_dash(item.target.as_ref().map(|key| key.env.to_string())),
        or_dash(hold.map(|hold| clean(hold.version.name.as_str()))),
        or_dash(
            hold.filter(|hold| hold.pods > 0)
                .map(|hold| format!("{} of {}", hold.pods, hold.of)),
        ),
        or_dash(hold.map(|hold| long(now.since(hold.asked_at), Language::En))),
        stamp(item.until),
        state(item),
        or_dash(rollout.map(|rollout| rollout.to_string())),
    ]
}

fn state(item: &HeldStatus) -> String {
    let state = match &item.hold {
        Some(hold) if hold.goes_on.is_some() => "going on",
        Some(hold) if hold.is_held() => "held",
        Some(_) => "asked for",
        None => "forgotten",
    };
    let overdue = if item.overdue { ", overdue" } else { "" };
    format!("{state}{overdue}")
}

/// What lets go of a workload whose hold nothing stored tells of.
fn by_hand(item: &HeldStatus) -> Option<String> {
    let mark = item.workload.as_ref()?;
    let (kind, name, namespace) = (mark.kind.as_str(), clean(&mark.name), clean(&mark.namespace));
    let resume = if mark.kind == "deployment" {
        format!("kubectl rollout resume deployment/{name} -n {namespace}")
    } else {
        let patch = r#"{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}"#;
        format!("kubectl patch {kind}/{name} -n {namespace} -p '{patch}'")
    };
    Some(format!(
        "{namespace}/{name}: nothing stored here tells of it. A controller that guards it lets it go on; by hand: \
         `{resume} && kubectl annotate {kind}/{name} -n {namespace} lastgood.dev/held-`"
    ))
}
