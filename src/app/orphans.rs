//! Targets that nobody guards any more, as their policy is gone: what is held of them goes on, as nobody judges it, and their histories say so.

use std::{collections::BTreeSet, time::Duration};

use tokio::task::JoinHandle;

use super::{desk::errand::Errand, roster::Shared};
use crate::{
    engine::Event,
    ports::DeskError,
    words::{Moment, TargetKey},
};

/// How often it is looked for them.
const LOOK: Duration = Duration::from_secs(20);

/// The search for them; one at a time, beside all else.
#[derive(Default)]
pub(super) struct Orphans {
    searched_at: Option<Moment>,
    search: Option<JoinHandle<()>>,
}

impl Orphans {
    /// Looks again at the next turn: a policy is gone.
    pub fn look_soon(&mut self) {
        self.searched_at = None;
    }

    /// Begins a search where one is due; `guarded` are left to their guards.
    pub fn turn(&mut self, shared: &Shared, guarded: BTreeSet<TargetKey>, now: Moment) {
        let due = self.searched_at.is_none_or(|at| now.is_due(at, LOOK));
        if !due || self.search.as_ref().is_some_and(|search| !search.is_finished()) {
            return;
        }
        self.searched_at = Some(now);
        let shared = shared.clone();
        self.search = Some(tokio::spawn(async move {
            let targets = shared.store.targets().await.unwrap_or_default();
            for target in targets.iter().filter(|target| !guarded.contains(target)) {
                if let Err(error) = leave(&shared, target).await {
                    tracing::error!(target_key = %target, %error, "what has no policy any more cannot be left yet; it is tried again");
                }
            }
        }));
    }
}

impl Drop for Orphans {
    fn drop(&mut self) {
        if let Some(search) = &self.search {
            search.abort();
        }
    }
}

/// Leaves a target by the policy that was in force, or that its rollout was pinned to. One that another controller guards is theirs.
async fn leave(shared: &Shared, target: &TargetKey) -> Result<(), DeskError> {
    let found = shared.store.load(target).await;
    let Some((history, revision)) = found.map_err(|error| DeskError::Failed(error.to_string()))? else {
        return Ok(());
    };
    let in_force = history.in_force.as_deref();
    let theirs = in_force.is_some_and(|in_force| in_force.home != shared.clusters.home());
    if theirs || (in_force.is_none() && history.hold.is_none()) {
        return Ok(());
    }
    let newest = history.open.as_ref().or(history.closed.last());
    let policy = in_force.map(|in_force| &in_force.policy);
    let Some(policy) = policy.or(newest.map(|record| &record.policy)).cloned() else {
        return Ok(());
    };
    let platform = shared.clusters.platform(&policy, &shared.store, &shared.clock).await;
    let mut errand = Errand {
        store: &shared.store,
        fleet: &shared.fleet,
        clock: &shared.clock,
        policy: &policy,
        platform: platform.map_err(|error| DeskError::Failed(error.0))?,
        history,
        revision: Some(revision),
    };
    errand.tell(&Event::Unguarded).await.map(drop)
}
