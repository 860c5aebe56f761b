//! Holds of targets that nobody guards any more, as their policy is gone: nobody judges them, so they go on.

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
                if let Err(error) = let_go(&shared, target).await {
                    tracing::error!(target_key = %target, %error, "what is held without a policy does not go on yet; it is tried again");
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

/// Lets go of what is held of a target, by what its rollout was pinned to.
async fn let_go(shared: &Shared, target: &TargetKey) -> Result<(), DeskError> {
    let found = shared.store.load(target).await;
    let Some((history, revision)) = found.map_err(|error| DeskError::Failed(error.to_string()))? else {
        return Ok(());
    };
    let Some(hold) = &history.hold else { return Ok(()) };
    let records = || history.open.iter().chain(history.closed.iter().rev());
    let record = records()
        .find(|record| record.id == hold.rollout)
        .or_else(|| records().next());
    let Some(policy) = record.map(|record| record.policy.clone()) else {
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
