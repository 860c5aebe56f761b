//! What a command does, or refuses, by itself, noted in the audit: by the running controller, else in the store itself. Never in its way.

use std::{fmt::Display, time::Duration};

use super::{Common, cluster::InCluster, output, reach};
use crate::{
    ports::{Command, Note, NotedAction},
    words::{Moment, TargetKey},
};

/// So long it may take.
const WITHIN: Duration = Duration::from_secs(5);
/// So long a look at what runs may: all files of a release are read.
const LOOKED_WITHIN: Duration = Duration::from_secs(60);
/// Between two attempts, while another command has the store.
const AGAIN: Duration = Duration::from_millis(100);
/// So often it is tried.
const ATTEMPTS: usize = 10;

/// Notes it; what cannot be noted is said.
pub async fn note(where_to: (&Common, &InCluster), note: Note) {
    if let Some(because) = failed(where_to, Command::Note(note), WITHIN).await {
        output::say(&format!("warning: this is not in the audit: {because}"));
    }
}

/// Notes what runs since a release was brought, where no controller looks by itself; what cannot be noted is said.
pub async fn brought(where_to: (&Common, &InCluster), target: TargetKey, activated: Option<Moment>) {
    let command = Command::Brought { target, activated };
    if let Some(because) = failed(where_to, command, LOOKED_WITHIN).await {
        output::say(&format!(
            "warning: what runs now is not noted until somebody looks: {because}"
        ));
    }
}

/// Notes that something was refused, whatever reason was given for it.
pub async fn refused(
    where_to: (&Common, &InCluster),
    target: TargetKey,
    (action, what): (NotedAction, String),
    reason: &str,
    because: &impl Display,
) {
    let refused = Note {
        target,
        action,
        what,
        why: if reason.is_empty() {
            format!("refused: {because}")
        } else {
            format!("{reason}; refused: {because}")
        },
        refused: true,
    };
    note(where_to, refused).await;
}

/// Why it was not done, if it was not.
async fn failed(where_to: (&Common, &InCluster), command: Command, within: Duration) -> Option<String> {
    match tokio::time::timeout(within, acted(where_to, command)).await {
        Ok(done) => done.err().map(|error| format!("{error:#}")),
        Err(_) => Some(format!("it was not done within {} s", within.as_secs())),
    }
}

async fn acted((common, within): (&Common, &InCluster), command: Command) -> anyhow::Result<()> {
    let quiet = Common {
        quiet: true,
        ..common.clone()
    };
    let mut attempt = 1;
    let desk = loop {
        match reach::desk_to_act(&quiet, within, true).await {
            Err(_) if attempt < ATTEMPTS => tokio::time::sleep(AGAIN).await,
            desk => break desk?,
        }
        attempt += 1;
    };
    desk.act(command).await?;
    Ok(())
}
