//! Releases beside a baseline, one ratio metric: by the strict policy, by the defaults, without history, and by the peers.

use lastgood::{
    judge::{Comparison, PastPods, Plan},
    words::Pod,
};

use super::{Place, Scenario};
use crate::{
    peers::{Both, kayenta, limit, limit::Rule, wald},
    simulation::{
        beside::{Counts, Service, WATCH, World},
        judged::{Judged, Outcome, plan, pods, ratio_steps},
        noise::{FEW, Fleet, Noise},
        release::{Change, Release},
    },
};

/// Releases of one service in one noise.
pub struct Beside {
    /// The seed of all chance.
    pub seed: u64,
    /// The noise.
    pub noise: Noise,
    /// The service.
    pub service: Service,
    /// What is shipped, how often.
    pub releases: Vec<(Release, u32)>,
    /// Whether it is judged without history too, and, where pods are few, with what remains of twelve that have ended.
    pub in_full: bool,
    /// How many rollouts the peers judge too.
    pub peers: u32,
}

/// The strict policy without an hour of history, and with what remains of twelve past pods beside it.
pub const WITHOUT_HISTORY: &str = "tolerance 1, no history";
pub const PAST_PODS: &str = "tolerance 1, twelve past pods";

/// What a judge knows before the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The hour before.
    Hour,
    /// Nothing.
    Nothing,
    /// The hour before, and the pods of earlier versions.
    HourAndPods,
}

/// The peers, in the order of the tables. Three checks altogether are the middle of Flagger's and Argo's.
pub const PEERS: [&str; 7] = [
    "limit, 3 checks in a row",
    "limit, 1 failed check",
    "limit, 3 failed checks",
    "limit, 5 failed checks",
    "Kayenta, at the end",
    "Kayenta, every 5 minutes",
    "Wald, told theta",
];

impl Beside {
    fn judged(&self) -> Vec<(Judged, Known)> {
        let mut judged = vec![(Judged::strict(), Known::Hour), (Judged::defaults(), Known::Hour)];
        if self.in_full {
            judged.push((Judged::strict().called(WITHOUT_HISTORY), Known::Nothing));
        }
        if self.in_full && self.noise.fleet == FEW {
            judged.push((Judged::strict().called(PAST_PODS), Known::HourAndPods));
        }
        judged
    }

    /// What remains of the three pods of four earlier versions: an hour of each, other pods every time.
    fn past_pods(&self, number: u32, judged: &Judged, plan: &Plan) -> Vec<PastPods> {
        let alone = Noise {
            fleet: Fleet {
                candidate: 0,
                baseline: 3,
                share: 0.0,
            },
            ..self.noise
        };
        let pods = pods(alone.fleet.baseline);
        let version = |earlier: u64| {
            let world = self.world(&alone, &[u64::from(number), earlier]);
            judged.remember(plan, &ratio_steps(world.before(), 0, &pods, 0))
        };
        (1..=4).flat_map(version).collect()
    }

    fn pods(&self) -> Vec<Pod> {
        pods(self.noise.fleet.candidate + self.noise.fleet.baseline)
    }

    fn world<'a>(&self, noise: &'a Noise, rollout: &[u64]) -> World<'a> {
        let name = self
            .noise
            .name
            .bytes()
            .fold(0, |name: u64, byte| name.wrapping_mul(31) + u64::from(byte));
        let service = [self.service.requests.to_bits(), self.service.bad.to_bits()];
        World::new(
            noise,
            self.service,
            &[&[self.seed, name, service[0], service[1]], rollout].concat(),
            0,
        )
    }
}

impl Scenario for Beside {
    fn place(&self) -> Place {
        Place {
            kind: "beside",
            world: self.noise.name.to_owned(),
            requests: self.service.requests,
            bad: self.service.bad,
        }
    }

    fn releases(&self) -> &[(Release, u32)] {
        &self.releases
    }

    fn judges(&self) -> Vec<String> {
        let judged = self.judged();
        let ours = judged.iter().map(|(judged, _)| judged.name);
        let peers = PEERS.iter().copied().filter(|_| self.peers > 0);
        ours.chain(peers).map(str::to_owned).collect()
    }

    fn play(&self, number: u32) -> Vec<Vec<Option<Outcome>>> {
        let candidate = self.noise.fleet.candidate;
        let (world, pods) = (self.world(&self.noise, &[u64::from(number)]), self.pods());
        let plan = plan(Comparison::Concurrent, WATCH, candidate, self.noise.fleet.baseline);
        let before = ratio_steps(world.before(), 0, &pods[candidate..], 0);
        let judged = self.judged();
        let learn = |(judged, known): &(Judged, Known)| match known {
            Known::Hour => judged.learn(&plan, &before),
            Known::Nothing => judged.learn(&plan, &[]),
            Known::HourAndPods => judged.learn_of(&plan, &before, &self.past_pods(number, judged, &plan)),
        };
        let learnt: Vec<_> = judged.iter().map(learn).collect();
        let rollout = |(release, rollouts): &(Release, u32)| {
            if number >= *rollouts {
                return vec![None; self.judges().len()];
            }
            let counts = world.watch(release);
            let watch = ratio_steps(&counts, candidate, &pods, before.len());
            let ours = judged.iter().zip(&learnt);
            let mut outcomes: Vec<Option<Outcome>> = ours
                .map(|((judged, _), learnt)| Some(judged.follow(&plan, learnt, &watch)))
                .collect();
            if number < self.peers {
                let totals = totals(&counts, candidate);
                outcomes.extend(
                    by_peers(&totals, self.service.bad, release).map(|reverted| Some(Outcome { reverted, passed: None })),
                );
            } else if self.peers > 0 {
                outcomes.extend([None; PEERS.len()]);
            }
            outcomes
        };
        self.releases.iter().map(rollout).collect()
    }
}

fn totals(counts: &Counts, candidate: usize) -> Vec<Both> {
    let sum = |pods: &[[u64; 2]]| pods.iter().fold([0; 2], |sum, [bad, total]| [sum[0] + bad, sum[1] + total]);
    counts
        .iter()
        .map(|pods| [sum(&pods[..candidate]), sum(&pods[candidate..])])
        .collect()
}

/// When each of the peers reverts. Told no change, Wald's test looks for the smallest that is harmful.
fn by_peers(steps: &[Both], bad: f64, release: &Release) -> [Option<usize>; 7] {
    let limit = |rule: Rule| limit::reverted(steps, 2.0 * bad, rule);
    let theta = match release.change {
        Change::Times(theta) if theta > 1.0 => theta,
        Change::Share(share) => share / bad,
        _ => 2.0,
    };
    [
        limit(Rule::InARow(3)),
        limit(Rule::Altogether(1)),
        limit(Rule::Altogether(3)),
        limit(Rule::Altogether(5)),
        kayenta::reverted(steps, &[30]),
        kayenta::reverted(steps, &[5, 10, 15, 20, 25, 30]),
        wald::reverted(steps, theta, 100.0),
    ]
}
