//! The revert: read anew, decided anew, written once; whatever comes back is looked at before anything is sent again (kubernetes.md, The write).

use std::time::Duration;

use super::{
    brake::brake,
    call::{CallError, pause},
    exchange::Exchange,
    leftover::leftovers,
    object::Object,
    ownership::owner,
    patch::{self, Marks, REVERT_ID, REVERTED_AT},
    revision::same,
    seen::Seen,
    workload::Workload,
    write,
};
use crate::{
    engine::Look,
    policy::WorkloadKind,
    ports::PlatformError,
    record::{ActResult, ImageOnly, Intent},
    words::{Moment, Version},
};

/// How often a revert is decided anew where the object changes meanwhile (failures.md, K05).
pub(super) const TRIES: u32 = 5;
/// How long is waited before that, times the number of the try.
pub(super) const AGAIN: Duration = Duration::from_millis(200);
/// So many leftovers are named.
const NAMED: usize = 8;

/// What one try came to.
pub(super) enum Tried<T> {
    Ended(T),
    /// To be decided anew, for this reason.
    Again(CallError),
}

impl Workload {
    pub(super) async fn reverted(&self, intent: &Intent) -> Result<ActResult, PlatformError> {
        let mut last = None;
        for number in 1..=TRIES {
            match self.tried(intent).await? {
                Tried::Ended(result) => return Ok(result),
                Tried::Again(error) => {
                    pause(error.asked_pause().unwrap_or(AGAIN) * number).await;
                    last = Some(error);
                }
            }
        }
        match last {
            // It may still be done, or a busy server will do it later: the look that follows tells, and all is decided anew.
            Some(error @ (CallError::Unknown(_) | CallError::Busy { .. })) => Err(self.cannot("write to", &error)),
            Some(error) => Ok(ActResult::NotMoved {
                error: self.never_still(&error),
            }),
            None => Err(PlatformError("nothing was tried; report this".to_owned())),
        }
    }

    async fn tried(&self, intent: &Intent) -> Result<Tried<ActResult>, PlatformError> {
        let seen = match self.fresh().await {
            Ok(seen) => seen,
            Err(error @ (CallError::Busy { .. } | CallError::Unknown(_) | CallError::Conflict(_))) => {
                return Ok(Tried::Again(error));
            }
            Err(CallError::Absent(_)) => return Ok(Tried::Ended(ActResult::Gone)),
            Err(error) => return Ok(Tried::Ended(not_moved(self.cannot("look at", &error)))),
        };
        if another(&seen.workload, intent) {
            return Ok(Tried::Ended(ActResult::Gone));
        }
        let runs = self.identified(&seen).await?;
        if ours(&seen.workload, intent) && runs.as_ref() == Some(&intent.to) {
            let moved_at = self.marked_at(&seen.workload);
            return Ok(Tried::Ended(self.accepted(intent, &seen, &seen.workload, moved_at).await));
        }
        if runs.as_ref() != Some(&intent.from) {
            return Ok(Tried::Ended(ActResult::Superseded { runs }));
        }
        if let Some((by, found)) = brake(self.target.kind, &seen.workload) {
            return Ok(Tried::Ended(ActResult::Braked { by, found }));
        }
        let Some(to) = self.restorable(&seen, &intent.to, intent.image_only()).await? else {
            let found = gone(&intent.to);
            return Ok(Tried::Ended(ActResult::Refused { found }));
        };
        let marks = Marks {
            rollout: intent.rollout,
            at: self.clock.now(),
            fence: self.cluster.fence(),
        };
        let operations = patch::revert(self.target.kind, &seen.workload, &to, &marks);
        match self.send(operations, false).await {
            Ok(after) => {
                let moved_at = self.clock.now();
                Ok(Tried::Ended(self.accepted(intent, &seen, &after, moved_at).await))
            }
            Err(error @ CallError::Invalid(_)) => self.failed(&seen, error).await,
            Err(error @ CallError::Refused(_)) => Ok(Tried::Ended(not_moved(self.cannot("write to", &error)))),
            Err(error) => Ok(Tried::Again(error)),
        }
    }

    /// A patch that does not hold: something changed meanwhile, which is decided anew; or nothing did, and the server will not have it.
    async fn failed(&self, seen: &Seen, error: CallError) -> Result<Tried<ActResult>, PlatformError> {
        Ok(if self.is_unwelcome(&seen.workload, &error).await {
            Tried::Ended(not_moved(self.cannot("write to", &error)))
        } else {
            Tried::Again(error)
        })
    }

    /// Someone else writes to the workload all the time: lastgood gives up, which is for people.
    fn never_still(&self, error: &CallError) -> String {
        let (kind, namespace, name) = (self.target.kind.as_str(), &self.target.namespace, &self.target.name);
        format!(
            "{kind} {namespace}/{name} was another one at each of {TRIES} tries ({error}); see who writes to it with \
             `kubectl get {kind} {name} -n {namespace} -o yaml --show-managed-fields`, then go back with `lastgood rollback`"
        )
    }

    /// Whether the server will not have a patch of `workload`, which nobody changed meanwhile.
    pub(super) async fn is_unwelcome(&self, workload: &Object, error: &CallError) -> bool {
        let unchanged = match self.read().await {
            Ok(now) => now.uid() == workload.uid() && now.0.get("spec") == workload.0.get("spec"),
            Err(_) => false,
        };
        unchanged && !error.is_failed_test()
    }

