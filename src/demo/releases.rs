//! A host's release directories and its `current` link, changed as a person's deploy script would.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::Behavior;

/// One directory with `releases/VERSION/` and `current`.
#[derive(Debug, Clone)]
pub struct Releases {
    root: PathBuf,
}

impl Releases {
    /// The releases below `root`; the `releases` directory is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("releases"))?;
        Ok(Self { root: root.to_owned() })
    }

    /// The directory that holds it all, where `activate` commands run.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory that holds one directory a version.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.root.join("releases")
    }

    /// The link to the version that runs.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    /// Builds the release `version`: its `service.json`, and a file that says which version it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish(&self, version: &str, behavior: &Behavior) -> io::Result<()> {
        let incoming = self.directory().join(format!(".incoming-{version}"));
        fs::create_dir_all(&incoming)?;
        fs::write(incoming.join("VERSION"), format!("{version}\n"))?;
        fs::write(incoming.join(Behavior::FILE), serde_json::to_vec_pretty(behavior)?)?;
        fs::rename(incoming, self.directory().join(version))
    }

    /// Points `current` to `version` in one step: a new link renamed over the old one, relative as most scripts make it.
    ///
    /// # Errors
    /// When the link cannot be made or renamed.
    pub fn switch(&self, version: &str) -> io::Result<()> {
        let incoming = self.root.join(".current-incoming");
        if let Err(error) = fs::remove_file(&incoming)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        std::os::unix::fs::symlink(Path::new("releases").join(version), &incoming)?;
        fs::rename(incoming, self.current())
    }

    /// The version that `current` points to.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn points_to(&self) -> io::Result<String> {
        let target = fs::read_link(self.current())?;
        Ok(target.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_moves_current_from_one_release_to_the_next() {
        let directory = tempfile::tempdir().expect("a directory");
        let releases = Releases::create(directory.path()).expect("releases");
        for version in ["v1", "v2"] {
            releases.publish(version, &Behavior::default()).expect("published");
            releases.switch(version).expect("switched");
            assert_eq!(releases.points_to().expect("a link"), version);
            assert_eq!(Behavior::read(&releases.current()).expect("a behavior"), Behavior::default());
        }
    }
}
