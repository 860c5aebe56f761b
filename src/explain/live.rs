//! The live view of one target: what is judged against what, and how far the evidence is from either bound.

use super::{
    Language, TargetStatus,
    canvas::{Canvas, Tone, bar},
    clean::clean,
    comparison::{heaviest_bound, quantile},
    number::{count, odds, plain, share, times, written_share},
    span_of_time::{clock, latency, long},
    status::RolloutStatus,
    values, words,
};
use crate::{
    judge::{Comparison, Estimate, Evidence, MetricEvidence, NoiseSource},
    record::Phase,
    words::{GapReason, Moment, Verdict},
};

/// The live view: at most `width` columns wide, colored where `ansi`. Meaning never rests on color alone.
#[must_use]
pub fn live(status: &TargetStatus, now: Moment, width: usize, ansi: bool) -> String {
    let mut canvas = Canvas::new(width, ansi);
    head(status, &mut canvas);
    match &status.rollout {
        Some(rollout) => rolling(rollout, now, &mut canvas),
        None => resting(status, now, &mut canvas),
    }
    hindrances(status, &mut canvas);
    canvas.finish()
}

/// The sign of a verdict.
pub(super) const fn sign(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Healthy) => "✔",
        Some(Verdict::Regression) => "✖",
        Some(Verdict::Inconclusive | Verdict::Blind) => "?",
        None => "·",
    }
}

const fn tone(verdict: Option<Verdict>) -> Tone {
    match verdict {
        Some(Verdict::Healthy) => Tone::Good,
        Some(Verdict::Regression) => Tone::Bad,
        Some(Verdict::Inconclusive | Verdict::Blind) => Tone::Doubt,
        None => Tone::Plain,
    }
}

fn head(status: &TargetStatus, canvas: &mut Canvas) {
    let ready = if status.ready.is_empty() && status.off.is_none() && status.frozen.is_none() {
        "ready"
    } else {
        "not ready"
    };
    canvas.line(&[
        (Tone::Strong, status.target.service.to_string()),
        (Tone::Plain, format!(" ({})  ", status.target.env)),
        (Tone::Quiet, format!("{}, {ready}", words::mode(status.mode))),
    ]);
}

fn resting(status: &TargetStatus, now: Moment, canvas: &mut Canvas) {
    match &status.runs {
        Some(runs) => canvas.field(
            "runs",
            &[
                (Tone::Strong, clean(runs.version.name.as_str())),
                (Tone::Plain, format!("  {}{}", runs.standing, since(runs.since, now))),
            ],
        ),
        None => canvas.field("runs", &[(Tone::Doubt, "? not known yet".to_owned())]),
    }
    if let Some(good) = &status.last_good {
        canvas.field(
            "last good",
            &[
                (Tone::Strong, clean(good.version.name.as_str())),
                (Tone::Plain, format!("  {}{}", good.standing, since(good.since, now))),
            ],
        );
    }
    match &status.last {
        Some(last) => canvas.wrapped("last", Tone::Plain, &last.sentence),
        None => canvas.field("rollout", &[(Tone::Quiet, "none yet".to_owned())]),
    }
}

fn since(since: Option<Moment>, now: Moment) -> String {
    since
        .map(|since| format!(" for {}", long(now.since(since), Language::En)))
        .unwrap_or_default()
}

fn rolling(rollout: &RolloutStatus, now: Moment, canvas: &mut Canvas) {
    let to = (Tone::Strong, clean(rollout.to.name.as_str()));
    match (&rollout.baseline, rollout.evidence.as_ref().map(|evidence| evidence.compare)) {
        (Some(baseline), compare) if compare != Some(Comparison::None) => {
            let how = match compare {
                Some(Comparison::Concurrent) => ", running beside it",
                Some(Comparison::Auto) => ", beside it, then in its own last hour",
                Some(_) => " in its own last hour",
                None => "",
            };
            canvas.field(
                "judged",
                &[
                    to,
                    (Tone::Plain, " against ".to_owned()),
                    (Tone::Strong, clean(baseline.name.as_str())),
                    (Tone::Plain, how.to_owned()),
                ],
            );
        }
        _ => canvas.field(
            "watched",
            &[to, (Tone::Plain, ", with nothing to compare it with".to_owned())],
        ),
    }
    progress(rollout, now, canvas);
    verdict(rollout, canvas);
    if let Some(evidence) = &rollout.evidence {
        for metric in &evidence.metrics {
            measured(metric, evidence, rollout, canvas);
        }
    }
    if let Some(fault) = &rollout.fault {
        canvas.wrapped(
            "data",
            Tone::Doubt,
            &format!("? since {}: {}", clock(fault.since), fault.because),
        );
        if let Some(query) = &fault.query {
            canvas.wrapped("", Tone::Quiet, query);
        }
    }
}

