//! Leaders stand still, as on a machine that is paused, while there is always something to write: of two only the one that holds the lease
//! writes, by the API server's audit log.

use std::{collections::BTreeMap, fs, time::Duration};

use futures::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    controllers::Controller,
    rig::{PATIENCE, Plane, programs, send, skipped},
    workloads::workload,
};

/// For how many seconds the leader of each pair stands still, one time after another: a lease that is not renewed is taken after twelve. In a
/// long trial 200 times, from one second to a minute and a half.
fn pauses() -> Vec<Vec<u64>> {
    if std::env::var_os("LASTGOOD_TEST_SOAK").is_none() {
        return vec![vec![1, 20], vec![10, 14]];
    }
    let all: Vec<u64> = (0..200).map(|number| 1 + number * 37 % 90).collect();
    all.chunks(20).map(<[u64]>::to_vec).collect()
}

fn namespace(pair: usize) -> String {
    format!("pair-{pair}")
}

/// A Deployment without pods: nothing runs, and each of its releases is seen.
fn idle(pair: usize, release: usize) -> Value {
    let container = json!({"image": format!("idle:v{release}"), "command": ["sleep", "600"]});
    let mut object = workload("Deployment", "idle", &container);
    object["metadata"]["namespace"] = json!(namespace(pair));
    object["spec"]["replicas"] = json!(0);
    object["spec"]["revisionHistoryLimit"] = json!(2);
    object
}

/// Ships release after release to all of them.
async fn ships(plane: &Plane, pairs: usize) {
    for release in 2.. {
        let items: Vec<Value> = (0..pairs).map(|pair| idle(pair, release)).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        let file = plane.file("releases.json");
        fs::write(&file, list.to_string()).expect("written");
        let applied = plane.typed(&["apply", "--filename", &file.to_string_lossy()]).await;
        applied.expect("they are shipped");
        // The machine has to serve them all.
        tokio::time::sleep(Duration::from_millis(500) * u32::try_from(pairs).expect("few")).await;
    }
}

/// Two controllers of one namespace.
struct Pair<'plane> {
    plane: &'plane Plane,
    namespace: String,
    leader: Controller,
    other: Controller,
}

/// Who holds the lease: how often it changed hands, and when it was renewed.
async fn lease(plane: &Plane, namespace: &str) -> (String, String) {
    let asked = [
        "get",
        "lease",
        "lastgood",
        "-o",
        "jsonpath={.spec.leaseTransitions} {.spec.renewTime}",
    ];
    let said = plane.kubectl(namespace, &asked).await;
    let (transitions, renewed) = said.split_once(' ').expect("both");
    (transitions.to_owned(), renewed.to_owned())
}

async fn controller(plane: &Plane, namespace: &str) -> Controller {
    let policy = format!(
        "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: idle}}\nspec:\n  \
           target: {{kubernetes: {{namespace: {namespace}, deployment: idle}}}}\n  \
           metrics: [{{name: errors, ratio: {{bad: 'http_requests_total{{code=~\"5..\"}}', total: http_requests_total}}}}]\n"
    );
    Controller::start_in(plane, namespace, &policy).await
}

impl<'plane> Pair<'plane> {
    async fn start(plane: &'plane Plane, number: usize) -> Self {
        let namespace = namespace(number);
        plane.apply(&namespace, &[idle(number, 1)]).await;
        plane.kubectl(&namespace, &["create", "serviceaccount", "lastgood"]).await;
        let account = format!("--serviceaccount={namespace}:lastgood");
        let bound = ["create", "rolebinding", "lastgood", "--clusterrole=cluster-admin", &account];
        plane.kubectl(&namespace, &bound).await;
        let leader = controller(plane, &namespace).await;
        leader.until_it_leads().await;
        let other = controller(plane, &namespace).await;
        Self {
            plane,
            namespace,
            leader,
            other,
        }
    }

