//! The releases of a service: what was built, where it stands and where it runs, over all of its environments.

use std::borrow::Borrow;

use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};

use super::{
    Language,
    clean::{bounded, clean},
    marks::{MarkStatus, marks},
    span_of_time::long,
};
use crate::{
    record::{KnownVersion, Release, TargetHistory},
    words::{Env, Fingerprint, Moment, Standing, TargetKey, Version, VersionName},
};

/// What a version's name may take in a narrow table, in characters.
const NAME: usize = 40;

/// One version in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseStatus {
    /// Whose.
    pub target: TargetKey,
    /// Its name.
    pub version: VersionName,
    /// What it is; none: it never ran here.
    pub fingerprint: Option<Fingerprint>,
    /// Where it stands; none: it never ran here.
    pub standing: Option<Standing>,
    /// Since when it stands there.
    pub since: Option<Moment>,
    /// When it was last known to run here.
    pub last_ran: Option<Moment>,
    /// Where it runs: this environment and others, by the version's name.
    pub runs_in: Vec<Env>,
    /// The other environments in which a version of this name is proven.
    pub proven_in: Vec<ProvenIn>,
    /// What was recorded of it.
    pub release: Option<Release>,
    /// The tags and links of here that follow the newest proof and are at it, or shall be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<MarkStatus>,
}

/// Another environment in which a version of the same name is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenIn {
    /// Which.
    pub env: Env,
    /// Since when.
    pub since: Moment,
}

/// Every version that ran or was recorded in `histories`, all of one service: newest build first, then by name.
#[must_use]
pub fn releases(histories: &[TargetHistory]) -> Vec<ReleaseStatus> {
    let mut all: Vec<(Moment, ReleaseStatus)> = Vec::new();
    for history in histories {
        for known in &history.versions {
            let release = history.release(&known.version.name);
            let built = release.map_or(known.first_seen, |release| release.manifest.built_at);
            all.push((built, status(history, histories, Some(known), &known.version.name, release)));
        }
        let never_ran = |release: &&Release| {
            !history
                .versions
                .iter()
                .any(|known| known.version.name == release.manifest.version)
        };
        for release in history.releases.iter().filter(never_ran) {
            let version = &release.manifest.version;
            all.push((
                release.manifest.built_at,
                status(history, histories, None, version, Some(release)),
            ));
        }
    }
    all.sort_by(|(a_built, a), (b_built, b)| {
        let newest = b_built.cmp(a_built).then_with(|| b.version.compare(&a.version));
        newest
            .then_with(|| a.target.cmp(&b.target))
            .then_with(|| b.last_ran.cmp(&a.last_ran))
    });
    all.into_iter().map(|(_, release)| release).collect()
}

fn status(
    history: &TargetHistory,
    all: &[TargetHistory],
    known: Option<&KnownVersion>,
    version: &VersionName,
    release: Option<&Release>,
) -> ReleaseStatus {
    let runs = |other: &&TargetHistory| {
        let same = |serving: &crate::words::Version| match known {
            Some(known) if other.target == history.target => *serving == known.version,
            _ => serving.name == *version,
        };
        other.serving().is_some_and(same)
    };
    ReleaseStatus {
        target: history.target.clone(),
        version: version.clone(),
        fingerprint: known.map(|known| known.version.fingerprint.clone()),
        standing: known.map(|known| known.standing),
        since: known.map(|known| known.since),
        last_ran: known.map(|known| known.last_ran),
        runs_in: all.iter().filter(runs).map(|other| other.target.env.clone()).collect(),
        proven_in: proven_elsewhere(&history.target, version, all),
        release: release.cloned(),
        marks: known.map(|known| marks_at(history, &known.version)).unwrap_or_default(),
    }
}

fn marks_at(history: &TargetHistory, version: &Version) -> Vec<MarkStatus> {
    let mut marks = marks(history);
    marks.retain(|mark| mark.concerns(version));
    marks
}

