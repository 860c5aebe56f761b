//! A link beside `current` that follows the newest proven version: moved as `current` is, under the same lock.

use super::{identity::blocking, link::Place, platform::Host, revert::remove, switch::Switched};
use crate::{ports::PlatformError, record::MarkResult, words::VersionName};

impl Host {
    /// Points the link `name` beside `current` to `to`; with `only_from` nothing is moved where it points elsewhere.
    pub(super) async fn marked(
        &self,
        name: &str,
        to: &VersionName,
        only_from: Option<&VersionName>,
    ) -> Result<MarkResult, PlatformError> {
        let lock = self.identity.place.lock().await?;
        let place = self.identity.place.beside(name);
        let (to, only_from) = (to.clone(), only_from.cloned());
        let marked = blocking(move || place.mark(&to, only_from.as_ref())).await;
        drop(lock);
        marked
    }
}

impl Place {
    /// The same place, with the link `name` in the place of `current`.
    fn beside(&self, name: &str) -> Self {
        Self {
            current: self.parent.join(name),
            name: name.into(),
            ..self.clone()
        }
    }

    fn mark(&self, to: &VersionName, only_from: Option<&VersionName>) -> Result<MarkResult, PlatformError> {
        // What a process that was killed left behind; under the lock it is nobody's.
        let parent = self.open_parent()?;
        for leftover in self.leftovers()? {
            remove(&parent, self, &leftover)?;
        }
        let found = self.pointed()?.map(|pointed| pointed.name);
        if found.as_ref() != Some(to) && only_from.is_some_and(|from| found.as_ref() != Some(from)) {
            let found = found.map(|found| found.to_string());
            return Ok(MarkResult::Theirs { found });
        }
        if self
            .open_release(to)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        {
            let path = self.releases.join(to.as_str());
            let because = format!("`{}` is gone: deploy {to} again", path.display());
            return Ok(MarkResult::Impossible { because });
        }
        Ok(match self.switch(to)? {
            Switched::Already(_) => MarkResult::Already,
            Switched::From(from) => MarkResult::Moved {
                from: from.map(|from| from.to_string()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

    use super::*;
    use crate::policy::{Activate, HostTarget};

    fn site() -> (tempfile::TempDir, Place) {
        let directory = tempfile::TempDir::new().expect("a directory");
        for version in ["v1", "v2", "v3"] {
            fs::create_dir_all(directory.path().join("releases").join(version)).expect("a release");
        }
        symlink("releases/v3", directory.path().join("current")).expect("a link");
        let place = Place::new(&HostTarget {
            releases: directory.path().join("releases"),
            current: directory.path().join("current"),
            activate: Activate::Command {
                command: vec!["true".to_owned()],
                timeout: Duration::from_secs(1),
            },
        });
        let beside = place.beside("stable");
        (directory, beside)
    }

    fn mark(place: &Place, to: &str, only_from: Option<&str>) -> Result<MarkResult, String> {
        let name = |text: &str| text.parse::<VersionName>().expect("a version");
        let from = only_from.map(name);
        place.mark(&name(to), from.as_ref()).map_err(|error| error.0)
    }

    #[test]
    fn a_link_beside_current_is_made_moved_and_left_to_whoever_moved_it() {
        let (directory, place) = site();
        let moved = |from: Option<&str>| {
            Ok(MarkResult::Moved {
                from: from.map(str::to_owned),
            })
        };
        assert_eq!(mark(&place, "v1", None), moved(None));
        assert_eq!(mark(&place, "v1", Some("v2")), Ok(MarkResult::Already));
        // A process that was killed in mid-move left its link behind.
        symlink("releases/v3", directory.path().join(".stable.lastgood-deploy")).expect("a link");
        assert_eq!(mark(&place, "v2", None), moved(Some("v1")));
        let found = Some("v2".to_owned());
        assert_eq!(mark(&place, "v1", Some("v3")), Ok(MarkResult::Theirs { found }));
        assert_eq!(mark(&place, "v1", Some("v2")), moved(Some("v2")));
        let links = |name: &str| fs::read_link(directory.path().join(name)).expect("a link");
        assert_eq!(
            (links("stable").as_path(), links("current").as_path()),
            (Path::new("releases/v1"), Path::new("releases/v3"))
        );
        let names = fs::read_dir(directory.path()).expect("a directory").count();
        assert_eq!(names, 3, "nothing else is left");
    }

    #[test]
    fn a_release_that_is_gone_is_said_and_what_is_no_link_is_left_alone() {
        let (directory, place) = site();
        let gone = directory.path().join("releases/v9");
        let because = format!("`{}` is gone: deploy v9 again", gone.display());
        assert_eq!(mark(&place, "v9", None), Ok(MarkResult::Impossible { because }));
        fs::write(directory.path().join("stable"), "a person's notes").expect("a file");
        let met = mark(&place, "v1", None).expect_err("no link");
        assert!(met.contains("is not a symlink"), "{met}");
        assert_eq!(
            fs::read_to_string(directory.path().join("stable")).expect("a file"),
            "a person's notes"
        );
    }
}
