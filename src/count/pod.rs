//! One pod's counters from step to step: what was added, what began afresh, what cannot be told.

use std::time::Duration;

use super::{
    Switch,
    counters::{Counters, Unfit, sound},
    pace::Pace,
};
use crate::words::{GapReason, Increment, Moment};

/// Process starts are said in ticks on top of a boot time in whole seconds: so far may one lie from the truth.
const START_GRAIN: Duration = Duration::from_secs(1);

/// What holds for one metric in one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span<'a> {
    /// The end of the step.
    pub at: Moment,
    /// Its length.
    pub step: Duration,
    /// The switch, where the candidate is counted.
    pub switch: Option<&'a Switch>,
    /// A process's first time that does not count.
    pub warmup: Duration,
    /// Whether it began to serve only now: what it has counted before it was first scraped began at zero.
    pub young: bool,
}

/// What is remembered of one pod for one metric.
#[derive(Debug, Clone)]
pub(super) struct PodState {
    /// The counters of the step before; none where it was a gap.
    base: Option<Counters>,
    pace: Pace,
    /// Whether it was ever counted.
    seen: bool,
    /// Whether its counters began afresh at the switch, as far as was seen.
    began: bool,
    /// Series that vanished and may come back with all that they had.
    lost: u64,
    /// Increments count from here on.
    warm_at: Moment,
    /// When the pod was made, where that is known: another one may come by the same name.
    made_at: Option<Moment>,
}

impl PodState {
    /// A pod that was not seen yet; its increments count from `warm_at` on.
    pub fn new(warm_at: Moment) -> Self {
        Self {
            base: None,
            pace: Pace::default(),
            seen: false,
            began: false,
            lost: 0,
            warm_at,
            made_at: None,
        }
    }

    /// A pod that was made at `at`, and counts `warmup` later.
    pub fn made(at: Moment, warmup: Duration) -> Self {
        Self {
            made_at: Some(at),
            ..Self::new(at.plus(warmup))
        }
    }

    /// Whether it is another one than a pod of the same name that was made at `at`.
    pub fn is_another(&self, at: Moment) -> bool {
        self.made_at.is_some_and(|made| made != at)
    }

    /// Notes when it was scraped and tells whether that is fresh: at most two scrape intervals before `at`.
    pub fn is_fresh(&mut self, scraped_at: Moment, at: Moment, step: Duration) -> bool {
        self.pace.note(scraped_at);
        at.since(scraped_at) <= self.pace.interval(step) * 2
    }

    /// There is no sample in this step: whatever comes next has nothing to be differenced with.
    pub fn forget(&mut self) {
        self.base = None;
    }

    /// Takes the counters of this step and says what they add to those before.
    pub fn take(&mut self, now: &Counters, span: Span<'_>) -> Result<Increment, Unfit> {
        let base = self.base.replace(now.clone());
        let born = self.is_born(base.as_ref(), now, span);
        self.seen = true;
        if let Increment::Value { .. } = now.counts {
            return self.newest(now, span);
        }
        if span.switch.is_some_and(|switch| now.scraped_at < switch.from) {
            return Err((GapReason::Switch, "scraped before the new process began".to_owned()));
        }
        if born {
            self.began = true;
            self.lost = 0;
            let birth = now.started_at.unwrap_or_else(|| span.at.minus(span.step));
            self.warm_at = self.warm_at.max(birth.plus(span.warmup));
            return if span.warmup.is_zero() {
                Ok(now.counts.clone())
            } else {
                Err(warming())
            };
        }
        let Some(base) = base else {
            let found = "nothing to difference with: the step before is a gap".to_owned();
            return Err((GapReason::NoPrevious, found));
        };
        self.difference(&base, now, span)
    }

