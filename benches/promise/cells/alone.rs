//! Releases with nothing beside them, against the last day, hour, ten minutes and minute.

use lastgood::judge::Comparison;

use super::{Place, Scenario};
use crate::simulation::{
    alone::{Time, WATCH, World},
    beside::Service,
    judged::{Judged, Outcome, lone_steps, plan, ratio},
    release::Release,
};

/// Releases of one service with one shape of time.
pub struct Alone {
    /// The seed of all chance.
    pub seed: u64,
    /// What the service does in time.
    pub time: Time,
    /// What is shipped, how often.
    pub releases: Vec<(Release, u32)>,
}

/// The service of section 8's table.
pub const SERVICE: Service = Service {
    requests: 50.0,
    bad: 0.005,
};

/// How much history there is: its name, and how many steps.
pub const HISTORIES: [(&str, usize); 4] = [("24 h", 5_760), ("1 h", 240), ("10 min", 40), ("1 min", 4)];
/// Tolerances.
pub const TOLERANCES: [f64; 2] = [1.0, 1.25];

/// The name of a judge in the tables.
pub fn judge(history: &str, tolerance: f64) -> String {
    format!("{history}, tolerance {tolerance}")
}

impl Scenario for Alone {
    fn place(&self) -> Place {
        Place {
            kind: "before/after",
            world: self.time.name().to_owned(),
            requests: SERVICE.requests,
            bad: SERVICE.bad,
        }
    }

    fn releases(&self) -> &[(Release, u32)] {
        &self.releases
    }

    fn judges(&self) -> Vec<String> {
        let of = |(history, _): (&str, usize)| TOLERANCES.map(|tolerance| judge(history, tolerance));
        HISTORIES.into_iter().flat_map(of).collect()
    }

    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>> {
        let world = World::new(self.time, SERVICE, &[self.seed, self.time as u64, u64::from(number)]);
        let plan = plan(Comparison::BeforeAfter, WATCH, 1, 1);
        let before = lone_steps(&world.before(), false, 0);
        let by = TOLERANCES.map(|tolerance| Judged::by("", vec![ratio("errors", tolerance, 0.0)], 1));
        let learnt: Vec<_> = HISTORIES
            .into_iter()
            .flat_map(|(_, steps)| by.iter().map(move |judged| (judged, steps)))
            .map(|(judged, steps)| (judged, judged.learn(&plan, &before[before.len() - steps..])))
            .collect();
        let rollout = |(release, rollouts): &(Release, u32)| {
            if number >= *rollouts {
                return vec![None; learnt.len()];
            }
            let watch = lone_steps(&world.watch(release), true, before.len());
            learnt
                .iter()
                .map(|(judged, learnt)| Some(judged.follow(&plan, learnt, &watch)))
                .collect()
        };
        self.releases.iter().map(rollout).collect()
    }
}
