//! A version of whose template nothing is kept: its recorded image goes back alone, and that is said, asked and noted.

use std::{path::PathBuf, process::Stdio};

use lastgood::{
    engine::Look,
    manifest::ImageReference,
    ports::Platform as _,
    record::{ActResult, ImageOnly, Intent, Ordered},
    words::{Actor, Version, VersionName},
};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::{
    api::{Api, Fault},
    controllers::shop,
    rig::Site,
    shown::{at, template},
};

const DIGEST: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

fn name(version: &str) -> VersionName {
    version.parse().expect("a version")
}

fn image(text: &str) -> ImageReference {
    ImageReference::of(text, DIGEST).expect("an image")
}

/// v2 runs, with more in its template than its image.
async fn configured() -> Site {
    let mut site = Site::rolled_out().await;
    site.changes(|object| {
        object["spec"]["template"]["metadata"]["annotations"] = json!({"checksum/config": "abc"});
        object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "MODE", "value": "fast"}]);
    });
    site.v2 = site.runs().await.expect("it runs");
    site
}

/// What v0 would be by its image, and the order to go back to it.
async fn order(site: &Site) -> (Version, ImageOnly, Intent) {
    let found = site.workload.with_image(&name("v0"), &image("app:v0")).await.expect("looked");
    let (version, only) = found.expect("an image is a release here");
    let intent = Intent {
        to: version.clone(),
        ordered: Some(Ordered {
            by: Actor("alice".to_owned()),
            reason: "checkout fails".to_owned(),
            image: Some(only.clone()),
        }),
        ..site.intent()
    };
    (version, only, intent)
}

fn with_its_image(before: &Value) -> Value {
    let mut wanted = before["spec"]["template"].clone();
    wanted["spec"]["containers"][0]["image"] = json!(format!("app:v0@{DIGEST}"));
    wanted
}

#[tokio::test]
async fn nothing_but_the_image_goes_back_and_what_runs_then_is_what_was_promised() {
    let site = configured().await;
    let before = site.stored();
    let (version, only, intent) = order(&site).await;
    assert_eq!((version.name.as_str(), only.container.as_str()), ("v0", "app"));
    assert_eq!(site.workload.rehearse(Some(&version), Some(&only)).await, []);
    assert_eq!(site.stored(), before, "nothing was done yet");
    let result = site.workload.revert(&intent).await.expect("told");
    let ActResult::Applied { detail, .. } = &result else {
        panic!("{result:?}")
    };
    assert!(
        detail.starts_with("only the image of app went back, to app:v0@sha256:"),
        "{detail}"
    );
    assert_eq!(site.stored()["spec"]["template"], with_its_image(&before));
    assert_eq!(site.stored()["metadata"]["managedFields"], json!([]));
    assert_eq!(site.runs().await, Some(version.clone()));
    let done = Look::Done {
        moved_at: at(1000),
        activated_at: at(1000),
    };
    assert_eq!(site.workload.look(&intent).await, Ok(done));
    // From now on its template is kept, as any other's that ran.
    assert_eq!(site.workload.identify(&name("v0")).await, Ok(Some(version)));
}

#[rstest]
#[case::done_and_the_answer_lost(&[Fault::ReplyLost])]
#[case::all_at_once(&[Fault::Unavailable, Fault::Busy, Fault::Conflict, Fault::ReplyLost])]
#[tokio::test]
async fn whatever_becomes_of_the_answer_the_template_is_changed_once(#[case] faults: &[Fault]) {
    let site = configured().await;
    let before = site.stored();
    let (_, _, intent) = order(&site).await;
    site.api.fails(faults);
    let result = site.workload.revert(&intent).await.expect("told");
    assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
    assert_eq!(site.template_writes(), 1);
    assert_eq!(site.stored()["spec"]["template"], with_its_image(&before));
}

