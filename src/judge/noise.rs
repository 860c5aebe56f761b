//! Noise between pods: how clustered bad events are (phi) and how far healthy pods differ (tau); statistics.md, section 4.

use serde::{Deserialize, Serialize};

use super::pods::PodSummary;

/// The prior of phi with a history, and without one.
const PHI_PRIOR: f64 = 1.5;
const PHI_UNKNOWN: f64 = 3.0;
/// What a prior of phi is worth, in degrees of freedom.
const PHI_WEIGHT: f64 = 20.0;
/// An outage weighs at most as so many normal windows.
const CAP: f64 = 3.0;
const SMALL: f64 = 1e-9;
/// No outage makes phi larger than so many times: of a service that hardly ever fails, any failure is many times what is usual.
const OUTAGE_MOST: f64 = 10.0;
/// No step tells the ratio of the arms more exactly than this, as a standard deviation of its logarithm.
const EXACTEST: f64 = 0.1;
const TAUS: usize = 12;
/// The prior of tau, and what it is worth in degrees of freedom: of harm, and of safety.
const TAU_PRIOR: f64 = 0.11;
const TAU_FREEDOM: f64 = 4.0;
const TAU_FREEDOM_WARY: f64 = 2.5;
const SIGMA_LEAST: f64 = 0.03;

/// Counts `[bad, total]` of every pod in every usable step, in time order.
#[derive(Debug, Clone, Default)]
pub(super) struct PodHistory {
    /// The end of each step in milliseconds, and one entry a pod (the same pods in each; zeros where it was not there).
    pub(super) steps: Vec<(i64, Vec<[f64; 2]>)>,
}

/// What a history of pods teaches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PodNoise {
    pub(super) phi: f64,
    pub(super) spread: Spread,
    /// Each pod that served.
    pub(super) pods: Vec<PodSummary>,
    /// Bad events over all, with half an event for the unseen.
    pub(super) rate: f64,
    /// The share of pods that count, above 0: 1 where traffic is even.
    pub(super) evenness: f64,
}

impl PodHistory {
    /// Learns from the whole history, and how far pods differ from those of the `past` too; `step_ms` tells which steps follow each
    /// other.
    pub(super) fn learn(&self, step_ms: i64, past: &[PodSummary]) -> PodNoise {
        let pods = self.steps.first().map_or(0, |(_, pods)| pods.len());
        let (mut observed, mut expected, mut totals) = (vec![0.0; pods], vec![0.0; pods], vec![0.0; pods]);
        let mut sum = [0.0; 2];
        for (_, step) in &self.steps {
            let [bad, total] = sum_of(step);
            sum = [sum[0] + bad, sum[1] + total];
            for (i, [k, n]) in step.iter().enumerate() {
                observed[i] += k;
                expected[i] += n * bad / total.max(1.0);
                totals[i] += n;
            }
        }
        let ratios: Vec<f64> = observed.iter().zip(&expected).map(|(o, e)| o / e.max(SMALL)).collect();
        let phi = [0, 60_000, 300_000]
            .map(|window| {
                self.clustering(
                    usize::try_from((window / step_ms.max(1)).max(1)).unwrap_or(1),
                    step_ms,
                    &ratios,
                )
            })
            .into_iter()
            .flatten()
            .fold(1.0, f64::max);
        let seen = totals.iter().filter(|n| **n > 0.0).count();
        let pods: Vec<PodSummary> = (0..pods)
            .filter(|i| totals[*i] > 0.0)
            .map(|i| PodSummary {
                ratio: ratios[i],
                expected: expected[i],
                phi,
                group: u32::try_from(seen).unwrap_or(u32::MAX),
            })
            .collect();
        PodNoise {
            phi,
            spread: Spread::learn(&pods, past),
            pods,
            rate: (sum[0] + 0.5) / sum[1].max(1.0),
            evenness: self.evenness(&totals),
        }
    }

    /// phi over windows of `window` steps; none where the history does not hold one.
    fn clustering(&self, window: usize, step_ms: i64, ratios: &[f64]) -> Option<f64> {
        let runs = self.steps.chunk_by(|(a, _), (b, _)| b - a == step_ms);
        let blocks: Vec<Block> = runs
            .flat_map(|run| run.chunks_exact(window))
            .map(|steps| Block::new(steps, ratios))
            .collect();
        if blocks.is_empty() {
            return None;
        }
        let mean = |cap: f64| blocks.iter().map(|block| block.bad.min(cap)).sum::<f64>() / blocks.len() as f64;
        let usual = mean(CAP * mean(f64::INFINITY)).max(SMALL);
        let mut tally = Tally::default();
        for block in &blocks {
            tally.add(block.bad, usual, block.scatter, block.spare, block.pods);
        }
        Some(tally.phi(PHI_PRIOR))
    }

