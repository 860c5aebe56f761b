//! Marks: a tag or a link that follows the newest proof, and goes back where the proof is withdrawn.

use super::script::{MINUTE, Story, alice, version};
use crate::{
    engine::{Event, PersonWord},
    manifest::ImageReference,
    policy::{MarkKind, Mode, OnProven},
    record::{Left, Mark, MarkIntent, MarkResult},
    words::{Standing, Verdict},
};

fn image(name: &str) -> ImageReference {
    let digit = name.trim_start_matches('v');
    let digest = format!("sha256:{}", digit.repeat(64));
    ImageReference::of(&format!("registry.example/myapp:{name}"), &digest).expect("an image")
}

impl Story {
    /// CI recorded what was built.
    fn recorded(&mut self, name: &str) {
        let image = image(name);
        let text = format!(
            r#"{{"version":"{name}","commit":"abc1234","built_at":"2026-11-24T18:00:00Z","passed_smoke_test":true,"image":"{image}"}}"#
        );
        let manifest = Box::new(crate::manifest::parse(&text, "text").expect("a manifest"));
        self.happens(&Event::Recorded { manifest, by: alice() });
    }

    /// v1 is proven, and the policy wants the tag `stable` on what is.
    fn with_a_tag() -> Self {
        let mut story = Self::after_first_sight();
        for name in ["v1", "v2", "v3"] {
            story.recorded(name);
        }
        story.policy.on_proven = OnProven {
            tag_image: Some("stable".to_owned()),
            link: None,
        };
        story.tick();
        story.is_quiet();
        story
    }

    fn mark(&self) -> &Mark {
        self.history.marks.first().expect("a mark")
    }

    #[track_caller]
    fn wants_mark(&self, to: &str, left: Option<&str>) {
        let only_from = left.map(|name| Left {
            version: version(name),
            image: Some(image(name)),
        });
        let wanted = self.mark().intent.as_ref().expect("an intent");
        let expected = MarkIntent {
            to: version(to),
            image: Some(image(to)),
            only_from,
            since: wanted.since,
            trouble: wanted.trouble.clone(),
        };
        assert_eq!(*wanted, expected);
    }

    fn marked(&mut self, result: MarkResult) {
        let to = self.mark().intent.as_ref().expect("an intent").to.clone();
        let kind = MarkKind::TagImage;
        self.happens(&Event::Marked { kind, to, result });
    }

    /// It took a second.
    fn moved(&mut self, from: Option<&str>) {
        self.later(1);
        let from = from.map(|name| image(name).digest().to_owned());
        self.marked(MarkResult::Moved { from });
        self.tells(&["mark"]);
    }

    #[track_caller]
    fn is_at(&self, name: &str) {
        assert_eq!(self.mark().at, Some(version(name)));
        assert_eq!(self.mark().intent, None);
    }

    /// v2 is shipped and proven, and its watch goes on.
    fn proves_v2(&mut self) {
        self.ships("v2");
        self.later(30 * MINUTE);
        self.judged_as(Verdict::Healthy);
        self.tells(&["proven"]);
        self.stands("v2", Standing::Proven);
    }
}

#[test]
fn the_step_that_proves_stores_that_the_mark_shall_follow() {
    let mut story = Story::with_a_tag();
    story.wants_mark("v1", None);
    story.moved(None);
    story.is_at("v1");
    story.proves_v2();
    story.wants_mark("v2", None);
    story.moved(Some("v1"));
    story.is_at("v2");
    let deeds = story.history.audit.newest.iter().rev().map(|entry| entry.document.as_str());
    let told: String = deeds.take(1).collect();
    assert!(
        told.contains("\"action\":\"mark\"") && told.contains("tag stable is at v2"),
        "{told}"
    );
    // A person who goes back to what is proven too withdraws nothing.
    story.goes_back("v2", "v1");
    story.take_effects();
    story.applied();
    story.tells(&["rolled_back"]);
    story.is_at("v2");
}

