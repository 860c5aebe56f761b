//! A hold in words: how many pods, until when, why it goes on.

use super::{
    Language, Told,
    clean::bounded,
    grounds::{DETAIL, closing, measured},
    language::say,
    span_of_time::{clock, stamp},
    story::who,
    told::{bold, code, outside, signed},
    words,
};
use crate::record::{GoesOn, Hold, Record};

/// ` It is held at 2 of 4 pods until 14:05:00.`, where it is.
pub(super) fn so_far(record: &Record, language: Language) -> String {
    let Some(hold) = held(record) else { return String::new() };
    let (pods, of, until) = (hold.pods, hold.of, clock(hold.until));
    say!(
        language,
        " Its rolling update is held at {pods} of {of} pods, until {until} at most.",
        "滚动更新暂停在 {of} 个 pod 中的 {pods} 个，最迟到 {until}。"
    )
}

/// That a convicted release stays held, and how a person lets it go on.
pub(super) fn stays(record: &Record, language: Language) -> Option<String> {
    let hold = held(record)?;
    let (pods, of) = (hold.pods, hold.of);
    let resume = code(format_args!("lastgood hold resume {}", record.service));
    Some(say!(
        language,
        "It is held at {pods} of {of} pods and stays so until it is gone back from or a newer release comes. To let it go on: {resume}",
        "滚动更新停在 {of} 个 pod 中的 {pods} 个，直到回滚或有更新的发布。如要放行：{resume}"
    ))
}

fn held(record: &Record) -> Option<&Hold> {
    record.hold.as_ref().filter(|hold| hold.is_held())
}

/// How a rolling update was held: a line of the whole record.
pub(super) fn line(hold: &Hold, language: Language) -> String {
    let (pods, of) = (hold.pods, hold.of);
    let (until, changed, outcome) = (
        stamp(hold.until),
        stamp(hold.changed_at),
        hold.outcome.map(|o| words::outcome(o, language)),
    );
    let outcome = outcome.map_or_else(|| say!(language, "not known yet", "尚不清楚"), str::to_owned);
    let why = hold.goes_on.as_ref().map(|why| self::why(why, language));
    let why = why.or_else(|| hold.detail.as_ref().map(outside));
    let aside = why.map(|why| say!(language, ": {why}", "：{why}")).unwrap_or_default();
    if pods == 0 {
        return say!(language, "{outcome}, {changed}{aside}", "{outcome}，{changed}{aside}");
    }
    say!(
        language,
        "at {pods} of {of} pods, until {until} at most; {outcome}, {changed}{aside}",
        "停在 {of} 个 pod 中的 {pods} 个，最迟到 {until}；{outcome}，{changed}{aside}"
    )
}

/// Why it goes on, as a clause.
pub(super) fn why(why: &GoesOn, language: Language) -> String {
    match why {
        GoesOn::Healthy => say!(language, "it is healthy so far", "目前健康"),
        GoesOn::TooLong => say!(
            language,
            "nothing was found out in the time allowed",
            "在允许的时间内没有结论"
        ),
        GoesOn::Reverted => say!(language, "it went back", "已回滚"),
        GoesOn::Person { by, reason } if reason.is_empty() => {
            let by = outside(by);
            say!(language, "{by} let it go on", "由 {by} 放行")
        }
        GoesOn::Person { by, reason } => {
            let (by, reason) = (outside(by), outside(bounded(reason, DETAIL)));
            say!(language, "{by} let it go on: {reason}", "由 {by} 放行：{reason}")
        }
        GoesOn::Resumed => say!(language, "a person resumed it, or holds it now", "有人已恢复或接管"),
        GoesOn::Newer => say!(language, "a newer template waits behind it", "有更新的模板在等待"),
        GoesOn::Over => say!(language, "its rollout is over", "该发布已结束"),
        GoesOn::Unwanted => say!(language, "the policy in force does not ask for it", "当前策略不要求暂停"),
        GoesOn::Unguarded => say!(language, "its policy is gone", "策略已移除"),
        GoesOn::Forgotten => say!(language, "nothing stored tells of it", "没有任何存档记录它"),
    }
}

/// It was to be held, and is not.
pub(super) fn not_held(record: &Record, because: &str, language: Language) -> Told {
    let (who, to, because) = (
        who(record, language),
        bold(&record.to.name),
        outside(bounded(because, DETAIL)),
    );
    let headline = say!(
        language,
        "{who}: the rolling update of {to} could not be held, so it goes on: {because}.",
        "{who}：{to} 的滚动更新未能暂停，将继续进行：{because}。"
    );
    let line = say!(
        language,
        "It is judged as any other release, and reverted if it is bad.",
        "它仍会被判定，如有恶化仍会回滚。"
    );
    Told::new(&signed("⏩", &headline), &closing(vec![line], record, language))
}

/// It goes on though nothing was found out.
pub(super) fn too_long(record: &Record, language: Language) -> Told {
    let (who, to) = (who(record, language), bold(&record.to.name));
    let (pods, of) = record.hold.as_ref().map_or((0, 0), |hold| (hold.pods, hold.of));
    let headline = say!(
        language,
        "{who}: {to} was held at {pods} of {of} pods for as long as its policy allows, without a verdict. Its rolling update goes on.",
        "{who}：{to} 停在 {of} 个 pod 中的 {pods} 个已达策略上限，仍无结论。滚动更新继续进行。"
    );
    let mut lines = measured(record, language);
    lines.push(say!(
        language,
        "It is judged on, and reverted if it is bad. A longer `holdMax`, or more traffic, would find out more.",
        "判定仍在继续，如有恶化仍会回滚。更长的 `holdMax` 或更多流量可以得出更多结论。"
    ));
    Told::new(&signed("⏩", &headline), &closing(lines, record, language))
}