    /// The template to restore: the version's own, or with its image alone the one that is there; none where nothing is left of it.
    pub(super) async fn restorable(
        &self,
        seen: &Seen,
        version: &Version,
        image: Option<&ImageOnly>,
    ) -> Result<Option<serde_json::Value>, PlatformError> {
        if let Some(only) = image {
            return Ok(Exchange::of(&seen.workload, Some(&only.container), &only.image)
                .ok()
                .map(|exchange| exchange.template));
        }
        let catalog = self.catalog().await?.lock().await;
        Ok(catalog.template(version, &seen.revisions, &self.ignored))
    }

    pub(super) async fn send(&self, operations: json_patch::Patch, dry_run: bool) -> Result<Object, CallError> {
        write::send(&self.cluster, &self.target, operations, dry_run).await
    }

    /// The patch is in force: its ownership is given up, and what remains is told.
    async fn accepted(&self, intent: &Intent, before: &Seen, after: &Object, moved_at: Moment) -> ActResult {
        let disowned = self.disowned(after).await;
        let mut told: Vec<String> = disowned.err().into_iter().collect();
        let wanted = self.restorable(before, &intent.to, intent.image_only()).await.ok().flatten();
        if let (Some(wanted), Some(found)) = (&wanted, after.template()) {
            if !same(wanted, found) {
                let error = format!(
                    "the API server made something else of the template of {}: an admission webhook or policy changes it; look at `kubectl get {} {} -n {} -o yaml`",
                    intent.to.name,
                    self.target.kind.as_str(),
                    self.target.name,
                    self.target.namespace
                );
                return ActResult::NotActivated { moved_at, error };
            }
            told.extend(
                before
                    .workload
                    .template()
                    .and_then(|bad| left_behind(&leftovers(bad, wanted))),
            );
        }
        told.extend(intent.image_only().map(|only| {
            format!(
                "only the image of {} went back, to {}; all else of the pod template stayed as it was",
                only.container, only.image
            )
        }));
        told.extend(owner(after).map(|owner| owner.sentence));
        if let Some(error) = self.by_hand(after) {
            return ActResult::NotActivated { moved_at, error };
        }
        ActResult::Applied {
            moved_at,
            activated_at: moved_at,
            detail: told.join("; "),
        }
    }

    /// Pods that no controller replaces.
    fn by_hand(&self, workload: &Object) -> Option<String> {
        let by_hand =
            self.target.kind != WorkloadKind::Deployment && workload.text("/spec/updateStrategy/type") == Some("OnDelete");
        by_hand.then(|| {
            format!(
                "the template is back, but with the strategy `OnDelete` people replace the pods: `kubectl delete pod -n {} -l {}`",
                self.target.namespace,
                super::seen::selector(workload)
            )
        })
    }

    /// Gives up what the last patch made lastgood the owner of.
    pub(super) async fn disowned(&self, after: &Object) -> Result<(), String> {
        write::disowned(&self.cluster, &self.target, after).await
    }

    pub(super) async fn looked(&self, intent: &Intent) -> Result<Look, PlatformError> {
        let seen = match self.fresh().await {
            Ok(seen) if another(&seen.workload, intent) => return Ok(Look::Gone),
            Ok(seen) => seen,
            Err(CallError::Absent(_)) => return Ok(Look::Gone),
            Err(error) => return Err(self.cannot("look at", &error)),
        };
        let runs = self.identified(&seen).await?;
        let ours = ours(&seen.workload, intent);
        if runs.as_ref() == Some(&intent.from) && !ours {
            return Ok(Look::NotBegun);
        }
        if runs.as_ref() != Some(&intent.to) || !ours {
            return Ok(Look::Other { runs });
        }
        let moved_at = self.marked_at(&seen.workload);
        // Told with the outcome when it was written; what matters now is that the next release meets no conflict.
        if let Err(because) = self.disowned(&seen.workload).await {
            tracing::warn!(%because, rollout = %intent.rollout, "after a look");
        }
        Ok(Look::Done {
            moved_at,
            activated_at: moved_at,
        })
    }

    /// There is nothing to activate on Kubernetes: what was written is in force.
    pub(super) async fn activated(&self, intent: &Intent) -> ActResult {
        match self.looked(intent).await {
            Ok(Look::Done { moved_at, .. } | Look::Moved { moved_at }) => ActResult::Applied {
                moved_at,
                activated_at: moved_at,
                detail: String::new(),
            },
            Ok(Look::Gone) => ActResult::Gone,
            Ok(Look::Other { runs }) => ActResult::Superseded { runs },
            Ok(Look::NotBegun) => ActResult::Superseded {
                runs: Some(intent.from.clone()),
            },
            Err(error) => not_moved(error),
        }
    }

    fn marked_at(&self, workload: &Object) -> Moment {
        let marked = workload.annotation(REVERTED_AT).and_then(|text| text.parse().ok());
        marked.unwrap_or_else(|| self.clock.now())
    }
}

/// Whether this is not the object that was judged, but one of its name that was made since.
fn another(workload: &Object, intent: &Intent) -> bool {
    intent.uid.as_ref().is_some_and(|uid| uid != workload.uid())
}

/// Whether the revert of this very rollout was written.
fn ours(workload: &Object, intent: &Intent) -> bool {
    workload.annotation(REVERT_ID) == Some(intent.rollout.to_string().as_str())
}

pub(super) fn gone(version: &Version) -> String {
    format!(
        "nothing is kept of the template of {} ({}), and no revision of it is left; ship it again so that it is seen",
        version.name,
        version.fingerprint.short()
    )
}

fn not_moved(error: PlatformError) -> ActResult {
    ActResult::NotMoved { error: error.0 }
}

fn left_behind(paths: &[String]) -> Option<String> {
    let named = paths.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = paths.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!paths.is_empty())
        .then(|| format!("the next apply of a release without them leaves them behind, remove them by hand then: {named}{more}"))
}
