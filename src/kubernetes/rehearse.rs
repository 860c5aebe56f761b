//! All that a revert would need, tried without doing it: the right to patch, the template to restore, and the patch itself as a dry run.

use super::{
    brake::brake,
    call::CallError,
    patch::{self, Marks},
    resource::Resource,
    revert::gone,
    seen::Seen,
    workload::Workload,
};
use crate::{
    ports::PlatformError,
    record::{ImageOnly, Unready},
    words::{RolloutId, Version},
};

fn unready(name: &str, because: String) -> Unready {
    Unready {
        name: name.to_owned(),
        because,
    }
}

impl Workload {
    /// What would keep a revert to `to`, or to it by its image alone, from working.
    pub(super) async fn rehearsed(&self, to: Option<&Version>, image: Option<&ImageOnly>) -> Vec<Unready> {
        let seen = match self.fresh().await {
            Ok(seen) => seen,
            Err(error @ CallError::Absent(_)) => return vec![unready("workload_not_found", self.cannot("look at", &error).0)],
            Err(error) => return vec![unready("cluster_not_usable", self.cannot("look at", &error).0)],
        };
        let mut found = Vec::new();
        found.extend(brake(self.target.kind, &seen.workload).map(|(_, because)| unready("braked", because)));
        let permitted = self.permitted().await;
        let may = permitted.is_none();
        found.extend(permitted);
        if may {
            found.extend(self.tried_dry(&seen, to, image).await);
        }
        found
    }

    async fn permitted(&self) -> Option<Unready> {
        let resource = Resource::of(self.target.kind);
        let place = (self.target.namespace.as_str(), self.target.name.as_str());
        match self.cluster.calls.may("patch", resource, place).await {
            Ok(true) => None,
            Ok(false) => Some(unready(
                "not_permitted",
                format!(
                    "{} {}/{} may not be patched; give the role in {} the verb `patch` on `{}` of the group `{}`: lastgood has it by what \
                     `deploy/kubernetes` lists, people by the ClusterRole `edit`",
                    self.target.kind.as_str(),
                    self.target.namespace,
                    self.target.name,
                    self.target.namespace,
                    resource.plural(),
                    resource.group()
                ),
            )),
            Err(error) => Some(unready("cluster_not_usable", self.cannot("ask for rights on", &error).0)),
        }
    }

    /// The patch that a revert would send; where nothing is known to go back to, one that would change nothing but marks.
    async fn tried_dry(&self, seen: &Seen, to: Option<&Version>, image: Option<&ImageOnly>) -> Option<Unready> {
        let template = match to {
            Some(version) => match self.restorable(seen, version, image).await {
                Ok(Some(template)) => template,
                Ok(None) => return Some(unready("release_not_restorable", gone(version))),
                Err(PlatformError(because)) => return Some(unready("release_not_restorable", because)),
            },
            None => seen.workload.template()?.clone(),
        };
        let marks = Marks {
            rollout: RolloutId::new(uuid::Uuid::nil()),
            at: self.clock.now(),
            fence: self.cluster.fence(),
        };
        let operations = patch::revert(self.target.kind, &seen.workload, &template, &marks);
        match self.send(operations, true).await {
            // Someone changed it in this very moment: the next rehearsal sees it.
            Err(error) if error.is_failed_test() => None,
            Err(error) => Some(unready("patch_refused", self.cannot("try a patch of", &error).0)),
            Ok(_) => None,
        }
    }
}
