//! A forecast for people and for machines: what could be found at this traffic, how soon, and what a healthy release could prove.

use serde_json::{Value, json};

use crate::{
    app::watch::Foreseen,
    explain::API_VERSION,
    judge::{Change, Comparison, Found, NoiseSource, Outlook, Plan, Proof, Seldom},
    policy::{self, Metric, MetricKind, OnInconclusive, OnRegression, Policy},
};

/// The forecast as a document; times in seconds, shares as fractions.
pub(super) fn document(policy: &Policy, foreseen: &Foreseen) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "Forecast",
        "service": policy.service,
        "env": policy.env,
        "plan": foreseen.plan,
        "metrics": foreseen.metrics,
    })
}

/// The forecast as a table.
pub(super) fn table(policy: &Policy, foreseen: &Foreseen) -> String {
    let mut found = columns(["METRIC", "TRAFFIC", "BAD NOW", "A RELEASE", "IS FOUND AFTER"]);
    let mut proofs = columns(["METRIC", "A HEALTHY RELEASE WITHIN", "IS PROVEN IN", "ELSE EXCLUDES"]);
    let mut lines = Vec::from_iter(arms(&foreseen.plan));
    for metric in &foreseen.metrics {
        let Some(outlook) = &metric.outlook else {
            let because = metric.because.as_deref().unwrap_or_default();
            lines.push(format!("{}: nothing can be forecast: {because}", metric.name));
            continue;
        };
        lines.push(noise(&metric.name, outlook, foreseen.plan.compare));
        for (row, change) in outlook.found.iter().enumerate() {
            let first = |text: String| if row == 0 { text } else { String::new() };
            found.add_row([
                first(metric.name.clone()),
                first(format!("{}/s", rounded(outlook.per_second))),
                first(outlook.bad_share.map_or_else(|| "-".to_owned(), share)),
                told(change.change),
                after(policy, change),
            ]);
        }
        for (row, proof) in [&outlook.by_prove_after, &outlook.by_end].into_iter().enumerate() {
            proofs.add_row([
                if row == 0 { metric.name.clone() } else { String::new() },
                format!(
                    "{} ({})",
                    policy::duration_text(proof.after),
                    if row == 0 { "proveAfter" } else { "the end" }
                ),
                share(proof.healthy),
                excluded(proof),
            ]);
        }
    }
    let mut text =
        String::from("# Forecast for a release of now, at this traffic, by simulated releases; half of such are found sooner:\n");
    for table in [found, proofs].iter().filter(|table| !table.is_empty()) {
        let table = table.to_string();
        text.extend(table.trim_end().lines().map(|line| format!("{}\n", line.trim_end())));
        text.push('\n');
    }
    text.extend(lines.into_iter().map(|line| line + "\n"));
    text
}

fn columns<const N: usize>(names: [&str; N]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(names);
    table
}

fn noise(name: &str, outlook: &Outlook, compare: Comparison) -> String {
    let noise = &outlook.noise;
    let minute = std::time::Duration::from_secs(noise.history.as_secs() / 60 * 60);
    let history = policy::duration_text(if minute.is_zero() { noise.history } else { minute });
    let source = match noise.source {
        NoiseSource::History => format!("learnt from {history}"),
        NoiseSource::Assumed => format!("assumed, as {history} of history teach too little; with a day more is found"),
    };
    format!(
        "{name}: noise {source}: bad events cluster by {}, {} differ by {}",
        rounded(noise.phi),
        if compare == Comparison::Concurrent { "pods" } else { "hours" },
        share(noise.sigma)
    )
}

/// What is taken for granted of a rollout whose pods run beside older ones.
fn arms(plan: &Plan) -> Option<String> {
    let pods = |count: u32| format!("{count} pod{}", if count == 1 { "" } else { "s" });
    match plan.compare {
        Comparison::Concurrent => Some(format!(
            "taken for granted: {} of the new version serve beside {} of the old one for all the watch, each as many requests",
            pods(plan.candidate_pods),
            pods(plan.baseline_pods)
        )),
        Comparison::Auto => {
            Some("taken for granted: the old version's pods go at once; while they still serve, more is found sooner".to_owned())
        }
        Comparison::BeforeAfter | Comparison::None => None,
    }
}

