//! The lives in which lastgood is killed: at which points, in this order, and what must be stored when it died there.

use futures::{FutureExt as _, future::BoxFuture};
use lastgood::{
    record::{Happened, Phase, Record, TargetHistory},
    words::{GapReason, Outcome, Standing},
};

use crate::rig::Scene;

/// What lies on the disk beside the store.
#[derive(Debug)]
pub struct Place {
    /// Where `current` points to.
    pub link: String,
    /// Our own links beside it.
    pub leftovers: Vec<String>,
}

/// One crash of a life.
pub struct Crash {
    /// The point.
    pub point: &'static str,
    /// What happens before lastgood is started to die there.
    pub prepare: fn(&mut Scene) -> BoxFuture<'_, ()>,
    /// Whether what is stored is what must be there: the version's own rollout, just so far and no farther.
    pub died: fn(&str, &TargetHistory, &Place) -> bool,
}

const fn crash(point: &'static str, died: fn(&str, &TargetHistory, &Place) -> bool) -> Crash {
    Crash {
        point,
        prepare: |_| std::future::ready(()).boxed(),
        died,
    }
}

fn open(version: &str, history: &TargetHistory, wanted: impl FnOnce(&Record) -> bool) -> bool {
    history
        .open
        .as_ref()
        .is_some_and(|record| record.to.name.as_str() == version && wanted(record))
}

fn closed(version: &str, history: &TargetHistory) -> bool {
    history.open.is_none() && history.closed.last().is_some_and(|record| record.to.name.as_str() == version)
}

fn unseen(version: &str, history: &TargetHistory) -> bool {
    history.versions.iter().all(|known| known.version.name.as_str() != version)
}

fn watching(record: &Record) -> bool {
    matches!(record.phase, Phase::Watching { .. })
}

fn verifying(record: &Record) -> bool {
    matches!(record.phase, Phase::Verifying { .. }) && record.outcome == Some(Outcome::Reverted)
}

fn reverting(record: &Record) -> bool {
    record.phase == Phase::Reverting && record.intent.is_some() && record.outcome.is_none()
}

fn looked(record: &Record) -> bool {
    record
        .timeline
        .iter()
        .any(|entry| matches!(entry.what, Happened::Looked { .. }))
}

fn waits(history: &TargetHistory, kind: &str) -> bool {
    history.outbox.iter().any(|alert| alert.kind.name() == kind)
}

/// The lives of bad versions.
pub const BAD: &[&[Crash]] = &[
    &[
        crash("opened.before", |version, stored, _| unseen(version, stored)),
        crash("opened.after", |version, stored, _| {
            open(version, stored, |record| {
                matches!(record.phase, Phase::WaitingForActivation { .. })
            })
        }),
        crash("activated.before", |version, stored, _| {
            open(version, stored, |record| record.activation.is_none())
        }),
        crash("activated.after", |version, stored, _| {
            open(version, stored, |record| watching(record) && record.plan.is_none())
        }),
        crash("calibrated.before", |version, stored, _| {
            open(version, stored, |record| watching(record) && record.plan.is_none())
        }),
        crash("calibrated.after", |version, stored, _| {
            open(version, stored, |record| watching(record) && record.plan.is_some())
        }),
        crash("intent.before", |version, stored, _| {
            open(version, stored, |record| watching(record) && record.intent.is_none())
        }),
    ],
    &[
        crash("intent.after", |version, stored, place| {
            open(version, stored, |record| reverting(record) && !looked(record)) && place.link == version
        }),
        crash("looked.before", |version, stored, _| {
            open(version, stored, |record| reverting(record) && !looked(record))
        }),
        crash("looked.after", |version, stored, place| {
            open(version, stored, |record| reverting(record) && looked(record)) && place.link == version
        }),
    ],
    &[crash("act.before", |version, stored, place| {
        open(version, stored, reverting) && place.link == version && place.leftovers.is_empty()
    })],
    &[crash("host.link", |version, stored, place| {
        open(version, stored, reverting) && place.link == version && place.leftovers.len() == 1
    })],
    &[crash("host.exchanged", |version, stored, place| {
        open(version, stored, reverting) && place.link == "v1" && place.leftovers.len() == 1
    })],
    &[crash("host.synced", |version, stored, place| {
        open(version, stored, reverting) && place.link == "v1" && place.leftovers.is_empty()
    })],
    &[crash("host.activated", |version, stored, place| {
        open(version, stored, reverting) && place.link == "v1"
    })],
    &[crash("act.after", |version, stored, place| {
        open(version, stored, reverting) && place.link == "v1"
    })],
    &[
        crash("outcome.before", |version, stored, place| {
            open(version, stored, |record| reverting(record) && !looked(record)) && place.link == "v1"
        }),
        crash("outcome.after", |version, stored, _| {
            open(version, stored, verifying) && waits(stored, "reverted")
        }),
        crash("alert.before", |version, stored, _| {
            open(version, stored, verifying) && waits(stored, "reverted")
        }),
        crash("alert.after", |version, stored, _| {
            open(version, stored, verifying) && waits(stored, "reverted")
        }),
        crash("delivered.before", |version, stored, _| {
            open(version, stored, verifying) && waits(stored, "reverted")
        }),
        crash("delivered.after", |version, stored, _| {
            open(version, stored, verifying) && !waits(stored, "reverted")
        }),
        crash("settled.before", |version, stored, _| open(version, stored, verifying)),
        crash("settled.after", |version, stored, _| {
            closed(version, stored) && waits(stored, "verified")
        }),
    ],
    &[
        crash("seen.before", |version, stored, place| {
            open(version, stored, reverting) && place.link == "v1" && runs(stored, version)
        }),
        crash("seen.after", |version, stored, place| {
            open(version, stored, reverting) && place.link == "v1" && runs(stored, "v1")
        }),
    ],
];

