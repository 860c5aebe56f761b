//! `lastgood manifest` in a real repository: what git says, what was built, and that `record` takes it.

use std::process::Command;

use lastgood::manifest::{self, Manifest};

use super::home::{Home, Said};

/// A repository with one commit and a lock file that no compiler of this machine belongs to.
struct Repository(Home);

impl Repository {
    fn new() -> Self {
        let repository = Self(Home::new("http://127.0.0.1:9"));
        repository.0.write("Gemfile.lock", "GEM\n");
        repository.0.write("main.rb", "puts 1\n");
        repository.0.write(".gitignore", "dist\nhistory.db*\n");
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit();
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Test",
                "-c",
                "user.email=test@example.com",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(self.0.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "more"]);
    }

    fn says(&self, arguments: &[&str]) -> Said {
        self.0.lastgood(&[&["manifest"], arguments].concat())
    }

    fn manifest(&self, arguments: &[&str]) -> Manifest {
        let said = self.says(arguments);
        assert_eq!(said.code, 0, "{}", said.err);
        manifest::parse(&said.out, "stdout").unwrap_or_else(|errors| panic!("{errors}"))
    }
}

#[test]
fn the_version_is_what_git_describes() {
    let repository = Repository::new();
    let version = || repository.manifest(&[]).version.to_string();
    let hash = repository.git(&["rev-parse", "--short", "HEAD"]);
    assert_eq!(version(), hash, "no tag yet");
    repository.git(&["tag", "v1.2.3"]);
    assert_eq!(version(), "v1.2.3");
    repository.0.write("main.rb", "puts 2\n");
    assert_eq!(version(), "v1.2.3-dirty");
    assert!(repository.says(&[]).err.contains("built from files that no commit has"));
    repository.commit();
    let ahead = version();
    assert!(ahead.starts_with("v1.2.3-1-g"), "{ahead}");
    assert_eq!(repository.manifest(&[]).commit, repository.git(&["rev-parse", "HEAD"]));
}

#[test]
fn what_was_built_and_what_it_was_built_from_is_digested() {
    let repository = Repository::new();
    repository.0.write("dist/my app.tar.gz", "abc");
    repository.0.write("dist/myapp", "");
    let manifest = repository.manifest(&[
        "--artifact",
        "dist/my app.tar.gz",
        "--url",
        "https://builds.example/v1/",
        "--passed-smoke-test",
        "--changelog",
        "faster",
        "--built-at",
        "2026-11-24T18:00:00Z",
        "--os",
        "linux",
        "--arch",
        "aarch64",
    ]);
    let [artifact] = manifest.artifacts.as_slice() else {
        panic!("{manifest:?}")
    };
    // The digest of `abc` in FIPS 180-2.
    assert_eq!(
        artifact.sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!((artifact.name.as_str(), artifact.size), ("my app.tar.gz", 3));
    assert_eq!(artifact.url.as_deref(), Some("https://builds.example/v1/my%20app.tar.gz"));
    assert_eq!(manifest.lock_files[0].path, "Gemfile.lock");
    assert_eq!(manifest.built_at.to_string(), "2026-11-24T18:00:00Z");
    assert_eq!(
        manifest.toolchain.as_ref().map(|toolchain| toolchain.arch.as_str()),
        Some("aarch64")
    );
    assert!(manifest.passed_smoke_test && manifest.changelog.as_deref() == Some("faster"));

    let empty = repository.says(&["--artifact", "dist/myapp", "--image", "myapp:v1"]);
    assert_eq!(empty.code, 2);
    assert!(
        empty.err.contains("artifacts[0].size: an empty file is no artifact"),
        "{}",
        empty.err
    );
    assert!(empty.err.contains("image `myapp:v1` is not allowed"), "{}", empty.err);
    let missing = repository.says(&["--artifact", "dist/none"]);
    assert_eq!(
        (missing.code, missing.err.contains("cannot read dist/none")),
        (2, true),
        "{}",
        missing.err
    );
}

#[test]
fn what_is_written_to_a_file_is_recorded_and_shown() {
    let repository = Repository::new();
    repository.git(&["tag", "v2"]);
    let written = repository.says(&["--service", "myapp", "--env", "prod", "-O", "release.json"]);
    assert_eq!((written.code, written.out.as_str(), written.err.as_str()), (0, "", ""));
    let recorded = repository.0.lastgood(&["record", "release.json"]);
    assert!(recorded.err.contains("v2 of myapp (prod) is recorded"), "{}", recorded.err);
    assert!(repository.0.lastgood(&["releases", "myapp"]).out.contains("not passed"));
}

#[test]
fn outside_of_a_repository_version_and_commit_are_asked_for() {
    let home = Home::new("http://127.0.0.1:9");
    let said = home.lastgood(&["manifest"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("name --version and --commit"), "{}", said.err);
    let said = home.lastgood(&["manifest", "--version", "v1", "--commit", "abc1234"]);
    assert_eq!(said.code, 0, "{}", said.err);
}
