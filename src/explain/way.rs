//! What going back would mean, as data: shown to a person before they say yes.

use serde::{Deserialize, Serialize};

use super::{
    Language, Stands, clean,
    number::{count, plain, share},
    span_of_time::{latency, long, stamp},
    story::sentence,
    told::unmarked,
};
use crate::{
    policy::{Activate, ActivateBy, Policy, Target},
    record::{ArmPod, ImageOnly, KnownVersion, Phase, TargetHistory, Unready},
    words::{Arm, Moment, Standing, TargetKey, Version},
};

/// So many versions are offered.
const OFFERED: usize = 5;

/// The way back to a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// Whose.
    pub target: TargetKey,
    /// What runs.
    pub runs: Passage,
    /// Where it leads: the version that was named, else the last good one; none where no version is good.
    pub to: Option<Passage>,
    /// What could be gone back to, the one that ran last first; at most five.
    pub newest: Vec<Passage>,
    /// What would change, a sentence each.
    pub changes: Vec<String>,
    /// The rollout that would be over with it, in a sentence.
    pub ends: Option<String>,
    /// The act that was begun, and of which nobody knows the end: it is finished first. The version that it puts back.
    pub unfinished: Option<Version>,
    /// What keeps it from working; empty: nothing does.
    pub hindered: Vec<Unready>,
    /// What is worth knowing before they say yes, and keeps nobody from it.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// What goes back, where it is not the whole version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageOnly>,
    /// The policy in force: what to ask Prometheus.
    pub policy: Policy,
}

/// A version on the way, and when it served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Which version, and where it stands.
    #[serde(flatten)]
    pub stands: Stands,
    /// Since when it served the last time; none where it was never seen to.
    pub from: Option<Moment>,
    /// Until when; none while it does.
    pub until: Option<Moment>,
    /// When it was last known to run; none where it was never seen to.
    pub last_ran: Option<Moment>,
    /// Its own pods, where those of another version serve beside them; empty: whoever served then was of this version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<ArmPod>,
}

impl Way {
    /// The way from what `history` says runs to `to`, else to the last good version; none while it is not known what runs.
    #[must_use]
    pub fn of(history: &TargetHistory, policy: &Policy, to: Option<&Version>) -> Option<Self> {
        let runs = history.current.as_ref()?;
        let good = || history.last_good(policy.revert.to).map(|known| &known.version);
        let to = to.or_else(|| good().filter(|good| *good != runs));
        let mut newest: Vec<&KnownVersion> = history.versions.iter().filter(|known| known.version != *runs).collect();
        newest.sort_by_key(|known| std::cmp::Reverse(known.last_ran));
        let open = history.open.as_ref();
        Some(Self {
            target: history.target.clone(),
            runs: passage(history, runs),
            changes: to.map(|to| changes(policy, runs, to)).unwrap_or_default(),
            to: to.map(|to| passage(history, to)),
            newest: newest
                .into_iter()
                .take(OFFERED)
                .map(|known| passage(history, &known.version))
                .collect(),
            ends: open.map(|record| unmarked(&sentence(record, Language::En))),
            unfinished: open
                .filter(|open| open.phase == Phase::Reverting)
                .and_then(|open| open.intent.as_ref())
                .map(|intent| intent.to.clone()),
            hindered: Vec::new(),
            remarks: Vec::new(),
            image: None,
            policy: policy.clone(),
        })
    }

    /// Nothing is kept of the pod template of where it leads: only its image goes back.
    pub fn by_image(&mut self, only: ImageOnly) {
        let ImageOnly {
            release,
            container,
            image,
        } = &only;
        let (release, runs) = (clean(release.as_str()), clean(self.runs.stands.version.name.as_str()));
        if let Some(template) = self.changes.first_mut() {
            *template = format!(
                "only the image of {} goes back, to {}: nothing is kept of the pod template of {release}, so all else of it stays as it is with {runs}",
                clean(container),
                clean(image)
            );
        }
        let called = self.to.iter().map(|to| clean(to.stands.version.name.as_str()));
        self.remarks.extend(
            called
                .filter(|called| *called != release)
                .map(|called| format!("it is called {called} from then on, as its image's tag says")),
        );
        self.image = Some(only);
    }
}

fn passage(history: &TargetHistory, version: &Version) -> Passage {
    let known = history.known(version);
    let served = history.served.iter().rev().find(|served| served.version == *version);
    Passage {
        stands: Stands {
            version: version.clone(),
            standing: known.map_or(Standing::Unproven, |known| known.standing),
            since: known.map(|known| known.since),
        },
        from: served.map(|served| served.from),
        until: served.and_then(|served| served.until),
        last_ran: served.and(known).map(|known| known.last_ran),
        pods: own_pods(history, version),
    }
}

/// The pods of `version` where its rollout is open: those of the version before serve beside them.
fn own_pods(history: &TargetHistory, version: &Version) -> Vec<ArmPod> {
    let open = history.open.iter().filter(|open| open.to == *version);
    let pods = open.flat_map(|open| &open.pods);
    pods.filter(|pod| pod.arm == Arm::Candidate).cloned().collect()
}

