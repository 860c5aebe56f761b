//! What is known of a release beside what is seen of it: its name, its manifest, what another environment proved.

use super::script::{MINUTE, Story, alice};
use crate::{
    decide::{Decision, Guard},
    engine::{Event, PersonWord},
    words::{Standing, Verdict},
};

#[test]
fn a_dirty_version_is_never_gone_back_to_unless_a_person_proved_it() {
    let dirty = "v2-1-gabc1234-dirty";
    for by_person in [false, true] {
        let mut story = Story::with_candidate();
        story.later(5 * MINUTE);
        story.judged_as(Verdict::Healthy);
        story.ships(dirty);
        story.stands("v2", Standing::Passed);
        story.later(30 * MINUTE);
        story.judged_as(Verdict::Healthy);
        story.stands(dirty, Standing::Proven);
        if by_person {
            story.says(PersonWord::Prove, dirty);
        }
        story.forgets();
        story.ships("v3");
        story.later(MINUTE);
        story.judged_as(Verdict::Regression);
        story.reverts("v3", if by_person { dirty } else { "v2" });
    }
}

#[test]
fn a_release_that_skipped_an_environment_is_told_once_and_judged_as_any_other() {
    let mut story = Story::with_candidate();
    let skipped = Event::Skipped {
        rollout: story.open().id,
        env: "staging".parse().expect("an environment"),
        standing: None,
    };
    story.happens(&skipped);
    story.tells(&["skipped"]);
    story.happens(&skipped);
    story.is_quiet();
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
}

#[test]
fn k21_a_release_whose_manifest_says_that_there_is_no_way_back_is_told_and_not_reverted() {
    let mut story = Story::with_candidate();
    let text = r#"{"version":"v2","commit":"abc1234","built_at":"2026-11-24T18:00:00Z","passed_smoke_test":true,"irreversible":"drops a column"}"#;
    story.happens(&Event::Recorded {
        manifest: Box::new(crate::manifest::parse(text, "text").expect("a manifest")),
        by: alice(),
    });
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.tells(&["refused"]);
    let reason = "drops a column".to_owned();
    let guard = Guard::Irreversible { reason };
    assert_eq!(story.last_closed().decision, Some(Decision::Refuse { guard }));
    story.stands("v2", Standing::Quarantined);
}
