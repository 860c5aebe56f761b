//! Two controllers as deploy/kubernetes has them: the one that acts is killed, and the other one acts.

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Figure,
    controllers::{Controller, install},
    plane::{Plane, until},
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
        let killed = Pid::from_raw(i32::try_from(leader.id()).expect("a pid")).expect("a pid");
        kill_process(killed, Signal::KILL).expect("sent");
        took.push(next.until_it_leads().await);
        leader = next;
    }
    Figure {
        what: "the leader is killed to the other one acts".to_owned(),
        took,
        goal: Some(20.0),
    }
}
