//! What a sample's history says of pods: one that waits, and what remains of those that have ended.

use lastgood::{
    judge::{PastPods, PodCount, PodSummary},
    record::{Hindered, Hindrance, Waiting},
    words::Pod,
};

/// A pod that waits for a node.
pub fn hindered(seen: i64) -> Hindered {
    Hindered {
        by: Hindrance {
            what: Waiting::Unschedulable,
            said: "0/3 nodes are available: 3 Insufficient cpu.".to_owned(),
        },
        pods: 1,
        pod: Some(Pod("shop/myapp-5d9c-x7x2p".into())),
        since: super::at(seen + 2),
    }
}

/// Two pods, one of which differs by the last digit there is.
pub fn past_pods() -> Vec<PastPods> {
    let summary = |ratio: f64| PodSummary {
        ratio,
        expected: 80.1,
        phi: 1.5,
        group: 2,
    };
    vec![PastPods {
        count: PodCount {
            metric: "latency".to_owned(),
            queries: super::version("v1").fingerprint,
            above: Some(0.25),
        },
        pods: vec![summary(0.9), summary(1.0 + 1e-15)],
    }]
}
