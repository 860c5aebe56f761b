//! What a step changed that is worth telling where the target lives: a rollout began, a verdict was reached, it came to an outcome.

use crate::{
    record::{Record, RolloutKind, TargetHistory},
    words::{Outcome, Verdict},
};

/// Something that became of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// What.
    pub what: Became,
    /// The rollout as it is now.
    pub record: Record,
    /// On Kubernetes the uid of its workload.
    pub uid: Option<String>,
}

/// What can become of a rollout: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It was seen.
    Seen,
    /// It was judged so.
    Judged(Verdict),
    /// It came to this.
    Ended(Outcome),
}

/// The news between two commits of a history, in order.
#[must_use]
pub fn news(before: &TargetHistory, after: &TargetHistory) -> Vec<News> {
    let known = |record: &&Record| !before.closed.iter().any(|closed| closed.id == record.id);
    let records = after.closed.iter().chain(&after.open).filter(known);
    let told = |record: &Record| {
        let was = before.open.as_ref().filter(|was| was.id == record.id);
        let seen = (was.is_none() && record.kind != RolloutKind::FirstSight).then_some(Became::Seen);
        let judged = record.verdict.filter(|_| was.and_then(|was| was.verdict) != record.verdict);
        let ended = record.outcome.filter(|_| was.and_then(|was| was.outcome) != record.outcome);
        let all = [seen, judged.map(Became::Judged), ended.map(Became::Ended)];
        let record = record.clone();
        all.into_iter().flatten().map(move |what| News {
            what,
            record: record.clone(),
            uid: after.uid.clone(),
        })
    };
    records.flat_map(told).collect()
}
