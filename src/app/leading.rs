//! Who acts: of several controllers the one that holds the lease; the others stand by, and are ready to take over.

use std::{net::SocketAddr, sync::Arc};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    clusters::Clusters,
    run::{Asked, Signals, TURN, alive, notify},
};
use crate::{
    kubernetes::{Contender, Contest, Held},
    ports::Clock,
    web::{Beat, Figures},
};

/// The lease as it is kept while this controller acts.
pub(super) struct Leading {
    /// None where there is none, and once it is lost.
    kept: Option<JoinHandle<Option<String>>>,
    ended: CancellationToken,
}

/// What others see of a controller, whether or not it acts.
#[derive(Clone)]
pub(super) struct Face {
    pub clock: Arc<dyn Clock>,
    pub beat: Arc<Beat>,
    pub figures: Figures,
}

impl Leading {
    /// Waits until this controller may act: at once where the settings have no lease. None: it was told to end before.
    ///
    /// # Errors
    /// When there is no way to the cluster at all; one that does not answer is waited for.
    pub async fn begin(
        clusters: &Clusters,
        face: &Face,
        address: SocketAddr,
        signals: &mut Signals,
    ) -> anyhow::Result<Option<Self>> {
        let ended = CancellationToken::new();
        let Some(mut contender) = clusters.contender(face.clock.clone()).await? else {
            face.figures.leads(true);
            return Ok(Some(Self { kept: None, ended }));
        };
        let Some(held) = stand_by(&mut contender, face, address, signals).await else {
            return Ok(None);
        };
        clusters.get().await?.under(held.term());
        face.beat.set_unready(Vec::new());
        face.beat.stand_by(None);
        face.figures.leads(true);
        tracing::info!(transitions = held.term().transitions(), "leads: the lease is held");
        let kept = Some(tokio::spawn(keep(held, ended.clone())));
        Ok(Some(Self { kept, ended }))
    }

    /// Returns when the lease is lost, and why. May be dropped and asked again.
    pub async fn lost(&mut self) -> String {
        let Some(kept) = &mut self.kept else {
            return std::future::pending().await;
        };
        let ended = kept.await;
        self.kept = None;
        match ended {
            Ok(because) => because.unwrap_or_default(),
            Err(error) => format!("the lease is no longer kept: {error}"),
        }
    }

    /// Gives the lease back, after the last act.
    pub async fn end(self) {
        self.ended.cancel();
        let Some(kept) = self.kept else { return };
        if let Ok(Some(because)) = kept.await {
            tracing::error!(%because, "the lease was lost while acts were finished");
        }
    }
}

/// Keeps the lease until it is lost, which is returned, or given back.
async fn keep(mut held: Held, ended: CancellationToken) -> Option<String> {
    tokio::select! {
        because = held.keep() => return Some(because),
        () = ended.cancelled() => {}
    }
    held.give_back().await;
    None
}

/// Contends for the lease once a second, until it is held or the process is told to end.
async fn stand_by(contender: &mut Contender, face: &Face, address: SocketAddr, signals: &mut Signals) -> Option<Held> {
    let mut told = None;
    let mut ticker = tokio::time::interval(TURN);
    ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::End => return None,
                // The policies are read when it leads.
                Asked::Reload => continue,
            },
            _ = ticker.tick() => {}
        }
        let found = match contender.contend().await {
            Contest::Held(held) => return Some(held),
            Contest::Other(leader) => Ok(leader),
            Contest::Unknown(because) => Err(because),
        };
        alive(&face.beat, face.clock.now());
        if told.as_ref() == Some(&found) {
            continue;
        }
        match &found {
            Ok(leader) => {
                tracing::info!(%address, %leader, "stands by");
                face.beat.stand_by(Some(leader.clone()));
                face.beat.set_unready(Vec::new());
            }
            Err(because) => {
                tracing::error!(%because, "stands by, and could not take over");
                face.beat.set_unready(vec![because.clone()]);
            }
        }
        if told.is_none() {
            notify(&[sd_notify::NotifyState::Ready]);
        }
        told = Some(found);
    }
}