/// What going back from `runs` to `to` changes on its target.
fn changes(policy: &Policy, runs: &Version, to: &Version) -> Vec<String> {
    let (runs, to) = (clean(runs.name.as_str()), clean(to.name.as_str()));
    let host = match &policy.target {
        Target::Host(host) => host,
        Target::Kubernetes(workload) => {
            let (kind, namespace) = (workload.kind.as_str(), clean(&workload.namespace));
            let name = clean(&workload.name);
            return vec![
                format!("{kind} {namespace}/{name} will have the pod template of {to} instead of that of {runs}"),
                "its pods are replaced as the workload says itself".to_owned(),
            ];
        }
    };
    let link = format!(
        "{} will point to {} instead of {runs}",
        clean(&host.current.to_string_lossy()),
        clean(&host.releases.join(&to).to_string_lossy())
    );
    let activation = match &host.activate {
        Activate::Unit { unit, by } => {
            let verb = match by {
                ActivateBy::Reload => "reloaded",
                ActivateBy::Restart => "restarted",
            };
            format!("{} will be {verb}", clean(unit))
        }
        Activate::Command { command, .. } => format!("this command will be run: {}", clean(&command.join(" "))),
    };
    vec![link, activation]
}

/// What one metric of a version was in the last minutes in which it served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lately {
    /// The metric's name.
    pub metric: String,
    /// What was counted.
    #[serde(flatten)]
    pub of: LatelyOf,
}

/// What was counted of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "counted", rename_all = "snake_case")]
pub enum LatelyOf {
    /// Bad events out of all.
    Ratio {
        /// Bad events.
        bad: u64,
        /// All events.
        total: u64,
    },
    /// How slow requests were, in seconds: at most, by the bounds of the histogram.
    Latency {
        /// All requests.
        events: u64,
        /// What half of them took at most; none: unknown.
        half: Option<f64>,
        /// What 99 % of them took at most; none: unknown.
        most: Option<f64>,
    },
    /// The newest value.
    Value {
        /// In the metric's unit; none: there was none.
        value: Option<f64>,
    },
}

impl Way {
    /// What a person reads before they say yes. `seen` is what both versions did lately, or why that is not known.
    #[must_use]
    pub fn text(&self, seen: Result<&[Vec<Lately>; 2], &str>, now: Moment) -> String {
        let service = clean(self.target.service.as_str());
        let env = clean(self.target.env.as_str());
        let named = |passage: &Passage| clean(passage.stands.version.name.as_str());
        let to = self.to.as_ref().map_or_else(|| "nowhere".to_owned(), named);
        let mut lines = vec![
            format!("{service} ({env}): from {} to {to}", named(&self.runs)),
            String::new(),
        ];
        let nothing = Vec::new();
        let lately = seen.as_ref().ok();
        let [here, there] = lately.map_or([&nothing, &nothing], |[here, there]| [here, there]);
        lines.extend(self.runs.lines("runs now", here, now));
        if let Some(to) = &self.to {
            lines.extend(to.lines("goes back to", there, now));
        }
        if let Err(because) = seen {
            lines.push(format!("  error rate and latency are not known: {}", clean(because)));
        }
        lines.push(String::new());
        lines.extend(self.changes.iter().map(|change| format!("  {change}")));
        lines.extend(match (&self.unfinished, &self.ends) {
            (Some(to), _) => Some(format!(
                "  first what was begun is finished: the way back to {}",
                clean(to.name.as_str())
            )),
            (None, Some(ends)) => Some(format!("  this rollout will be over: {ends}")),
            (None, None) => None,
        });
        if self.to.as_ref().is_some_and(|to| to.stands.standing == Standing::Quarantined) {
            lines.push(format!(
                "  note: {to} is quarantined; a person may go back to it all the same"
            ));
        }
        lines.extend(self.remarks.iter().map(|remark| format!("  note: {}", clean(remark))));
        lines.extend(
            self.hindered
                .iter()
                .map(|unready| format!("  it cannot be done: {}", clean(&unready.because))),
        );
        lines.join("\n")
    }
}

impl Passage {
    fn lines(&self, what: &str, lately: &[Lately], now: Moment) -> Vec<String> {
        let name = clean(self.stands.version.name.as_str());
        let standing = match self.stands.since {
            Some(since) => format!("{} for {}", self.stands.standing, long(now.since(since), Language::En)),
            None => "never seen to run".to_owned(),
        };
        let ran = match (self.from, self.until) {
            (Some(from), None) => format!(", serves since {}", stamp(from)),
            (Some(_), Some(until)) => format!(", served last until {}", stamp(until)),
            _ => String::new(),
        };
        let mut lines = vec![format!("  {what:<13} {name}: {standing}{ran}")];
        lines.extend(lately.iter().map(|seen| format!("  {:<13}   {}", "", seen.line())));
        lines
    }
}

impl Lately {
    fn line(&self) -> String {
        let name = clean(&self.metric);
        let of = match &self.of {
            LatelyOf::Ratio { total: 0, .. } | LatelyOf::Latency { events: 0, .. } | LatelyOf::Value { value: None } => {
                "nothing was counted".to_owned()
            }
            LatelyOf::Ratio { bad, total } => {
                format!("{} of {}", share(*bad as f64 / *total as f64), count(*total as f64))
            }
            LatelyOf::Latency { events, half, most } => {
                let within = |bound: &Option<f64>| {
                    bound.map_or_else(|| "an unknown time".to_owned(), |bound| latency(bound, Language::En))
                };
                format!(
                    "half of {} within {}, 99 % within {}",
                    count(*events as f64),
                    within(half),
                    within(most)
                )
            }
            LatelyOf::Value { value: Some(value) } => plain(*value),
        };
        format!("{name}: {of}")
    }
}
