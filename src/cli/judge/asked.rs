//! What is asked of every rollout: from the options, or from a metric of a policy.

use std::{path::Path, time::Duration};

use super::Args;
use crate::{
    cli::output::WrongUse,
    judge::rollout::Asked,
    policy::{
        Compare, Harmful, HistogramMetric, Metric, MetricKind, OnRegression, Policy, RatioMetric, Risk, Tolerate, nearest,
        share_text,
    },
    settings,
};

/// What the command line asks.
pub(super) fn asked(args: &Args) -> anyhow::Result<Asked> {
    let (least, most) = (Duration::from_secs(1), Duration::from_secs(300));
    if !(least..=most).contains(&args.step) || args.step.subsec_millis() != 0 {
        return Err(WrongUse("--step: write whole seconds from `1s` to `5m`".to_owned()).into());
    }
    match (&args.policy, &args.metric) {
        (Some(policy), Some(metric)) => of_policy(policy, metric, args.step),
        _ => Ok(of_options(args)?),
    }
}

fn of_policy(path: &Path, name: &str, step: Duration) -> anyhow::Result<Asked> {
    let read = settings::policies::part(&[path.to_owned()]);
    if let Some(error) = read.rejected.first() {
        return Err(WrongUse(error.to_string()).into());
    }
    let [file] = read.accepted.as_slice() else {
        return Err(WrongUse(format!("{}: name one policy file", path.display())).into());
    };
    Ok(of_metric(&file.policy, name, step)?)
}

fn of_metric(policy: &Policy, name: &str, step: Duration) -> Result<Asked, WrongUse> {
    let Some(metric) = policy.metrics.iter().find(|metric| metric.name == name) else {
        let known: Vec<&str> = policy.metrics.iter().map(|metric| metric.name.as_str()).collect();
        return Err(WrongUse(format!(
            "--metric: the policy has no metric `{}`; it has {}",
            nearest::shown(name),
            nearest::listed(&known)
        )));
    };
    let (mut ratio, mut histogram) = (None, None);
    match metric.kind {
        MetricKind::Ratio(_) => ratio = Some(metric.clone()),
        MetricKind::Histogram(_) => histogram = Some(metric.clone()),
        MetricKind::Value(_) => {
            return Err(WrongUse(format!(
                "--metric: `{}` is a value, and counts are judged: name a `ratio` or a `histogram`",
                nearest::shown(name)
            )));
        }
    }
    Ok(Asked {
        risk: policy.risk,
        at_least_bad: policy.at_least_bad,
        ratio,
        histogram,
        step,
        compare: policy.compare,
    })
}

fn of_options(args: &Args) -> Result<Asked, WrongUse> {
    check(args)?;
    let metric = |kind| Metric {
        name: "rollout".to_owned(),
        kind,
        on_regression: OnRegression::Revert,
    };
    let ratio = MetricKind::Ratio(RatioMetric {
        bad: String::new(),
        total: String::new(),
        tolerate: match args.objective {
            Some(_) => Tolerate { times: 1.0, floor: 0.0 },
            None => Tolerate {
                times: args.tolerate,
                floor: args.floor,
            },
        },
        harmful: Harmful { times: args.harmful },
        objective: args.objective,
    });
    let histogram = MetricKind::Histogram(HistogramMetric {
        selector: String::new(),
        quantiles: args.quantiles.clone(),
        tolerate_slower: args.slower,
        tolerate_floor: Duration::from_millis(5),
        harmful_slower: args.harmful - 1.0,
        warmup: Duration::ZERO,
    });
    Ok(Asked {
        risk: Risk {
            false_revert: args.false_revert,
            missed_regression: args.missed,
        },
        at_least_bad: args.at_least,
        ratio: Some(metric(ratio)),
        histogram: args.objective.is_none().then(|| metric(histogram)),
        step: args.step,
        compare: Compare::Auto,
    })
}

/// The limits that policies have too.
fn check(args: &Args) -> Result<(), WrongUse> {
    for (option, share) in [("--false-revert", args.false_revert), ("--missed", args.missed)] {
        if !(share > 0.0 && share <= 0.5) {
            return Err(wrong(option, &share_text(share), "write a share above `0%`, at most `50%`"));
        }
    }
    if !(1.0..1e6).contains(&args.tolerate) {
        return Err(wrong(
            "--tolerate",
            &args.tolerate.to_string(),
            "write 1 or more, such as `1.25`",
        ));
    }
    if let Some(objective) = args.objective.filter(|objective| !(0.5..1.0).contains(objective)) {
        let help = "write the share that must be good, from `50%` to below `100%`: `99.5%`";
        return Err(wrong("--objective", &share_text(objective), help));
    }
    if !(args.harmful > args.tolerate && args.harmful < 1e6) {
        let help = format!("write more than `--tolerate {}`", args.tolerate);
        return Err(wrong("--harmful", &args.harmful.to_string(), &help));
    }
    if args.floor >= 1.0 {
        return Err(wrong("--floor", &share_text(args.floor), "write a share below `100%`"));
    }
    if args.slower >= args.harmful - 1.0 {
        let help = format!(
            "`--harmful {}` is {} slower: write less",
            args.harmful,
            share_text(args.harmful - 1.0)
        );
        return Err(wrong("--slower", &share_text(args.slower), &help));
    }
    let shares = args.quantiles.iter().all(|quantile| *quantile > 0.0 && *quantile < 1.0);
    if !shares || args.quantiles.windows(2).any(|pair| pair[1] <= pair[0]) {
        let written: Vec<String> = args.quantiles.iter().map(|quantile| share_text(*quantile)).collect();
        return Err(wrong(
            "--quantiles",
            &written.join(","),
            "write shares between `0%` and `100%`, ascending",
        ));
    }
    if args.at_least == 0 {
        return Err(wrong("--at-least", "0", "write 1 or more; 5 is usual"));
    }
    Ok(())
}

fn wrong(option: &str, found: &str, help: &str) -> WrongUse {
    WrongUse(format!("{option}: found `{found}`: {help}"))
}
