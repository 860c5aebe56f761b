//! People beside a controller in a cluster: `kubectl lastgood`, by a person's own kubeconfig and rights.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    clients::Clients,
    controllers::{Controller, shown_under},
    leading::installed,
    rig::{Plane, skipped, until},
};

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A person with a kubeconfig, kubectl, and the plugin on the path.
pub struct Person<'p> {
    plane: &'p Plane,
    directory: tempfile::TempDir,
}

impl<'p> Person<'p> {
    pub fn new(plane: &'p Plane) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        symlink(env!("CARGO_BIN_EXE_lastgood"), directory.path().join("kubectl-lastgood")).expect("a link");
        symlink(plane.program("kubectl"), directory.path().join("kubectl")).expect("a link");
        Self { plane, directory }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.plane.file("credentials/person.kubeconfig")
    }

    /// Another kubeconfig of the same person, whose context has a namespace and another name.
    fn kubeconfig_in(&self, namespace: &str) -> PathBuf {
        let text = fs::read_to_string(self.kubeconfig()).expect("a kubeconfig");
        let mut config: Value = serde_saphyr::from_str(&text).expect("YAML");
        config["contexts"][0]["context"]["namespace"] = json!(namespace);
        config["contexts"][0]["name"] = json!("at-work");
        config["current-context"] = json!("at-work");
        let path = self.directory.path().join("at-work");
        fs::write(&path, config.to_string()).expect("written");
        path
    }

    /// What a line of a shell says; no settings file is named, and none is there.
    async fn types_with(&self, kubeconfig: &Path, line: &str) -> Said {
        let output = Command::new("sh")
            .args(["-c", line])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.directory.path().display()))
            .env("HOME", self.directory.path())
            .env("KUBECONFIG", kubeconfig)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("a shell");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    pub async fn types(&self, line: &str) -> Said {
        self.types_with(&self.kubeconfig(), line).await
    }

    /// The same, which must end well.
    pub async fn does(&self, line: &str) -> Said {
        let said = self.types(line).await;
        assert_eq!(said.code, Some(0), "{line}: {said:?}");
        said
    }

    pub async fn is_granted(&self, role: &str) {
        let (name, role) = (format!("person-{role}"), format!("--clusterrole={role}"));
        let grant = ["create", "rolebinding", &name, &role, "--user=person"];
        self.plane.kubectl("shop", &grant).await;
    }
}

async fn who_has_no_right_is_told_which_one_is_missing_and_what_gives_it(person: &Person<'_>) {
    let said = person.types("kubectl lastgood status -n shop").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in [
        r#"User "person" cannot list resource "histories" in API group "lastgood.dev" in the namespace "shop""#,
        "`kubectl create rolebinding NAME --clusterrole=view --user=YOU -n shop`",
    ] {
        assert!(said.err.contains(part), "{said:?}");
    }
    let said = person.types("kubectl lastgood status -A").await;
    assert!(said.err.contains("name a namespace of yours with -n"), "{said:?}");
}

async fn who_may_view_sees_and_changes_nothing(person: &Person<'_>) {
    person.is_granted("view").await;
    until("the binding counts", async || {
        person.types("kubectl lastgood status -n shop").await.code == Some(0)
    })
    .await;
    let said = person.does("kubectl lastgood status -n shop").await;
    assert!(said.out.contains("myapp") && said.out.contains("v1"), "{said:?}");
    assert!(said.err.contains("is not shown: the namespace lastgood, "), "{said:?}");
    let said = person.does("kubectl lastgood status -w -n shop | head -n 1").await;
    let line: Value = serde_json::from_str(&said.out).expect("a line of JSON");
    assert!(line.to_string().contains("myapp"), "{said:?}");
    // On a terminal, which `script` lends, it is a view that is drawn again and again.
    let watched = "TERM=xterm-256color script -qefc 'timeout 6 kubectl lastgood status -w -n shop' /dev/null";
    let said = person.types(watched).await;
    assert!(
        said.out.contains("myapp") && said.out.matches('\u{1b}').count() > 2,
        "{said:?}"
    );
    let said = person.types("kubectl lastgood freeze myapp -n shop --reason 'may I'").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("cannot update resource") && said.err.contains("--clusterrole=edit"),
        "{said:?}"
    );
    let said = person.types("kubectl lastgood rollback myapp -n shop --to v1 --yes").await;
    assert_eq!(said.code, Some(5), "it runs already: {said:?}");
}

