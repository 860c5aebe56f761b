//! An answer's samples, gathered by metric and pod, as Prometheus gave them.

use std::collections::BTreeMap;

use crate::{
    question::{Answer, NativeBucket, PartKind, Question, Sample},
    words::{Moment, Pod},
};

/// What an answer says of one pod and one metric. Nothing is checked yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Cumulative bad events.
    pub bad: Option<f64>,
    /// Cumulative events.
    pub total: Option<f64>,
    /// Cumulative bucket counts by their `le`, in the order of the labels' text.
    pub buckets: BTreeMap<String, f64>,
    /// A native histogram's buckets that hold anything.
    pub native: Option<Box<[NativeBucket]>>,
    /// A native histogram's count.
    pub native_count: Option<f64>,
    /// The value of what is no counter.
    pub value: Option<f64>,
    /// The newest scrape of the totals, seconds since the epoch.
    pub stamp: Option<f64>,
    /// How many series the totals (all buckets) have.
    pub series_of_total: Option<f64>,
    /// How many series the bad events have.
    pub series_of_bad: Option<f64>,
    /// From how many targets the totals were scraped, where that was asked.
    pub targets: Option<f64>,
    /// When the process started, seconds since the epoch.
    pub process_start: Option<f64>,
    /// How long the slowest scrape took, seconds.
    pub scrape_duration: Option<f64>,
    /// Whether anything was said twice.
    pub twice: bool,
}

impl Reading {
    /// When the totals were scraped last.
    #[must_use]
    pub fn scraped_at(&self) -> Option<Moment> {
        moment(self.stamp?)
    }

    /// When the process started, if it says so.
    #[must_use]
    pub fn started_at(&self) -> Option<Moment> {
        moment(self.process_start?)
    }

    /// Whether there is anything of the totals (the buckets) in it.
    #[must_use]
    pub fn has_totals(&self) -> bool {
        self.total.is_some() || !self.buckets.is_empty() || self.native.is_some() || self.value.is_some()
    }

    fn take(&mut self, kind: PartKind, sample: &Sample) {
        let value = sample.value;
        let field = match kind {
            PartKind::Bad => &mut self.bad,
            PartKind::Total => &mut self.total,
            PartKind::Value => &mut self.value,
            PartKind::Stamp => &mut self.stamp,
            PartKind::SeriesOfTotal => &mut self.series_of_total,
            PartKind::SeriesOfBad => &mut self.series_of_bad,
            PartKind::Targets => &mut self.targets,
            PartKind::ProcessStart => &mut self.process_start,
            PartKind::ScrapeDuration => &mut self.scrape_duration,
            PartKind::Buckets => match &sample.native {
                Some(native) => {
                    self.native = Some(native.clone());
                    &mut self.native_count
                }
                None => {
                    let le = sample.labels.get("le").cloned().unwrap_or_default();
                    self.twice |= self.buckets.insert(le, value).is_some();
                    return;
                }
            },
        };
        self.twice |= field.replace(value).is_some();
    }
}

/// All readings of `answer` about `metric`. Samples of parts that the question does not have are left out.
#[must_use]
pub fn readings(question: &Question, answer: &Answer, metric: usize) -> BTreeMap<Pod, Reading> {
    let mut readings: BTreeMap<Pod, Reading> = BTreeMap::new();
    for sample in &answer.samples {
        let Some(part) = question.parts.get(sample.part).filter(|part| part.metric == metric) else {
            continue;
        };
        readings.entry(sample.pod.clone()).or_default().take(part.kind, sample);
    }
    readings
}

/// Seconds since the epoch as a moment; none for what is no time.
fn moment(seconds: f64) -> Option<Moment> {
    let millis = (seconds * 1000.0).round();
    // 2^53: beyond it neighbouring milliseconds are no longer told apart.
    (millis.is_finite() && millis.abs() < 9_007_199_254_740_992.0).then(|| Moment::from_millis(millis as i64))
}