    /// `(sum n)^2/(m sum n^2)` over the pods' traffic while they were there, so that a pod which was replaced half-way is no uneven one.
    fn evenness(&self, totals: &[f64]) -> f64 {
        let steps = |i: usize| self.steps.iter().filter(|(_, pods)| pods[i][1] > 0.0).count();
        let traffic: Vec<f64> = (0..totals.len())
            .filter(|i| totals[*i] > 0.0)
            .map(|i| totals[i] / steps(i) as f64)
            .collect();
        let squares: f64 = traffic.iter().map(|n| n * n).sum();
        if traffic.is_empty() {
            return 1.0;
        }
        traffic.iter().sum::<f64>().powi(2) / (traffic.len() as f64 * squares)
    }
}

/// The sum of `[bad, total]`.
pub(super) fn sum_of<'a>(counts: impl IntoIterator<Item = &'a [f64; 2]>) -> [f64; 2] {
    counts.into_iter().fold([0.0; 2], |sum, [k, n]| [sum[0] + k, sum[1] + n])
}

/// One window, summed over its steps.
struct Block {
    bad: f64,
    scatter: f64,
    spare: f64,
    pods: usize,
}

impl Block {
    fn new(steps: &[(i64, Vec<[f64; 2]>)], ratios: &[f64]) -> Self {
        let mut counts = vec![[0.0; 2]; ratios.len()];
        for (_, step) in steps {
            let [bad, total] = sum_of(step);
            for (i, [k, n]) in step.iter().enumerate() {
                counts[i][0] += k;
                counts[i][1] += n * bad / total.max(1.0) * ratios[i];
            }
        }
        let [bad, expected] = sum_of(&counts);
        let (mut scatter, mut spare) = (0.0, 0.0);
        for [k, e] in &counts {
            let share = e / expected.max(SMALL);
            scatter += (k - share * bad).powi(2);
            spare += share * bad * (1.0 - share);
        }
        let there = |i: &usize| steps.iter().any(|(_, step)| step[*i][1] > 0.0);
        Self {
            bad,
            scatter,
            spare,
            pods: (0..ratios.len()).filter(there).count(),
        }
    }
}

/// A ratio of sums: the mean of chi-squares would be biased low.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    scatter: f64,
    spare: f64,
    freedom: f64,
}

impl Tally {
    fn add(&mut self, bad: f64, usual: f64, scatter: f64, spare: f64, pods: usize) {
        let weight = (CAP * usual / bad.max(SMALL)).min(1.0);
        self.scatter += weight * scatter;
        self.spare += weight * spare;
        if bad > 0.0 {
            self.freedom += pods.saturating_sub(1) as f64;
        }
    }

    fn phi(&self, prior: f64) -> f64 {
        let quotient = self.scatter / self.spare.max(SMALL);
        ((quotient * self.freedom + prior * PHI_WEIGHT) / (self.freedom + PHI_WEIGHT)).max(1.0)
    }
}

/// How far healthy pods differ persistently: the posterior of tau on 12 points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread(Vec<f64>);

impl Spread {
    /// From pods that have ended alone; none: nothing is known.
    pub(super) fn of_past(past: &[PodSummary]) -> Self {
        Self::learn(&[], past)
    }

    /// From the pods that ran together in the hour before, and those of the past. Of these the mean of their group is taken out by
    /// hand: m pods about their own mean are worth m - 1, so each counts `1 - 1/m` logarithms. Where the pods of a group count alike
    /// that is REML to the last digit, whatever groups there are.
    fn learn(pods: &[PodSummary], past: &[PodSummary]) -> Self {
        let ln_posterior = |tau: f64| {
            let square = tau * tau;
            let prior = -TAU_FREEDOM / 2.0 * square.ln() - TAU_FREEDOM * TAU_PRIOR * TAU_PRIOR / (2.0 * square);
            let variance = |pod: &PodSummary| square + pod.phi / pod.expected.max(0.5);
            let before = |pod: &PodSummary| {
                let variance = variance(pod);
                (1.0 - f64::from(pod.group).recip()) * variance.ln() + (pod.ratio - 1.0).powi(2) / variance
            };
            let prior = prior - past.iter().map(before).sum::<f64>() / 2.0;
            if pods.is_empty() {
                return prior;
            }
            let weight: f64 = pods.iter().map(|pod| variance(pod).recip()).sum();
            let mean = pods.iter().map(|pod| pod.ratio / variance(pod)).sum::<f64>() / weight;
            let fit: f64 = pods
                .iter()
                .map(|pod| variance(pod).ln() + (pod.ratio - mean).powi(2) / variance(pod))
                .sum();
            prior - fit / 2.0 - weight.ln() / 2.0
        };
        let logs: Vec<f64> = taus().map(ln_posterior).collect();
        let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        normalized(logs.iter().map(|log| (log - highest).exp()).collect())
    }

