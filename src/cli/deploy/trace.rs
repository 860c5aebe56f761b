//! What a deploy leaves in the audit: that it began, and how it ended.

use super::Args;
use crate::{
    cli::{Common, Exit, cluster::InCluster, noting, output},
    explain::clean,
    host::{Arrived, Site},
    policy::Policy,
    ports::{Note, NotedAction},
    words::{TargetKey, VersionName},
};

/// One deploy, for the audit.
pub(super) struct Trace<'a> {
    common: &'a Common,
    args: &'a Args,
    target: TargetKey,
    from: Option<VersionName>,
}

impl<'a> Trace<'a> {
    pub fn new(common: &'a Common, args: &'a Args, policy: &Policy, site: &Site) -> Self {
        Self {
            common,
            args,
            target: policy.key(),
            // Why it cannot be told is the deploy's to say.
            from: site.runs().unwrap_or_default(),
        }
    }

    /// It begins: by whom and why stands there whatever becomes of it.
    pub async fn begun(&self) {
        let forced = if self.args.force { " (--force)" } else { "" };
        self.note(format!("{}{forced}", self.way()), &self.args.reason).await;
    }

    /// The link points to it.
    pub async fn arrived(&self, arrived: &Arrived) {
        let to = &self.args.to;
        let (what, why) = match arrived {
            Arrived::RanAlready => (format!("{to} runs already: nothing was changed"), ""),
            Arrived::Activated { done, .. } => (format!("{to} runs"), done.as_str()),
            Arrived::NotActivated { because } => (format!("{to}: moved, and not activated"), because.as_str()),
        };
        self.note(what, why).await;
    }

    /// What runs was not changed. A command that was written wrongly is nobody's deed.
    pub async fn refused(&self, because: &anyhow::Error) {
        if self.args.dry_run || output::exit_of(because) == Exit::Usage {
            return;
        }
        let deed = (NotedAction::Deploy, self.way());
        let because = clean(&format!("{because:#}"));
        noting::refused(
            (self.common, &InCluster::default()),
            self.target.clone(),
            deed,
            &self.args.reason,
            &because,
        )
        .await;
    }

    fn way(&self) -> String {
        let to = &self.args.to;
        self.from
            .as_ref()
            .filter(|from| *from != to)
            .map_or_else(|| to.to_string(), |from| format!("{from} -> {to}"))
    }

    async fn note(&self, what: String, why: &str) {
        let note = Note {
            target: self.target.clone(),
            action: NotedAction::Deploy,
            what,
            why: clean(why.trim()),
            refused: false,
        };
        noting::note((self.common, &InCluster::default()), note).await;
    }
}
