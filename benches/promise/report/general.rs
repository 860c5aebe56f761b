//! The part that is measured by most rollouts: beside a baseline, with nothing beside it, latency, values, several metrics.

use super::{cells::Measured, parts::Promises, passes, promises as promised, tables, times};
use crate::{
    cells::published::EVERYWHERE,
    simulation::judged::{DEFAULTS, STRICT},
};

/// Every promise, under its heading.
pub fn promises(measured: &Measured) -> Promises {
    vec![
        (
            "False reverts (beside a baseline: 200 requests/s, 0.5 %)",
            promised::false_reverts(measured),
        ),
        (
            "False reverts beside a baseline, any traffic and base rate",
            promised::worst_false_reverts(measured),
        ),
        (
            "False reverts at a latency that is just tolerated",
            promised::just_tolerated(measured),
        ),
        (
            "False reverts with nothing beside it",
            promised::false_reverts_alone(measured),
        ),
        (
            "Detection beside a baseline (200 requests/s, 0.5 %)",
            promised::detection(measured),
        ),
        ("Detection with nothing beside it", times::promises(measured)),
        ("False passes (`missedRegression: 5%`)", passes::false_passes(measured)),
        ("Outright failures", passes::outright(measured)),
        ("Median time to pass a healthy release", promised::passing(measured)),
    ]
}

/// All that it says.
pub fn text(measured: &Measured, promises: &Promises) -> String {
    kept(promises) + &found(measured) + &elsewhere(measured) + &compared(measured)
}

fn kept(promises: &Promises) -> String {
    let text = String::from(
        "## What is promised, and what was measured\n\n*Yes*: what was measured is within the promise. *Within chance*: it is beyond, but the \
         promise lies inside the interval. *No*: it is broken. Where nothing runs beside the release, the promise is a table that was itself \
         measured on 200 rollouts a cell: there *within chance* means that the intervals meet, and that the lower end of a median's interval is within \
         a tenth and a step of it.\n\nTwo noises hide harm. In a twentyfold outage of a service that fails in 5 % every request of both versions fails \
         for a minute: a release that fails in 50 % is then no worse than what runs beside it. And in a *retry storm* half of the retries of a \
         new pod's failures land on old pods: first attempts that fail twice as often show as fewer than twice as many failures.\n\n\
         Under the defaults 2× is promised not to pass only where twice the base rate is above twice the floor: below it nobody minds.\n\n",
    );
    text + &tables::promises(promises)
}

fn found(measured: &Measured) -> String {
    let mut text = String::from("## 200 requests a second, 0.5 % errors\n\n");
    for (policy, judge) in [
        ("tolerance 1, no floor", STRICT),
        ("the defaults (tolerance 1.25, floor 0.1 %, at least 5 bad events)", DEFAULTS),
    ] {
        text += &format!(
            "### Reverted, {policy}\n\nAt 0.5× and 1× every revert is false. 10,000 rollouts at 1×, 2,000 elsewhere.\n\n{}\n",
            tables::by_theta(measured, judge)
        );
        for minute in [10, 20] {
            text += &format!(
                "From minute {minute} of 30, 1,000 rollouts:\n\n{}\n",
                tables::late(measured, minute, judge)
            );
        }
    }
    text += &format!("### Passed and undecided\n\n{}\n", tables::passing(measured));
    text += &format!(
        "### Without any history, and with past pods\n\nTolerance 1, no floor. *No history*: phi is learnt as the rollout goes, tau is its prior. \
         *Twelve past pods*: beside the hour before, what remains of the three pods of each of four earlier versions.\n\n{}\n",
        tables::otherwise_known(measured)
    );
    text
}

fn elsewhere(measured: &Measured) -> String {
    let mut text = String::from(
        "## Other traffic, other base rates\n\n2,000 rollouts at 1×, 400 at 2×, 300 elsewhere. 5 % times 100 is 100 % errors.\n\n\
         ![How soon, by traffic](promise/traffic.svg)\n\n",
    );
    for world in tables::everywhere() {
        for (policy, judge) in [("tolerance 1, no floor", STRICT), ("the defaults", DEFAULTS)] {
            text += &format!("### *{world}*, {policy}\n\n{}\n", tables::services_in(measured, world, judge));
        }
    }
    text += &format!(
        "## Latency\n\n200 requests/s, the defaults of a policy (20 % slower is tolerated, twice as slow is harm), default buckets of client libraries \
         or *fine* ones (each bound 1.2 times the one before). *Log-normal*: median 30 ms, sd of ln 0.8. *Bimodal*: 85 % around 12 ms, 15 % around 180 ms. Both drift together by 10 %, \
         pods differ by 3 %. *Cold*: new pods start 30 s apart and are three times as slow in their first minute, which `warmup: 60s` does \
         not count; the last row shows what becomes of them when it does. 2,000 rollouts at 1× and 1.2×, 300 elsewhere.\n\n{}\n",
        tables::latencies(measured)
    );
    text += &format!(
        "## Values that are no counts\n\nMemory, for example, by the pod: 24 h of history, a watch of 2 h, 30 % more is tolerated. ln(value) has \
         sd 0.1 and a memory of 0.95 a step; or sd 0.02, processes whose levels differ by sd 0.08, and steps that go ten times as far (1 %); or \
         a memory of 0.99, a curve of a day and a saw of ten minutes, 0.2 each. 2,000 rollouts. Such a metric only alerts by default.\n\n{}\n",
        tables::values(measured)
    );
    text += &format!(
        "## With nothing beside it\n\n50 requests/s, 0.5 %, a watch of 2 h. 3,000 rollouts at 1×, 400 elsewhere, 200 from minute 30. Late \
         regressions only alert there.\n\n{}\n",
        tables::alone(measured)
    );
    text
}

fn compared(measured: &Measured) -> String {
    let mut text = String::from(
        "## Side by side with what others do\n\nThe same rollouts (1,000 of each release; 200 requests/s, 0.5 %), judged otherwise:\n\n\
         - *limit*: the candidate's error ratio over each minute against twice the base rate, which is known to it. Three failed checks in \
         a row, or 1, 3, 5 failed checks altogether, as Flagger and Argo Rollouts count them.\n\
         - *Kayenta*: its classifier on one-minute points (normal-approximation Mann-Whitney with corrections for ties and continuity, 98 % \
         interval, 0.25 of the estimated shift), at the end of the watch, or every 5 minutes on all points so far.\n\
         - *Wald*: the sequential test that is told theta (at 1×: looks for 2×), odds of 100, with no allowance for noise. Nothing that has to \
         find theta out can be faster in *calm*.\n\n![Who reverts what](promise/peers.svg)\n\n",
    );
    for noise in EVERYWHERE {
        text += &format!("### *{}*\n\n{}\n", noise.name, tables::peers(measured, noise.name));
    }
    text
}