#[tokio::test]
async fn whoever_changes_the_rest_of_the_template_meanwhile_wins() {
    let site = configured().await;
    let (_, _, intent) = order(&site).await;
    site.api.meanwhile(|objects| {
        objects.change(&shop("deployments"), "myapp", |object| {
            object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "MODE", "value": "slow"}]);
        });
    });
    let result = site.workload.revert(&intent).await.expect("told");
    assert!(matches!(result, ActResult::Superseded { .. }), "{result:?}");
    assert_eq!(site.template_writes(), 0);
}

#[tokio::test]
async fn one_without_a_tag_gets_the_versions_name_and_what_runs_already_is_itself() {
    let site = Site::rolled_out().await;
    let found = site.workload.with_image(&name("v0"), &image("registry.example/app")).await;
    let (version, only) = found.expect("looked").expect("an image");
    assert_eq!(only.image, format!("registry.example/app:v0@{DIGEST}"));
    assert_eq!(version.name, name("v0"));
    site.ships(&format!("app:v3@{DIGEST}"));
    let runs = site.runs().await.expect("it runs");
    let found = site.workload.with_image(&name("v3.0"), &image("app:v3")).await;
    assert_eq!(found.expect("looked").expect("an image").0, runs, "called by another name");
    site.changes(|object| {
        let containers = object["spec"]["template"]["spec"]["containers"].as_array_mut();
        containers
            .expect("containers")
            .push(json!({"name": "sidecar", "image": "proxy:v1"}));
    });
    let told = site.workload.with_image(&name("v0"), &image("app:v0")).await;
    let told = told.expect_err("which one").0;
    assert!(
        told.contains("app, sidecar") && told.contains("`container` of its target"),
        "{told}"
    );
}

/// A person's settings, policy and store, beside the small API server.
struct Desk {
    api: Api,
    directory: tempfile::TempDir,
}

impl Desk {
    async fn laid() -> Self {
        let Site { api, .. } = Site::rolled_out().await;
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().display();
        let settings = format!(
            "policies = [\"{root}/policy.yaml\"]\n[prometheus]\nurl = \"http://127.0.0.1:9\"\n[store]\nurl = \"sqlite:{root}/history.db\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n[kubernetes]\nkubeconfig = \"{}\"\n\
             [registry.\"127.0.0.1:9\"]\nplain_http = true\n",
            api.kubeconfig().display()
        );
        let policy = "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {name: myapp}\nspec:\n  \
             target: {kubernetes: {namespace: shop, deployment: myapp}}\n  \
             metrics: [{name: errors, ratio: {bad: 'bad_total', total: 'all_total'}}]\n";
        std::fs::write(directory.path().join("lastgood.toml"), settings).expect("settings");
        std::fs::write(directory.path().join("policy.yaml"), policy).expect("a policy");
        Self { api, directory }
    }