fn runs(history: &TargetHistory, version: &str) -> bool {
    history
        .current
        .as_ref()
        .is_some_and(|current| current.name.as_str() == version)
}

fn proven(history: &TargetHistory, version: &str) -> bool {
    let mut known = history.versions.iter().filter(|known| known.version.name.as_str() == version);
    known.any(|known| known.standing == Standing::Proven)
}

fn seen_since_the_verdict(record: &Record) -> bool {
    let mut timeline = record.timeline.iter();
    let judged = timeline.find(|entry| matches!(entry.what, Happened::Judged { .. }));
    let evidence = record.evidence.as_ref();
    judged.is_some_and(|judged| evidence.is_some_and(|evidence| evidence.at > judged.at))
}

fn blind(record: &Record) -> bool {
    record
        .fault
        .as_ref()
        .is_some_and(|fault| fault.reason == GapReason::QueryFailed)
}

/// The life of a good version, with Prometheus away for a while once it is proven. It does not end here: how long whole data take is a
/// busy machine's to say.
pub const GOOD: &[Crash] = &[
    crash("verdict.before", |version, stored, _| {
        open(version, stored, |record| record.verdict.is_none())
    }),
    crash("verdict.after", |version, stored, _| {
        open(version, stored, |record| record.verdict.is_some()) && !proven(stored, version)
    }),
    crash("evidence.before", |version, stored, _| {
        open(version, stored, |record| !seen_since_the_verdict(record))
    }),
    crash("evidence.after", |version, stored, _| {
        open(version, stored, seen_since_the_verdict)
    }),
    crash("stood.before", |version, stored, _| {
        open(version, stored, watching) && !proven(stored, version)
    }),
    crash("stood.after", |version, stored, _| {
        open(version, stored, watching) && proven(stored, version)
    }),
    Crash {
        prepare: |scene| {
            scene.prometheus.kill();
            std::future::ready(()).boxed()
        },
        ..crash("data.before", |version, stored, _| {
            open(version, stored, |record| !blind(record))
        })
    },
    crash("data.after", |version, stored, _| open(version, stored, blind)),
    Crash {
        prepare: |scene| {
            async {
                scene.prometheus.restart().await.expect("Prometheus");
                std::fs::write(scene.releases.current().join("VERSION"), "changed while it runs").expect("changed");
            }
            .boxed()
        },
        ..crash("remarked.before", |version, stored, _| open(version, stored, watching))
    },
    crash("remarked.after", |version, stored, _| open(version, stored, watching)),
];

/// The end of a watch.
pub const CLOSING: &[Crash] = &[
    crash("closed.before", |version, stored, _| open(version, stored, watching)),
    crash("closed.after", |version, stored, _| {
        closed(version, stored) && proven(stored, version)
    }),
];

/// An endpoint that is down.
pub const UNHEARD: &[Crash] = &[
    crash("postponed.before", |_, stored, _| waits(stored, "proven")),
    crash("postponed.after", |_, stored, _| {
        let mut waiting = stored.outbox.iter().flat_map(|alert| &alert.deliveries);
        waiting.any(|delivery| delivery.last_error.is_some())
    }),
];

/// Prometheus is away, so that lastgood could not judge.
pub const UNREADY: &[Crash] = &[
    crash("readiness.before", |_, stored, _| stored.unready.is_empty()),
    crash("readiness.after", |_, stored, _| {
        !stored.unready.is_empty() && waits(stored, "not_ready")
    }),
];