#[test]
fn a_late_regression_takes_the_mark_back_to_the_former_proof_if_it_is_still_ours() {
    let mut story = Story::with_a_tag();
    story.moved(None);
    story.proves_v2();
    story.moved(Some("v1"));
    story.later(10 * MINUTE);
    story.judged_as(Verdict::Regression);
    story.wants_mark("v1", Some("v2"));
    story.reverts("v2", "v1");
    let found = Some("sha256:theirs".to_owned());
    story.marked(MarkResult::Theirs { found });
    story.tells(&["mark"]);
    // It is not fought over: left where it is until the next proof.
    story.is_at("v1");
    story.later(MINUTE);
    story.tick();
    story.is_at("v1");
}

#[test]
fn a_person_s_word_withdraws_and_gives_as_any_proof() {
    let mut story = Story::with_a_tag();
    story.moved(None);
    story.proves_v2();
    story.moved(Some("v1"));
    story.says(PersonWord::Quarantine, "v2");
    story.wants_mark("v1", Some("v2"));
    story.moved(Some("v2"));
    story.is_at("v1");
    story.says(PersonWord::Prove, "v2");
    story.wants_mark("v2", None);
    story.moved(Some("v1"));
    // Nothing else is proven: it is said, and it stays.
    story.says(PersonWord::Quarantine, "v1");
    story.is_quiet();
    story.later(1);
    story.says(PersonWord::Quarantine, "v2");
    story.tells(&["mark"]);
    assert_eq!((&story.mark().at, &story.mark().intent), (&None, &None));
    story.tick();
    story.is_quiet();
}

#[test]
fn what_was_not_done_when_its_proof_was_withdrawn_may_be_half_done() {
    let mut story = Story::with_a_tag();
    story.moved(None);
    story.proves_v2();
    story.crashes();
    story.wants_mark("v2", None);
    story.says(PersonWord::Quarantine, "v2");
    story.wants_mark("v1", Some("v2"));
    // What was tried before that does not count any more.
    let (kind, result) = (MarkKind::TagImage, MarkResult::Already);
    story.happens(&Event::Marked {
        kind,
        to: version("v2"),
        result,
    });
    story.wants_mark("v1", Some("v2"));
    story.marked(MarkResult::Already);
    story.tells(&["mark"]);
    story.is_at("v1");
}

#[test]
fn a_registry_that_is_away_is_said_once_and_stands_in_nobody_s_way() {
    let mut story = Story::with_a_tag();
    let away = |because: &str| MarkResult::NotYet {
        because: because.to_owned(),
    };
    story.marked(away("does not answer"));
    story.tells(&["mark"]);
    story.later(1);
    story.marked(away("answers 503"));
    story.is_quiet();
    story.wants_mark("v1", None);
    story.ships("v2");
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.moved(None);
    story.is_at("v1");
}

#[test]
fn a_version_whose_image_nobody_knows_is_said_once_and_tagged_as_soon_as_it_is_known() {
    let mut story = Story::after_first_sight();
    story.policy.on_proven.tag_image = Some("stable".to_owned());
    story.tick();
    story.tells(&["mark"]);
    assert_eq!(story.mark().intent.as_ref().and_then(|intent| intent.image.clone()), None);
    story.later(MINUTE);
    story.tick();
    story.is_quiet();
    story.recorded("v1");
    story.wants_mark("v1", None);
}

#[test]
fn an_observed_service_has_no_mark_moved_and_a_policy_without_marks_forgets_them() {
    let mut story = Story::with_a_tag();
    story.moved(None);
    story.fleet.mode = Mode::Observe;
    story.proves_v2();
    story.is_at("v1");
    story.fleet.mode = Mode::Enforce;
    story.tick();
    story.wants_mark("v2", None);
    story.policy.on_proven = OnProven::default();
    story.tick();
    assert_eq!(story.history.marks, []);
}