/// The bar of time, with its words.
fn progress(rollout: &RolloutStatus, now: Moment, canvas: &mut Canvas) {
    let phase = words::phase(&rollout.phase, Language::En);
    let (start, end) = match (&rollout.phase, &rollout.activation) {
        (Phase::Watching { until }, Some(activation)) => (activation.at, *until),
        (Phase::Verifying { until }, _) => (now, *until),
        _ => {
            canvas.field(
                "phase",
                &[(
                    Tone::Plain,
                    format!("{phase}, {}", long(now.since(rollout.seen_at), Language::En)),
                )],
            );
            return;
        }
    };
    let (spent, whole) = (now.since(start), end.since(start));
    if matches!(rollout.phase, Phase::Verifying { .. }) {
        canvas.field(
            "phase",
            &[(Tone::Plain, format!("{phase}, {} left", long(whole, Language::En)))],
        );
        return;
    }
    let mut text = format!(" {} of {}", long(spent.min(whole), Language::En), long(whole, Language::En));
    if let Some(at) = rollout.prove_at {
        text.push_str(&format!(", can be proven in {}", long(at.since(now), Language::En)));
    }
    let part = if whole.is_zero() {
        1.0
    } else {
        spent.as_secs_f64() / whole.as_secs_f64()
    };
    canvas.field(phase, &[(Tone::Quiet, bar(part, canvas.bar())), (Tone::Plain, text)]);
}

fn verdict(rollout: &RolloutStatus, canvas: &mut Canvas) {
    let text = match rollout.verdict {
        None => "undecided".to_owned(),
        Some(Verdict::Healthy) if matches!(rollout.phase, Phase::Watching { .. }) => "healthy so far".to_owned(),
        Some(verdict) => verdict.to_string(),
    };
    let tail = rollout
        .outcome
        .map(|outcome| format!("; {}", words::outcome(outcome, Language::En)))
        .unwrap_or_default();
    canvas.field(
        "verdict",
        &[(tone(rollout.verdict), format!("{} {text}{tail}", sign(rollout.verdict)))],
    );
}

/// One metric: counts of both sides, how many times worse, both bars.
fn measured(metric: &MetricEvidence, evidence: &Evidence, rollout: &RolloutStatus, canvas: &mut Canvas) {
    canvas.gap();
    let name = clean(&metric.name);
    let only_warns = if metric.may_revert { "" } else { ", only warns" };
    if let Some(because) = &metric.unusable {
        canvas.field(&name, &[(Tone::Doubt, format!("? cannot be judged{only_warns}"))]);
        canvas.wrapped("", Tone::Quiet, because);
        return;
    }
    if let Some(rule) = metric.rule() {
        let sign = (tone(metric.verdict), format!("{} ", sign(metric.verdict)));
        let held = (Tone::Plain, values::held(rule, Language::En));
        canvas.field(&name, &[sign, held, (Tone::Quiet, only_warns.to_owned())]);
        let newest = metric.value.and_then(|value| value.candidate);
        level(rollout.to.name.as_str(), newest, canvas);
        footnotes(metric, canvas);
        return;
    }
    let bound = heaviest_bound(metric);
    let (candidate, baseline, ratio) = bound.map_or((metric.candidate, metric.baseline, metric.ratio), |b| {
        (b.candidate, b.baseline, b.ratio)
    });
    let what = bound.map_or_else(
        || match metric.objective {
            Some(objective) => format!("what the objective of {} allows", written_share(objective)),
            None if metric.value.is_some() => "as much".to_owned(),
            None => "the rate".to_owned(),
        },
        |bound| {
            format!(
                "as many slower than {} at {}",
                latency(bound.candidate_above, Language::En),
                quantile(bound.quantile)
            )
        },
    );
    canvas.field(
        &name,
        &[
            (tone(metric.verdict), format!("{} ", sign(metric.verdict))),
            (
                Tone::Plain,
                worse(
                    ratio,
                    metric.objective.is_some() || metric.value.is_some() || baseline[0] > 0.0,
                    &what,
                ),
            ),
            (Tone::Quiet, only_warns.to_owned()),
        ],
    );
    both_sides(metric, (candidate, baseline), evidence, rollout, canvas);
    if evidence.compare != Comparison::None || metric.objective.is_some() {
        towards("harm", metric.harm_log10, metric.needed_harm_log10, Tone::Bad, canvas);
        towards("safety", metric.safe_log10, metric.needed_safe_log10, Tone::Good, canvas);
    }
    footnotes(metric, canvas);
}

