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
    /// When others of the same names were made, which are on neither side.
    others: BTreeMap<Pod, Vec<Moment>>,
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
            others: BTreeMap::new(),
        }
    }

    /// Beside these pods, by when they were made, which are on neither side: what is scraped under their names from then on is theirs, until a
    /// pod of a side is made anew.
    #[must_use]
    pub fn beside(mut self, others: impl IntoIterator<Item = (Pod, Moment)>) -> Self {
        for (pod, made) in others {
            self.others.entry(pod).or_default().push(made);
        }
        self
    }

    /// The life in which `pod` was scraped at `at`; none where it is on neither side. Within the second in which a pod was made it is not
    /// scraped yet: what is scraped then is the one before it of that name.
    #[must_use]
    pub fn life(&self, pod: &Pod, at: Moment) -> Option<&PodLife> {
        let made = |created_at: Moment| created_at.plus(MADE_GRAIN) <= at;
        let life = self.lives.get(pod)?.iter().rev().find(|life| made(life.created_at))?;
        let others = self.others.get(pod).into_iter().flatten();
        let newer = others.copied().any(|other| made(other) && other > life.created_at);
        (!newer).then_some(life)
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

    /// All lives.
    pub(super) fn lives(&self) -> impl Iterator<Item = (&Pod, &PodLife)> {
        self.lives
            .iter()
            .flat_map(|(pod, lives)| lives.iter().map(move |life| (pod, life)))
    }
}
