//! s16: secrets go where they must, and nowhere else: canaries in every place for a secret, looked for in all that lastgood says or stores.

use std::path::PathBuf;

use lastgood::{record::Phase, words::Outcome};

use crate::{
    rig::{LONG, Plan, Scene, failing},
    rollouts::with_v1_proven,
};

const CANARIES: [(&str, &str); 5] = [
    ("the bearer token", "canary-bearer-6b1f"),
    ("a header's value", "canary-header-90aa"),
    ("the webhook's path", "canary-path-77c2"),
    ("the signing secret", "canary-signing-e4d8"),
    ("the password", "canary-password-18f3"),
];
/// What is looked for where a secret went through base64.
const ENCODED: [&str; 2] = ["bGFzdGdvb2Q6Y2FuYXJ5", "Y2FuYXJ5LXNpZ25pbmct"];

/// Settings with a canary in every place for a secret; with a bearer token, or with a password.
fn canaries(scene: &Scene, bearer: bool) {
    let secret = |name: &str, value: &str| -> PathBuf {
        let path = scene.root().join(name);
        std::fs::write(&path, value).expect("a secret");
        path
    };
    let [bearer_token, header, path, signing, password] = CANARIES.map(|(_, canary)| canary);
    let identity = if bearer {
        format!("bearer_token_file = \"{}\"", secret("bearer", bearer_token).display())
    } else {
        let file = secret("password", password);
        format!(
            "basic_auth = {{ user = \"lastgood\", password_file = \"{}\" }}",
            file.display()
        )
    };
    let prometheus = format!(
        "url = \"{}\"\nheaders = {{ X-Scope = \"{header}\" }}\n{identity}",
        scene.prometheus.url()
    );
    let webhook = format!(
        "url = \"{}\", secret_file = \"{}\"",
        scene.hook.url(path),
        secret("signing", signing).display()
    );
    scene.write_settings(&prometheus, &webhook);
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_no_secret_is_in_logs_store_status_explanations_alerts_or_metrics() {
    let mut scene = with_v1_proven(Plan {
        hook_down: true,
        ..Plan::default()
    })
    .await;
    let everything = [("LASTGOOD_LOG", "trace")];
    for bearer in [true, false] {
        scene.stop_lastgood().await;
        canaries(&scene, bearer);
        // What goes wrong is said too: nobody takes the alerts yet, and at first Prometheus is away.
        scene.prometheus.kill();
        scene.start_lastgood(&everything);
        scene
            .until("it says that Prometheus is away", LONG, |scene| {
                let unready = std::fs::read(scene.root().join("history.db-wal")).ok()?;
                contains(&unready, b"no_data").then_some(())
            })
            .await;
        scene.prometheus.restart().await.expect("Prometheus");
        if bearer {
            scene.deploy("v2", &failing(0.3)).await;
            let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
            assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
        }
    }
    let mut said = shown(&scene).await;
    scene.hook.open();
    scene.told("reverted", "v2").await;
    let log = scene.log();
    assert!(log.contains("TRACE"), "everything is logged");
    said.push(("the log", log.into_bytes()));
    said.push(("the alerts", format!("{:?}", scene.hook.received()).into_bytes()));
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        said.push((name, std::fs::read(scene.root().join(name)).unwrap_or_default()));
    }
    for (place, bytes) in &said {
        for (what, canary) in CANARIES {
            assert!(!contains(bytes, canary.as_bytes()), "{what} is in {place}");
        }
        for encoded in ENCODED {
            assert!(!contains(bytes, encoded.as_bytes()), "an encoded secret is in {place}");
        }
    }
}

/// All that the command line shows.
async fn shown(scene: &Scene) -> Vec<(&'static str, Vec<u8>)> {
    let commands: [(&'static str, &[&str]); 5] = [
        ("status", &["status"]),
        ("status as JSON", &["status", "-o", "json"]),
        ("an explanation", &["explain", "app"]),
        ("an explanation as JSON", &["explain", "app", "-o", "json"]),
        ("the settings shown", &["config", "show"]),
    ];
    let mut said = Vec::new();
    for (what, arguments) in commands {
        let output = scene.command(arguments).await;
        assert!(output.status.success(), "{what}: {output:?}");
        said.push((what, [output.stdout, output.stderr].concat()));
    }
    said
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
