//! Numbers for people: thousands, shares, multiples, odds, each with as many digits as are worth reading.

use super::{Language, language::say};
use crate::policy::share_text;

/// A count with thousands separators: `12,400`. Interpolated counts are rounded.
pub(super) fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 pod`, `3 pods`.
pub(super) fn pods(pods: u32, language: Language) -> String {
    let s = if pods == 1 { "" } else { "s" };
    say!(language, "{pods} pod{s}", "{pods} 个 pod")
}

/// `1 restart`, `3 restarts`.
pub(super) fn restarts(restarts: u32, language: Language) -> String {
    let s = if restarts == 1 { "" } else { "s" };
    say!(language, "{restarts} restart{s}", "共重启 {restarts} 次")
}

/// A share that a person wrote, given as a fraction, with all of its digits: `99.95 %`.
pub(super) fn written_share(fraction: f64) -> String {
    share_text(fraction).replace('%', " %")
}

/// A share, given as a fraction: `4.1 %`, `0.031 %`, `41 %`; never rounded up to 100 %, never down to 0 %.
pub(super) fn share(fraction: f64) -> String {
    format!("{} %", share_digits(fraction * 100.0))
}

fn share_digits(percent: f64) -> String {
    if percent <= 0.0 || !percent.is_finite() {
        return "0".to_owned();
    }
    if (99.0..100.0).contains(&percent) {
        return trimmed(&format!("{:.2}", (percent * 100.0).floor() / 100.0));
    }
    if percent >= 9.95 {
        return format!("{percent:.0}");
    }
    if percent >= 0.995 {
        return format!("{percent:.1}");
    }
    let decimals = (1.0 - percent.log10().floor()).clamp(1.0, 9.0) as usize;
    trimmed(&format!("{percent:.decimals$}"))
}

fn trimmed(number: &str) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number.to_owned()
    }
}

/// A value in a unit of its own: `412,310,528`, `0.0431`.
pub(super) fn plain(value: f64) -> String {
    if value < 0.0 {
        return format!("-{}", plain(-value));
    }
    if value >= 1000.0 {
        return count(value);
    }
    let decimals = (2.0 - value.max(1e-9).log10().floor()).clamp(0.0, 9.0) as usize;
    trimmed(&format!("{value:.decimals$}"))
}

/// A multiple: `1.4`, `8`, `1,200`.
pub(super) fn times(value: f64) -> String {
    if !value.is_finite() {
        "∞".to_owned()
    } else if value >= 4.95 {
        count(value)
    } else if (0.95..1.05).contains(&value) {
        "1.0".to_owned()
    } else if value >= 0.1 {
        trimmed(&format!("{value:.1}"))
    } else {
        trimmed(&format!("{value:.2}"))
    }
}

/// Odds of evidence, given as log10: `100 : 1`, `1 : 30`; beyond a million `over 1,000,000 : 1`, with `over` in the reader's language.
pub fn odds(log10: f64, over: &str) -> String {
    let side = |log10: f64| {
        if log10 > 6.0 {
            format!("{over} 1,000,000")
        } else {
            // Rounded down, so that odds never seem to reach a bound that they do not; the factor forgives the rounding of log10 itself.
            let odds = 10_f64.powf(log10) * (1.0 + 1e-9);
            if odds < 10.0 {
                trimmed(&format!("{:.1}", (odds * 10.0).floor() / 10.0))
            } else {
                count(odds.floor())
            }
        }
    };
    if log10 >= 0.0 {
        format!("{} : 1", side(log10))
    } else {
        format!("1 : {}", side(-log10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_sensible_digits() {
        for (fraction, text) in [
            (0.041, "4.1 %"),
            (0.005, "0.5 %"),
            (0.0047, "0.47 %"),
            (0.01, "1.0 %"),
            (0.000_31, "0.031 %"),
            (0.412, "41 %"),
            (0.999_99, "99.99 %"),
            (1.0, "100 %"),
            (0.0, "0 %"),
            (f64::NAN, "0 %"),
        ] {
            assert_eq!(share(fraction), text);
        }
    }

    #[test]
    fn what_a_person_wrote_keeps_its_digits() {
        assert_eq!([written_share(0.985), written_share(0.999_95)], ["98.5 %", "99.995 %"]);
    }

    #[test]
    fn multiples_and_counts_read_as_people_write_them() {
        assert_eq!(
            [times(8.2), times(6.9), times(9.7), times(1.42), times(3.0)],
            ["8", "7", "10", "1.4", "3"]
        );
        assert_eq!(
            [count(12_400.0), count(999.4), count(1_234_567.0)],
            ["12,400", "999", "1,234,567"]
        );
    }

    #[test]
    fn odds_never_claim_more_than_the_evidence() {
        assert_eq!(odds(37.0, "over"), "over 1,000,000 : 1");
        assert_eq!(odds(2.0, "over"), "100 : 1");
        assert_eq!(odds(1.999, "over"), "99 : 1");
        assert_eq!(odds(20_f64.log10(), "over"), "20 : 1");
        assert_eq!(odds(-1.5, "over"), "1 : 31");
        assert_eq!(odds(-40.0, "over"), "1 : over 1,000,000");
        assert_eq!(odds(0.0, "over"), "1 : 1");
    }
}
