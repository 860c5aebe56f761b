//! The JSON of an answer, read here because the client library drops what it says of partial data and refuses native histograms.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::series::{Data, Given, Point};
use crate::{
    question::{Answer, Question, Sample},
    words::{GapReason, Moment, Pod},
};

/// Native histograms of series of which some were reset are summed all the same; lastgood finds resets by itself.
const HARMLESS: &str = "conflicting counter resets during histogram aggregation";

/// What was found in an answer that makes it unusable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub reason: GapReason,
    /// Follows "Prometheus at URL ".
    pub what: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    status: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    is_partial: bool,
    error_type: Option<String>,
    error: Option<String>,
}

type Labels = std::collections::HashMap<String, String>;

/// The answer to an instant query at `at`; the labels `by` name the pod.
pub(super) fn answer(body: &[u8], by: &[String; 2], at: Moment) -> Result<Answer, Found> {
    let Data::Vector(vector) = data(body)? else {
        return Err(failed("answered an instant query with something else than a vector"));
    };
    let mut samples = Vec::with_capacity(vector.len());
    for Given {
        metric,
        value,
        histogram,
    } in vector
    {
        let series = Series::of(metric, by)?;
        for point in value.into_iter().chain(histogram) {
            if moment(point.at) != Some(at) {
                return Err(failed(
                    "answered about another time than it was asked; a cache before it must not",
                ));
            }
            samples.push(series.sample(point));
        }
    }
    Ok(Answer { at, samples })
}

/// The answers to a range query, one for every `step` from `from` to `to`.
pub(super) fn answers(body: &[u8], by: &[String; 2], from: Moment, to: Moment, step: Duration) -> Result<Vec<Answer>, Found> {
    let Data::Matrix(matrix) = data(body)? else {
        return Err(failed("answered a range query with something else than a matrix"));
    };
    let mut by_time: BTreeMap<Moment, Vec<Sample>> = BTreeMap::new();
    let mut at = from;
    while at <= to && !step.is_zero() {
        by_time.insert(at, Vec::new());
        at = at.plus(step);
    }
    for Given {
        metric,
        value,
        histogram,
    } in matrix
    {
        let series = Series::of(metric, by)?;
        for point in value.into_iter().chain(histogram) {
            // Times around the range were asked for only because the client asks in whole seconds.
            let slot = moment(point.at).and_then(|at| by_time.get_mut(&at));
            if let Some(slot) = slot {
                slot.push(series.sample(point));
            }
        }
    }
    Ok(by_time.into_iter().map(|(at, samples)| Answer { at, samples }).collect())
}

/// The error that a body tells of, if it is Prometheus's own.
pub(super) fn told(body: &[u8]) -> Option<String> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    envelope.error.map(|error| shortened(&error))
}

fn data(body: &[u8]) -> Result<Data, Found> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_eof() {
            format!("broke off its answer after {} bytes", body.len())
        } else {
            "answered with JSON that is not Prometheus's; see that [prometheus] url leads to Prometheus".to_owned()
        };
        failed(&what)
    })?;
    if envelope.status != "success" {
        let kind = envelope.error_type.unwrap_or(envelope.status);
        let error = envelope.error.unwrap_or_default();
        return Err(failed(&format!(
            "refused the query ({}): {}",
            shortened(&kind),
            shortened(&error)
        )));
    }
    if let Some(warning) = envelope.warnings.iter().find(|warning| !warning.contains(HARMLESS)) {
        return Err(warned(&format!(
            "warns that its answer may be partial: {}",
            shortened(warning)
        )));
    }
    if envelope.is_partial {
        return Err(warned("says that its answer is partial; not all of its storage answers"));
    }
    let raw = envelope.data.ok_or_else(|| failed("answered without data"))?.get();
    serde_json::from_str(raw)
        .map_err(|_| failed("answered with data that are no samples; the query must give an instant vector of counters"))
}

/// The labels of a series, taken apart.
struct Series {
    part: usize,
    pod: Pod,
    labels: BTreeMap<String, String>,
}

impl Series {
    fn of(mut labels: Labels, by: &[String; 2]) -> Result<Self, Found> {
        let part = labels
            .remove(Question::PART)
            .and_then(|part| part.parse().ok())
            .ok_or_else(|| failed("answered with series that were not asked for"))?;
        let [group, name] = by.each_ref().map(|label| labels.remove(label).unwrap_or_default());
        Ok(Self {
            part,
            pod: Pod(Arc::from(format!("{group}/{name}"))),
            labels: labels.into_iter().collect(),
        })
    }

    fn sample(&self, Point { value, native, .. }: Point) -> Sample {
        Sample {
            part: self.part,
            pod: self.pod.clone(),
            labels: self.labels.clone(),
            value,
            native,
        }
    }
}

fn moment(seconds: f64) -> Option<Moment> {
    seconds
        .is_finite()
        .then(|| Moment::from_millis((seconds * 1000.0).round() as i64))
}

fn failed(what: &str) -> Found {
    Found {
        reason: GapReason::QueryFailed,
        what: what.to_owned(),
    }
}

fn warned(what: &str) -> Found {
    Found {
        reason: GapReason::Warning,
        what: what.to_owned(),
    }
}

/// A text from outside, short and on one line.
fn shortened(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
