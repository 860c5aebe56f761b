//! Releases that are judged by an objective alone: whatever ran before, against the share of failures that it allows.

use lastgood::{
    judge::Comparison,
    policy::{Metric, MetricKind},
};

use super::{Place, Scenario};
use crate::simulation::{
    alone::{DAY, OUTAGE, TWENTYFOLD, Time, WATCH, World},
    beside::Service,
    judged::{Judged, Outcome, lone_steps, plan, ratio},
    release::Release,
};

/// Releases of one service with one shape of time.
pub struct Objective {
    /// The seed of all chance.
    pub seed: u64,
    /// What the service does in time.
    pub time: Time,
    /// What is shipped, how often: `Change::Times` is how many times what the objective allows.
    pub releases: Vec<(Release, u32)>,
}

/// The kind of comparison.
pub const KIND: &str = "objective";
/// The share of failures that `objective: 99.5%` allows.
pub const ALLOWED: f64 = 0.005;
/// Requests a second, as where nothing runs beside a release.
pub const REQUESTS: f64 = 50.0;
/// What the services do in time: what has one rate in the long run. The top of a daily curve, or a dependency's step, breaks an
/// objective whoever is to blame, and that is what an objective is asked.
pub const TIMES: [Time; 3] = [Time::Flat, Time::Real, Time::Nasty];
/// How much history there is: its name, and how many steps.
pub const HISTORIES: [(&str, usize); 3] = [("24 h", DAY), ("1 h", 240), ("no history", 0)];

/// The metric.
fn availability() -> Metric {
    let mut metric = ratio("availability", 1.0, 0.0);
    if let MetricKind::Ratio(ratio) = &mut metric.kind {
        ratio.objective = Some(1.0 - ALLOWED);
    }
    metric
}

/// The service that, its outages included, fails in the long run exactly as often as the objective allows.
fn service(time: Time) -> Service {
    let in_outage = time.outages_a_day() * OUTAGE as f64 / DAY as f64;
    Service {
        requests: REQUESTS,
        bad: ALLOWED / (1.0 + (TWENTYFOLD - 1.0) * in_outage),
    }
}

impl Scenario for Objective {
    fn place(&self) -> Place {
        Place {
            kind: KIND,
            world: self.time.name().to_owned(),
            requests: REQUESTS,
            bad: ALLOWED,
        }
    }

    fn releases(&self) -> &[(Release, u32)] {
        &self.releases
    }

    fn judges(&self) -> Vec<String> {
        HISTORIES.map(|(history, _)| history.to_owned()).to_vec()
    }

    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>> {
        let name = [self.seed, ALLOWED.to_bits(), self.time as u64, u64::from(number)];
        let world = World::new(self.time, service(self.time), &name);
        let plan = plan(Comparison::BeforeAfter, WATCH, 1, 1);
        let before = lone_steps(&world.before(), false, 0);
        let judged = Judged::by(KIND, vec![availability()], 5);
        let learnt = HISTORIES.map(|(_, steps)| judged.learn(&plan, &before[before.len() - steps..]));
        let rollout = |(release, rollouts): &(Release, u32)| {
            if number >= *rollouts {
                return vec![None; learnt.len()];
            }
            let watch = lone_steps(&world.watch(release), true, before.len());
            let outcome = |learnt| Some(judged.follow(&plan, learnt, &watch));
            learnt.iter().map(outcome).collect()
        };
        self.releases.iter().map(rollout).collect()
    }
}
