//! The story: five deployments, what each must come to, and what a person sees of it.

use std::{path::PathBuf, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{
    Behavior, StageError,
    hook::Received,
    screen::Screen,
    stage::{Stage, met},
};
use crate::{
    explain::{self, Language, TargetStatus},
    record::Record,
    words::{Moment, Outcome, RolloutId, Standing, Verdict},
};

/// How long the story's watches are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The policy's `watch.for`.
    pub watch: Duration,
    /// The policy's `watch.proveAfter`.
    pub prove: Duration,
    /// The policy's `revert.verifyFor`.
    pub verify: Duration,
}

impl Pace {
    /// For people.
    pub const WATCHED: Self = Self {
        watch: Duration::from_secs(40),
        prove: Duration::from_secs(20),
        verify: Duration::from_secs(8),
    };
    /// For machines.
    pub const FAST: Self = Self {
        watch: Duration::from_secs(24),
        prove: Duration::from_secs(14),
        verify: Duration::from_secs(5),
    };
}

/// What the demo shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoOptions {
    /// The Prometheus server to run.
    pub prometheus: PathBuf,
    /// How long its watches are.
    pub pace: Pace,
    /// Only results.
    pub quiet: bool,
}

/// How the demo ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Each deployment ended as it must.
    AsPromised,
    /// These did not; each with what was found.
    Otherwise(Vec<String>),
    /// A person stopped it.
    Interrupted,
}

/// Between two looks at the controller.
const LOOK: Duration = Duration::from_millis(250);
/// What a deployment may take beyond its watch.
const PATIENCE: Duration = Duration::from_secs(45);
/// An alert is delivered within this time after what it tells.
const DELIVERED_WITHIN: Duration = Duration::from_secs(10);

/// Plays the story. However it ends, by a signal too, no process and no file is left.
///
/// # Errors
/// When a real part cannot be started or goes away.
pub async fn play(options: &DemoOptions) -> Result<Ended, StageError> {
    let stopped = async {
        let mut signals = Vec::new();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            signals.push(signal(kind).map_err(met("cannot listen for signals"))?);
        }
        futures::future::select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
        Ok(Ended::Interrupted)
    };
    tokio::select! {
        biased;
        ended = stopped => ended,
        ended = acts(options) => ended,
    }
}

async fn acts(options: &DemoOptions) -> Result<Ended, StageError> {
    let mut screen = Screen::new(options.quiet);
    let print = "cannot write to standard output";
    screen
        .heading("Five deployments of one small service, and nobody watching but lastgood")
        .map_err(met(print))?;
    let stage = Stage::set(options.prometheus.clone(), &options.pace).await?;
    let mut play = Play {
        stage,
        screen,
        pace: options.pace,
        alerts: 0,
        told: Moment::from_millis(0),
        fault: None,
        endings: Vec::new(),
    };
    play.introduce()?;
    play.first().await?;
    play.good().await?;
    play.bad(
        "v3",
        "v3 answers 5 % of its requests with an error",
        Behavior {
            errors: 0.05,
            seed: 3,
            ..Behavior::default()
        },
    )
    .await?;
    play.explained("v3").await?;
    play.bad(
        "v4",
        "v4 answers correctly, and takes 2.5 times as long",
        Behavior {
            median: 0.050,
            seed: 4,
            ..Behavior::default()
        },
    )
    .await?;
    play.blind().await?;
    play.sum_up()
}

/// The stage, the screen, and how it went so far.
pub(super) struct Play {
    pub(super) stage: Stage,
    pub(super) screen: Screen,
    pub(super) pace: Pace,
    /// How many alerts were shown.
    pub(super) alerts: usize,
    /// When a plain line was told last.
    pub(super) told: Moment,
    /// The fault of the data that was told last.
    pub(super) fault: Option<String>,
    pub(super) endings: Vec<Ending>,
}

/// How one deployment ended.
pub(super) struct Ending {
    pub(super) version: &'static str,
    pub(super) promised: &'static str,
    pub(super) found: String,
    pub(super) good: bool,
    pub(super) rollout: Option<RolloutId>,
}

impl Play {
    async fn first(&mut self) -> Result<(), StageError> {
        self.heading("v1 runs already. Nothing is known of it: it must soak first")?;
        self.must_be_proven("v1", "proven by soaking").await
    }

    async fn good(&mut self) -> Result<(), StageError> {
        self.heading("v2 is deployed. It is as good as v1")?;
        self.stage
            .deploy(
                "v2",
                &Behavior {
                    seed: 2,
                    ..Behavior::default()
                },
            )
            .await?;
        self.must_be_proven("v2", "proven, compared with v1").await
    }

    async fn must_be_proven(&mut self, version: &'static str, promised: &'static str) -> Result<(), StageError> {
        let proven = |status: &TargetStatus| {
            let runs = status.runs.as_ref();
            runs.is_some_and(|runs| runs.version.name.as_str() == version && runs.standing == Standing::Proven)
        };
        let (rollout, reached) = self.watch(version, proven).await?;
        let alert = self.alert(rollout, "proven").await?;
        self.ended(version, promised, rollout, reached && alert.is_some(), alert)
    }

