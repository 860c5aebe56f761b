//! Crash points: named places at which a test ends the process as a power cut would. Only with the feature `crash-points`; else nothing is compiled in.

/// Every registered point: around each durable commit (`app/guard/durable.rs` names them), around the act and each of the host's steps in
/// it, around sending. A test visits each; one that is never reached fails it.
#[cfg(feature = "crash-points")]
pub const POINTS: &[&str] = &[
    "opened.before",
    "opened.after",
    "activated.before",
    "activated.after",
    "calibrated.before",
    "calibrated.after",
    "evidence.before",
    "evidence.after",
    "data.before",
    "data.after",
    "verdict.before",
    "verdict.after",
    "stood.before",
    "stood.after",
    "intent.before",
    "intent.after",
    "act.before",
    "host.link",
    "host.exchanged",
    "host.synced",
    "host.activated",
    "act.after",
    "looked.before",
    "looked.after",
    "outcome.before",
    "outcome.after",
    "settled.before",
    "settled.after",
    "closed.before",
    "closed.after",
    "alert.before",
    "alert.after",
    "delivered.before",
    "delivered.after",
    "postponed.before",
    "postponed.after",
    "readiness.before",
    "readiness.after",
    "word.before",
    "word.after",
    "remarked.before",
    "remarked.after",
    "seen.before",
    "seen.after",
];

/// The points of a person's way back, in order: their order stored, the act, its outcome stored.
#[cfg(feature = "crash-points")]
pub const POINTS_OF_AN_ORDER: &[&str] = &[
    "order.before",
    "order.after",
    "act.before",
    "host.link",
    "host.exchanged",
    "host.synced",
    "host.activated",
    "act.after",
    "outcome.before",
    "outcome.after",
];

/// The points of what is only noted in the audit: a policy that was read, a command that was refused.
#[cfg(feature = "crash-points")]
pub const POINTS_OF_A_NOTE: &[&str] = &["noted.before", "noted.after"];

/// The points of a person's deploy (`tests/deploy` visits each): around each of its steps, and in the middle of the long ones.
#[cfg(feature = "crash-points")]
pub const DEPLOYING: &[&str] = &[
    "deploy.begun",
    "deploy.fetching",
    "deploy.fetched",
    "deploy.unpacking",
    "deploy.unpacked",
    "deploy.renamed",
    "deploy.published",
    "deploy.link",
    "deploy.exchanged",
    "deploy.switched",
    "deploy.activated",
    "deploy.ended",
];

/// Ends the process at once, by SIGKILL, if the environment's `LASTGOOD_CRASH_AT` names this point.
#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    let registered = [POINTS, POINTS_OF_AN_ORDER, POINTS_OF_A_NOTE, DEPLOYING];
    debug_assert!(
        registered.iter().any(|points| points.contains(&name)),
        "unregistered crash point {name}"
    );
    if std::env::var_os("LASTGOOD_CRASH_AT").is_some_and(|at| at == name) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

/// Nothing: the feature `crash-points` is off.
#[cfg(not(feature = "crash-points"))]
pub const fn point(_name: &str) {}
