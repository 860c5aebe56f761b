//! Making the running process take up what `current` points to.

use super::{command::Activation, identity::blocking, platform::Host, unit::Unit};
use crate::{
    policy::Activate,
    ports::crash,
    record::{ActResult, Intent},
    words::Moment,
};

impl Host {
    /// The unit, where the policy names one.
    pub(super) fn unit(&self) -> Option<Unit> {
        match &self.activate {
            Activate::Unit { unit, .. } => Some(Unit {
                bus: self.bus.clone(),
                name: unit.clone(),
            }),
            Activate::Command { .. } => None,
        }
    }

    /// The command, where the policy names one.
    pub(super) fn command(&self, from: &str, to: &str) -> Option<Activation> {
        let Activate::Command { command, timeout } = &self.activate else {
            return None;
        };
        let place = &self.identity.place;
        Some(Activation {
            command: command.clone(),
            directory: place.parent.clone(),
            timeout: *timeout,
            environment: vec![
                ("LASTGOOD_SERVICE", self.identity.key.service.as_str().into()),
                ("LASTGOOD_FROM", from.into()),
                ("LASTGOOD_TO", to.into()),
                ("LASTGOOD_RELEASE", place.releases.join(to).into()),
            ],
        })
    }

    /// Activates what `current` points to, if that is the version to put back.
    pub(super) async fn activate_moved(&self, intent: &Intent) -> ActResult {
        let place = self.identity.place.clone();
        let pointed = match blocking(move || place.pointed()).await {
            Ok(Some(pointed)) => pointed,
            Ok(None) => return ActResult::Superseded { runs: None },
            // It was moved before this was called: only that it serves is not known.
            Err(error) => {
                let moved_at = self.clock.now();
                return ActResult::NotActivated {
                    moved_at,
                    error: error.0,
                };
            }
        };
        match self.identity.of(&pointed).await {
            Ok((runs, _)) if runs == intent.to => self.activate_now(intent, pointed.moved_at).await,
            Ok((runs, _)) => ActResult::Superseded { runs: Some(runs) },
            Err(error) => ActResult::NotActivated {
                moved_at: pointed.moved_at,
                error: error.0,
            },
        }
    }

    async fn activate_now(&self, intent: &Intent, moved_at: Moment) -> ActResult {
        let done = match (
            &self.activate,
            self.unit(),
            self.command(intent.from.name.as_str(), intent.to.name.as_str()),
        ) {
            (Activate::Unit { by, .. }, Some(unit), _) => unit.activate(*by).await.map_err(|fault| fault.to_string()),
            (_, _, Some(command)) => command.run().await.map(|output| (None, output)),
            _ => Err("the policy names neither a unit nor a command".to_owned()),
        };
        crash::point("host.activated");
        match done {
            Ok((activated_at, detail)) => ActResult::Applied {
                moved_at,
                activated_at: activated_at.unwrap_or_else(|| self.clock.now()),
                detail,
            },
            Err(error) => ActResult::NotActivated { moved_at, error },
        }
    }
}
