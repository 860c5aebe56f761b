//! Series as Prometheus writes them: numbers as text, native histograms beside them.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

use crate::question::NativeBucket;

/// The result of a query; scalars and strings are none of ours.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum Data {
    Vector(Vec<Given<Option<Point>>>),
    Matrix(Vec<Given<Vec<Point>>>),
}

/// One series: its labels and what it has to say, as floats, as native histograms, or over a range as both.
#[derive(Debug, Deserialize)]
#[serde(bound = "P: Deserialize<'de> + Default")]
pub(super) struct Given<P> {
    pub(super) metric: HashMap<String, String>,
    #[serde(default, alias = "values")]
    pub(super) value: P,
    #[serde(default, alias = "histograms")]
    pub(super) histogram: P,
}

/// What a series says at one time, seconds since the epoch.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) at: f64,
    /// Of a native histogram its count.
    pub(super) value: f64,
    pub(super) native: Option<Box<[NativeBucket]>>,
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (at, said) = <(f64, Said)>::deserialize(deserializer)?;
        Ok(match said {
            Said::Float(value) => Self {
                at,
                value: value.0,
                native: None,
            },
            Said::Native { count, buckets } => Self {
                at,
                value: count.0,
                native: Some(buckets.into_iter().map(|bucket| bucket.0).collect()),
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Float(Number),
    Native {
        count: Number,
        /// Left out where every bucket is empty.
        #[serde(default)]
        buckets: Vec<Bucket>,
    },
}

/// A number in quotes: NaN and infinity are numbers here.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| D::Error::custom("no number"))
    }
}

/// `[which bounds are in it, lower, upper, count]`
struct Bucket(NativeBucket);

impl<'de> Deserialize<'de> for Bucket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Bucket;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a bucket of a native histogram")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bucket, A::Error> {
                let _: Option<u8> = seq.next_element()?;
                let mut number = || {
                    seq.next_element::<Number>()?
                        .map(|number| number.0)
                        .ok_or_else(|| A::Error::custom("a bucket has four parts"))
                };
                Ok(Bucket(NativeBucket {
                    lower: number()?,
                    upper: number()?,
                    count: number()?,
                }))
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}
