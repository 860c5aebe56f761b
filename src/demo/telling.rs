//! How the story is told: the opening, what is seen meanwhile, and how it ended.

use std::time::Duration;

use super::{
    StageError,
    plain::plain,
    stage::met,
    story::{Ended, Play},
};
use crate::{
    app::clock::SystemClock,
    explain::{self, TargetStatus},
    ports::Clock as _,
};

impl Play {
    pub(super) fn say(&mut self, text: &str) -> Result<(), StageError> {
        self.screen.say(text).map_err(met("cannot write to standard output"))
    }

    pub(super) fn heading(&mut self, text: &str) -> Result<(), StageError> {
        self.screen.heading(text).map_err(met("cannot write to standard output"))
    }

    pub(super) fn introduce(&mut self) -> Result<(), StageError> {
        let (_, _, service, prometheus) = self.stage.parts();
        let text = format!(
            "Everything is real and on this machine, in {directory}:\n  \
             the service on http://{service}, and about 200 uneven requests a second to it;\n  \
             Prometheus on {prometheus}, which scrapes it once a second;\n  \
             `lastgood run`, which knows no more than these tell it, with this policy:\n\n{policy}\n\
             A deployment is a new directory in releases/, `current` moved to it, and a restart.\n\
             Watches last {watch} s here; two hours are the default.",
            directory = self.stage.directory().display(),
            service = service.address(),
            prometheus = prometheus.url(),
            policy = self.policy()?,
            watch = self.pace.watch.as_secs(),
        );
        self.say(&text)
    }

    pub(super) fn policy(&self) -> Result<String, StageError> {
        let policy = std::fs::read_to_string(self.stage.directory().join("policies/myapp.yaml"));
        let policy = policy.map_err(met("cannot read the policy"))?;
        Ok(policy.lines().map(|line| format!("    {line}\n")).collect())
    }

    pub(super) fn show(&mut self, status: &TargetStatus, last: bool) -> Result<(), StageError> {
        let now = SystemClock.now();
        let block = explain::live(status, now, self.screen.width(), self.screen.colors());
        // Plain lines come every few seconds, so that a log can be read.
        let due = last || now.since(self.told) >= Duration::from_secs(5);
        if !self.screen.redraws() && !due {
            return Ok(());
        }
        self.told = now;
        let line = plain(status, now, self.fault.as_deref());
        let fault = status.rollout.as_ref().and_then(|rollout| rollout.fault.as_ref());
        self.fault = fault.map(|fault| fault.because.clone());
        self.screen
            .live(&block, &line)
            .map_err(met("cannot write to standard output"))
    }

    pub(super) fn show_alerts(&mut self) -> Result<(), StageError> {
        let alerts = self.stage.alerts();
        for alert in alerts.iter().skip(self.alerts) {
            self.screen
                .alert(&alert.text)
                .map_err(met("cannot write to standard output"))?;
        }
        self.alerts = alerts.len();
        Ok(())
    }

    pub(super) fn result(&mut self, version: &str, promised: &str, found: &str, good: bool) -> Result<(), StageError> {
        let text = if good {
            format!(
                "{version}  {promised}. {}",
                found.trim_start_matches(|c: char| !c.is_alphanumeric())
            )
        } else {
            format!("{version}  was to be {promised}, and was not. {found}")
        };
        self.screen
            .result(good, &text)
            .map_err(met("cannot write to standard output"))
    }

    pub(super) fn sum_up(&mut self) -> Result<Ended, StageError> {
        let counts = self.stage.parts().0.counts();
        self.heading("How it ended")?;
        let endings = std::mem::take(&mut self.endings);
        for ending in endings.iter().filter(|_| !self.screen.is_quiet()).collect::<Vec<_>>() {
            self.result(ending.version, ending.promised, &ending.found, ending.good)?;
        }
        let sent = counts.answered + counts.failed + counts.unanswered;
        self.say(&format!(
            "Clients sent {sent} requests, and met {} errors. No person did anything.",
            counts.failed + counts.unanswered
        ))?;
        let otherwise: Vec<String> = endings
            .iter()
            .filter(|ending| !ending.good)
            .map(|ending| format!("{} was to be {}", ending.version, ending.promised))
            .collect();
        Ok(if otherwise.is_empty() {
            Ended::AsPromised
        } else {
            Ended::Otherwise(otherwise)
        })
    }
}