    /// The leader stands still, and goes on as leader or finds that it is none any more. Whether that.
    async fn stands_still(&mut self, seconds: u64) -> bool {
        let (transitions, _) = lease(self.plane, &self.namespace).await;
        send(Signal::STOP, self.leader.id());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let (_, renewed) = lease(self.plane, &self.namespace).await;
        send(Signal::CONT, self.leader.id());
        let someone_leads = async {
            while lease(self.plane, &self.namespace).await == (transitions.clone(), renewed.clone()) {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::time::timeout(PATIENCE, someone_leads).await.expect("someone leads");
        let deposed = lease(self.plane, &self.namespace).await.0 != transitions;
        if deposed {
            self.leader.ended().await;
            let log = self.leader.log();
            let why = ["was lost: ", "cannot renew the lease pair-"];
            assert!(why.iter().any(|why| log.contains(why)), "{log}");
            self.other.until_it_leads().await;
            let next = controller(self.plane, &self.namespace).await;
            self.leader = std::mem::replace(&mut self.other, next);
        }
        deposed
    }
}

/// One accepted write of a controller, in microseconds.
struct Write {
    namespace: String,
    by: String,
    is_lease: bool,
    received: i64,
    done: i64,
}

/// What the controllers wrote, in the order in which the API server had done it.
fn writes(plane: &Plane) -> Vec<Write> {
    let events = plane.audited(|line| line.contains(":lastgood\""));
    let mut writes: Vec<Write> = events.filter_map(|event| write(&event)).collect();
    writes.sort_by_key(|write| write.done);
    writes
}

fn write(event: &Value) -> Option<Write> {
    let verb = event["verb"].as_str()?;
    let accepted = matches!(event["responseStatus"]["code"].as_u64(), Some(200 | 201));
    if !accepted || !["create", "update", "patch"].contains(&verb) || event["requestURI"].as_str()?.contains("dryRun") {
        return None;
    }
    let object = &event["objectRef"];
    let time = |key: &str| Some(event[key].as_str()?.parse::<jiff::Timestamp>().ok()?.as_microsecond());
    Some(Write {
        namespace: object["namespace"].as_str()?.to_owned(),
        by: event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0]
            .as_str()?
            .to_owned(),
        is_lease: object["resource"] == "leases",
        received: time("requestReceivedTimestamp")?,
        done: time("stageTimestamp")?,
    })
}

/// Fails where a controller wrote what the API server received after another one had taken the lease. How many writes there were, and how many
/// times a lease was taken.
fn each_wrote_under_its_lease(writes: &[Write]) -> (usize, usize) {
    let mut taken: BTreeMap<&str, Vec<(&str, i64)>> = BTreeMap::new();
    for write in writes.iter().filter(|write| write.is_lease) {
        let holders = taken.entry(&write.namespace).or_default();
        if holders.last().is_none_or(|(holder, _)| *holder != write.by) {
            holders.push((&write.by, write.done));
        }
    }
    let mut counted = 0;
    for write in writes.iter().filter(|write| !write.is_lease) {
        let Some(holders) = taken.get(write.namespace.as_str()) else {
            continue;
        };
        let holder = holders.iter().rev().find(|(_, since)| *since <= write.received);
        let (holder, since) = holder.expect("nobody writes before a lease is taken");
        assert_eq!(
            *holder,
            write.by,
            "{}: a write {} microseconds after another one took the lease",
            write.namespace,
            write.received - since
        );
        counted += 1;
    }
    (counted, taken.values().map(Vec::len).sum())
}

#[tokio::test]
async fn c02_a_leader_that_stood_still_writes_nothing_after_another_one_took_over() {
    let Some(programs) = programs() else {
        return skipped("standing_still::c02_a_leader_that_stood_still_writes_nothing_after_another_one_took_over");
    };
    let plane = Plane::start(programs, "standing-still").await;
    let definition = std::process::Command::new(env!("CARGO_BIN_EXE_lastgood")).arg("crd").output();
    let definition = String::from_utf8(definition.expect("lastgood").stdout).expect("text");
    let applied = plane
        .try_kubectl("admin", "default", &["apply", "--filename", "-"], &definition)
        .await;
    applied.expect("the definition of histories");

    let pauses = pauses();
    let mut pairs = Vec::new();
    for number in 0..pauses.len() {
        pairs.push(Pair::start(&plane, number).await);
    }
    let stand = join_all(pairs.iter_mut().zip(&pauses).map(async |(pair, pauses)| {
        let mut deposed = Vec::new();
        for seconds in pauses {
            if pair.stands_still(*seconds).await {
                deposed.push(*seconds);
            }
        }
        deposed
    }));
    let deposed: Vec<u64> = tokio::select! {
        deposed = stand => deposed.concat(),
        () = ships(&plane, pauses.len()) => unreachable!("it never ends"),
    };
    assert!(pauses.concat().iter().all(|pause| *pause < 14 || deposed.contains(pause)));
    let (writes, taken) = each_wrote_under_its_lease(&writes(&plane));
    println!(
        "{} pauses, {} of them took the lease away: {writes} writes",
        pauses.concat().len(),
        deposed.len()
    );
    assert_eq!(taken, pauses.len() + deposed.len());
    assert!(writes > 20 * pauses.len(), "there was something to write: {writes}");
}
