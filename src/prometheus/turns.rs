//! Turns: whatever begins at once, ten questions a second reach Prometheus and no more (failures.md, C16). A step that is due goes before
//! learning and catching up, which wait for a narrower gate first.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::sleep};

/// Questions a second.
const A_SECOND: usize = 10;
/// So many of them may be about a stretch of the past.
const LONG: usize = 8;
/// So long a turn is kept from the next one: a second, and a little for what takes longer on its way than the one before.
const KEPT: Duration = Duration::from_millis(1050);

/// Who may ask now; first come, first served.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl Turns {
    pub fn new() -> Self {
        Self {
            all: Arc::new(Semaphore::new(A_SECOND)),
            long: Arc::new(Semaphore::new(LONG)),
        }
    }

    /// Waits for the turn of a question about one moment.
    pub async fn short(&self) {
        taken(&self.all).await;
    }

    /// Waits for the turn of a question about a stretch of time.
    pub async fn long(&self) {
        taken(&self.long).await;
        taken(&self.all).await;
    }

    /// Whether more than half of the turns are free.
    pub fn spare(&self) -> bool {
        self.all.available_permits() > A_SECOND / 2
    }
}

/// Takes a turn, which comes back by itself.
async fn taken(turns: &Arc<Semaphore>) {
    // Never closed.
    let Ok(turn) = Arc::clone(turns).acquire_owned().await else {
        return;
    };
    tokio::spawn(async move {
        sleep(KEPT).await;
        drop(turn);
    });
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::app::clock::monotonic as now;

    #[tokio::test]
    async fn c16_no_second_has_more_than_ten_questions_and_a_due_step_waits_for_no_herd() {
        let turns = Turns::new();
        assert!(turns.spare());
        let began = now();
        let herd = join_all((0..22).map(async |_| {
            turns.long().await;
            now()
        }));
        let due = async {
            // The herd was there first.
            tokio::task::yield_now().await;
            assert!(!turns.spare());
            turns.short().await;
            now()
        };
        let (mut asked, due) = futures::join!(herd, due);
        assert!(
            due.duration_since(began) < Duration::from_millis(500),
            "it went past the herd"
        );
        asked.push(due);
        asked.sort_unstable();
        for eleven in asked.windows(A_SECOND + 1) {
            let took = eleven[A_SECOND].duration_since(eleven[0]);
            assert!(took >= Duration::from_secs(1), "eleven within {took:?}");
        }
        assert_eq!(asked.len(), 23, "and all of them had their turn");
    }
}