async fn the_context_and_the_flags_mean_what_they_mean_to_kubectl(person: &Person<'_>) {
    let elsewhere = person.kubeconfig_in("shop");
    let said = person.types_with(&elsewhere, "kubectl lastgood status").await;
    assert!(said.code == Some(0) && said.out.contains("myapp"), "{said:?}");
    let flags = format!(
        "kubectl lastgood status --kubeconfig {} --context at-work -o name",
        elsewhere.display()
    );
    let said = person.does(&flags).await;
    assert_eq!(said.out, "prod/myapp\n");
    let listed = format!(
        "KUBECONFIG=/not/there:{} kubectl lastgood status -o name",
        elsewhere.display()
    );
    assert_eq!(person.does(&listed).await.out, "prod/myapp\n");
    let said = person.types("kubectl lastgood status -n shop --context nobody").await;
    assert!(said.code == Some(1) && said.err.contains("nobody"), "{said:?}");
    // The current context has no namespace: kubectl's default, where this person has no right.
    let said = person.types("kubectl lastgood status").await;
    assert!(said.err.contains(r#"in the namespace "default""#), "{said:?}");
    let said = person.types("kubectl lastgood statsu").await;
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("Usage: kubectl lastgood"), "{said:?}");
    let said = person.does("kubectl lastgood wait --help").await;
    assert!(
        said.out.contains("Usage: kubectl lastgood wait") && said.out.contains("  kubectl lastgood wait myapp"),
        "{said:?}"
    );
    let said = person.types("kubectl lastgood explain nothing -n shop").await;
    assert!(
        said.code == Some(2) && said.err.contains("guarded is myapp (env prod)"),
        "{said:?}"
    );
}

async fn history(plane: &Plane) -> Value {
    let asked = ["get", "histories.lastgood.dev", "deployment-myapp", "--output", "json"];
    let said = plane.try_kubectl("admin", "shop", &asked, "").await.unwrap_or_default();
    let object: Value = serde_json::from_str(&said).unwrap_or_default();
    object["history"].clone()
}

async fn a_freeze_of_a_namespace_is_of_its_services(person: &Person<'_>, controller: &Controller) {
    let said = person.does("kubectl lastgood freeze -n shop --reason 'we move house'").await;
    assert!(said.err.contains("until `kubectl lastgood unfreeze myapp`"), "{said:?}");
    assert_eq!(history(person.plane).await["off"]["by"], "person");
    assert!(controller.measures("lastgood_frozen 0").await, "not of what is elsewhere");
    person.does("kubectl lastgood unfreeze -n shop").await;
    assert!(history(person.plane).await["off"].is_null());
    // All services are the controller's own, where this person has no right.
    let said = person.types("kubectl lastgood unfreeze -A").await;
    assert_eq!(said.code, Some(1), "{said:?}");
}

fn behaves(plane: &Plane, image: &str, errors: f64) {
    plane.image(image, &json!({"errors": errors, "median": 0.010, "spread": 0.3}));
}

async fn ships(plane: &Plane, image: &str, errors: f64) {
    behaves(plane, image, errors);
    let set = format!("myapp={image}");
    plane.kubectl("shop", &["set", "image", "deployment/myapp", &set]).await;
}

async fn image(plane: &Plane) -> String {
    let shown = "jsonpath={.spec.template.spec.containers[0].image}";
    plane.kubectl("shop", &["get", "deployment", "myapp", "-o", shown]).await
}

async fn a_bad_release_is_proposed_and_a_persons_yes_takes_it_back(person: &Person<'_>) {
    let plane = person.plane;
    let said = person.types("kubectl lastgood approve -n shop").await;
    assert_eq!(said.code, Some(2), "{said:?}");
    behaves(plane, "myapp:v2", 0.3);
    let deploy = "kubectl lastgood deploy myapp -n shop --to v2";
    let said = person.types(deploy).await;
    assert!(said.code == Some(2) && said.err.contains("add --image"), "{said:?}");
    let said = person.does(&format!("{deploy} --image myapp:v2 --dry-run")).await;
    assert!(
        said.out
            .contains("set      the image of myapp in deployment shop/myapp to myapp:v2"),
        "{said:?}"
    );
    assert_eq!(image(plane).await, "myapp:v1");
    let said = person
        .does(&format!("{deploy} --image myapp:v2 --reason 'the new checkout'"))
        .await;
    assert!(said.err.contains("myapp: v2 is rolled out, v1 ran before"), "{said:?}");
    let said = person.does("kubectl lastgood audit -n shop --action deploy -o json").await;
    assert!(
        said.out.contains("v1 -> v2") && said.out.contains("the new checkout"),
        "{said:?}"
    );
    let said = person.types("kubectl lastgood wait myapp -n shop --to v2 --timeout 4m").await;
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(image(plane).await, "myapp:v2", "nobody said yes yet");
    let said = person.does("kubectl lastgood approve -n shop").await;
    assert!(said.err.contains("approved: myapp goes back from v2"), "{said:?}");
    until("v1 is back and verified", async || {
        let closed = history(plane).await["closed"].clone();
        let mut closed = closed.as_array().into_iter().flatten();
        closed.any(|record| record["to"]["name"] == "v2" && record["outcome"] == "verified")
    })
    .await;
    assert_eq!(image(plane).await, "myapp:v1");
    let said = person
        .does("kubectl lastgood audit -n shop --actor person --action approve -o json")
        .await;
    let list: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{said:?}");
    assert!(said.out.contains("command line on "), "{said:?}");
}

async fn waiting_ends_as_the_verdict_does(person: &Person<'_>) {
    let said = person.types("kubectl lastgood wait myapp -n shop --to v9 --timeout 1s").await;
    assert_eq!(said.code, Some(4), "{said:?}");
    let plane = person.plane;
    ships(plane, "myapp:v3", 0.005).await;
    until("v3 is watched", async || {
        let open = history(plane).await["open"].clone();
        open["to"]["name"] == "v3" && !open["plan"].is_null()
    })
    .await;
    // A person's word is a verdict too.
    let (waited, _) = tokio::join!(
        person.does("kubectl lastgood wait myapp -n shop --to v3 --timeout 4m"),
        person.does("kubectl lastgood release prove myapp v3 -n shop --reason 'seen on the dashboards'"),
    );
    assert!(waited.out.contains("v3 is proven"), "{waited:?}");
}

/// Every line of the page's section, as it stands there.
async fn what_the_page_shows_works(person: &Person<'_>) {
    let lines = shown_under("What people do");
    assert!(lines.len() >= 8, "{lines:?}");
    for line in lines {
        let said = person.does(&line).await;
        println!("$ {line}\n{}{}", said.out, said.err);
    }
}

/// What is known is forgotten once its last rollout is over, and what runs is seen for the first time.
async fn all_is_forgotten_and_begins_anew(person: &Person<'_>) {
    let plane = person.plane;
    let said = person.types("kubectl lastgood forget myapp -n shop --yes").await;
    assert!(said.code == Some(5) && said.err.contains("is not over"), "{said:?}");
    until("the last rollout is over", async || history(plane).await["open"].is_null()).await;
    let said = person
        .does("kubectl lastgood forget myapp -n shop --yes --reason 'another shop'")
        .await;
    assert!(said.err.contains("what was known of myapp (prod) is forgotten"), "{said:?}");
    until("v1 is seen for the first time", async || {
        let known = history(plane).await;
        known["open"]["kind"] == "first_sight" && known["versions"].as_array().is_some_and(|versions| versions.len() == 1)
    })
    .await;
    until("its template is kept anew, and no other", async || {
        let kept = [
            "get",
            "histories.lastgood.dev",
            "deployment-myapp",
            "-o",
            "jsonpath={.contents[*].name}",
        ];
        plane.kubectl("shop", &kept).await == "v1"
    })
    .await;
    let said = person.does("kubectl lastgood audit -n shop --action forget -o json").await;
    assert!(
        said.out.contains("3 versions") && said.out.contains("another shop"),
        "{said:?}"
    );
    person.does("kubectl lastgood audit verify -n shop").await;
}

/// Recorded by its digest, and never seen by this controller.
async fn a_version_without_a_kept_template_goes_back_by_its_recorded_image(person: &Person<'_>) {
    let image = format!("myapp:v0@sha256:{}", "0".repeat(64));
    behaves(person.plane, &image, 0.0);
    let manifest = json!({
        "version": "v0", "commit": "0123456789ab", "built_at": "2026-11-24T18:00:00Z", "passed_smoke_test": true, "image": image,
    });
    let path = person.directory.path().join("v0.json");
    fs::write(&path, manifest.to_string()).expect("written");
    let record = format!(
        "kubectl lastgood record {} --service myapp --env prod -n shop",
        path.display()
    );
    person.does(&record).await;
    let said = person
        .does("kubectl lastgood rollback myapp -n shop --to v0 --yes --reason 'older than this controller'")
        .await;
    assert!(
        said.err.contains(&format!("only the image of myapp goes back, to {image}")),
        "{said:?}"
    );
    assert_eq!(self::image(person.plane).await, image);
}

/// Nobody waits for the end of a rollout that nobody judges.
async fn without_its_policy_it_is_not_shown_and_is_forgotten_whatever_is_open(person: &Person<'_>, controller: &Controller) {
    let plane = person.plane;
    ships(plane, "myapp:v4", 0.005).await;
    until("v4 is open", async || history(plane).await["open"]["to"]["name"] == "v4").await;
    let said = person.types("kubectl lastgood forget myapp -n shop --yes").await;
    assert!(said.code == Some(5) && said.err.contains("is not over"), "{said:?}");
    controller.loses_its_policy();
    until("nothing is said to be guarded", async || {
        let said = person.types("kubectl lastgood status -n shop -o json").await;
        !said.out.contains("myapp")
    })
    .await;
    assert!(!history(plane).await["open"].is_null(), "what is known is there still");
    let said = person.does("kubectl lastgood forget myapp -n shop --yes").await;
    assert!(said.err.contains("what was known of myapp (prod) is forgotten"), "{said:?}");
    assert!(history(plane).await["open"].is_null());
}

#[tokio::test]
async fn people_look_wait_approve_freeze_and_go_back_by_kubectl_and_their_own_rights() {
    let Some(plane) = installed("plugin").await else {
        return skipped("plugin::people_look_wait_approve_freeze_and_go_back_by_kubectl_and_their_own_rights");
    };
    let clients = Clients::of(&plane, "shop", "myapp").await;
    let controller = Controller::start_with(&plane, &[("LASTGOOD__MODE", "propose")]).await;
    controller.until_it_leads().await;
    until("v1 is watched", async || !history(&plane).await["open"]["plan"].is_null()).await;

    let person = Person::new(&plane);
    who_has_no_right_is_told_which_one_is_missing_and_what_gives_it(&person).await;
    who_may_view_sees_and_changes_nothing(&person).await;
    the_context_and_the_flags_mean_what_they_mean_to_kubectl(&person).await;
    person.is_granted("edit").await;
    until("the binding counts", async || {
        person
            .types("kubectl auth can-i update histories.lastgood.dev -n shop")
            .await
            .code
            == Some(0)
    })
    .await;
    a_freeze_of_a_namespace_is_of_its_services(&person, &controller).await;
    a_bad_release_is_proposed_and_a_persons_yes_takes_it_back(&person).await;
    waiting_ends_as_the_verdict_does(&person).await;
    what_the_page_shows_works(&person).await;
    assert_eq!(image(&plane).await, "myapp:v1", "the page's last word");
    all_is_forgotten_and_begins_anew(&person).await;
    a_version_without_a_kept_template_goes_back_by_its_recorded_image(&person).await;
    without_its_policy_it_is_not_shown_and_is_forgotten_whatever_is_open(&person, &controller).await;
    println!("the clients met {:?}", clients.met());
}
