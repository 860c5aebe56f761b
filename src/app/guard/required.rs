//! What the policy demands of a release before it comes: that another environment proved it. Looked up once a rollout.

use super::{Guard, GuardError};
use crate::{
    engine::Event,
    ports::HistoryError,
    record::RolloutKind,
    words::{Env, RolloutId, Standing, TargetKey, VersionName},
};

impl Guard {
    /// Tells of a candidate that is not proven where the policy demands it. Where the store cannot be read now, the next look asks again.
    pub(super) async fn demand(&mut self) -> Result<(), GuardError> {
        let Some((rollout, version, env)) = self.demanded() else {
            return Ok(());
        };
        let standing = match self.stands_in(&env, &version).await {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(target_key = %self.history.target, %env, %error, "cannot tell whether the version is proven there");
                return Ok(());
            }
        };
        self.demanded_of = Some(rollout);
        if standing != Some(Standing::Proven) {
            self.feed(Event::Skipped { rollout, env, standing }).await?;
        }
        Ok(())
    }

    /// The open release that was not looked up yet, and where it must be proven.
    fn demanded(&self) -> Option<(RolloutId, VersionName, Env)> {
        let open = self.history.open.as_ref()?;
        let env = open.policy.require.proven_in.clone()?;
        let fresh = open.kind == RolloutKind::Release && self.demanded_of != Some(open.id);
        fresh.then(|| (open.id, open.to.name.clone(), env))
    }

    /// The best standing of a version of this name in another environment.
    async fn stands_in(&self, env: &Env, version: &VersionName) -> Result<Option<Standing>, HistoryError> {
        let target = TargetKey {
            env: env.clone(),
            service: self.history.target.service.clone(),
        };
        let Some((history, _)) = self.outside.store.load(&target).await? else {
            return Ok(None);
        };
        let named = history.versions.iter().filter(|known| known.version.name == *version);
        let mut standings = named.map(|known| known.standing);
        let last = standings.clone().next_back();
        Ok(standings.find(|standing| *standing == Standing::Proven).or(last))
    }
}