/// `known`: whether the other side is above zero.
fn worse(ratio: Option<Estimate>, known: bool, what: &str) -> String {
    match ratio {
        None => "nothing to say yet".to_owned(),
        Some(ratio) if !known => format!("at least {} times {what}", times(ratio.low)),
        Some(ratio) => format!(
            "{} times {what} (95 %: {} to {})",
            times(ratio.median),
            times(ratio.low),
            times(ratio.high)
        ),
    }
}

fn side(version: &str, [bad, total]: [f64; 2], canvas: &mut Canvas) {
    let rate = if total > 0.0 { share(bad / total) } else { "-".to_owned() };
    canvas.field(
        "",
        &[
            (Tone::Plain, format!("{rate:>8}  {} of {}  ", count(bad), count(total))),
            (Tone::Quiet, clean(version)),
        ],
    );
}

/// The counts of both sides, of a value their levels.
fn both_sides(
    metric: &MetricEvidence,
    (candidate, baseline): ([f64; 2], [f64; 2]),
    evidence: &Evidence,
    rollout: &RolloutStatus,
    canvas: &mut Canvas,
) {
    let version = rollout.baseline.as_ref().map(|version| version.name.as_str());
    if let Some(value) = &metric.value {
        level(rollout.to.name.as_str(), value.candidate, canvas);
        let Some(version) = version else { return };
        if value.beside.is_some() {
            level(version, value.beside, canvas);
        }
        if value.since.is_some() {
            level(&format!("{}, alone", rollout.to.name), value.since, canvas);
        }
        match value.beside {
            None => level(version, value.before, canvas),
            Some(_) if value.since.is_some() => level(&format!("{version}, in its own last hour"), value.before, canvas),
            Some(_) => {}
        }
        return;
    }
    side(rollout.to.name.as_str(), candidate, canvas);
    if let Some(version) = version.filter(|_| evidence.compare != Comparison::None && baseline[1] > 0.0) {
        side(version, baseline, canvas);
        if let Some(alone) = heaviest_bound(metric).map_or(metric.alone, |bound| bound.alone) {
            side(&format!("{version}, in its own last hour"), alone.before, canvas);
        }
    }
}

fn level(version: &str, value: Option<f64>, canvas: &mut Canvas) {
    let value = value.map_or_else(|| "-".to_owned(), plain);
    canvas.field("", &[(Tone::Plain, format!("{value:>8}  ")), (Tone::Quiet, clean(version))]);
}

fn towards(name: &str, log10: f64, needed: f64, tone: Tone, canvas: &mut Canvas) {
    let part = if needed > 0.0 { log10 / needed } else { 0.0 };
    let reached = if log10 >= needed { tone } else { Tone::Plain };
    canvas.field(
        "",
        &[
            (Tone::Quiet, format!("{name:<7}")),
            (reached, bar(part, canvas.bar())),
            (Tone::Plain, format!(" {}", odds(log10, "over"))),
            (Tone::Quiet, format!(", needs {}", odds(needed, "over"))),
        ],
    );
}

/// What is excluded, what was lost, where the noise came from.
fn footnotes(metric: &MetricEvidence, canvas: &mut Canvas) {
    let mut notes = Vec::new();
    if let Some(excluded) = metric.excluded_times {
        notes.push(format!("{} times or worse is excluded", times(excluded)));
    }
    if metric.late.is_some() {
        notes.push("something changed late".to_owned());
    }
    if metric.noise.source == NoiseSource::Assumed && metric.rule().is_none() {
        notes.push("cautious noise assumed".to_owned());
    }
    // A switch and a warm-up cost every watch some steps; only other losses are news.
    let lost = metric
        .gaps
        .iter()
        .filter(|(reason, _)| !matches!(reason, GapReason::Switch | GapReason::WarmUp | GapReason::NoPrevious));
    if lost.clone().next().is_some() {
        let lost: Vec<String> = lost
            .map(|(reason, steps)| format!("{steps} × {}", words::gap(*reason, Language::En)))
            .collect();
        notes.push(format!("steps lost: {}", lost.join(", ")));
    }
    if !notes.is_empty() {
        canvas.wrapped("", Tone::Quiet, &notes.join("; "));
    }
}

/// Why lastgood could not act now.
fn hindrances(status: &TargetStatus, canvas: &mut Canvas) {
    for reason in &status.ready {
        canvas.wrapped("not ready", Tone::Doubt, &format!("? {}", reason.because));
    }
    for freeze in status.off.iter().chain(&status.frozen) {
        canvas.wrapped("frozen", Tone::Doubt, &format!("? by {}: {}", freeze.by, freeze.reason));
    }
}
