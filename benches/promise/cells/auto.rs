//! Rolling updates whose old version has gone in mid-watch: judged beside it while it serves, then against its own last hour.

use lastgood::judge::Comparison;

use super::{Place, Scenario};
use crate::simulation::{
    alone::{DAY, Time},
    beside::{Service, WATCH},
    judged::{DEFAULTS, Judged, Outcome, STRICT, plan, pods, ratio_step, ratio_steps, step},
    release::{MINUTE, Release},
    rolling::{PODS, World},
};

/// Releases of one service with one shape of time.
pub struct Auto {
    /// The seed of all chance.
    pub seed: u64,
    /// What the service does in time.
    pub time: Time,
    /// The minute of the watch in which the last old pod has gone.
    pub gone: usize,
    /// What is shipped, how often.
    pub releases: Vec<(Release, u32)>,
}

/// The kind of comparison.
pub const KIND: &str = "auto";
/// The service: that of section 12's table.
pub const SERVICE: Service = Service {
    requests: 200.0,
    bad: 0.005,
};
/// What the services do in time, and the minutes of the watch in which the old version has gone.
pub const TIMES: [Time; 2] = [Time::Real, Time::Nasty];
pub const GONE: [usize; 2] = [2, 10];
/// How much history there is: its name, and how many steps.
pub const HISTORIES: [(&str, usize); 2] = [("24 h", DAY), ("1 h", 240)];
/// The policies, by the names of [`Judged`].
pub const POLICIES: [&str; 2] = [STRICT, DEFAULTS];

/// The noise, as it is called in the tables.
pub fn world(time: Time, gone: usize) -> String {
    format!("{}, gone after {gone} min", time.name())
}

/// The name of a judge in the tables.
pub fn judge(history: &str, policy: &str) -> String {
    format!("{history}, {policy}")
}

impl Scenario for Auto {
    fn place(&self) -> Place {
        Place {
            kind: KIND,
            world: world(self.time, self.gone),
            requests: SERVICE.requests,
            bad: SERVICE.bad,
        }
    }

    fn releases(&self) -> &[(Release, u32)] {
        &self.releases
    }

    fn judges(&self) -> Vec<String> {
        let of = |(history, _): (&str, usize)| POLICIES.map(|policy| judge(history, policy));
        HISTORIES.into_iter().flat_map(of).collect()
    }

    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>> {
        let gone = self.gone * MINUTE;
        let name = [self.seed, self.time as u64, self.gone as u64, u64::from(number)];
        let world = World::new(self.time, SERVICE, gone, &name);
        // As in production: either version wants as many pods, however many of them serve at a time.
        let plan = plan(Comparison::Auto, WATCH, PODS, PODS);
        let all = pods(2 * PODS);
        let before = ratio_steps(world.before(), 0, &all[PODS..], 0);
        let policies = [Judged::strict(), Judged::defaults()];
        let learnt: Vec<_> = HISTORIES
            .into_iter()
            .flat_map(|(_, steps)| policies.iter().map(move |judged| (judged, steps)))
            .map(|(judged, steps)| (judged, judged.learn(&plan, &before[before.len() - steps..])))
            .collect();
        let rollout = |(release, rollouts): &(Release, u32)| {
            if number >= *rollouts {
                return vec![None; learnt.len()];
            }
            let watch: Vec<_> = world
                .watch(release)
                .iter()
                .enumerate()
                .map(|(t, counts)| {
                    let new = world.new_pods(t);
                    let serving = [&all[..new], &all[PODS + new..]].concat();
                    step(before.len() + t, vec![ratio_step(counts, new, &serving)])
                })
                .collect();
            learnt
                .iter()
                .map(|(judged, learnt)| Some(judged.follow_until(&plan, learnt, &watch, gone)))
                .collect()
        };
        self.releases.iter().map(rollout).collect()
    }
}