    async fn bad(&mut self, version: &'static str, heading: &str, behavior: Behavior) -> Result<(), StageError> {
        self.heading(&format!("{heading}. It is deployed, and nobody looks"))?;
        let before = self.stage.parts().0.counts();
        self.stage.deploy(version, &behavior).await?;
        let (rollout, closed) = self.watch(version, |status| is_closed(status, version)).await?;
        let alert = self.alert(rollout, "reverted").await?;
        let recovered = self.alert(rollout, "verified").await?;
        let record = self.record(rollout).await?;
        let reverted =
            record.is_some_and(|record| record.verdict == Some(Verdict::Regression) && record.outcome == Some(Outcome::Verified));
        let (load, releases, ..) = self.stage.parts();
        let after = load.counts();
        let back = releases.points_to().is_ok_and(|version| version == "v2");
        let failed = after.failed - before.failed;
        let sent = failed + after.answered - before.answered;
        self.say(&format!(
            "Until v2 was back and had recovered, people met {failed} errors in {sent} requests."
        ))?;
        let good = closed && reverted && back && recovered.is_some();
        self.ended(version, "reverted to v2, and recovered", rollout, good, alert)
    }

    async fn explained(&mut self, version: &str) -> Result<(), StageError> {
        let rollout = self
            .endings
            .iter()
            .find(|ending| ending.version == version)
            .and_then(|ending| ending.rollout);
        let Some(record) = self.record(rollout).await? else {
            return Ok(());
        };
        self.heading("lastgood explain: the same a year later, from the stored record")?;
        self.say(&explain::text(&record, Language::En))
    }

    async fn blind(&mut self) -> Result<(), StageError> {
        self.heading("v5 is deployed, and Prometheus goes away. No data is no guilt")?;
        self.stage
            .deploy(
                "v5",
                &Behavior {
                    seed: 5,
                    ..Behavior::default()
                },
            )
            .await?;
        let judged = |status: &TargetStatus| {
            let rollout = status.rollout.as_ref().filter(|rollout| rollout.to.name.as_str() == "v5");
            rollout
                .and_then(|rollout| rollout.evidence.as_ref())
                .is_some_and(|evidence| evidence.used >= 3)
        };
        self.watch("v5", judged).await?;
        self.stage.lose_prometheus();
        self.say("Prometheus is killed now.")?;
        let (rollout, closed) = self.watch("v5", |status| is_closed(status, "v5")).await?;
        let alert = self.alert(rollout, "blind").await?;
        let record = self.record(rollout).await?;
        let kept = record.is_some_and(|record| record.verdict == Some(Verdict::Blind) && record.intent.is_none());
        let stays = self.stage.parts().1.points_to().is_ok_and(|version| version == "v5");
        self.ended(
            "v5",
            "kept: blind is no verdict",
            rollout,
            closed && kept && stays && alert.is_some(),
            alert,
        )
    }

    /// Shows what happens until `done`, or patience ends. The rollout of `version`, and whether `done` was reached.
    async fn watch(
        &mut self,
        version: &str,
        done: impl Fn(&TargetStatus) -> bool,
    ) -> Result<(Option<RolloutId>, bool), StageError> {
        let mut rollout = None;
        let looks = (self.pace.watch + PATIENCE).as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            if let Some(status) = self.stage.status().await? {
                rollout = rollout_of(&status, version).or(rollout);
                let reached = done(&status);
                self.show(&status, reached)?;
                if reached {
                    return Ok((rollout, true));
                }
            }
            self.show_alerts()?;
            sleep(LOOK).await;
        }
        self.say(&format!(
            "{version} took too long. The end of the controller's log:\n{}",
            self.stage.log()
        ))?;
        Ok((rollout, false))
    }

    /// The alert of this kind about `rollout`, once it was delivered.
    async fn alert(&mut self, rollout: Option<RolloutId>, kind: &str) -> Result<Option<Received>, StageError> {
        let Some(rollout) = rollout else { return Ok(None) };
        let id = format!("{rollout}/{kind}");
        for _ in 0..DELIVERED_WITHIN.as_millis() / LOOK.as_millis() {
            self.show_alerts()?;
            if let Some(alert) = self.stage.alerts().into_iter().find(|alert| alert.id == id) {
                return Ok(Some(alert));
            }
            sleep(LOOK).await;
        }
        Ok(None)
    }

    async fn record(&self, rollout: Option<RolloutId>) -> Result<Option<Record>, StageError> {
        match rollout {
            Some(rollout) => self.stage.record(rollout).await,
            None => Ok(None),
        }
    }

    fn ended(
        &mut self,
        version: &'static str,
        promised: &'static str,
        rollout: Option<RolloutId>,
        good: bool,
        alert: Option<Received>,
    ) -> Result<(), StageError> {
        let told = alert.and_then(|alert| alert.text.lines().next().map(str::to_owned));
        let found = told.unwrap_or_else(|| "no alert told of it".to_owned());
        if self.screen.is_quiet() {
            self.result(version, promised, &found, good)?;
        }
        self.endings.push(Ending {
            version,
            promised,
            found,
            good,
            rollout,
        });
        Ok(())
    }
}

fn is_closed(status: &TargetStatus, version: &str) -> bool {
    status.rollout.is_none() && status.last.as_ref().is_some_and(|last| last.to.name.as_str() == version)
}

fn rollout_of(status: &TargetStatus, version: &str) -> Option<RolloutId> {
    let open = status.rollout.as_ref().map(|rollout| (&rollout.to, rollout.id));
    let last = status.last.as_ref().map(|last| (&last.to, last.id));
    [open, last]
        .into_iter()
        .flatten()
        .find(|(to, _)| to.name.as_str() == version)
        .map(|(_, id)| id)
}
