//! What a command does, or refuses, by itself, noted in the audit: by the running controller, else in the store itself. Never in its way.

use std::{fmt::Display, time::Duration};

use super::{Common, cluster::InCluster, output, reach};
use crate::{
    ports::{Command, Note, NotedAction},
    words::TargetKey,
};

/// So long it may take.
const WITHIN: Duration = Duration::from_secs(5);
/// Between two attempts, while another command has the store.
const AGAIN: Duration = Duration::from_millis(100);
/// So often it is tried.
const ATTEMPTS: usize = 10;

/// Notes it; what cannot be noted is said.
pub async fn note(where_to: (&Common, &InCluster), note: Note) {
    let because = match tokio::time::timeout(WITHIN, noted(where_to, note)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => format!("it was not done within {} s", WITHIN.as_secs()),
    };
    output::say(&format!("warning: this is not in the audit: {because}"));
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

async fn noted((common, within): (&Common, &InCluster), note: Note) -> anyhow::Result<()> {
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
    desk.act(Command::Note(note)).await?;
    Ok(())
}