    /// What the binary says to these arguments, on a terminal or not; its exit code.
    async fn says(&self, program: &str, arguments: &[&str], typed: &str) -> (Option<i32>, String) {
        let mut command = Command::new(program);
        command.args(arguments).env("LASTGOOD_CONFIG", self.settings());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().expect("spawned");
        let mut stdin = child.stdin.take().expect("stdin");
        stdin.write_all(typed.as_bytes()).await.expect("typed");
        drop(stdin);
        let output = child.wait_with_output().await.expect("ended");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    async fn lastgood(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.says(env!("CARGO_BIN_EXE_lastgood"), arguments, "").await
    }

    fn settings(&self) -> PathBuf {
        self.directory.path().join("lastgood.toml")
    }

    /// Records a release, with an image or without one.
    async fn records(&self, version: &str, image: Option<&str>) {
        let mut manifest = json!({
            "version": version, "commit": "0123456789ab", "built_at": "2026-11-24T18:00:00Z", "passed_smoke_test": true,
        });
        if let Some(image) = image {
            manifest["image"] = json!(format!("{image}@{DIGEST}"));
        }
        let path = self.directory.path().join(format!("{version}.json"));
        std::fs::write(&path, manifest.to_string()).expect("written");
        let path = path.to_str().expect("text").to_owned();
        let (code, said) = self.lastgood(&["record", &path, "--service", "myapp", "--env", "prod"]).await;
        assert_eq!(code, Some(0), "{said}");
    }

    fn template(&self) -> Value {
        let stored = self.api.does(|objects| objects.get(&shop("deployments"), "myapp").cloned());
        stored.expect("stored")["spec"]["template"].clone()
    }
}

#[tokio::test]
async fn a_person_is_told_that_only_the_image_goes_back_and_without_one_it_is_refused() {
    let desk = Desk::laid().await;
    let image = format!("127.0.0.1:9/app:v0@{DIGEST}");
    desk.records("v0", Some("127.0.0.1:9/app:v0")).await;
    desk.records("v00", None).await;
    let rollback = ["rollback", "myapp", "--to", "v0"];
    let only = format!(
        "only the image of app goes back, to {image}: nothing is kept of the pod template of v0, so all else of it stays as it is with v2"
    );
    let (code, said) = desk.lastgood(&[&rollback[..], &["--dry-run"]].concat()).await;
    assert!(code == Some(0) && said.contains(&only), "{said}");
    let (code, said) = desk.lastgood(&["rollback", "myapp", "--to", "v00", "--yes"]).await;
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("nothing is kept of the pod template of v00 of myapp, and no image of it is recorded")
            && said.contains("`lastgood deploy myapp --to v00 --image IMAGE`"),
        "{said}"
    );
    let (code, said) = desk.lastgood(&["rollback", "myapp", "--to", "v9", "--yes"]).await;
    assert!(code == Some(2) && said.contains("never ran a version `v9`"), "{said}");
    assert_eq!(desk.template(), template("app:v2"), "nothing was changed");

    let (code, said) = desk
        .lastgood(&[&rollback[..], &["--yes", "--reason", "checkout fails"]].concat())
        .await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&only) && said.contains("went back from v2 to v0"), "{said}");
    assert!(
        said.contains("note: whether its image is still there is not known"),
        "a registry that is down stops nobody: {said}"
    );
    assert_eq!(desk.template(), template(&image));
    let (_, said) = desk.lastgood(&["explain", "myapp", "-o", "json"]).await;
    assert!(
        said.contains("only the image of app went back, to 127.0.0.1:9/app:v0@sha256:") && said.contains("\"release\": \"v0\""),
        "{said}"
    );
    let (_, said) = desk.lastgood(&["audit", "verify"]).await;
    assert!(said.contains("prod/myapp: whole"), "{said}");
}

#[tokio::test]
async fn on_a_terminal_a_person_is_asked_whether_the_image_alone_shall_go_back() {
    let desk = Desk::laid().await;
    desk.records("v0", Some("app:v0")).await;
    let line = format!("{} rollback myapp --to v0", env!("CARGO_BIN_EXE_lastgood"));
    if !std::path::Path::new("/usr/bin/script").exists() {
        println!(
            "skipped: by_image::on_a_terminal_a_person_is_asked_whether_the_image_alone_shall_go_back: `script` of util-linux is not here"
        );
        return;
    }
    let typed = async |answer: &str| desk.says("script", &["-qefc", &line, "/dev/null"], answer).await;
    let (code, shown) = typed("n\n").await;
    assert!(
        code == Some(2) && shown.contains("Go back to v0 by its image alone? [y/N]"),
        "{shown}"
    );
    assert_eq!(desk.template(), template("app:v2"), "no is no");
    let (code, shown) = typed("y\n").await;
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(desk.template(), template(&format!("app:v0@{DIGEST}")));
}

#[tokio::test]
async fn without_a_controller_a_deploy_in_a_cluster_notes_what_it_rolled_out() {
    let desk = Desk::laid().await;
    let (code, said) = desk
        .lastgood(&[
            "deploy",
            "myapp",
            "--to",
            "v3",
            "--image",
            "app:v3",
            "--reason",
            "the new basket",
        ])
        .await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nobody guards it: no controller answers"), "{said}");
    assert_eq!(desk.template(), template("app:v3"));
    let (_, said) = desk.lastgood(&["releases", "myapp", "-o", "json"]).await;
    assert!(said.contains("\"v3\"") && !said.contains("\"standing\": null"), "{said}");
}