    /// The same, from a prior that is worth less against surprise: of a few pods nobody knows that they are alike. By this a candidate
    /// passes.
    pub(super) fn wary(&self) -> Self {
        let masses = self
            .0
            .iter()
            .zip(taus())
            .map(|(p, tau)| p * tau.powf(TAU_FREEDOM - TAU_FREEDOM_WARY));
        normalized(masses.collect())
    }

    /// (probability, sigma) of ln(multiple) between so many pods.
    pub(super) fn sigmas(&self, candidate_pods: f64, baseline_pods: f64) -> impl Iterator<Item = (f64, f64)> {
        let share = candidate_pods.max(1.0).recip() + baseline_pods.max(1.0).recip();
        self.0
            .iter()
            .zip(taus())
            .map(move |(p, tau)| (*p, (tau * tau * share + SIGMA_LEAST * SIGMA_LEAST).sqrt()))
    }
}

fn normalized(masses: Vec<f64>) -> Spread {
    let whole: f64 = masses.iter().sum();
    Spread(masses.into_iter().map(|mass| mass / whole).collect())
}

fn taus() -> impl Iterator<Item = f64> {
    (0..TAUS).map(|i| 0.02 * 20.0_f64.powf(i as f64 / (TAUS - 1) as f64))
}

/// phi of each step beside a baseline: what was learnt, what this step's baseline pods show, what an outage makes of it.
#[derive(Debug, Clone)]
pub(super) struct StepNoise {
    phi: f64,
    /// The usual bad rate; none where no history was.
    usual: Option<f64>,
    memory: f64,
    running: Option<Running>,
}

/// What the counts of one step are worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worth {
    /// `phi_t`
    pub(super) phi: f64,
    /// Whether so many events of both arms went bad that nothing in them speaks for the candidate.
    pub(super) outage: bool,
}

/// phi learnt as the rollout goes, where no history was.
#[derive(Debug, Clone, Copy, Default)]
struct Running {
    tally: Tally,
    capped: f64,
    steps: f64,
}

impl StepNoise {
    /// With what a history taught; none: phi is learnt from the running baseline.
    pub(super) fn new(learnt: Option<(f64, f64)>, step_seconds: f64) -> Self {
        Self {
            phi: learnt.map_or(PHI_UNKNOWN, |(phi, _)| phi),
            usual: learnt.map(|(_, rate)| rate),
            memory: 0.9_f64.powf(step_seconds / 15.0),
            running: if learnt.is_some() { None } else { Some(Running::default()) },
        }
    }

    /// The clustering that holds beyond this step.
    pub(super) const fn phi(&self) -> f64 {
        self.phi
    }

    /// The usual share of bad events; of a service without a history that of the baseline so far, or in this step where it is less: what came
    /// so far may have been an outage.
    pub(super) fn usual(&self, so_far: [f64; 2], now: [f64; 2]) -> f64 {
        let share = |[bad, total]: [f64; 2]| (bad + 0.5) / total.max(1.0);
        self.usual.unwrap_or_else(|| share(so_far).min(share(now)))
    }

    /// What a step is worth in which the candidate had these counts and the baseline's pods those. All of it rests on the sums of both
    /// arms and on the baseline alone, so that nothing tells the split; but where the candidate `stands_out` alone, what only it has is no
    /// outage of both (docs/decisions/2026-11-29-an-outage-of-one-side.md).
    pub(super) fn worth(
        &mut self,
        candidate: [f64; 2],
        baseline: impl Iterator<Item = [f64; 2]> + Clone,
        stands_out: bool,
    ) -> Worth {
        let (mut pods, mut sum) = (0_usize, [0.0; 2]);
        for [k, n] in baseline.clone() {
            pods += usize::from(n > 0.0);
            sum = [sum[0] + k, sum[1] + n];
        }
        let (mut scatter, mut spare, mut chi_square) = (0.0, 0.0, 0.0);
        for [k, n] in baseline.filter(|[_, n]| *n > 0.0) {
            let share = n / sum[1];
            let expected = share * sum[0];
            scatter += (k - expected).powi(2);
            spare += expected * (1.0 - share);
            chi_square += (k - expected).powi(2) / expected.max(SMALL);
        }
        if let Some(running) = &mut self.running {
            self.phi = running.learn(sum[0], scatter, spare, pods);
        }
        let freedom = pods.saturating_sub(1) as f64;
        let chi_square = if sum[0] > 0.0 { chi_square } else { self.phi * freedom };
        let [bad, total] = [candidate[0] + sum[0], candidate[1] + sum[1]];
        let share = candidate[1] / total.max(1.0);
        let outage = self.outage([bad, total]);
        let shared = if stands_out && self.knows_clusters(candidate[1]) {
            self.outage(sum)
        } else {
            outage
        };
        self.follow(bad / total.max(1.0));
        let phi = self.phi * shared.clamp(1.0, OUTAGE_MOST);
        Worth {
            phi: phi
                .max((4.0 * self.phi + chi_square) / (4.0 + freedom))
                .max(EXACTEST * EXACTEST * bad * share * (1.0 - share)),
            outage: outage > 1.0,
        }
    }

