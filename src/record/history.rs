//! One target's history: the unit of consistency, changed by compare and set (product.md, The life of a rollout, and what is kept).

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Alert, Chain, Hindrance, Hold, Mark, Record, Release, Rolling, SeenObject, SeenPod};
use crate::{
    decide::Freeze,
    judge::PastPods,
    manifest::ImageReference,
    policy::{Policy, RevertTo},
    words::{Actor, Fingerprint, Moment, Standing, TargetKey, Version},
};

/// The format of [`TargetHistory`] that this binary writes. A newer one is refused.
pub const FORMAT: u32 = 1;
/// The format of [`ControllerState`] that this binary writes.
pub const CONTROLLER_FORMAT: u32 = 1;

/// Everything durable about one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetHistory {
    /// [`FORMAT`].
    pub format: u32,
    /// Whose history it is.
    pub target: TargetKey,
    /// Every version ever seen, oldest first.
    pub versions: Vec<KnownVersion>,
    /// Which version served when, oldest first; the last one is open-ended while it runs. Bounded: stretches older than 30 days are dropped, the newest 200 kept.
    pub served: Vec<Served>,
    /// The rollout that is not closed yet.
    pub open: Option<Record>,
    /// Closed rollouts, newest last; the last ten here, the back end may keep more.
    pub closed: Vec<Record>,
    /// Alerts still to be delivered, oldest first.
    pub outbox: Vec<Alert>,
    /// When lastgood reverted this target; kept for a day.
    pub reverts: Vec<Moment>,
    /// A person switched lastgood off for this target.
    pub off: Option<Freeze>,
    /// Why it could not act if it had to; empty: ready.
    pub unready: Vec<Unready>,
    /// What `current` pointed to when it was last seen; a missing link is not remembered.
    #[serde(default)]
    pub current: Option<Version>,
    /// The process behind the unit when it was last seen: what a new start is told by.
    #[serde(default)]
    pub process: Option<Process>,
    /// Ids of the alerts that were told, newest last, the newest 200: nothing is told twice.
    #[serde(default)]
    pub told: Vec<String>,
    /// The policy in force when it last changed.
    #[serde(default)]
    pub policy: Option<Fingerprint>,
    /// That policy itself, for those who have not its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<Box<InForce>>,
    /// Who did what.
    #[serde(default)]
    pub audit: Chain,
    /// Releases that were recorded, in that order; one a version's name, whether it ever ran or not.
    #[serde(default)]
    pub releases: Vec<Release>,
    /// On Kubernetes the uid of the workload that was seen last: one of the same name that was made again is another object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The names outside that follow the newest proof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Records of rollouts that were closed before this are dropped by the back end; none: all are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_since: Option<Moment>,
    /// What lastgood holds, or means to hold, until it is certain that it holds nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What remains of the pods of versions that were replaced: how far healthy pods of this service differ. Of each count the last twelve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past_pods: Vec<PastPods>,
}

impl TargetHistory {
    /// The history of a target that was never seen.
    #[must_use]
    pub const fn new(target: TargetKey) -> Self {
        Self {
            format: FORMAT,
            target,
            versions: Vec::new(),
            served: Vec::new(),
            open: None,
            closed: Vec::new(),
            outbox: Vec::new(),
            reverts: Vec::new(),
            off: None,
            unready: Vec::new(),
            current: None,
            process: None,
            told: Vec::new(),
            policy: None,
            in_force: None,
            audit: Chain::new(),
            releases: Vec::new(),
            uid: None,
            marks: Vec::new(),
            records_since: None,
            hold: None,
            past_pods: Vec::new(),
        }
    }

    /// What is known of `version`.
    #[must_use]
    pub fn known(&self, version: &Version) -> Option<&KnownVersion> {
        self.versions.iter().find(|known| known.version == *version)
    }

    /// The last good version: of those proven or passed (with `RevertTo::Proven`: proven) the one that ran last, else the assumed one;
    /// never a quarantined one (product.md, Standing of a version), nor a dirty one unless a person proved it: nobody could build it again.
    #[must_use]
    pub fn last_good(&self, to: RevertTo) -> Option<&KnownVersion> {
        let ran_last = |standings: &[Standing]| {
            self.versions
                .iter()
                .filter(|known| standings.contains(&known.standing))
                .filter(|known| !known.version.name.is_dirty() || known.is_proven_by_person())
                .max_by_key(|known| known.last_ran)
        };
        let good: &[Standing] = match to {
            RevertTo::Passed => &[Standing::Proven, Standing::Passed],
            RevertTo::Proven => &[Standing::Proven],
        };
        ran_last(good).or_else(|| ran_last(&[Standing::Assumed]))
    }

