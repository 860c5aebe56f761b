//! What became of a rollout as Events of its workload, for whoever types `kubectl describe`. Best effort: alerts are for those who must know.

use serde_json::{Value, json};

use super::{call::CallError, lease::stamp, object::Object, patch::FIELD_MANAGER, resource::Resource, workload::Workload};
use crate::{
    engine::{Became, News},
    explain::{Language, in_one_line, verdict_in_one_line},
    policy::KubernetesTarget,
    ports::PlatformError,
    words::{Moment, Outcome, Verdict},
};

/// The longest note that the API server takes is 1 KiB.
const NOTE: usize = 1000;

/// The event of `news`, at `at`; none without the uid of the workload, by which it is found.
fn event(target: &KubernetesTarget, news: &News, at: Moment) -> Option<Object> {
    let reason = reason(news.what);
    let note = match news.what {
        Became::Judged(_) => verdict_in_one_line(&news.record, Language::En),
        Became::Seen | Became::Ended(_) => in_one_line(&news.record, Language::En),
    };
    Some(Object(json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": target.namespace, "name": name(news, reason)},
        "eventTime": stamp(at),
        "type": if is_bad(news.what) { "Warning" } else { "Normal" },
        "reason": reason,
        "action": action(news.what),
        "note": cut(note),
        "regarding": {
            "apiVersion": "apps/v1",
            "kind": Resource::of(target.kind).kind(),
            "namespace": target.namespace,
            "name": target.name,
            "uid": news.uid.as_ref()?,
        },
        "reportingController": FIELD_MANAGER,
        "reportingInstance": FIELD_MANAGER,
    })))
}

/// One for each of what can become of a rollout: told twice, it is there once.
fn name(news: &News, reason: &str) -> String {
    format!("{FIELD_MANAGER}.{}.{}", news.record.id, reason.to_lowercase())
}

const fn reason(what: Became) -> &'static str {
    match what {
        Became::Seen => "RolloutSeen",
        Became::Judged(Verdict::Regression) => "Regression",
        Became::Judged(Verdict::Healthy) => "Healthy",
        Became::Judged(Verdict::Inconclusive) => "Inconclusive",
        Became::Judged(Verdict::Blind) => "Blind",
        Became::Ended(Outcome::Reverted) => "Reverted",
        Became::Ended(Outcome::Verified) => "Verified",
        Became::Ended(Outcome::DidNotHelp) => "DidNotHelp",
        Became::Ended(Outcome::Failed) => "RevertFailed",
        Became::Ended(Outcome::Stuck) => "RevertStuck",
        Became::Ended(Outcome::Refused) => "RevertRefused",
        Became::Ended(Outcome::Unknown) => "RevertUnknown",
        Became::Ended(Outcome::Superseded) => "Superseded",
        Became::Ended(Outcome::ReturnedByPerson) => "ReturnedByPerson",
        Became::Ended(Outcome::Contested) => "Contested",
        Became::Ended(Outcome::Gone) => "Gone",
        Became::Ended(Outcome::Held) => "Held",
        Became::Ended(Outcome::Released) => "Released",
    }
}

const fn action(what: Became) -> &'static str {
    match what {
        Became::Seen => "Watch",
        Became::Judged(_) => "Judge",
        Became::Ended(_) => "Act",
    }
}

const fn is_bad(what: Became) -> bool {
    matches!(
        what,
        Became::Judged(Verdict::Regression | Verdict::Blind)
            | Became::Ended(
                Outcome::DidNotHelp | Outcome::Failed | Outcome::Stuck | Outcome::Refused | Outcome::Unknown | Outcome::Contested
            )
    )
}

/// At most [`NOTE`] bytes, cut between characters.
fn cut(mut note: String) -> Value {
    note.truncate(note.floor_char_boundary(NOTE));
    Value::from(note)
}

impl Workload {
    pub(super) async fn announced(&self, news: &News) -> Result<(), PlatformError> {
        let Some(event) = event(&self.target, news, self.clock.now()) else {
            return Ok(());
        };
        match self
            .cluster
            .calls
            .create(Resource::Events, &self.target.namespace, &event)
            .await
        {
            Ok(_) | Err(CallError::Conflict(_)) => Ok(()),
            Err(error) => Err(self.cannot("write an event of", &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{explain::specimen, policy::WorkloadKind};

    fn told(what: Became) -> Value {
        let target = KubernetesTarget {
            namespace: "shop".to_owned(),
            kind: WorkloadKind::StatefulSet,
            name: "myapp".to_owned(),
            container: None,
        };
        let news = News {
            what,
            record: specimen::reverted(),
            uid: Some("u-1".to_owned()),
        };
        event(&target, &news, specimen::at(0)).expect("an event").0
    }

    #[test]
    fn an_event_has_all_that_the_api_server_asks_for_and_says_the_sentence() {
        let event = told(Became::Ended(Outcome::Reverted));
        assert_eq!(event["reason"], "Reverted");
        assert_eq!(event["type"], "Normal");
        assert_eq!(event["eventTime"], "2026-11-24T14:02:00.000000Z");
        assert_eq!(
            event["regarding"],
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": "shop", "name": "myapp", "uid": "u-1"})
        );
        let note = event["note"].as_str().expect("a note");
        assert!(note.contains("went back from v1.2.3 to v1.2.2"), "{note}");
    }

    #[test]
    fn a_conviction_is_a_warning_that_says_why() {
        let event = told(Became::Judged(Verdict::Regression));
        assert_eq!(event["type"], "Warning");
        let note = event["note"].as_str().expect("a note");
        assert!(note.contains("v1.2.3 is worse than its policy allows"), "{note}");
    }

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let Value::String(note) = cut("版".repeat(1000)) else {
            panic!("a text")
        };
        assert_eq!(note.chars().count(), 333);
    }
}
