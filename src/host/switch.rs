//! A person's move of `current` to another release: by the same exchange as a revert's, or the first link of all.

use std::path::PathBuf;

use rustix::{
    fs::{RenameFlags, fsync, renameat_with, symlinkat},
    io::Errno,
};

use super::{
    link::{Place, Pointed, dir_id},
    revert::{Exchanged, Move, remove},
    trouble::sentence,
};
use crate::{
    ports::{PlatformError, crash},
    words::VersionName,
};

/// What a deploy's own link beside `current` is called.
pub(super) const LABEL: &str = "deploy";

/// What became of `current`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Switched {
    /// It pointed there already.
    Already(Pointed),
    /// It pointed to this version before; none: it was made.
    From(Option<VersionName>),
}

impl Place {
    /// Points `current` to `version`. Call it with the lock held.
    ///
    /// # Errors
    /// When it cannot be moved, or a person moved it meanwhile; it is as it was, or as they left it, then.
    pub fn switch(&self, version: &VersionName) -> Result<Switched, PlatformError> {
        let shown = self.releases.join(version.as_str());
        let opened = self
            .open_release(version)
            .map_err(|error| PlatformError(sentence("open", &shown, &error)))?;
        let directory = dir_id(&opened).map_err(|error| PlatformError(sentence("look at", &shown, &error)))?;
        let Some(replaced) = self.pointed()? else {
            self.first_link(version)?;
            return Ok(Switched::From(None));
        };
        if replaced.directory.is(&directory) {
            return Ok(Switched::Already(replaced));
        }
        let prepared = Move::prepare(self, LABEL, &self.text_like(&replaced, version), &directory)?;
        crash::point("deploy.link");
        let exchanged = prepared.exchange(&replaced.directory);
        crash::point("deploy.exchanged");
        let finished = prepared.finish();
        crash::point("deploy.switched");
        match (exchanged?, finished) {
            // Moved is moved, also where the disk does not promise to remember it.
            (Exchanged::Moved, _) => Ok(Switched::From(Some(replaced.name))),
            (Exchanged::PutBack, _) => Err(self.meanwhile()),
        }
    }

    fn meanwhile(&self) -> PlatformError {
        PlatformError(format!(
            "someone else moved `{}` in this very moment, and it is as they left it; look where it points to, then try again",
            self.current.display()
        ))
    }

    /// Makes `current`, where there is none: beside it, then renamed, so that it is never there half.
    fn first_link(&self, version: &VersionName) -> Result<(), PlatformError> {
        let parent = self.open_parent()?;
        let mut temporary = self.temporary_prefix();
        temporary.push(LABEL);
        let path = self.parent.join(&temporary);
        let text: PathBuf = self.way_to_releases().join(version.as_str());
        symlinkat(&text, &parent, &temporary).map_err(|error| PlatformError(sentence("create", &path, &error.into())))?;
        crash::point("deploy.link");
        let renamed = renameat_with(&parent, &temporary, &parent, &self.name, RenameFlags::NOREPLACE);
        crash::point("deploy.exchanged");
        match renamed {
            Ok(()) => {}
            Err(error) => {
                remove(&parent, self, &temporary)?;
                return Err(match error {
                    Errno::EXIST => self.meanwhile(),
                    error => PlatformError(sentence("create", &self.current, &error.into())),
                });
            }
        }
        // Made is made, as above.
        let _ = fsync(&parent);
        crash::point("deploy.switched");
        Ok(())
    }
}
