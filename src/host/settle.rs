//! What a crash in the middle of a move left behind: finished or undone, so that a look sees a settled place.

use super::{
    link::{Place, Pointed},
    revert::remove,
};
use crate::{ports::PlatformError, record::Intent};

use rustix::{
    fs::{RenameFlags, renameat_with},
    io::Errno,
};

impl Place {
    /// Settles what was left behind. Call it with the lock held.
    ///
    /// A link of this very intent beside a `current` that points to the version to put back tells what came out of the exchange: if it
    /// was not the bad version, a person's change came out, was not inspected any more, and goes back in.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn settle(&self, intent: &Intent) -> Result<(), PlatformError> {
        let leftovers = self.leftovers()?;
        if leftovers.is_empty() {
            return Ok(());
        }
        let parent = self.open_parent()?;
        let mut own = self.temporary_prefix();
        own.push(intent.rollout.to_string());
        for name in leftovers {
            if name == own && self.holds_a_persons_change(intent)? {
                match renameat_with(&parent, &name, &parent, &self.name, RenameFlags::EXCHANGE) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(error) => {
                        return Err(PlatformError(super::trouble::sentence(
                            "exchange",
                            &self.current,
                            &error.into(),
                        )));
                    }
                }
            }
            remove(&parent, self, &name)?;
        }
        Ok(())
    }

    fn holds_a_persons_change(&self, intent: &Intent) -> Result<bool, PlatformError> {
        let mut own = self.temporary_prefix();
        own.push(intent.rollout.to_string());
        let moved = self.pointed()?.is_some_and(|current| current.name == intent.to.name);
        let ours = |out: &Pointed| out.name == intent.from.name || out.name == intent.to.name;
        // One that leads nowhere any more is a person's too.
        Ok(moved && self.follow(&own).map_or(true, |out| out.is_some_and(|out| !ours(&out))))
    }
}
