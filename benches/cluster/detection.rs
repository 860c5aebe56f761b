//! Services of four pods at 50 requests a second each, scraped every 5 s: from the first bad pod that is ready to the accepted revert.

use std::time::{Duration, Instant};

use futures::future::join_all;
use lastgood::{
    app::clock::monotonic,
    words::{Moment, Outcome},
};
use tokio::time::sleep;

use crate::{
    Figure,
    log::Log,
    scene::{Scene, Staging, behaves},
};

const ROUNDS: usize = 10;
/// Of less than five minutes of the old pods nobody knows how their errors cluster, and more is assumed than is true (statistics.md,
/// section 4): so long v1 serves before the first bad release, as a service does to which a release comes.
const LEARNING: Duration = Duration::from_secs(345);

/// A service, and how bad its releases are.
#[derive(Clone, Copy)]
struct Case {
    namespace: &'static str,
    /// The share of errors of the old version.
    before: f64,
    /// So many times that of a bad release.
    times: f64,
    /// In seconds.
    goal: f64,
}

const CASES: [Case; 4] = [
    Case {
        namespace: "five-times",
        before: 0.01,
        times: 5.0,
        goal: 15.0,
    },
    Case {
        namespace: "five-times-of-little",
        before: 0.005,
        times: 5.0,
        goal: 15.0,
    },
    Case {
        namespace: "twenty-times",
        before: 0.01,
        times: 20.0,
        goal: 10.0,
    },
    Case {
        namespace: "twenty-times-of-little",
        before: 0.005,
        times: 20.0,
        goal: 10.0,
    },
];

/// The services, guarded and under load.
pub struct Stage {
    scenes: Vec<(Case, Scene)>,
    since: Instant,
}

impl Stage {
    pub async fn set() -> Self {
        let scenes = CASES.map(|case| async move {
            let staging = Staging {
                rate: 200,
                errors: case.before,
                watch: "for: 30m",
                ..Staging::default()
            };
            let scene = Scene::staged("Deployment", case.namespace, staging).await;
            (case, scene.expect("a cluster"))
        });
        Self {
            scenes: join_all(scenes).await,
            since: monotonic(),
        }
    }

    pub async fn measured(self) -> Vec<Figure> {
        sleep(LEARNING.saturating_sub(self.since.elapsed())).await;
        join_all(self.scenes.iter().map(|(case, scene)| case.measured(scene))).await
    }
}

impl Case {
    async fn measured(self, scene: &Scene) -> Figure {
        let mut took = Vec::new();
        for round in 0..ROUNDS {
            let version = format!("bad-{round}");
            scene.ships(&version, &behaves(self.before * self.times, 0.010)).await;
            let record = scene.closed(&version).await;
            assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
            let ready = record.activation.expect("a pod was ready").at;
            let reverted = Log::of(&scene.plane, self.namespace)
                .reverted_at(record.id)
                .expect("a revert");
            took.push(reverted.since(ready));
            // Where the time went, for whoever works on it.
            let since = |moment: Option<Moment>| moment.map(|moment| moment.since(ready));
            let counted = since(record.evidence.map(|evidence| evidence.at));
            eprintln!(
                "{} {version}: counted {counted:?}, decided {:?}, {:?}",
                self.namespace,
                since(record.decided_at),
                reverted.since(ready)
            );
            scene
                .plane
                .kubectl(self.namespace, &["rollout", "status", "deployment/shop", "--timeout=280s"])
                .await;
        }
        Figure {
            what: format!(
                "first bad pod ready to the patch accepted, {} times the errors ({} % before), 4 pods, 50 requests/s a pod",
                self.times,
                self.before * 100.0
            ),
            took,
            goal: Some(self.goal),
        }
    }
}
