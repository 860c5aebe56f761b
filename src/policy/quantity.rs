//! Quantities as policies write them: shares (`0.1%`) and times (`1h30m`). Strict: one way to write each, so that a slip is seen.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

use super::nearest::shown;

const SHARE_PATTERN: &str = r"^[0-9]+(\.[0-9]{1,10})?%$";
const TIME_PATTERN: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";

/// A share, as a fraction: `1%` is 0.01. May be above 1 (`tolerate.slower: 120%`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share(pub f64);

/// A time, as a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub Duration);

/// A share or a time, whichever the metric's kind asks for: `tolerate.floor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity(pub String);

/// Why a text is no share or time; reads `what is wrong: what is allowed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{found}`, which is {what}: {allowed}")]
pub(super) struct QuantityError {
    pub found: String,
    what: &'static str,
    pub allowed: String,
}

/// A fraction as policies write it: 0.001 is `0.1%`. Ten decimals of a percent are kept.
#[must_use]
pub fn share_text(fraction: f64) -> String {
    format!("{}%", (fraction * 1e12).round() / 1e10)
}

/// A duration as policies write it: `1h30m`, `90d`, `5ms`; anything below a millisecond is left out.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(duration.subsec_millis()), "ms"),
    ];
    let text: String = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Reads a duration as policies and settings write it: `90s`, `15m`, `1h30m`, `5ms`.
///
/// # Errors
/// When `text` is written otherwise; the sentence says how.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    text.parse::<Time>().map(|time| time.0).map_err(|error| error.to_string())
}

/// Reads a share as policies write it, as a fraction: `1%` is 0.01.
///
/// # Errors
/// When `text` is written otherwise; the sentence says how.
pub fn parse_share(text: &str) -> Result<f64, String> {
    text.parse::<Share>().map(|share| share.0).map_err(|error| error.to_string())
}

impl FromStr for Share {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let wrong = |allowed: String| QuantityError {
            found: shown(text),
            what: "no share",
            allowed,
        };
        let Some(number) = text.strip_suffix('%') else {
            return Err(wrong(how_to_write_a_share(text)));
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let good = digits(whole) && digits(decimals) && whole.len() <= 6 && decimals.len() <= 10;
        // Read with its exponent rather than divided, so that `99.9%` is the float nearest to 0.999.
        match format!("{number}e-2").parse::<f64>() {
            Ok(fraction) if good => Ok(Self(fraction)),
            _ => Err(wrong("write a share as `1%` or `0.1%`".to_owned())),
        }
    }
}

/// `99` is the classic slip: 99 % or 0.99? It is asked, never guessed.
fn how_to_write_a_share(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number < 1.0 => {
            format!(
                "write shares with a percent sign; `{text}` of all would be `{}`",
                share_text(number)
            )
        }
        Ok(number) if (0.0..1e6).contains(&number) => format!("write shares with a percent sign: `{number}%`"),
        _ => "write a share as `1%` or `0.1%`".to_owned(),
    }
}

impl FromStr for Time {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        time(text).map(Self).ok_or_else(|| QuantityError {
            found: shown(text),
            what: "no time",
            allowed: match text.parse::<u32>() {
                Ok(number) => format!("write times with their unit: `{number}s`, `{number}m`"),
                Err(_) => "write times as `90s`, `15m`, `1h30m`, `90d` or `5ms`, largest unit first".to_owned(),
            },
        })
    }
}

fn time(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = &rest[digits..digits + letters];
        let count: u64 = rest[..digits].parse().ok()?;
        // Each unit once, in falling order: what came before is behind the iterator.
        let (_, millis) = units.find(|(name, _)| *name == unit)?;
        total = count.checked_mul(*millis).and_then(|part| total.checked_add(part))?;
        rest = &rest[digits + letters..];
    }
    (!text.is_empty()).then(|| Duration::from_millis(total))
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

/// Takes numbers too, so that `99` is answered with how a share is written rather than with a remark on types.
impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share such as `1%` or a time such as `90s`")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Quantity, E> {
        Ok(Quantity(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Quantity, E> {
        Ok(Quantity(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Quantity, E> {
        Ok(Quantity(value.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Quantity::deserialize(deserializer)?.0.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Quantity::deserialize(deserializer)?.0.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&share_text(self.0))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration_text(self.0))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

macro_rules! written_as {
    ($type:ident, $name:literal, $pattern:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 2, "pattern": $pattern })
            }
        }
    };
}

written_as!(Share, "Share", SHARE_PATTERN);
written_as!(Time, "Time", TIME_PATTERN);
written_as!(Quantity, "Quantity", format!("({SHARE_PATTERN})|({TIME_PATTERN})"));

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_and_times_are_written_one_way() {
        assert_eq!("0.1%".parse(), Ok(Share(0.001)));
        for bad in ["1", "0.99", "1 %", "%", ".5%", "1.%", "-1%", "1e2%", "nan%", "1%%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
        assert_eq!("1h30m".parse(), Ok(Time(Duration::from_secs(5_400))));
        for bad in [
            "",
            "90",
            "1.5h",
            "30m1h",
            "1h 30m",
            "1h1h",
            "1y",
            "m",
            "-1s",
            "99999999999999999999d",
        ] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_time_survives_its_own_text(millis in 0_u64..10_000_000_000) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(duration_text(time).parse(), Ok(Time(time)));
        }

        #[test]
        fn a_share_survives_its_own_text(whole in 0_u32..1_000, decimals in 0_u32..1_000_000) {
            let share: Share = format!("{whole}.{decimals:06}%").parse().expect("a share");
            prop_assert_eq!(share_text(share.0).parse(), Ok(share));
        }
    }
}
