//! The guards between a wanted revert and the act, tried in the order of [`Guard`]; the first that refuses is the answer.

use std::time::Duration;

use super::{Decision, Fleet, Guard, Past};
use crate::{
    policy::{Mode, OnRegression, Policy},
    words::{Moment, Standing, Version},
};

/// How long a proposal waits for a person.
pub const APPROVAL_TIME: Duration = Duration::from_secs(30 * 60);

/// What follows from a wanted revert of `past.candidate` at `now`. The more cautious of the policy's mode and the fleet's counts.
#[must_use]
pub fn decide(policy: &Policy, past: &Past, fleet: &Fleet, now: Moment) -> Decision {
    if policy.on_regression == OnRegression::Alert {
        return Decision::AlertOnly;
    }
    match brakes(policy, past, fleet).and_then(|()| good_target(policy, past, now)) {
        Err(guard) => Decision::Refuse { guard },
        Ok((to, standing)) => match budgets(policy, past, fleet) {
            Err(guard) => Decision::Refuse { guard },
            Ok(()) if policy.mode.min(fleet.mode) == Mode::Propose => Decision::Propose {
                to,
                standing,
                until: now.plus(APPROVAL_TIME),
            },
            Ok(()) => Decision::Revert { to, standing },
        },
    }
}

/// A newer rollout, and every way a person has to say "not now".
fn brakes(policy: &Policy, past: &Past, fleet: &Fleet) -> Result<(), Guard> {
    if past.runs.as_ref() != Some(&past.candidate) {
        return Err(Guard::Superseded { runs: past.runs.clone() });
    }
    if let Some(freeze) = &past.off {
        return Err(Guard::Off { freeze: freeze.clone() });
    }
    if policy.mode.min(fleet.mode) == Mode::Observe {
        return Err(Guard::Observe);
    }
    if let Some(freeze) = &fleet.frozen {
        return Err(Guard::Frozen { freeze: freeze.clone() });
    }
    match &past.irreversible {
        Some(reason) => Err(Guard::Irreversible { reason: reason.clone() }),
        None => Ok(()),
    }
}

/// The version to go back to, if it is good enough.
fn good_target(policy: &Policy, past: &Past, now: Moment) -> Result<(Version, Standing), Guard> {
    let (version, standing, last_ran) = past
        .last_good
        .as_ref()
        .filter(|(version, _, _)| *version != past.candidate)
        .ok_or(Guard::NoLastGood)?;
    match standing {
        Standing::Quarantined => {
            return Err(Guard::Quarantined {
                version: version.clone(),
            });
        }
        Standing::Unproven => return Err(Guard::NoLastGood),
        Standing::Assumed | Standing::Passed | Standing::Proven => {}
    }
    let age = now.since(*last_ran);
    if age > policy.revert.max_age {
        return Err(Guard::TooOld {
            version: version.clone(),
            age,
            allowed: policy.revert.max_age,
        });
    }
    let minimum = policy.revert.min_version.as_ref();
    if let Some(minimum) = minimum.filter(|minimum| version.name.order() < minimum.order()) {
        return Err(Guard::BelowMinimum {
            version: version.clone(),
            minimum: minimum.clone(),
        });
    }
    Ok((version.clone(), *standing))
}

fn budgets(policy: &Policy, past: &Past, fleet: &Fleet) -> Result<(), Guard> {
    if past.reverts_last_hour >= policy.limits.reverts_per_hour {
        return Err(Guard::ServiceBudget {
            spent: past.reverts_last_hour,
            allowed: policy.limits.reverts_per_hour,
        });
    }
    if fleet.reverts_last_hour >= fleet.reverts_per_hour {
        return Err(Guard::FleetBudget {
            spent: fleet.reverts_last_hour,
            allowed: fleet.reverts_per_hour,
        });
    }
    Ok(())
}