fn told(change: Change) -> String {
    match change {
        Change::Times(times) => format!("{} times as many bad", rounded(times)),
        Change::Share(fraction) => format!("{} bad", share(fraction)),
        Change::Slower(times) if times < 2.0 => format!("{} slower", share(times - 1.0)),
        Change::Slower(times) => format!("{} times as slow", rounded(times)),
    }
}

fn after(policy: &Policy, found: &Found) -> String {
    if let Some(median) = found.median {
        return policy::duration_text(median);
    }
    let because = match found.seldom {
        Some(Seldom::Tolerated) => return "never: tolerated".to_owned(),
        Some(Seldom::BelowFloor(fraction)) => return format!("never: {} is below the floor", share(fraction)),
        Some(Seldom::WithinObjective) => return "never: within the objective".to_owned(),
        Some(Seldom::TooFewEvents(events)) => {
            format!("about {} bad events, atLeast is {}", rounded(events), policy.at_least_bad)
        }
        Some(Seldom::TooLittleTraffic(0.0)) => "hardly any is found".to_owned(),
        Some(Seldom::TooLittleTraffic(fraction)) => format!("{} of them are found", share(fraction)),
        None => String::new(),
    };
    format!("not within {}: {because}", policy::duration_text(policy.watch.length))
}

fn excluded(proof: &Proof) -> String {
    let sentence = |times: f64| format!("{} times or worse", rounded(times));
    proof.excluded_times.map_or_else(|| "nothing".to_owned(), sentence)
}

/// Where a healthy release cannot be proven in time, and what could not be found.
pub(super) fn warnings(policy: &Policy, foreseen: &Foreseen) -> Vec<String> {
    let both = policy.metrics.iter().zip(&foreseen.metrics);
    both.filter_map(|(metric, forecast)| Some((metric, forecast, forecast.outlook.as_ref()?)))
        .flat_map(|(metric, forecast, outlook)| {
            let unproven = unproven(policy, metric, outlook);
            let sentence = move |text: String| format!("metric `{}`: {text}", forecast.name);
            unproven.into_iter().chain(not_found(policy, outlook)).map(sentence)
        })
        .collect()
}

fn unproven(policy: &Policy, metric: &Metric, outlook: &Outlook) -> Option<String> {
    let (soon, end) = (&outlook.by_prove_after, &outlook.by_end);
    if soon.healthy >= 0.5 || metric.on_regression == OnRegression::Alert {
        return None;
    }
    let harm = match &metric.kind {
        MetricKind::Ratio(ratio) => format!("{} times", rounded(ratio.harmful.times)),
        MetricKind::Histogram(histogram) => format!("{} slower", share(histogram.harmful_slower)),
        MetricKind::Value(value) => format!("{} more", share(value.tolerate_more)),
    };
    let instead = match soon.excluded_times {
        Some(times) => format!("; {} times is excluded by then", rounded(times)),
        None => String::new(),
    };
    let decides = match policy.on_inconclusive {
        OnInconclusive::Prove => "`onInconclusive: prove` decides",
        OnInconclusive::Keep => "`onInconclusive: keep` leaves it unproven",
        OnInconclusive::Revert => "`onInconclusive: revert` puts it back",
    };
    Some(format!(
        "at this traffic {harm} cannot be excluded within {} for most healthy releases{instead}; at the end of the watch of {}, {} are \
         healthy, and for the others {decides}",
        policy::duration_text(soon.after),
        policy::duration_text(end.after),
        share(end.healthy)
    ))
}

fn not_found(policy: &Policy, outlook: &Outlook) -> Option<String> {
    let missed = |found: &&Found| matches!(found.seldom, Some(Seldom::TooFewEvents(_) | Seldom::TooLittleTraffic(_)));
    let missed: Vec<String> = outlook.found.iter().filter(missed).map(|found| told(found.change)).collect();
    (!missed.is_empty()).then(|| {
        format!(
            "at this traffic fewer than half of such releases are convicted within the watch of {}: {}",
            policy::duration_text(policy.watch.length),
            missed.join(", ")
        )
    })
}

/// A share in percent, a number: both with the digits that are worth reading.
fn share(fraction: f64) -> String {
    format!("{} %", rounded(fraction * 100.0))
}

fn rounded(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        small if small < 10.0 => (1.0 - small.log10().floor()).clamp(1.0, 6.0) as usize,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
