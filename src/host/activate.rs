//! Making the running process take up what `current` points to.

use super::{command::Activation, identity::blocking, link::Place, platform::Host, systemd::Bus, unit::Unit};
use crate::{
    policy::Activate,
    ports::crash,
    record::{ActResult, Intent},
    words::{Moment, Service},
};

/// What is needed to make the running process take up what `current` points to.
pub(super) struct Activator<'a> {
    /// Whose process.
    pub service: &'a Service,
    /// Its releases and its link.
    pub place: &'a Place,
    /// How.
    pub activate: &'a Activate,
    /// Where systemd is.
    pub bus: &'a Bus,
}

impl Activator<'_> {
    /// The unit, where the policy names one.
    pub fn unit(&self) -> Option<Unit> {
        match self.activate {
            Activate::Unit { unit, .. } => Some(Unit {
                bus: self.bus.clone(),
                name: unit.clone(),
            }),
            Activate::Command { .. } => None,
        }
    }

    /// The command, where the policy names one.
    pub fn command(&self, from: &str, to: &str) -> Option<Activation> {
        let Activate::Command { command, timeout } = self.activate else {
            return None;
        };
        Some(Activation {
            command: command.clone(),
            directory: self.place.parent.clone(),
            timeout: *timeout,
            environment: vec![
                ("LASTGOOD_SERVICE", self.service.as_str().into()),
                ("LASTGOOD_FROM", from.into()),
                ("LASTGOOD_TO", to.into()),
                ("LASTGOOD_RELEASE", self.place.releases.join(to).into()),
            ],
        })
    }

    /// Does it: since when it is active, where that is known, and what was done.
    ///
    /// # Errors
    /// What was met, and what to do next.
    pub async fn run(&self, from: &str, to: &str) -> Result<(Option<Moment>, String), String> {
        match (self.activate, self.unit(), self.command(from, to)) {
            (Activate::Unit { by, .. }, Some(unit), _) => unit.activate(*by).await.map_err(|fault| fault.to_string()),
            (_, _, Some(command)) => command.run().await.map(|output| (None, output)),
            _ => Err("the policy names neither a unit nor a command".to_owned()),
        }
    }
}

impl Host {
    const fn activator(&self) -> Activator<'_> {
        Activator {
            service: &self.identity.key.service,
            place: &self.identity.place,
            activate: &self.activate,
            bus: &self.bus,
        }
    }

    /// The unit, where the policy names one.
    pub(super) fn unit(&self) -> Option<Unit> {
        self.activator().unit()
    }

    /// The command, where the policy names one.
    pub(super) fn command(&self, from: &str, to: &str) -> Option<Activation> {
        self.activator().command(from, to)
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
        let (from, to) = (intent.from.name.as_str(), intent.to.name.as_str());
        let done = self.activator().run(from, to).await;
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
