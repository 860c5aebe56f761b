//! Two controllers as deploy/kubernetes has them: the one that acts is killed, and the other one acts.

use rustix::process::Signal;

use crate::{
    Figure,
    controllers::{Controller, install},
    plane::{Plane, send, until},
};

const ROUNDS: usize = 5;

pub async fn measured(plane: &Plane) -> Figure {
    install(plane).await;
    let mut leader = Controller::start(plane).await;
    leader.until_it_leads().await;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let next = Controller::start(plane).await;
        until("it stands by", async || {
            next.readiness().await.is_some_and(|(_, said)| said.contains("standing by"))
        })
        .await;
        send(Signal::KILL, leader.id());
        took.push(next.until_it_leads().await);
        leader = next;
    }
    Figure {
        what: "the leader is killed to the other one acts".to_owned(),
        took,
        goal: Some(20.0),
    }
}