/// The environments beside that of `target` in which a version of this name is proven, by the histories of its service.
#[must_use]
pub fn proven_elsewhere<H: Borrow<TargetHistory>>(target: &TargetKey, version: &VersionName, all: &[H]) -> Vec<ProvenIn> {
    let others = all
        .iter()
        .map(Borrow::borrow)
        .filter(|other| other.target.service == target.service && other.target.env != target.env);
    others
        .filter_map(|other| {
            let proven = |known: &&KnownVersion| known.version.name == *version && known.standing == Standing::Proven;
            let since = other.versions.iter().filter(proven).map(|known| known.since).max()?;
            Some(ProvenIn {
                env: other.target.env.clone(),
                since,
            })
        })
        .collect()
}

/// The table of releases, with what follows the newest proof where anything does; `wide` adds what it is, the image and who recorded it.
#[must_use]
pub fn releases_table(items: &[ReleaseStatus], wide: bool, now: Moment) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = vec!["VERSION", "ENV", "COMMIT", "BUILT", "SMOKE TEST", "STANDING", "RUNS IN"];
    let marked = items.iter().any(|item| !item.marks.is_empty());
    if marked {
        header.push("MARKS");
    }
    if wide {
        header.extend(["FINGERPRINT", "IMAGE", "RECORDED BY"]);
    }
    table.set_header(header);
    for item in items {
        table.add_row(row(item, (marked, wide), now));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn row(item: &ReleaseStatus, (marked, wide): (bool, bool), now: Moment) -> Vec<String> {
    let none = || "-".to_owned();
    let manifest = item.release.as_ref().map(|release| &release.manifest);
    let name = clean(item.version.as_str());
    let mut row = vec![
        if wide { name } else { bounded(&name, NAME) },
        item.target.env.to_string(),
        manifest.map_or_else(none, |manifest| {
            manifest.commit.chars().take(if wide { 64 } else { 12 }).collect()
        }),
        manifest.map_or_else(none, |manifest| age(manifest.built_at, now) + " ago"),
        manifest.map_or_else(none, |manifest| {
            if manifest.passed_smoke_test { "passed" } else { "not passed" }.to_owned()
        }),
        standing(item, now),
        listed(item.runs_in.iter().map(ToString::to_string)),
    ];
    if marked {
        let version = item.fingerprint.clone().map(|fingerprint| Version {
            name: item.version.clone(),
            fingerprint,
        });
        let of = |mark: &MarkStatus| version.as_ref().map(|version| mark.of(version));
        row.push(listed(item.marks.iter().filter_map(of)));
    }
    if wide {
        row.push(
            item.fingerprint
                .as_ref()
                .map_or_else(none, |fingerprint| fingerprint.short().to_owned()),
        );
        row.push(
            manifest
                .and_then(|manifest| manifest.image.as_ref())
                .map_or_else(none, |image| clean(image.as_str())),
        );
        row.push(item.release.as_ref().map_or_else(none, |release| clean(&release.by.0)));
    }
    row
}

fn standing(item: &ReleaseStatus, now: Moment) -> String {
    let here = match (item.standing, item.since) {
        (Some(standing), Some(since)) => format!("{standing} {}", age(since, now)),
        (Some(standing), None) => standing.to_string(),
        (None, _) => "never ran".to_owned(),
    };
    here + &proven_text(&item.proven_in, now)
}

/// ` (proven in staging 2 days)`; empty where it is proven nowhere else.
pub(super) fn proven_text(proven_in: &[ProvenIn], now: Moment) -> String {
    if proven_in.is_empty() {
        return String::new();
    }
    let each = proven_in
        .iter()
        .map(|proven| format!("{} {}", proven.env, age(proven.since, now)));
    format!(" (proven in {})", each.collect::<Vec<_>>().join(", "))
}

fn age(since: Moment, now: Moment) -> String {
    long(now.since(since), Language::En)
}

pub(super) fn listed(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}
