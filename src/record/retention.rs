//! How much of a target's past is kept: versions and releases by count and age, records of rollouts by age.

use std::{collections::BTreeSet, time::Duration};

use super::{Action, Deed, TargetHistory};
use crate::words::{Actor, Moment, Retention, Standing, Version};

/// The moment before which records are dropped moves in steps of this: an idle service writes nothing for it.
const STEP: Duration = Duration::from_secs(24 * 3600);

impl TargetHistory {
    /// Drops what is kept neither by count nor by age. Never what runs, what the open rollout is about, the last good version or the
    /// good one before it, nor what was recorded of them.
    pub fn forget(&mut self, retention: Retention, now: Moment) {
        let needed = self.needed();
        let mut newest: Vec<Moment> = self.versions.iter().map(|known| known.last_ran).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let oldest = newest.get(retention.versions.saturating_sub(1)).copied();
        let kept =
            |at: Moment, oldest: Option<Moment>| oldest.is_none_or(|oldest| at >= oldest) && now.since(at) <= retention.age;
        self.versions
            .retain(|known| needed.contains(&known.version) || kept(known.last_ran, oldest));

        let mut newest: Vec<Moment> = self.releases.iter().map(|release| release.recorded_at).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let oldest = newest.get(retention.versions.saturating_sub(1)).copied();
        let ran: BTreeSet<_> = self.versions.iter().map(|known| known.version.name.clone()).collect();
        self.releases
            .retain(|release| ran.contains(&release.manifest.version) || kept(release.recorded_at, oldest));

        let since = now.minus(retention.age);
        let first_seen = self.versions.iter().map(|known| known.first_seen).min();
        if let Some(last) = self.records_since.or(first_seen)
            && since.since(last) >= STEP
        {
            self.records_since = Some(since);
        }
    }

    /// Whether anything is known of versions, releases or rollouts.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.versions.is_empty() && self.releases.is_empty() && self.open.is_none() && self.closed.is_empty()
    }

    /// Drops all of it by a person's word, so that what runs next is seen for the first time. What stays: the audit, brakes and budgets,
    /// the policy in force, and alerts that were not sent yet.
    pub fn forget_all(&mut self, by: &Actor, reason: &str, origin: &str, now: Moment) {
        let target = self.target.clone();
        let before = std::mem::replace(self, Self::new(target.clone()));
        let deed = Deed {
            by: by.clone(),
            origin: origin.to_owned(),
            action: Action::Forget,
            what: before.counted(),
            why: reason.to_owned(),
            refused: false,
            rollout: None,
        };
        self.outbox = before.outbox;
        self.reverts = before.reverts;
        self.off = before.off;
        self.unready = before.unready;
        self.policy = before.policy;
        self.in_force = before.in_force;
        self.records_since = Some(now);
        self.audit = before.audit;
        self.audit.add(&target.to_string(), now, deed);
    }

    /// What is known, in a few words: `3 versions, 2 releases that were recorded`.
    fn counted(&self) -> String {
        let count = |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
        format!(
            "{} and {}",
            count(self.versions.len(), "version", "versions"),
            count(self.releases.len(), "recorded release", "recorded releases")
        )
    }

    /// The versions that are never dropped.
    fn needed(&self) -> BTreeSet<Version> {
        let mut needed: BTreeSet<Version> = self.serving().into_iter().chain(&self.current).cloned().collect();
        if let Some(open) = &self.open {
            needed.insert(open.to.clone());
            needed.extend(open.from.clone());
            needed.extend(open.baseline.as_ref().map(|(version, _)| version.clone()));
            needed.extend(open.intent.as_ref().map(|intent| intent.to.clone()));
        }
        for standings in [
            &[Standing::Proven][..],
            &[Standing::Proven, Standing::Passed],
            &[Standing::Assumed],
        ] {
            let mut good: Vec<_> = self
                .versions
                .iter()
                .filter(|known| standings.contains(&known.standing))
                .collect();
            good.sort_by_key(|known| std::cmp::Reverse(known.last_ran));
            // The last good one may be what runs; what is before it is what would be gone back to.
            needed.extend(good.into_iter().take(3).map(|known| known.version.clone()));
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::{KnownVersion, ProofBasis, Served},
        words::Fingerprint,
    };

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn day(number: u32) -> Moment {
        Moment::from_millis(0).plus(DAY * number)
    }

    /// A version a day, each passed, the last one running; every one was recorded.
    fn history(days: u32) -> TargetHistory {
        let mut history = TargetHistory::new("prod/myapp".parse().expect("a target"));
        for number in 0..days {
            let version = Version {
                name: format!("v{number}").parse().expect("a version"),
                fingerprint: Fingerprint::from_sha256(&[7; 32]),
            };
            let text = format!(
                r#"{{"version":"v{number}","commit":"abc1234","built_at":"2026-11-24T18:00:00Z","passed_smoke_test":true}}"#
            );
            let manifest = crate::manifest::parse(&text, "text").expect("a manifest");
            history.record(&manifest, &Actor("ci".to_owned()), "socket", day(number));
            history.versions.push(KnownVersion {
                version: version.clone(),
                standing: Standing::Passed,
                since: day(number),
                basis: ProofBasis::None,
                first_seen: day(number),
                last_ran: day(number),
                images: Vec::new(),
            });
            history.served = vec![Served {
                version,
                from: day(number),
                until: None,
            }];
        }
        history
    }

    fn names(history: &TargetHistory) -> Vec<String> {
        history.versions.iter().map(|known| known.version.name.to_string()).collect()
    }

    fn retention(versions: usize, days: u32) -> Retention {
        Retention {
            versions,
            age: DAY * days,
        }
    }

    #[test]
    fn the_newest_are_kept_with_what_was_recorded_of_them() {
        let mut kept = history(50);
        kept.forget(retention(10, 365), day(50));
        assert_eq!(names(&kept), (40..50).map(|number| format!("v{number}")).collect::<Vec<_>>());
        assert_eq!(kept.releases.len(), 10);
        let once = kept.clone();
        kept.forget(retention(10, 365), day(50));
        assert_eq!(kept, once);
    }

    #[test]
    fn what_runs_the_last_good_and_the_one_before_outlive_any_age() {
        let mut kept = history(50);
        kept.versions[5].standing = Standing::Proven;
        kept.versions[3].standing = Standing::Proven;
        kept.versions[1].standing = Standing::Quarantined;
        kept.forget(retention(10, 30), day(1_000));
        assert_eq!(names(&kept), ["v3", "v5", "v47", "v48", "v49"]);
        assert_eq!(kept.releases.len(), 5);
        assert_eq!(kept.records_since, Some(day(970)));
    }

    #[test]
    fn an_idle_service_is_written_for_its_retention_once_a_day_at_most() {
        let mut kept = history(3);
        kept.forget(retention(10, 30), day(10));
        assert_eq!(kept.records_since, None, "nothing is that old yet");
        kept.forget(retention(10, 30), day(32));
        let once = kept.clone();
        kept.forget(retention(10, 30), day(32).plus(DAY / 2));
        assert_eq!(kept, once);
    }
}
