//! Own metrics, in the OpenMetrics text format. No label has unbounded values: no version, no pod.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::words::{Moment, TargetKey};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Target {
    env: String,
    service: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    outcome: String,
}

/// What one target says of itself at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetFigures {
    /// Whether lastgood could act if it had to.
    pub ready: bool,
    /// Whether a rollout is open.
    pub open: bool,
    /// Whether its data are unfit to judge now.
    pub blind: bool,
    /// Alerts that wait to be delivered.
    pub outbox: usize,
    /// Until when a rolling update is held, if one is.
    pub held_until: Option<Moment>,
}

/// The controller's own figures. Cheap to clone: all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    ready: Family<Target, Gauge>,
    open: Family<Target, Gauge>,
    blind: Family<Target, Gauge>,
    outbox: Family<Target, Gauge>,
    held_until: Family<Target, Gauge<f64, AtomicU64>>,
    outcomes: Family<Named, Counter>,
    alerts_failed: Counter,
    data_faults: Family<Reason, Counter>,
    steps: Counter,
    frozen: Gauge,
    store_up: Gauge,
    reload_ok: Gauge,
    leads: Gauge,
}

impl Figures {
    /// Takes over what a target says of itself.
    pub fn target(&self, key: &TargetKey, figures: TargetFigures) {
        let label = Target {
            env: key.env.to_string(),
            service: key.service.to_string(),
        };
        self.ready.get_or_create(&label).set(i64::from(figures.ready));
        self.open.get_or_create(&label).set(i64::from(figures.open));
        self.blind.get_or_create(&label).set(i64::from(figures.blind));
        self.outbox
            .get_or_create(&label)
            .set(i64::try_from(figures.outbox).unwrap_or(i64::MAX));
        match figures.held_until {
            Some(until) => _ = self.held_until.get_or_create(&label).set(until.seconds()),
            None => _ = self.held_until.remove(&label),
        }
    }

    /// Forgets a target whose policy is gone.
    pub fn forget(&self, key: &TargetKey) {
        let label = Target {
            env: key.env.to_string(),
            service: key.service.to_string(),
        };
        for family in [&self.ready, &self.open, &self.blind, &self.outbox] {
            family.remove(&label);
        }
        self.held_until.remove(&label);
    }

    /// Counts how a rollout ended.
    pub fn ended(&self, outcome: &str) {
        self.outcomes
            .get_or_create(&Named {
                outcome: outcome.to_owned(),
            })
            .inc();
    }

    /// Counts a failed attempt to deliver an alert.
    pub fn alert_failed(&self) {
        self.alerts_failed.inc();
    }

    /// Counts that data became unfit to judge.
    pub fn data_fault(&self, reason: &str) {
        self.data_faults
            .get_or_create(&Reason {
                reason: reason.to_owned(),
            })
            .inc();
    }

    /// Counts a judged step.
    pub fn step_judged(&self) {
        self.steps.inc();
    }

    /// Whether all reverts are frozen.
    pub fn frozen(&self, frozen: bool) {
        self.frozen.set(i64::from(frozen));
    }

    /// Whether the store takes commits.
    pub fn store_up(&self, up: bool) {
        self.store_up.set(i64::from(up));
    }

    /// Whether this controller acts: without a lease it always does.
    pub fn leads(&self, leads: bool) {
        self.leads.set(i64::from(leads));
    }

    /// Whether the last reload of the policies was good.
    pub fn reload_ok(&self, ok: bool) {
        self.reload_ok.set(i64::from(ok));
    }

    /// All figures as text; empty if they cannot be written, which the library does not do.
    #[must_use]
    pub fn text(&self) -> String {
        let mut registry = Registry::with_prefix("lastgood");
        registry.register("ready", "Whether a revert would be possible now", self.ready.clone());
        registry.register("rollout_open", "Whether a rollout is being watched", self.open.clone());
        registry.register("blind", "Whether the data are unfit to judge now", self.blind.clone());
        registry.register("outbox_alerts", "Alerts that wait to be delivered", self.outbox.clone());
        registry.register(
            "held_until_timestamp_seconds",
            "Until when a rolling update is held at most; only while one is",
            self.held_until.clone(),
        );
        registry.register(
            "rollouts",
            "Rollouts that were closed, by outcome or verdict",
            self.outcomes.clone(),
        );
        registry.register(
            "alert_delivery_failures",
            "Attempts to deliver an alert that failed",
            self.alerts_failed.clone(),
        );
        registry.register(
            "data_faults",
            "Times that data became unfit to judge, by reason",
            self.data_faults.clone(),
        );
        registry.register("steps_judged", "Steps that were judged", self.steps.clone());
        registry.register("frozen", "Whether all reverts are frozen", self.frozen.clone());
        registry.register("store_up", "Whether the store takes commits", self.store_up.clone());
        registry.register(
            "config_last_reload_successful",
            "Whether the last reading of the policies was good",
            self.reload_ok.clone(),
        );
        registry.register(
            "leads",
            "Whether this controller acts; the others stand by",
            self.leads.clone(),
        );
        let build = Family::<BuildInfo, Gauge>::default();
        build
            .get_or_create(&BuildInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
            })
            .set(1);
        registry.register("build_info", "Which lastgood this is", build);
        let mut text = String::new();
        let _ = encode(&mut text, &registry);
        text
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildInfo {
    version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_a_figure_only_while_there_is_one() {
        let figures = Figures::default();
        let key = "prod/myapp".parse().expect("a key");
        let mut of = TargetFigures {
            ready: true,
            open: true,
            blind: false,
            outbox: 0,
            held_until: Some(Moment::from_millis(1_764_000_000_000)),
        };
        figures.target(&key, of);
        let line = "lastgood_held_until_timestamp_seconds{env=\"prod\",service=\"myapp\"} 1764000000.0";
        assert!(figures.text().contains(line), "{}", figures.text());
        of.held_until = None;
        figures.target(&key, of);
        assert!(!figures.text().contains("lastgood_held_until_timestamp_seconds{"));
    }

    #[test]
    fn the_figures_end_as_openmetrics_demand() {
        let figures = Figures::default();
        figures.ended("verified");
        let text = figures.text();
        assert!(text.contains("lastgood_rollouts_total{outcome=\"verified\"} 1"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
