//! Times for people: how long, at what time of day, in both languages. Always UTC, and said.

use std::time::Duration;

use super::Language;
use crate::words::Moment;

/// How long: `45 s`, `2 h 5 min`, `6 days`; at most two units, rounded down.
pub(super) fn long(duration: Duration, language: Language) -> String {
    let seconds = duration.as_secs();
    let names = match language {
        Language::En => ["ms", "s", "min", "h", if seconds < 172_800 { "day" } else { "days" }],
        Language::Zh => ["毫秒", "秒", "分钟", "小时", "天"],
    };
    let two = |first: u64, a: usize, second: u64, b: usize| {
        if second == 0 {
            format!("{first} {}", names[a])
        } else {
            format!("{first} {} {second} {}", names[a], names[b])
        }
    };
    match seconds {
        0 if duration.is_zero() => format!("0 {}", names[1]),
        0 => format!("{} {}", duration.as_millis(), names[0]),
        1..=119 => format!("{seconds} {}", names[1]),
        120..=3_599 => two(seconds / 60, 2, if seconds < 600 { seconds % 60 } else { 0 }, 1),
        3_600..=86_399 => two(seconds / 3_600, 3, seconds % 3_600 / 60, 2),
        86_400..=259_199 => two(seconds / 86_400, 4, seconds % 86_400 / 3_600, 3),
        _ => format!("{} {}", seconds / 86_400, names[4]),
    }
}

/// A latency, in seconds: `250 ms`, `1.5 s`.
pub(super) fn latency(seconds: f64, language: Language) -> String {
    let (value, unit) = match (seconds < 1.0, language) {
        (true, Language::En) => (seconds * 1_000.0, "ms"),
        (true, Language::Zh) => (seconds * 1_000.0, "毫秒"),
        (false, Language::En) => (seconds, "s"),
        (false, Language::Zh) => (seconds, "秒"),
    };
    let text = if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    };
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} {unit}")
}

/// A time of day: `14:03:21 UTC`.
pub(super) fn clock(moment: Moment) -> String {
    strftime(moment, "%H:%M:%S UTC")
}

/// A day and a time: `2026-11-24 14:03:21 UTC`.
pub(super) fn stamp(moment: Moment) -> String {
    strftime(moment, "%Y-%m-%d %H:%M:%S UTC")
}

fn strftime(moment: Moment, format: &str) -> String {
    jiff::Timestamp::from_millisecond(moment.millis())
        .map_or_else(|_| moment.to_string(), |timestamp| timestamp.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let en = |seconds: f64| long(Duration::from_secs_f64(seconds), Language::En);
        assert_eq!(
            [0.0, 0.25, 45.0, 119.0, 150.0, 1_830.0, 7_500.0, 86_400.0, 97_200.0, 518_400.0].map(en),
            [
                "0 s",
                "250 ms",
                "45 s",
                "119 s",
                "2 min 30 s",
                "30 min",
                "2 h 5 min",
                "1 day",
                "1 day 3 h",
                "6 days"
            ]
        );
        assert_eq!(long(Duration::from_secs(7_500), Language::Zh), "2 小时 5 分钟");
    }

    #[test]
    fn latencies_read_as_people_say_them() {
        assert_eq!(
            [0.25, 0.0005, 1.5, 0.3].map(|s| latency(s, Language::En)),
            ["250 ms", "0.5 ms", "1.5 s", "300 ms"]
        );
    }
}
