//! `lastgood explain`: the whole record for a terminal.

use super::{
    Language, audit,
    comparison::{excluded, quantile},
    guard, held,
    language::say,
    number::{count, share, times},
    odds::{all_odds, both_odds, odds_in},
    past::left_out,
    span_of_time::{latency, long, stamp},
    story::{last_act, sentence, worse},
    told::{bold, code, outside, unmarked},
    values, words,
};
use crate::{
    decide::Decision,
    judge::{Estimate, Evidence, MetricEvidence, NoiseSource},
    policy::Target,
    record::{DataFault, Record, Verification},
    words::{Verdict, Version},
};

/// The story of a record in one line, as text for a terminal.
#[must_use]
pub fn in_one_line(record: &Record, language: Language) -> String {
    unmarked(&sentence(record, language))
}

/// The same at the moment of a verdict: of a conviction why, whatever follows from it.
#[must_use]
pub fn verdict_in_one_line(record: &Record, language: Language) -> String {
    let told = match record.verdict {
        Some(Verdict::Regression) => {
            let worse = worse(record, language);
            say!(language, "{worse}.", "{worse}。")
        }
        _ => sentence(record, language),
    };
    unmarked(&told)
}

/// The whole record as text. No control character but the line's end survives.
#[must_use]
pub fn text(record: &Record, language: Language) -> String {
    let mut page = Page {
        language,
        lines: vec![unmarked(&sentence(record, language)), String::new()],
    };
    page.identity(record);
    page.judgment(record);
    if let Some(evidence) = &record.evidence {
        page.section(&say!(language, "Evidence", "证据"));
        page.evidence(evidence);
    }
    page.acts(record);
    if let Some(fault) = &record.fault {
        page.fault(fault);
    }
    page.section(&say!(language, "Timeline (UTC)", "时间线（UTC）"));
    for entry in &record.timeline {
        let line = format!(
            "{}  {}",
            stamp(entry.at).trim_end_matches(" UTC"),
            audit::happened(&entry.what, &record.policy.target, language)
        );
        page.line(&line);
    }
    if !record.queries.is_empty() {
        page.section(&say!(language, "Queries", "查询"));
        for query in &record.queries {
            page.line(&outside(query));
        }
    }
    page.lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

struct Page {
    language: Language,
    lines: Vec<String>,
}

impl Page {
    fn section(&mut self, title: &str) {
        self.lines.push(String::new());
        self.lines.push(title.to_owned());
    }

    fn line(&mut self, marked: &str) {
        self.lines.push(format!("  {}", unmarked(marked)));
    }

    fn field(&mut self, name: &str, marked: &str) {
        let pad = 16_usize.saturating_sub(unicode_width::UnicodeWidthStr::width(name));
        self.line(&format!("{name}{}{marked}", " ".repeat(pad.max(1))));
    }

    fn identity(&mut self, record: &Record) {
        let language = self.language;
        self.field(&say!(language, "rollout", "发布编号"), &outside(record.id));
        self.field(&say!(language, "kind", "类型"), words::change(record.kind, language));
        if let Some(from) = &record.from {
            self.field(&say!(language, "from", "旧版本"), &version(from));
        }
        self.field(&say!(language, "to", "新版本"), &version(&record.to));
        if let Some((baseline, standing)) = &record.baseline {
            let standing = words::standing(*standing, language);
            let since = record
                .baseline_since
                .map(stamp)
                .map(|since| say!(language, " since {since}", "，自 {since}"));
            let text = format!("{}, {standing}{}", version(baseline), since.unwrap_or_default());
            self.field(&say!(language, "compared with", "比较对象"), &text);
        }
        self.field(&say!(language, "seen", "发现时间"), &stamp(record.seen_at));
        if let Some(activation) = &record.activation {
            let (at, by) = (stamp(activation.at), outside(&activation.known_by));
            self.field(
                &say!(language, "began to serve", "开始服务"),
                &say!(language, "{at} (known by {by})", "{at}（依据 {by}）"),
            );
        }
        let mode = words::mode(record.policy.mode);
        let hash = record.policy.hash.as_str();
        self.field(
            &say!(language, "policy", "策略"),
            &say!(language, "{hash}, mode {mode}", "{hash}，模式 {mode}"),
        );
        if let Some(plan) = &record.plan {
            let (step, steps) = (long(plan.step, language), plan.steps);
            let how = words::comparison(plan.compare, language);
            let text = say!(
                language,
                "{steps} steps of {step}, compared {how}",
                "{steps} 步，每步 {step}，{how}"
            );
            self.field(&say!(language, "plan", "计划"), &text);
        }
    }

    fn judgment(&mut self, record: &Record) {
        let language = self.language;
        self.field(&say!(language, "phase", "阶段"), words::phase(&record.phase, language));
        let verdict = record.verdict.map_or_else(
            || say!(language, "none yet", "尚无"),
            |v| words::verdict(v, language).to_owned(),
        );
        let when = record.decided_at.map(|at| {
            let after = record.decided_after().map(|after| long(after, language));
            let at = stamp(at);
            match after {
                Some(after) => say!(
                    language,
                    ", {at}, {after} after it began to serve",
                    "，{at}，开始服务后 {after}"
                ),
                None => say!(language, ", {at}", "，{at}"),
            }
        });
        self.field(&say!(language, "verdict", "判定"), &(verdict + &when.unwrap_or_default()));
        if let Some(decision) = &record.decision {
            self.field(&say!(language, "decision", "决定"), &decided(decision, record, language));
        }
    }

    fn evidence(&mut self, evidence: &Evidence) {
        let language = self.language;
        let (used, steps, at) = (evidence.used, evidence.steps, stamp(evidence.at));
        let odds = all_odds(evidence, language);
        self.line(&say!(
            language,
            "{used} of {steps} steps used, up to {at}{odds}",
            "共 {steps} 步，使用 {used} 步，截至 {at}{odds}"
        ));
        for metric in &evidence.metrics {
            self.metric(metric);
        }
        let excluded = excluded(evidence, language);
        if !excluded.is_empty() {
            self.line(&excluded);
        }
    }

    fn metric(&mut self, metric: &MetricEvidence) {
        let language = self.language;
        let verdict = metric.verdict.map_or_else(
            || say!(language, "undecided", "未决"),
            |v| words::verdict(v, language).to_owned(),
        );
        let warns = if metric.may_revert {
            String::new()
        } else {
            say!(language, ", only warns", "，仅告警")
        };
        self.line(&format!("{}: {verdict}{warns}", outside(&metric.name)));
        if let Some(because) = &metric.unusable {
            self.line(&format!("    {}", outside(because)));
        }
        self.sides(metric);
        if let Some(odds) = both_odds(metric, language) {
            self.line(&format!("    {odds}"));
            let noise = [Some(noise(metric, language)), left_out(metric, language)];
            noise.iter().flatten().for_each(|said| self.line(&format!("    {said}")));
        }
        if let Some(first_bad) = metric.first_bad {
            let at = stamp(first_bad);
            self.line(&say!(
                language,
                "    first bad request by {at}",
                "    首个不良请求不晚于 {at}"
            ));
        }
        if let Some(late) = metric.late {
            let (at, found) = (stamp(late.at), odds_in(late.harm_log10, language));
            self.line(&say!(
                language,
                "    something changed late: odds {found} at {at}; nothing ran beside it",
                "    较晚出现变化：{at} 时胜算：{found}；没有同时运行的版本可比"
            ));
        }
        if !metric.gaps.is_empty() {
            let lost: Vec<String> = metric
                .gaps
                .iter()
                .map(|(reason, steps)| format!("{steps} × {}", words::gap(*reason, language)))
                .collect();
            let lost = lost.join(", ");
            self.line(&say!(language, "    steps lost: {lost}", "    缺失的步：{lost}"));
        }
    }

    fn sides(&mut self, metric: &MetricEvidence) {
        let language = self.language;
        if let Some(value) = &metric.value {
            let row = values::row(metric, value, language);
            self.line(&format!("    {row}"));
        } else if metric.bounds.is_empty() {
            let row = sides_row(metric.candidate, metric.baseline, metric.ratio, language);
            self.line(&format!("    {row}"));
        }
        for bound in &metric.bounds {
            let quantile = quantile(bound.quantile);
            let (above, baseline_above) = (
                latency(bound.candidate_above, language),
                latency(bound.baseline_above, language),
            );
            let row = sides_row(bound.candidate, bound.baseline, bound.ratio, language);
            let interpolated = if bound.interpolated {
                say!(language, ", interpolated", "，插值")
            } else {
                String::new()
            };
            let odds = odds_in(bound.harm_log10, language);
            self.line(&say!(
                language,
                "    {quantile} slower than {above} (before: {baseline_above}){interpolated}: {row}; odds of harm {odds}",
                "    {quantile} 慢于 {above}（之前：{baseline_above}）{interpolated}：{row}；有害的胜算：{odds}"
            ));
        }
    }

    fn acts(&mut self, record: &Record) {
        let language = self.language;
        if record.intent.is_none() && record.outcome.is_none() && record.verification.is_none() && record.hold.is_none() {
            return;
        }
        self.section(&say!(language, "What was done", "执行情况"));
        if let Some(hold) = &record.hold {
            self.field(&say!(language, "hold", "暂停"), &held::line(hold, language));
        }
        if let Some(intent) = &record.intent {
            let (to, at) = (bold(&intent.to.name), stamp(intent.at));
            let by = intent.approved_by.as_ref().map(|by| {
                let by = outside(by);
                say!(language, ", approved by {by}", "，由 {by} 批准")
            });
            let by = by.unwrap_or_default();
            self.field(
                &say!(language, "intent", "意图"),
                &say!(language, "go back to {to}, {at}{by}", "回滚到 {to}，{at}{by}"),
            );
        }
        if let Some(result) = last_act(record) {
            self.field(
                &say!(language, "act", "动作"),
                &audit::acted(result, &record.policy.target, language),
            );
        }
        if let Some(outcome) = record.outcome {
            self.field(&say!(language, "outcome", "结果"), words::outcome(outcome, language));
        }
        if let Some(detail) = &record.outcome_detail {
            for line in detail.lines() {
                self.field("", &outside(line));
            }
        }
        if let Some(verification) = &record.verification {
            self.verification(verification, &record.policy.target);
        }
    }

    fn verification(&mut self, verification: &Verification, target: &Target) {
        let language = self.language;
        let at = stamp(verification.at);
        let active = words::active(verification.active, target, language);
        self.field(&say!(language, "verified", "核实"), &format!("{at}{active}"));
        if let Some(evidence) = &verification.evidence {
            self.section(&say!(language, "Evidence after the act", "执行后的证据"));
            self.evidence(evidence);
        }
    }

    fn fault(&mut self, fault: &DataFault) {
        let language = self.language;
        self.section(&say!(language, "Data", "数据"));
        let (since, because) = (stamp(fault.since), outside(&fault.because));
        let reason = words::gap(fault.reason, language);
        self.line(&say!(
            language,
            "not fit to judge since {since}: {reason}: {because}",
            "自 {since} 起无法判定：{reason}：{because}"
        ));
        if let Some(query) = &fault.query {
            self.line(&code(query));
        }
    }
}

/// `v1.2.3 (3f0a…)`.
fn version(version: &Version) -> String {
    format!("{} ({})", bold(&version.name), version.fingerprint.short())
}

fn decided(decision: &Decision, record: &Record, language: Language) -> String {
    match decision {
        Decision::Revert { to, standing } => {
            let (to, standing) = (bold(&to.name), words::standing(*standing, language));
            say!(language, "revert to {to} ({standing})", "回滚到 {to}（{standing}）")
        }
        Decision::Propose { to, standing, until } => {
            let (to, standing, until) = (bold(&to.name), words::standing(*standing, language), stamp(*until));
            say!(
                language,
                "ask a person whether to go back to {to} ({standing}), until {until}",
                "请人决定是否回滚到 {to}（{standing}），截至 {until}"
            )
        }
        Decision::Refuse { guard } => format!("{}: {}", guard.name(), guard::sentence(guard, record, language)),
        Decision::AlertOnly => say!(language, "tell people, nothing more", "仅告警"),
    }
}

/// `4.1 % (508 of 12,400) against 0.5 % (186 of 37,100): 8 times (7 to 10)`.
fn sides_row(candidate: [f64; 2], baseline: [f64; 2], ratio: Option<Estimate>, language: Language) -> String {
    let side = |[bad, total]: [f64; 2]| {
        let rate = if total > 0.0 { share(bad / total) } else { "-".to_owned() };
        let (bad, total) = (count(bad), count(total));
        say!(language, "{rate} ({bad} of {total})", "{rate}（{bad}/{total}）")
    };
    let candidate = side(candidate);
    let ratio = ratio.map(|ratio| {
        let (median, low, high) = (times(ratio.median), times(ratio.low), times(ratio.high));
        say!(
            language,
            ": {median} times (95 %: {low} to {high})",
            "：{median} 倍（95 %：{low} 到 {high}）"
        )
    });
    let ratio = ratio.unwrap_or_default();
    if baseline[1] > 0.0 {
        let baseline = side(baseline);
        say!(
            language,
            "{candidate} against {baseline}{ratio}",
            "{candidate}，对比 {baseline}{ratio}"
        )
    } else {
        candidate
    }
}

fn noise(metric: &MetricEvidence, language: Language) -> String {
    let (phi, sigma) = (times(metric.noise.phi), format!("{:.2}", metric.noise.sigma));
    let history = long(metric.noise.history, language);
    match metric.noise.source {
        NoiseSource::History => say!(
            language,
            "noise learnt from {history} of history: clustering {phi}, spread {sigma}",
            "噪声取自 {history}历史数据：聚集度 {phi}，离散度 {sigma}"
        ),
        NoiseSource::Assumed => say!(
            language,
            "noise assumed, with caution (history: {history}): clustering {phi}, spread {sigma}",
            "噪声为谨慎假设（历史数据：{history}）：聚集度 {phi}，离散度 {sigma}"
        ),
    }
}
