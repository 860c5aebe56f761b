//! What goes into the audit: every act, word, switch, policy and refusal, in the step that makes it so.

use super::draft::Draft;
use crate::{
    decide::Decision,
    manifest::Manifest,
    policy::Policy,
    record::{ActResult, Action, Deed, Happened, Hold, InForce, Mark, ProofBasis, Record},
    words::{Actor, Standing, Version},
};

/// Characters of a reason that was found, not said: outputs of commands may be long.
const FOUND: usize = 500;

impl Draft<'_> {
    /// Adds a deed to the target's chain.
    pub fn audit(&mut self, deed: Deed) {
        let chain = self.history.target.to_string();
        self.history.audit.add(&chain, self.now, deed);
    }

    fn deed(&self, by: Option<&Actor>, action: Action, what: String) -> Deed {
        Deed {
            by: by.cloned().unwrap_or_else(|| Actor("lastgood".to_owned())),
            origin: self.context.origin.to_owned(),
            action,
            what,
            why: String::new(),
            refused: false,
            rollout: None,
        }
    }

    /// Adds what happened in a rollout's life, where it is a deed.
    pub fn audit_happened(&mut self, record: &Record, what: &Happened) {
        let to = &record.to.name;
        let mut deed = match what {
            Happened::Judged { verdict } => self.deed(None, Action::Verdict, format!("{to}: {verdict}")),
            Happened::Approved { by } => self.deed(Some(by), Action::Approve, format!("to go back from {to}")),
            Happened::Settled { outcome } => self.deed(None, Action::Outcome, format!("{to}: {outcome}")),
            Happened::Acted { result } => acted(self.deed(None, Action::Act, String::new()), result),
            Happened::Intended => self.intended(record),
            Happened::Decided => match &record.decision {
                Some(Decision::Refuse { guard }) => Deed {
                    why: guard.name().to_owned(),
                    refused: true,
                    ..self.deed(None, Action::Decision, format!("to go back from {to}"))
                },
                Some(Decision::Propose { to: back, .. }) => {
                    self.deed(None, Action::Decision, format!("{to} -> {}: a person is asked", back.name))
                }
                Some(Decision::AlertOnly) => self.deed(None, Action::Decision, format!("{to}: only an alert is wanted")),
                // The intent follows in the same step.
                Some(Decision::Revert { .. }) | None => return,
            },
            _ => return,
        };
        deed.rollout = Some(record.id);
        self.audit(deed);
    }

    fn intended(&self, record: &Record) -> Deed {
        if let Some((intent, ordered)) = record.intent.as_ref().zip(record.ordered()) {
            return Deed {
                why: ordered.reason.clone(),
                ..self.deed(
                    Some(&ordered.by),
                    Action::Rollback,
                    format!("{} -> {}", intent.from.name, intent.to.name),
                )
            };
        }
        let back = match &record.decision {
            Some(Decision::Revert { to, .. }) => to.name.as_str(),
            _ => "?",
        };
        self.deed(None, Action::Revert, format!("{} -> {back}", record.to.name))
    }

    /// Adds that a version stands elsewhere: by a person's word, or by what was found.
    pub fn audit_standing(&mut self, version: &Version, standing: Standing, basis: &ProofBasis) {
        let what = format!("{}: {standing}", version.name);
        let deed = match basis {
            ProofBasis::Person { by, reason } => Deed {
                why: reason.clone(),
                ..self.deed(Some(by), Action::Release, what)
            },
            _ => self.deed(None, Action::Standing, what),
        };
        self.audit(deed);
    }

    /// Adds what shall become, or became, of a mark.
    pub fn audit_mark(&mut self, mark: &Mark, what: String, why: String, refused: bool) {
        let deed = Deed {
            why: why.chars().take(FOUND).collect(),
            refused,
            ..self.deed(None, Action::Mark, format!("{} {} {what}", mark.kind.noun(), mark.name))
        };
        self.audit(deed);
    }

    /// Adds what became of a hold.
    pub fn audit_hold(&mut self, hold: &Hold, by: Option<&Actor>, what: &str, why: &str) {
        let deed = Deed {
            why: why.chars().take(FOUND).collect(),
            rollout: Some(hold.rollout),
            ..self.deed(by, Action::Hold, format!("{}: {what}", hold.version.name))
        };
        self.audit(deed);
    }

    /// Adds that a person switched lastgood off for this target, or on again.
    pub fn audit_switch(&mut self, off: bool, by: &Actor, reason: &str) {
        let action = if off { Action::Freeze } else { Action::Unfreeze };
        let target = self.history.target.to_string();
        let deed = Deed {
            why: reason.to_owned(),
            ..self.deed(Some(by), action, target)
        };
        self.audit(deed);
    }
}

fn acted(deed: Deed, result: &ActResult) -> Deed {
    let (what, why) = match result {
        ActResult::Applied { detail, .. } => ("moved and activated", detail.as_str()),
        ActResult::Superseded { .. } => ("nothing was changed: something else runs", ""),
        ActResult::Gone => ("nothing was changed: the workload is gone", ""),
        ActResult::Refused { found } | ActResult::Braked { found, .. } => ("nothing was changed", found.as_str()),
        ActResult::NotMoved { error } => ("not moved", error.as_str()),
        ActResult::NotActivated { error, .. } => ("moved, and not activated", error.as_str()),
    };
    Deed {
        what: what.to_owned(),
        why: why.chars().take(FOUND).collect(),
        ..deed
    }
}

/// A release that was recorded, audited with it.
pub(super) fn recorded(draft: &mut Draft<'_>, manifest: &Manifest, by: &Actor) {
    draft.history.record(manifest, by, draft.context.origin, draft.now);
}

/// No policy is in force: nobody shall take the target for one that is guarded.
pub(super) fn unguarded(draft: &mut Draft<'_>) {
    draft.history.in_force = None;
}

/// The policy in force, as it is read now: noted where it is another one than before.
pub(super) fn policy_is(draft: &mut Draft<'_>, policy: &Policy, by: &Actor, home: Option<&str>) {
    let mode = policy.mode.min(draft.context.fleet.mode);
    draft.history.in_force = Some(Box::new(InForce {
        policy: Policy { mode, ..policy.clone() },
        home: home.map(str::to_owned),
    }));
    let hash = &policy.hash;
    if draft.history.policy.as_ref() == Some(hash) {
        return;
    }
    let what = match draft.history.policy.replace(hash.clone()) {
        Some(before) => format!("{} -> {}", before.short(), hash.short()),
        None => format!("{} came into force", hash.short()),
    };
    let deed = draft.deed(Some(by), Action::Policy, what);
    draft.audit(deed);
}