    /// A value is what it is: nothing is differenced, and of a process's first time it is left out.
    fn newest(&self, now: &Counters, span: Span<'_>) -> Result<Increment, Unfit> {
        if span.switch.is_some_and(|switch| now.scraped_at < switch.until) {
            return Err((GapReason::Switch, "scraped before the new process began".to_owned()));
        }
        let started = now
            .started_at
            .map_or(self.warm_at, |started| self.warm_at.max(started.plus(span.warmup)));
        if !span.warmup.is_zero() && now.scraped_at < started {
            return Err(warming());
        }
        Ok(now.counts.clone())
    }

    /// Whether the counters began at zero within this step.
    fn is_born(&self, base: Option<&Counters>, now: &Counters, span: Span<'_>) -> bool {
        match base {
            Some(base) => restarted(base, now) || span.switch.is_some_and(|switch| self.switched(base, now, span, switch)),
            None => {
                let within = |moment: Moment| moment > span.at.minus(span.step) && moment <= span.at;
                now.started_at.is_some_and(within)
                    || (span.young && !self.seen)
                    || span
                        .switch
                        .is_some_and(|switch| switch.fresh && !self.seen && within(switch.from))
            }
        }
    }

    /// Whether the switch explains what is seen: the process that is scraped now began with it, or its counters fell where they were
    /// expected to.
    fn switched(&self, base: &Counters, now: &Counters, span: Span<'_>, switch: &Switch) -> bool {
        if self.began || now.scraped_at < switch.from {
            return false;
        }
        let began_with_it = now.started_at.is_some_and(|start| start.plus(START_GRAIN) >= switch.from);
        if began_with_it && base.scraped_at < switch.from {
            return true;
        }
        let grace = self.pace.interval(span.step) * 2;
        switch.fresh && base.scraped_at <= switch.until.plus(grace) && (now.bounds != base.bounds || now.since(base).is_none())
    }

    fn difference(&mut self, base: &Counters, now: &Counters, span: Span<'_>) -> Result<Increment, Unfit> {
        if !self.began && span.switch.is_some_and(|switch| base.scraped_at < switch.until) {
            let found = "the step holds the switch, and its counters went on".to_owned();
            return Err((GapReason::Switch, found));
        }
        self.series(base, now)?;
        if now.bounds != base.bounds {
            return Err((GapReason::BoundsDiffer, format!("{} became {}", layout(base), layout(now))));
        }
        let increment = now.since(base).ok_or_else(|| {
            let found = "a counter fell, and no restart is known".to_owned();
            (GapReason::UnexplainedReset, found)
        })?;
        if !span.warmup.is_zero() && base.scraped_at < self.warm_at {
            return Err(warming());
        }
        sound(increment)
    }

    /// Series that vanish take what they had out of the sum, and bring it all back if they return.
    fn series(&mut self, base: &Counters, now: &Counters) -> Result<(), Unfit> {
        let gone =
            base.series_of_total.saturating_sub(now.series_of_total) + base.series_of_bad.saturating_sub(now.series_of_bad);
        if gone > 0 {
            self.lost += gone;
            return Err((
                GapReason::SeriesVanished,
                format!("{gone} series fewer, and no restart is known"),
            ));
        }
        let come =
            now.series_of_total.saturating_sub(base.series_of_total) + now.series_of_bad.saturating_sub(base.series_of_bad);
        if come > 0 && self.lost > 0 {
            self.lost = self.lost.saturating_sub(come);
            return Err((
                GapReason::SeriesVanished,
                format!("{come} series more after some had vanished"),
            ));
        }
        Ok(())
    }
}

/// Whether another process is scraped than before: its start moved, and lies after the scrape before. (A start that moves by less is
/// a clock that was corrected.)
fn restarted(base: &Counters, now: &Counters) -> bool {
    let Some(start) = now.started_at else { return false };
    match base.started_at {
        Some(before) => start > before && start.plus(START_GRAIN) > base.scraped_at,
        None => start > base.scraped_at,
    }
}

fn layout(counters: &Counters) -> String {
    match &counters.counts {
        Increment::Native(_) => "a native histogram".to_owned(),
        _ => format!("bounds {:?}", counters.bounds),
    }
}

fn warming() -> Unfit {
    (GapReason::WarmUp, "warming up".to_owned())
}
