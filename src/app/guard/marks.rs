//! Marks that shall be moved: each in a task of its own, until it is known what came of it. Never in the way of judging, nor of each other.

use std::collections::BTreeMap;

use super::{Guard, Message, Outside};
use crate::{
    engine::{Event, backoff},
    policy::{MarkKind, Mode},
    record::{Mark, MarkIntent, MarkResult},
    words::Moment,
};

/// The marks that are being moved, or could not be.
#[derive(Debug, Default)]
pub(super) struct Marking(BTreeMap<MarkKind, Tried>);

/// When a mark is tried next, and how often it could not be moved in a row.
#[derive(Debug, Default)]
struct Tried {
    under_way: bool,
    tries: u32,
    next_at: Option<Moment>,
}

impl Marking {
    /// It was tried.
    pub fn tried(&mut self, kind: MarkKind, result: &MarkResult, now: Moment) {
        let before = self.0.remove(&kind).unwrap_or_default();
        if matches!(result, MarkResult::NotYet { .. }) {
            let tries = before.tries.saturating_add(1);
            let tried = Tried {
                under_way: false,
                tries,
                next_at: Some(now.plus(backoff(tries))),
            };
            self.0.insert(kind, tried);
        }
    }

    fn is_due(&self, kind: MarkKind, now: Moment) -> bool {
        let due = |tried: &Tried| !tried.under_way && tried.next_at.is_none_or(|next_at| now >= next_at);
        self.0.get(&kind).is_none_or(due)
    }
}

impl Guard {
    /// Moves the marks that are to be moved, where lastgood may act.
    pub(super) async fn mark(&mut self, now: Moment) {
        let wanted = |mark: &Mark| Some((mark.clone(), mark.intent.clone().filter(|intent| can_be_tried(mark, intent))?));
        let marks = self.history.marks.iter().filter(|mark| self.marking.is_due(mark.kind, now));
        let due: Vec<(Mark, MarkIntent)> = marks.filter_map(wanted).collect();
        if due.is_empty() || self.outside.fleet.lock().await.mode().min(self.policy.mode) != Mode::Enforce {
            return;
        }
        for (mark, intent) in due {
            self.marking.0.entry(mark.kind).or_default().under_way = true;
            let (outside, post) = (self.outside.clone(), self.post.clone());
            tokio::spawn(async move {
                let result = moved(&outside, &mark, &intent).await;
                let (kind, to) = (mark.kind, intent.to);
                let _ = post
                    .send(Message::Happened(Box::new(Event::Marked { kind, to, result })))
                    .await;
            });
        }
    }
}

fn can_be_tried(mark: &Mark, intent: &MarkIntent) -> bool {
    mark.kind == MarkKind::Link || intent.image.is_some()
}

async fn moved(outside: &Outside, mark: &Mark, intent: &MarkIntent) -> MarkResult {
    let left = intent.only_from.as_ref();
    let tried = match (mark.kind, &intent.image) {
        (MarkKind::Link, _) => {
            let (to, from) = (&intent.to.name, left.map(|left| &left.version.name));
            let marked = outside.platform.mark(&mark.name, to, from).await;
            marked.map_err(|error| error.0)
        }
        (MarkKind::TagImage, Some(image)) => {
            // Of a version whose image was never known nothing was ever tagged: what the tag is at is someone else's.
            let from = left.map(|left| left.image.as_ref().map_or("", |image| image.digest()));
            let tagged = outside.images.tag(image, &mark.name, from).await;
            tagged.map_err(|fault| fault.to_string())
        }
        (MarkKind::TagImage, None) => Err("no image of it is known".to_owned()),
    };
    tried.unwrap_or_else(|because| MarkResult::NotYet { because })
}
