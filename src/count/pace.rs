//! How often and how fast Prometheus scrapes, learnt from what it stored.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use crate::{
    question::{Answer, PartKind, Question},
    words::{Moment, Pod},
};

/// So many spacings are remembered: a slowed scraper is believed after half of them.
const REMEMBERED: usize = 9;
/// So many are needed before they are believed at all.
const BELIEVED: usize = 3;

/// The spacing of one pod's scrapes, as they come.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    newest: Option<Moment>,
    spacings: VecDeque<Duration>,
}

impl Pace {
    /// Notes a scrape time; one that was seen already says nothing.
    pub fn note(&mut self, scraped_at: Moment) {
        match self.newest {
            Some(newest) if scraped_at <= newest => return,
            Some(newest) => {
                if self.spacings.len() == REMEMBERED {
                    self.spacings.pop_front();
                }
                self.spacings.push_back(scraped_at.since(newest));
            }
            None => {}
        }
        self.newest = Some(scraped_at);
    }

    /// The scrape interval; `assumed` until enough scrapes were seen.
    pub fn interval(&self, assumed: Duration) -> Duration {
        median(self.spacings.iter().copied()).unwrap_or(assumed)
    }
}

/// The scrape interval as the scrape times in `answers` tell it, at the resolution in which they were asked:
/// the median over all pods and metrics; none with fewer than four scrapes of any.
#[must_use]
pub fn scrape_interval(question: &Question, answers: &[Answer]) -> Option<Duration> {
    let mut scrapes: BTreeMap<(usize, &Pod), BTreeSet<i64>> = BTreeMap::new();
    for sample in answers.iter().flat_map(|answer| &answer.samples) {
        let stamp = question
            .parts
            .get(sample.part)
            .filter(|part| part.kind == PartKind::Stamp && sample.value.is_finite());
        if let Some(part) = stamp {
            let millis = (sample.value * 1000.0).round() as i64;
            scrapes.entry((part.metric, &sample.pod)).or_default().insert(millis);
        }
    }
    median(scrapes.values().flat_map(|times| {
        let times: Vec<i64> = times.iter().copied().collect();
        times
            .windows(2)
            .map(|pair| Moment::from_millis(pair[1]).since(Moment::from_millis(pair[0])))
            .collect::<Vec<_>>()
    }))
    .map(rounded)
}

/// The slowest scrape that `answer` tells of; zero where it tells none.
#[must_use]
pub fn slowest_scrape(question: &Question, answer: &Answer) -> Duration {
    answer
        .samples
        .iter()
        .filter(|sample| {
            question
                .parts
                .get(sample.part)
                .is_some_and(|part| part.kind == PartKind::ScrapeDuration)
        })
        .filter_map(|sample| Duration::try_from_secs_f64(sample.value).ok())
        .max()
        .unwrap_or_default()
}

fn median(spacings: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut sorted: Vec<Duration> = spacings.collect();
    sorted.sort_unstable();
    (sorted.len() >= BELIEVED).then(|| sorted[sorted.len() / 2])
}

/// Scrapes jitter by milliseconds: within 2 % of whole seconds it is whole seconds. Never below one second.
fn rounded(interval: Duration) -> Duration {
    let seconds = interval.as_secs_f64();
    let whole = seconds.round().max(1.0);
    if (seconds - whole).abs() <= 0.02 * whole || seconds < 1.0 {
        Duration::from_secs(whole as u64)
    } else {
        Duration::from_millis((seconds * 10.0).round() as u64 * 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_assumed_until_learnt_and_follows_a_scraper_that_slows_down() {
        let mut pace = Pace::default();
        let assumed = Duration::from_secs(7);
        let mut at = Moment::from_millis(0);
        for _ in 0..3 {
            pace.note(at);
            pace.note(at);
            assert_eq!(pace.interval(assumed), assumed);
            at = at.plus(Duration::from_secs(15));
        }
        pace.note(at);
        assert_eq!(pace.interval(assumed), Duration::from_secs(15));
        for _ in 0..5 {
            at = at.plus(Duration::from_secs(60));
            pace.note(at);
        }
        assert_eq!(pace.interval(assumed), Duration::from_secs(60));
    }

    #[test]
    fn an_interval_is_rounded_to_what_people_write() {
        for (found, written) in [(14_998, 15_000), (1_003, 1_000), (200, 1_000), (1_480, 1_500), (2_000, 2_000)] {
            assert_eq!(
                rounded(Duration::from_millis(found)),
                Duration::from_millis(written),
                "{found}"
            );
        }
    }
}
