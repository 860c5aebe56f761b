//! Four pods at 50 requests a second each, scraped every 5 s: from the first bad pod that is ready to the accepted revert.

use std::time::Duration;

use lastgood::words::Outcome;
use tokio::time::sleep;

use crate::{
    Figure, log,
    scene::{Scene, Staging, behaves},
};

const ROUNDS: usize = 3;
/// What the old version fails with anyway, as `Scene::staged` has it.
const BEFORE: f64 = 0.005;
/// So long the first version is seen before the first bad release.
const QUIET: Duration = Duration::from_secs(60);

pub async fn measured() -> Vec<Figure> {
    let mut figures = Vec::new();
    for (times, namespace, goal) in [(5.0, "five-times", 15.0), (20.0, "twenty-times", 10.0)] {
        let staging = Staging {
            rate: 200,
            ..Staging::default()
        };
        let scene = Scene::staged("Deployment", namespace, staging).await.expect("a cluster");
        sleep(QUIET).await;
        let mut took = Vec::new();
        for round in 0..ROUNDS {
            let version = format!("bad-{round}");
            scene.ships(&version, &behaves(BEFORE * times, 0.010)).await;
            let record = scene.closed(&version).await;
            assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
            let ready = record.activation.expect("a pod was ready").at;
            let reverted = log::reverted_at(&scene.plane, namespace, &record.id.to_string()).expect("a revert");
            took.push(reverted.since(ready));
            scene
                .plane
                .kubectl(namespace, &["rollout", "status", "deployment/shop", "--timeout=280s"])
                .await;
        }
        figures.push(Figure {
            what: format!("first bad pod ready to the patch accepted, {times} times the errors, 4 pods, 50 requests/s a pod"),
            took,
            goal: Some(goal),
        });
    }
    figures
}
