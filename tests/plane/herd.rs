//! A restart with hundreds of services: Prometheus is asked no more often than at any other time.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri, header::CONTENT_TYPE},
    response::IntoResponse,
};
use lastgood::{
    app::clock::monotonic,
    demo::Child,
    history::Sqlite,
    ports::History as _,
    record::{RolloutKind, TargetHistory},
};
use serde_json::{Value, json};

use crate::{
    rig::{Plane, shared, skipped, until},
    workloads::workload,
};

const SERVICES: usize = 500;
const HOME: &str = "herd";

/// What was asked, and when.
#[derive(Clone)]
struct Counted {
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
    prometheus: String,
    client: reqwest::Client,
}

/// A door before the plane's Prometheus that notes what goes through.
async fn door(plane: &Plane) -> (String, Counted) {
    let counted = Counted {
        asked: Arc::default(),
        prometheus: plane.prometheus(),
        client: reqwest::Client::new(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let door = Router::new().fallback(passed).with_state(counted.clone());
    tokio::spawn(async move { axum::serve(listener, door).await });
    (url, counted)
}

async fn passed(State(counted): State<Counted>, uri: Uri, body: Bytes) -> impl IntoResponse {
    let question = String::from_utf8_lossy(&body).into_owned();
    counted.asked.lock().expect("asked").push((monotonic(), question));
    let url = format!("{}{uri}", counted.prometheus);
    let asked = counted
        .client
        .post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let Ok(answer) = asked.body(body).send().await else {
        return (StatusCode::BAD_GATEWAY, [(CONTENT_TYPE, "text/plain")], Bytes::new());
    };
    let code = answer.status();
    let body = answer.bytes().await.unwrap_or_default();
    (code, [(CONTENT_TYPE, "application/json")], body)
}

impl Counted {
    fn len(&self) -> usize {
        self.asked.lock().expect("asked").len()
    }
}

/// A Deployment that wants no pods.
fn idle(number: usize) -> Value {
    let container = json!({"image": "idle:v1", "command": ["sleep", "600"]});
    let mut object = workload("Deployment", &format!("service-{number}"), &container);
    object["spec"]["replicas"] = 0.into();
    object
}

fn write_settings(plane: &Plane, directory: &tempfile::TempDir, prometheus: &str) {
    let root = directory.path();
    std::fs::create_dir(root.join("policies")).expect("a directory");
    for number in 0..SERVICES {
        let policy = format!(
            "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: service-{number}}}\nspec:\n  \
               target: {{kubernetes: {{namespace: {HOME}, deployment: service-{number}}}}}\n  \
               metrics: [{{name: errors, ratio: {{bad: 'failures_total{{app=\"{number}\"}}', total: 'requests_total{{app=\"{number}\"}}'}}}}]\n"
        );
        std::fs::write(root.join(format!("policies/{number}.yaml")), policy).expect("a policy");
    }
    let settings = format!(
        "policies = [\"{root}/policies\"]\n[prometheus]\nurl = \"{prometheus}\"\n[store]\nurl = \"sqlite:{root}/history.db\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n[kubernetes]\nkubeconfig = \"{kubeconfig}\"\n",
        root = root.display(),
        kubeconfig = plane.file("credentials/admin.kubeconfig").display(),
    );
    std::fs::write(root.join("lastgood.toml"), settings).expect("settings");
}

/// A lastgood by the settings in `directory`.
pub fn run(directory: &tempfile::TempDir) -> Child {
    let output = std::fs::File::create(directory.path().join("lastgood.out")).expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    let settings = directory.path().join("lastgood.toml");
    command.args(["run", "--log-format", "text", "--config"]).arg(settings);
    command.stderr(output);
    Child::start("lastgood", command).expect("lastgood")
}

async fn histories(directory: &tempfile::TempDir) -> Vec<TargetHistory> {
    let Ok(store) = Sqlite::open_read_only(&directory.path().join("history.db")) else {
        return Vec::new();
    };
    let all = store.all().await.unwrap_or_default();
    all.into_iter().map(|(history, _)| history).collect()
}

#[tokio::test]
async fn c16_a_restart_with_500_deployments_asks_prometheus_ten_times_a_second_and_each_in_its_turn() {
    let Some(plane) = shared().await else {
        return skipped("herd::c16_a_restart_with_500_deployments_asks_prometheus_ten_times_a_second_and_each_in_its_turn");
    };
    plane.apply(HOME, &[]).await;
    let services: Vec<Value> = (0..SERVICES).map(idle).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": services}).to_string();
    let made = plane
        .try_kubectl("admin", HOME, &["create", "--validate=false", "--filename", "-"], &list)
        .await;
    made.expect("they are made");
    let (prometheus, counted) = door(&plane).await;
    let directory = tempfile::tempdir().expect("a directory");
    write_settings(&plane, &directory, &prometheus);

    let first = run(&directory);
    until("each is watched", async || {
        let watched = |history: &TargetHistory| history.open.as_ref().is_some_and(|open| open.kind == RolloutKind::FirstSight);
        histories(&directory).await.iter().filter(|history| watched(history)).count() == SERVICES
    })
    .await;
    drop(first);

    let before = counted.len();
    let _second = run(&directory);
    until("it asks again", async || counted.len() >= before + 45).await;
    let asked = counted.asked.lock().expect("asked").split_off(before);
    for some in asked.windows(31) {
        let took = some[30].0.duration_since(some[0].0);
        assert!(took >= Duration::from_secs(3), "31 questions within {took:?}");
    }
    let services: BTreeSet<&str> = asked.iter().filter_map(|(_, question)| app(question)).collect();
    assert!(services.len() >= 30, "{services:?}");
}

/// Which service a question is about: form-encoded, as it came.
fn app(question: &str) -> Option<&str> {
    let (_, rest) = question.split_once("app%3D%22")?;
    rest.split_once("%22").map(|(app, _)| app)
}
