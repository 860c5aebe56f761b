//! Which side each pod is on, and since when (product.md, From counters to counts: arms on Kubernetes are pods).

use std::{collections::BTreeMap, time::Duration};

use crate::words::{Arm, Moment, Pod};

/// Kubernetes says in whole seconds, cut down, when a pod was made.
const MADE_GRAIN: Duration = Duration::from_secs(1);

/// The life of one pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodLife {
    /// Which side it is on.
    pub arm: Arm,
    /// When it was made, in whole seconds.
    pub created_at: Moment,
    /// When it became ready.
    pub ready_at: Option<Moment>,
    /// When it was no longer there.
    pub gone_at: Option<Moment>,
}

/// The pods of both sides. A StatefulSet's pods keep their names, so a name may have several lives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PodArms {
    lives: BTreeMap<Pod, Vec<PodLife>>,
    /// Whether the candidate's are counted alone.
    candidate_only: bool,
}

impl PodArms {
    /// Of pods and their lives, in any order.
    #[must_use]
    pub fn of(pods: impl IntoIterator<Item = (Pod, PodLife)>) -> Self {
        let mut lives: BTreeMap<Pod, Vec<PodLife>> = BTreeMap::new();
        for (pod, life) in pods {
            lives.entry(pod).or_default().push(life);
        }
        lives.values_mut().for_each(|lives| lives.sort_by_key(|life| life.created_at));
        Self {
            lives,
            candidate_only: false,
        }
    }

    /// Those of the candidate alone are counted. The others still tell whose a name is: a StatefulSet's pods keep theirs.
    #[must_use]
    pub fn candidate_only(self) -> Self {
        Self {
            candidate_only: true,
            ..self
        }
    }

    /// The life in which `pod` was scraped at `at`; none where it is on neither side. Within the second in which a pod was made it is not
    /// scraped yet: what is scraped then is the one before it of that name.
    #[must_use]
    pub fn life(&self, pod: &Pod, at: Moment) -> Option<&PodLife> {
        let made = |life: &&PodLife| life.created_at.plus(MADE_GRAIN) <= at;
        let newest = self.lives.get(pod)?.iter().rev().find(made);
        newest.filter(|life| self.counts(life))
    }

    fn counts(&self, life: &PodLife) -> bool {
        !self.candidate_only || life.arm == Arm::Candidate
    }

    /// Whether every pod of the baseline had gone at `at`.
    #[must_use]
    pub fn baseline_gone(&self, at: Moment) -> bool {
        let mut baseline = self.lives().filter(|(_, life)| life.arm == Arm::Baseline);
        baseline.all(|(_, life)| life.gone_at.is_some_and(|gone| gone <= at))
    }

    /// When the first pod of `arm` was made; none where it has none.
    #[must_use]
    pub fn first(&self, arm: Arm) -> Option<Moment> {
        let of_arm = self.lives().filter(|(_, life)| life.arm == arm);
        of_arm.map(|(_, life)| life.created_at).min()
    }

    /// All lives that are counted.
    pub(super) fn lives(&self) -> impl Iterator<Item = (&Pod, &PodLife)> {
        let lives = self.lives.iter();
        lives
            .flat_map(|(pod, lives)| lives.iter().map(move |life| (pod, life)))
            .filter(|(_, life)| self.counts(life))
    }
}
