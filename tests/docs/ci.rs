//! The pipelines under docs/ci are run as they stand, with a `docker` and an `ssh` that only pretend: what they record is listed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Answers what the pipelines ask docker; whatever `docker cp` copies is one file.
const DOCKER: &str = r#"#!/bin/bash
case "$1" in
  image) echo "registry.example/shop/myapp@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" ;;
  create) echo container ;;
  login) cat > /dev/null ;;
  cp) mkdir -p "$3" && echo program > "$3/program" ;;
  *) echo "$*" ;;
esac
"#;
/// Runs the command here instead of there.
const SSH: &str = r#"#!/bin/bash
while [ "$1" != lastgood ]; do shift; done
exec "$@"
"#;

/// A repository with the tag v1.2.3, and a store in the directory beside it.
struct Pipeline {
    directory: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

/// Written by a process of their own: a program that this one has open for writing while another test forks could not be started.
fn scripts(directory: &Path) {
    let write = r#"mkdir "$BIN"; printf %s "$DOCKER" > "$BIN/docker"; printf %s "$SSH" > "$BIN/ssh"; chmod +x "$BIN"/*"#;
    let written = Command::new("bash")
        .args(["-euo", "pipefail", "-c", write])
        .env("BIN", directory)
        .envs([("DOCKER", DOCKER), ("SSH", SSH)])
        .status();
    assert!(written.expect("bash").success());
}

impl Pipeline {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        scripts(&root.join("bin"));
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lastgood"), root.join("bin/lastgood")).expect("a link");
        let shown = root.display();
        let settings = format!(
            "policies = [\"{shown}\"]\n[store]\nurl = \"sqlite:{shown}/history.db\"\n[server]\nsocket = \"{shown}/lastgood.sock\"\n"
        );
        std::fs::write(root.join("lastgood.toml"), settings).expect("settings");
        std::fs::create_dir(root.join("sources")).expect("a directory");
        std::fs::write(root.join("sources/Dockerfile"), "FROM scratch\nARG VERSION\n").expect("a file");
        let path = std::env::var("PATH").unwrap_or_default();
        let variables = [
            ("PATH", format!("{shown}/bin:{path}")),
            ("LASTGOOD_CONFIG", format!("{shown}/lastgood.toml")),
            ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
            ("GITHUB_ENV", format!("{shown}/github-env")),
            ("GITHUB_SERVER_URL", "https://github.example".to_owned()),
            ("GITHUB_REPOSITORY", "shop/myapp".to_owned()),
            ("GITHUB_RUN_ID", "17".to_owned()),
            ("CI_REGISTRY", "registry.example".to_owned()),
            ("CI_REGISTRY_IMAGE", "registry.example/shop/myapp".to_owned()),
            ("CI_REGISTRY_USER", "ci".to_owned()),
            ("CI_REGISTRY_PASSWORD", "secret".to_owned()),
            ("CI_PIPELINE_URL", "https://gitlab.example/pipelines/17".to_owned()),
            ("LASTGOOD_SSH_KEY", "key".to_owned()),
        ];
        let pipeline = Self {
            directory,
            variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
        };
        pipeline.bash(
            "git init --quiet . && git add . && git -c user.name=Test -c user.email=test@example.com -c commit.gpgsign=false \
             commit --quiet --message first && git tag v1.2.3",
        );
        pipeline
    }

    fn sources(&self) -> PathBuf {
        self.directory.path().join("sources")
    }

    fn bash(&self, script: &str) -> String {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(self.sources())
            .envs(&self.variables)
            .output()
            .expect("bash");
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{script}\n{out}\n{err}");
        out.into_owned()
    }

    fn with(&mut self, variables: &Value) {
        for (name, value) in variables.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let value = value.replace("$CI_REGISTRY_IMAGE", "registry.example/shop/myapp");
            self.variables.insert(name.clone(), value);
        }
    }

    /// What earlier steps told the later ones.
    fn take_github_env(&mut self) {
        let told = std::fs::read_to_string(self.directory.path().join("github-env")).unwrap_or_default();
        let told = told.lines().filter_map(|line| line.split_once('='));
        self.variables
            .extend(told.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    fn recorded(&self) {
        let listed = self.bash("lastgood releases myapp --env prod -o json");
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        let manifest = &listed["items"][0]["release"]["manifest"];
        assert_eq!(manifest["version"], "v1.2.3");
        assert_eq!(manifest["passed_smoke_test"], true);
        assert_eq!(
            manifest["artifacts"][0]["url"],
            "https://builds.example/myapp/v1.2.3/myapp-v1.2.3.tar.gz"
        );
        let image = manifest["image"].as_str().unwrap_or_default();
        assert!(image.starts_with("registry.example/shop/myapp:v1.2.3@sha256:aaaa"), "{image}");
    }
}

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci").join(name);
    std::fs::read_to_string(path).expect("a pipeline")
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).expect("YAML")
}

#[test]
fn the_pipeline_for_github_actions_records_what_it_built() {
    let mut pipeline = Pipeline::new();
    let job = yaml("github-actions.yml")["jobs"]["release"].clone();
    pipeline.with(&job["env"]);
    for step in job["steps"].as_array().expect("steps") {
        if let Some(run) = step["run"].as_str() {
            let secrets = ["REGISTRY_USER", "REGISTRY_PASSWORD", "LASTGOOD_SSH_KEY"];
            let run = secrets.iter().fold(run.to_owned(), |run, name| {
                run.replace(&format!("${{{{ secrets.{name} }}}}"), "x")
            });
            pipeline.bash(&run);
            pipeline.take_github_env();
        }
    }
    pipeline.recorded();
}

#[test]
fn the_pipeline_for_gitlab_records_what_it_built() {
    let mut pipeline = Pipeline::new();
    let file = yaml("gitlab-ci.yml");
    pipeline.with(&file["variables"]);
    for stage in file["stages"].as_array().expect("stages") {
        let job = &file[stage.as_str().expect("a name")];
        let lines = job["script"].as_array().expect("a script").iter().filter_map(Value::as_str);
        pipeline.bash(&lines.collect::<Vec<_>>().join("\n"));
    }
    pipeline.recorded();
}

#[test]
fn the_makefile_records_what_it_built() {
    let pipeline = Pipeline::new();
    std::fs::write(pipeline.directory.path().join("Makefile"), text("Makefile")).expect("a Makefile");
    pipeline.bash("make --silent --file ../Makefile release");
    pipeline.recorded();
}
