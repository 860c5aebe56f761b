//! Where versions stand, and which one served when.

use std::time::Duration;

use super::draft::Draft;
use crate::{
    record::{Happened, KnownVersion, ProofBasis, Record, Served},
    words::{Moment, Standing, Version},
};

/// Stretches older than this are dropped.
const SERVED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// The newest stretches that are kept.
const SERVED_KEPT: usize = 200;
/// The resolution of moments: what came later on the same moment sorts later.
const INSTANT: Duration = Duration::from_millis(1);

impl Draft<'_> {
    /// Where `version` stands; none where it was never seen.
    pub fn standing(&self, version: &Version) -> Option<Standing> {
        self.history.known(version).map(|known| known.standing)
    }

    /// Whether a person said that `version` is good: their word wins over ours.
    pub fn proven_by_person(&self, version: &Version) -> bool {
        self.history.known(version).is_some_and(KnownVersion::is_proven_by_person)
    }

    /// Moves `version` to `standing`; nothing where it stands there on the same basis already.
    pub fn stand(&mut self, record: Option<&mut Record>, version: &Version, standing: Standing, basis: ProofBasis) {
        let now = self.now;
        let Some(known) = self.history.versions.iter_mut().find(|known| known.version == *version) else {
            return;
        };
        if known.standing == standing && known.basis == basis {
            return;
        }
        if known.standing != standing {
            known.since = now;
        }
        known.standing = standing;
        known.basis = basis.clone();
        self.audit_standing(version, standing, &basis);
        if let Some(record) = record {
            let version = version.clone();
            self.note(record, Happened::Stood { version, standing });
        }
    }

    /// Proves the candidate, unless it is condemned or proven already. Says whether it did.
    pub fn prove(&mut self, record: &mut Record, basis: ProofBasis) -> bool {
        let provable = matches!(
            self.standing(&record.to),
            Some(Standing::Unproven | Standing::Assumed | Standing::Passed)
        );
        if provable {
            let to = record.to.clone();
            self.stand(Some(record), &to, Standing::Proven, basis);
        }
        provable
    }

    /// Learns of a version; one that is known stays as it is.
    pub fn learn(&mut self, version: &Version, standing: Standing) {
        if self.history.known(version).is_none() {
            self.history.versions.push(KnownVersion {
                version: version.clone(),
                standing,
                since: self.now,
                basis: ProofBasis::None,
                first_seen: self.now,
                last_ran: self.now,
                images: Vec::new(),
            });
        }
    }

    /// Whether `version` ever served, or was given a standing: a version whose process never began is still new.
    pub fn ran_before(&self, version: &Version) -> bool {
        self.history
            .known(version)
            .is_some_and(|known| known.standing != Standing::Unproven || known.last_ran > known.first_seen)
    }

    /// Whether a person allowed `version` to be shipped, and judged, again.
    pub fn allowed_again(&self, version: &Version) -> bool {
        self.history
            .known(version)
            .is_some_and(|known| known.standing == Standing::Unproven && matches!(known.basis, ProofBasis::Person { .. }))
    }

    /// What serves is known to run at `at`.
    pub fn runs_at(&mut self, at: Moment) {
        if let Some(serving) = self.history.serving().cloned() {
            self.ran(&serving, at);
        }
    }

    fn ran(&mut self, version: &Version, at: Moment) {
        if let Some(known) = self.history.versions.iter_mut().find(|known| known.version == *version) {
            known.last_ran = known.last_ran.max(at);
        }
    }

    /// From `at` on nothing serves.
    pub fn serves_no_more(&mut self, at: Moment) {
        self.runs_at(at);
        if let Some(last) = self.history.served.last_mut().filter(|served| served.until.is_none()) {
            last.until = Some(at.max(last.from));
        }
    }

    /// From `at` on, `version` serves.
    pub fn serves(&mut self, version: &Version, at: Moment) {
        if self.history.serving() == Some(version) {
            return;
        }
        let left_before = self.history.served.last().and_then(|served| served.until);
        let mut left_at = at.max(left_before.unwrap_or(at));
        if let Some(last) = self.history.served.last_mut().filter(|served| served.until.is_none()) {
            left_at = at.max(last.from);
            last.until = Some(left_at);
            let left = last.version.clone();
            self.ran(&left, left_at);
        }
        self.history.served.push(Served {
            version: version.clone(),
            from: left_at,
            until: None,
        });
        // Later by a hair than what it replaced and than its own first sight: `last_good` takes the one that ran last.
        let first_seen = self.history.known(version).map_or(left_at, |known| known.first_seen);
        self.ran(version, left_at.max(first_seen).max(self.now).plus(INSTANT));
        self.forget_old_stretches();
    }

    /// Beside what has served since `began` others served too until `at`: only from then on is what happens its own.
    pub fn serves_alone(&mut self, began: Moment, at: Moment) {
        let last = self.history.served.last_mut();
        if let Some(last) = last.filter(|served| served.until.is_none() && served.from >= began) {
            last.from = last.from.max(at);
        }
    }

    fn forget_old_stretches(&mut self) {
        let oldest = self.now.minus(SERVED_FOR);
        self.history
            .served
            .retain(|served| served.until.is_none_or(|until| until >= oldest));
        let surplus = self.history.served.len().saturating_sub(SERVED_KEPT);
        self.history.served.drain(..surplus);
    }
}
