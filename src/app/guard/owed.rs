//! What a guard still has to tell the state machine, because the store refused: events that nobody would tell again.

use std::mem::discriminant;

use crate::engine::Event;

/// Events that wait for the store, oldest first.
#[derive(Debug, Default)]
pub(super) struct Owed(Vec<Event>);

impl Owed {
    /// Keeps `event`, if it will not be told again. Of what each new event says anew (the evidence of a rollout, its data) the newest
    /// is enough, so that a store that stays down for days costs nothing.
    pub fn owe(&mut self, event: Event) {
        match &event {
            Event::Acted { .. }
            | Event::Looked { .. }
            | Event::HoldTried { .. }
            | Event::PolicyIs { .. }
            | Event::Delivered { .. }
            | Event::NotDelivered { .. } => {}
            Event::Judged { .. } | Event::Data { .. } => {
                self.0.retain(|other| discriminant(other) != discriminant(&event));
            }
            _ => return,
        }
        self.0.push(event);
    }

    /// All of them, to be told now.
    pub fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.0)
    }

    /// What waits.
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decide::Decision, engine::Stage, explain::specimen, record::ActResult, words::RolloutId};

    #[test]
    fn owed_evidence_is_the_newest_and_an_outcome_waits_whatever_comes_after_it() {
        let rollout = RolloutId::new(uuid::Uuid::from_u128(1));
        let judged = |harm: f64| Event::Judged {
            rollout,
            stage: Stage::Watch,
            evidence: {
                let mut evidence = specimen::convicted(Decision::AlertOnly).evidence.expect("evidence");
                evidence.harm_log10 = harm;
                evidence
            },
        };
        let acted = Event::Acted {
            rollout,
            result: ActResult::NotMoved {
                error: "full".to_owned(),
            },
        };
        let mut owed = Owed::default();
        for event in [acted.clone(), judged(1.0), Event::Tick, judged(2.0)] {
            owed.owe(event);
        }
        assert_eq!(owed.take(), [acted, judged(2.0)]);
        assert!(owed.is_empty());
    }
}