    /// How many times more events went bad than are not yet an outage.
    fn outage(&self, [bad, total]: [f64; 2]) -> f64 {
        self.usual.map_or(0.0, |usual| bad / (CAP * (usual * total).max(0.5)))
    }

    /// Whether as much as one cluster is usual among so many events: of less nobody knows how large clusters are.
    fn knows_clusters(&self, total: f64) -> bool {
        self.usual.is_some_and(|usual| usual * total >= self.phi)
    }

    /// What is usual follows slowly what lasts.
    fn follow(&mut self, share: f64) {
        if let Some(usual) = &mut self.usual {
            *usual = self.memory * *usual + (1.0 - self.memory) * share.min(CAP * *usual);
        }
    }
}

impl Running {
    fn learn(&mut self, bad: f64, scatter: f64, spare: f64, pods: usize) -> f64 {
        self.steps += 1.0;
        let usual = ((self.capped + bad) / self.steps).max(SMALL);
        self.capped += (CAP * usual / bad.max(SMALL)).min(1.0) * bad;
        self.tally.add(bad, usual, scatter, spare, pods);
        self.tally.phi(PHI_UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: [[f64; 2]; 3] = [[4.0, 1_000.0], [6.0, 1_000.0], [5.0, 1_000.0]];

    fn worth(noise: &mut StepNoise, times: f64) -> Worth {
        noise.worth([5.0 * times, 1_000.0], USUAL.into_iter().map(|[k, n]| [k * times, n]), false)
    }

    #[test]
    fn an_outage_makes_phi_larger_and_says_nothing_for_the_candidate_until_it_has_lasted() {
        let mut noise = StepNoise::new(Some((1.5, 0.005)), 15.0);
        let usual = worth(&mut noise, 1.0);
        assert!(!usual.outage && usual.phi == 1.5);
        assert!(!worth(&mut noise, 2.9).outage);
        let outage = worth(&mut noise, 15.0);
        assert!(outage.outage && outage.phi > 5.0, "{outage:?}");
        // What lasts is usual one day: a dependency that stays slow.
        let after = (0..40).find(|_| !worth(&mut noise, 15.0).outage);
        assert!(after.is_some_and(|steps| steps >= 4), "{after:?}");
    }

    #[test]
    fn the_first_failures_ever_are_no_outage_without_end() {
        let mut noise = StepNoise::new(Some((1.5, 1e-9)), 15.0);
        let all = noise.worth([1_000.0, 1_000.0], [[0.0, 3_000.0]].into_iter(), false);
        assert!(all.outage && all.phi == 1.5 * OUTAGE_MOST, "{all:?}");
    }

    #[test]
    fn what_only_the_candidate_has_is_no_outage_where_it_stands_out_alone() {
        let of = |baseline: f64, stands_out| {
            let mut noise = StepNoise::new(Some((1.5, 0.005)), 15.0);
            let pods = USUAL.into_iter().map(|[k, n]| [k * baseline, n]);
            noise.worth([200.0, 1_000.0], pods, stands_out)
        };
        assert_eq!(of(1.0, true).phi, 1.5);
        assert!(of(1.0, false).phi > 5.0);
        assert!(of(1.0, true).outage, "it still says nothing of safety");
        assert!(of(4.0, true).phi > 1.5, "what the old version has more than usual counts");
        let mut rare = StepNoise::new(Some((1.5, 0.001)), 15.0);
        let worth = rare.worth([40.0, 1_000.0], [[1.0, 3_000.0]].into_iter(), true);
        assert!(worth.phi > 5.0, "one is usual, which is less than a cluster: {worth:?}");
    }

    #[test]
    fn no_step_is_exacter_than_a_tenth() {
        let mut noise = StepNoise::new(Some((1.0, 0.05)), 15.0);
        let Worth { phi, .. } = noise.worth([50_000.0, 1e6], [[50_000.0, 1e6]].into_iter(), false);
        // ln(ratio) of K events in halves has the variance phi 4/K.
        assert!((phi * 4.0 / 100_000.0 - EXACTEST * EXACTEST).abs() < 1e-12, "{phi}");
    }

    #[test]
    fn a_candidate_passes_by_pods_that_may_differ_more() {
        let mean = |spread: &Spread| spread.sigmas(1.0, 2.0).map(|(p, sigma)| p * sigma).sum::<f64>();
        let prior = Spread::of_past(&[]);
        assert!(mean(&prior.wary()) > 1.1 * mean(&prior));
    }
}
