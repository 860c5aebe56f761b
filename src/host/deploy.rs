//! A service's place on this host as a deploy sees it: what runs, a release on its way in, the switch, the activation.

use std::{fs, io, path::PathBuf};

use tokio_util::sync::CancellationToken;

use super::{
    activate::Activator,
    identity::blocking,
    incoming::{BeginError, Incoming, Keep},
    link::Place,
    platform::since,
    switch::Switched,
    systemd::Bus,
    trouble::sentence,
    unpack::{self, Artifact, Limits, UnpackError, Unpacked},
};
use crate::{
    policy::{Activate, ActivateBy, HostTarget},
    ports::{PlatformError, crash},
    words::{Service, VersionName},
};

/// A service's place on this host.
#[derive(Debug, Clone)]
pub struct Site {
    service: Service,
    place: Place,
    activate: Activate,
    bus: Bus,
}

/// What became of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// It runs, and did so before.
    RanAlready,
    /// It was activated; `from` is the version before, if there was one; `done` tells how.
    Activated {
        /// The version before.
        from: Option<VersionName>,
        /// What was done.
        done: String,
    },
    /// `current` points to it, and the process that serves could not be made to take it up.
    NotActivated {
        /// What was met, and what to do next.
        because: String,
    },
}

impl Site {
    /// The place that `target` describes.
    #[must_use]
    pub fn new(service: Service, target: &HostTarget) -> Self {
        Self {
            service,
            place: Place::new(target),
            activate: target.activate.clone(),
            bus: Bus::default(),
        }
    }

    /// The version that `current` points to; none while there is no link.
    ///
    /// # Errors
    /// When it cannot be told, or nothing could be switched: `current` is no link, or leads elsewhere.
    pub fn runs(&self) -> Result<Option<VersionName>, PlatformError> {
        let nothing_yet = fs::symlink_metadata(&self.place.current).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if nothing_yet {
            return Ok(None);
        }
        Ok(self.place.pointed()?.map(|pointed| pointed.name))
    }

    /// Where the release `version` is, or would be.
    #[must_use]
    pub fn release(&self, version: &VersionName) -> PathBuf {
        self.place.releases.join(version.as_str())
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// When something else is there, or it cannot be told.
    pub fn has(&self, version: &VersionName) -> Result<bool, PlatformError> {
        match self.place.open_release(version) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(PlatformError(sentence("open", &self.release(version), &error))),
        }
    }

    /// How it will be activated, for a plan.
    #[must_use]
    pub fn activation(&self) -> String {
        match &self.activate {
            Activate::Unit { unit, by } => {
                let verb = match by {
                    ActivateBy::Reload => "reload",
                    ActivateBy::Restart => "restart",
                };
                format!("{verb} {unit}")
            }
            Activate::Command { command, .. } => format!("run {}", command.join(" ")),
        }
    }

    /// The link that will be moved.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.place.current.clone()
    }

    /// Begins a deploy to `version` in the name of `holder`; what ended ones left behind is removed.
    ///
    /// # Errors
    /// When another one runs, or the directories cannot be written.
    pub async fn begin(&self, version: &VersionName, holder: &str) -> Result<Incoming, BeginError> {
        self.make_releases()?;
        let _lock = self.place.lock().await?;
        let (place, version, holder) = (self.place.clone(), version.clone(), holder.to_owned());
        blocking(move || Ok(Incoming::begin(&place, &version, &holder))).await?
    }

    /// Makes the directory of the releases, where this is the first of all.
    fn make_releases(&self) -> Result<(), PlatformError> {
        let releases = &self.place.releases;
        let above = releases.parent().unwrap_or(releases);
        let made = match fs::create_dir(releases) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => Err(error),
            Ok(()) => fs::File::open(above).and_then(|opened| opened.sync_all()),
        };
        made.map_err(|error| PlatformError(sentence("create", releases, &error)))
    }

    /// Unpacks the artifacts that were fetched, durably.
    ///
    /// # Errors
    /// Whatever an archive must not hold; what the disk says.
    pub async fn unpack(
        &self,
        incoming: &Incoming,
        artifacts: Vec<Artifact>,
        manifest: Option<String>,
        limits: Limits,
        stop: CancellationToken,
    ) -> Result<Unpacked, UnpackError> {
        let tree = incoming.tree().map_err(|error| UnpackError::Disk(error.0))?;
        let work = move || Ok(unpack::unpack(&tree, &artifacts, manifest.as_deref(), limits, &stop));
        let unpacked = blocking(work).await.map_err(|error| UnpackError::Disk(error.0))?;
        crash::point("deploy.unpacked");
        unpacked
    }

    /// Makes what was unpacked a release.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub async fn publish(&self, incoming: &Incoming) -> Result<(), PlatformError> {
        let _lock = self.place.lock().await?;
        incoming.publish()
    }

    /// Points `current` to the release and makes the service take it up.
    ///
    /// # Errors
    /// When the link cannot be moved; it is as it was, or as another person left it, then.
    pub async fn switch(&self, version: &VersionName) -> Result<Arrived, PlatformError> {
        let lock = self.place.lock().await?;
        let (place, to) = (self.place.clone(), version.clone());
        let switched = blocking(move || place.switch(&to)).await?;
        drop(lock);
        let from = match switched {
            Switched::From(from) => from,
            Switched::Already(pointed) => {
                // Since after the link was moved: it took that up. Of a command nobody can tell whether it ran to its end.
                if let Some(unit) = self.activator().unit()
                    && let Ok(state) = unit.state().await
                    && since(&state.process, pointed.moved_at).is_some()
                {
                    return Ok(Arrived::RanAlready);
                }
                Some(pointed.name)
            }
        };
        let before = from.as_ref().map_or("", VersionName::as_str);
        let done = self.activator().run(before, version.as_str()).await;
        crash::point("deploy.activated");
        Ok(match done {
            Ok((_, done)) => Arrived::Activated {
                from: from.filter(|from| from != version),
                done,
            },
            Err(because) => Arrived::NotActivated { because },
        })
    }

    const fn activator(&self) -> Activator<'_> {
        Activator {
            service: &self.service,
            place: &self.place,
            activate: &self.activate,
            bus: &self.bus,
        }
    }

    /// Ends a deploy, and leaves nothing of its way in but what `keep` says.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub async fn end(&self, incoming: Incoming, keep: Keep) -> Result<(), PlatformError> {
        let _lock = self.place.lock().await?;
        blocking(move || incoming.end(keep)).await?;
        crash::point("deploy.ended");
        Ok(())
    }
}
