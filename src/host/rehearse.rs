//! All that a revert would need, tried without doing it.

use std::path::Path;

use super::{
    identity::blocking,
    link::{Place, Pointed},
    platform::Host,
    revert::{Exchanged, Move},
    systemd::UnitFault,
};
use crate::{policy::Activate, ports::PlatformError, record::Unready, words::Version};

fn unready(name: &str, because: String) -> Unready {
    Unready {
        name: name.to_owned(),
        because,
    }
}

impl Host {
    /// What would keep a revert to `to` from working.
    pub(super) async fn rehearsed(&self, to: Option<&Version>) -> Vec<Unready> {
        let mut found = Vec::new();
        if let Err(error) = self.link_can_be_moved().await {
            found.push(unready("link_not_movable", error.0));
        }
        if let Some(version) = to
            && let Err(error) = self.identity.restorable(version).await
        {
            found.push(unready("release_not_restorable", error.0));
        }
        found.extend(self.activation_can_run().await);
        found
    }

    /// Makes a link beside `current` as a revert would, exchanges it with another one of ours, and removes both.
    async fn link_can_be_moved(&self) -> Result<(), PlatformError> {
        let lock = self.identity.place.lock().await?;
        let place = self.identity.place.clone();
        let tried = blocking(move || match place.pointed()? {
            // Missing: a moment of a person's script, the next rehearsal sees it.
            None => Ok(()),
            Some(pointed) => try_the_move(&place, &pointed),
        })
        .await;
        drop(lock);
        tried
    }

    async fn activation_can_run(&self) -> Option<Unready> {
        match (&self.activate, self.unit(), self.command("", "")) {
            (Activate::Unit { by, .. }, Some(unit), _) => {
                let fault = unit.rehearse(*by).await.err()?;
                let name = match fault {
                    UnitFault::NoSystemd(_) => "no_systemd",
                    UnitFault::NotFound(_) => "unit_not_found",
                    UnitFault::Masked(_) => "unit_masked",
                    UnitFault::CannotReload(_) => "unit_cannot_reload",
                    UnitFault::NotAllowed(_) => "unit_not_permitted",
                    _ => "unit_not_usable",
                };
                Some(unready(name, fault.to_string()))
            }
            (_, _, Some(command)) => command.program().err().map(|error| unready("command_not_found", error)),
            _ => None,
        }
    }
}

fn try_the_move(place: &Place, pointed: &Pointed) -> Result<(), PlatformError> {
    let text = Path::new(&pointed.text);
    let stand_in = Place {
        name: {
            let mut name = place.temporary_prefix();
            name.push("rehearsal");
            name
        },
        ..place.clone()
    };
    let first = Move::prepare(place, "rehearsal", text, &pointed.directory)?;
    let second = match Move::prepare(&stand_in, "rehearsal", text, &pointed.directory) {
        Ok(second) => second,
        Err(error) => {
            first.finish()?;
            return Err(error);
        }
    };
    let exchanged = second.exchange(&pointed.directory);
    second.finish()?;
    first.finish()?;
    match exchanged? {
        Exchanged::Moved => Ok(()),
        Exchanged::PutBack => Err(PlatformError(format!(
            "links beside `{}` do not stay as they are made; something else removes them",
            place.current.display()
        ))),
    }
}
