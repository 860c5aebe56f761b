//! The closed lists that are stored and published: standings, verdicts, outcomes.

use serde::{Deserialize, Serialize};

/// Where a version stands (product.md, Standing of a version).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Being judged, or ended inconclusive.
    Unproven,
    /// It ran when lastgood first saw the target.
    Assumed,
    /// Healthy when a newer rollout replaced it.
    Passed,
    /// Healthy after `watch.proveAfter`, or soaked, or a person said so.
    Proven,
    /// Reverted once, or condemned by a person: never gone back to.
    Quarantined,
}

/// What the evidence says of a rollout (product.md, Verdicts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Worse than the policy allows. Final.
    Regression,
    /// Good so far; the watch goes on.
    Healthy,
    /// Watched to the end, not enough evidence either way.
    Inconclusive,
    /// The data were not fit to judge.
    Blind,
}

/// How an act, or the refusal of one, ended (product.md, The life of a rollout). A closed list, stored and public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The last good version was put back; being verified.
    Reverted,
    /// Put back, active, and the metric recovered.
    Verified,
    /// Put back, but the service is still bad.
    DidNotHelp,
    /// The act failed.
    Failed,
    /// The act was accepted but cannot complete without a person.
    Stuck,
    /// A guard refused; the record names it.
    Refused,
    /// Not known yet; being looked at.
    Unknown,
    /// A newer rollout replaced it first.
    Superseded,
    /// A person went back before, or instead of, lastgood.
    ReturnedByPerson,
    /// A quarantined version was shipped again.
    Contested,
    /// The target is gone.
    Gone,
    /// A rolling update is paused until the verdict.
    Held,
    /// A held rolling update goes on.
    Released,
}

macro_rules! spelled {
    ($name:ident: $($variant:ident = $text:literal),+ $(,)?) => {
        impl $name {
            /// The word as it is stored, published and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

spelled!(Standing: Unproven = "unproven", Assumed = "assumed", Passed = "passed", Proven = "proven", Quarantined = "quarantined");
spelled!(Verdict: Regression = "regression", Healthy = "healthy", Inconclusive = "inconclusive", Blind = "blind");
spelled!(Outcome: Reverted = "reverted", Verified = "verified", DidNotHelp = "did_not_help", Failed = "failed", Stuck = "stuck",
    Refused = "refused", Unknown = "unknown", Superseded = "superseded", ReturnedByPerson = "returned_by_person",
    Contested = "contested", Gone = "gone", Held = "held", Released = "released");
