//! What is said of the past that a metric was judged by: how little there was of it, and what of it was left out.

use super::{Language, comparison::part, language::say, span_of_time::long};
use crate::judge::{MetricEvidence, NoiseSource};

/// Said where the noise of a metric was assumed, and where an outage was left out of the hour before.
pub(super) fn of_the_past(metric: &MetricEvidence, language: Language) -> String {
    let glue = match language {
        Language::En => " ",
        Language::Zh => "",
    };
    let said = [assumed_noise(metric, language), left_out(metric, language)];
    said.into_iter().flatten().collect::<Vec<_>>().join(glue)
}

fn assumed_noise(metric: &MetricEvidence, language: Language) -> Option<String> {
    if metric.noise.source == NoiseSource::History || metric.rule().is_some() {
        return None;
    }
    let history = long(metric.noise.history, language);
    Some(say!(
        language,
        "The history is short ({history}), so cautious noise was assumed.",
        "历史数据较短（{history}），因此采用了偏谨慎的噪声假设。"
    ))
}

/// `An outage in the hour before is left out: 10 % of 3,000 requests.`
pub(super) fn left_out(metric: &MetricEvidence, language: Language) -> Option<String> {
    let left_out = metric.noise.left_out;
    (left_out[1] > 0.0).then(|| {
        let outage = part(left_out, language);
        say!(
            language,
            "An outage in the hour before is left out: {outage}.",
            "之前一小时内的一次故障未计入：{outage}。"
        )
    })
}