    /// The version that serves, as far as the history knows.
    #[must_use]
    pub fn serving(&self) -> Option<&Version> {
        self.served
            .last()
            .filter(|served| served.until.is_none())
            .map(|served| &served.version)
    }
}

/// By what a target is guarded. A person who acts on a history in a cluster from elsewhere has neither the policy's file nor the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InForce {
    /// The policy, in the mode that the settings allow.
    pub policy: Policy,
    /// The namespace of the controller, where it keeps its state in a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
}

/// A version that was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownVersion {
    /// Which.
    pub version: Version,
    /// Where it stands.
    pub standing: Standing,
    /// Since when it stands there.
    pub since: Moment,
    /// What that rests on.
    pub basis: ProofBasis,
    /// When it was first seen.
    pub first_seen: Moment,
    /// When it was last known to run.
    pub last_ran: Moment,
    /// The images that its pods were seen to run, by their digests; the first two, as a second one tells that a tag was pushed again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageReference>,
}

impl KnownVersion {
    /// Whether a person said that it is good: their word wins over ours.
    #[must_use]
    pub fn is_proven_by_person(&self) -> bool {
        self.standing == Standing::Proven && matches!(self.basis, ProofBasis::Person { .. })
    }
}

/// What a standing rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "snake_case")]
pub enum ProofBasis {
    /// Nothing yet.
    None,
    /// The evidence of safety reached its bound.
    Evidence,
    /// A whole watch without a verdict; this and worse is excluded, per metric.
    Excluded {
        /// Metric and the smallest multiple that is excluded; none: nothing is.
        metrics: Vec<(String, Option<f64>)>,
    },
    /// Ran so long with whole data and no restart, with nothing to compare with.
    Soaked,
    /// A person said so.
    Person {
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// Convicted, and reverted or refused.
    Convicted,
}

/// A stretch of time in which one version served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// Which version.
    pub version: Version,
    /// From when its process served.
    pub from: Moment,
    /// Until when; none while it does.
    pub until: Option<Moment>,
}

/// What the platform sees of a target at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When it looked.
    pub at: Moment,
    /// The version that `current` points to; none while the link is missing (a moment of `ln -sfn`).
    pub version: Option<Version>,
    /// When `current` came to point there, if it can be told (the link's own time).
    pub moved_at: Option<Moment>,
    /// The process behind the unit, where there is one.
    pub process: Option<Process>,
    /// Things worth telling: extra or changed files, a directory too large to digest whole.
    pub remarks: Vec<String>,
    /// On Kubernetes which object the workload is, or that there is none.
    #[serde(default)]
    pub object: SeenObject,
    /// On Kubernetes its pods, those that are being deleted included.
    #[serde(default)]
    pub pods: Vec<SeenPod>,
    /// How many pods are wanted; 0 on a host.
    #[serde(default)]
    pub wanted: u32,
    /// Why pods that are wanted cannot even be made.
    #[serde(default)]
    pub lacking: Option<Hindrance>,
    /// On Kubernetes, how long its pods may take to become ready.
    #[serde(default, with = "crate::words::seconds")]
    pub deadline: Duration,
    /// On Kubernetes how its rolling update stands; none of what cannot be held at all.
    #[serde(default)]
    pub rolling: Option<Rolling>,
}

/// The process behind a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// systemd's InvocationID, hexadecimal; changes at each start, not at a reload.
    pub invocation: String,
    /// Its main process id; 0 while there is none.
    pub main_pid: u32,
    /// When the unit last entered active, or finished its last reload.
    pub started_at: Option<Moment>,
    /// Whether the unit is active.
    pub active: bool,
    /// systemd's NRestarts.
    pub restarts: u32,
}

/// One reason why lastgood could not act if it had to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unready {
    /// A short name: `unit_not_found`, `link_not_writable`, `no_data`, `no_last_good`.
    pub name: String,
    /// The sentence for people, with what to do next.
    pub because: String,
}

/// What is durable beyond single targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControllerState {
    /// [`CONTROLLER_FORMAT`].
    pub format: u32,
    /// A freeze in force.
    pub frozen: Option<Freeze>,
    /// Alerts that belong to no target, still to be delivered.
    pub outbox: Vec<Alert>,
    /// Who did what beyond single targets.
    #[serde(default)]
    pub audit: Chain,
    /// The settings with which a controller last started, as they may be shown, by their keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl Default for ControllerState {
    fn default() -> Self {
        Self {
            format: CONTROLLER_FORMAT,
            frozen: None,
            outbox: Vec::new(),
            audit: Chain::new(),
            settings: BTreeMap::new(),
        }
    }
}
