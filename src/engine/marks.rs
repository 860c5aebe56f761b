//! Marks follow the newest proof: what shall be moved is stored in the step that proves or withdraws, and said once where it cannot be.

use super::draft::Draft;
use crate::{
    policy::{MarkKind, Mode},
    record::{AlertKind, Left, Mark, MarkIntent, MarkResult},
    words::Version,
};

/// At the end of each step: whatever became of the standings, the marks that the policy wants follow them.
pub(super) fn follow(draft: &mut Draft<'_>) {
    let policy = draft.context.policy;
    let wanted = policy.on_proven.marks();
    let before = std::mem::take(&mut draft.history.marks);
    let enforced = policy.mode.min(draft.context.fleet.mode) == Mode::Enforce;
    for (kind, name) in wanted {
        let kept = before.iter().find(|mark| mark.kind == kind && mark.name == name);
        let mut mark = kept.cloned().unwrap_or_else(|| Mark {
            kind,
            name: name.to_owned(),
            at: None,
            intent: None,
            left: false,
        });
        // To write where others look is an act, which an observed service is spared.
        if enforced {
            heads(draft, &mut mark);
        }
        draft.history.marks.push(mark);
    }
}

/// Where `mark` shall go from here.
fn heads(draft: &mut Draft<'_>, mark: &mut Mark) {
    let heading = mark.intent.as_ref().map(|intent| &intent.to).or(mark.at.as_ref()).cloned();
    let proven = draft.history.newest_proven().map(|known| known.version.clone());
    match (heading, proven) {
        (heading, Some(proven)) if heading.as_ref() != Some(&proven) => {
            let left = heading.filter(|left| !draft.history.is_proven(left));
            intend(draft, mark, proven, left);
        }
        (Some(heading), None) => {
            (mark.at, mark.intent) = (None, None);
            let because = "no other version is proven: it stays where it is, and moves with the next proof".to_owned();
            tell(draft, mark, &heading, Some(&heading), MarkResult::Impossible { because });
        }
        _ => {}
    }
    with_image(draft, mark);
}

fn intend(draft: &mut Draft<'_>, mark: &mut Mark, to: Version, left: Option<Version>) {
    let why = left
        .as_ref()
        .map(|left| format!("the proof of {} was withdrawn", left.name))
        .unwrap_or_default();
    draft.audit_mark(mark, format!("shall be at {}", to.name), why, false);
    mark.intent = Some(MarkIntent {
        to,
        image: None,
        only_from: left.map(|version| Left {
            image: draft.history.image(&version).ok().cloned(),
            version,
        }),
        since: draft.now,
        trouble: None,
    });
}

/// A tag needs an image. Once one is known it can be moved; until then it is said, once, why it cannot.
fn with_image(draft: &mut Draft<'_>, mark: &mut Mark) {
    let Some(intent) = mark.intent.as_mut().filter(|_| mark.kind == MarkKind::TagImage) else {
        return;
    };
    let found = draft.history.image(&intent.to).cloned();
    let unknown = intent.image.is_none();
    match found {
        Ok(image) if unknown => (intent.image, intent.trouble) = (Some(image), None),
        Err(because) if unknown => stuck(draft, mark, because.to_string()),
        _ => {}
    }
}

/// What stands in the way of what is wanted: said when it is met first.
fn stuck(draft: &mut Draft<'_>, mark: &mut Mark, because: String) {
    let Some(intent) = mark.intent.as_mut().filter(|intent| intent.trouble.is_none()) else {
        return;
    };
    intent.trouble = Some(because.clone());
    let (to, left) = (intent.to.clone(), left(intent));
    draft.audit_mark(mark, format!("not at {} yet", to.name), because.clone(), true);
    tell(draft, mark, &to, left.as_ref(), MarkResult::NotYet { because });
}

fn left(intent: &MarkIntent) -> Option<Version> {
    intent.only_from.as_ref().map(|left| left.version.clone())
}

/// It was tried.
pub(super) fn marked(draft: &mut Draft<'_>, kind: MarkKind, to: &Version, result: &MarkResult) {
    let wanted = |mark: &Mark| mark.kind == kind && mark.intent.as_ref().is_some_and(|intent| intent.to == *to);
    let Some(index) = draft.history.marks.iter().position(wanted) else {
        return;
    };
    let mut mark = draft.history.marks.remove(index);
    match result {
        MarkResult::NotYet { because } => stuck(draft, &mut mark, because.clone()),
        ended => {
            let left = mark.intent.take().as_ref().and_then(left);
            mark.at = Some(to.clone());
            let (what, why) = in_short(to, ended);
            let refused = matches!(ended, MarkResult::Theirs { .. } | MarkResult::Impossible { .. });
            mark.left = refused;
            draft.audit_mark(&mark, what, why, refused);
            tell(draft, &mark, to, left.as_ref(), ended.clone());
        }
    }
    draft.history.marks.insert(index, mark);
}

/// What came of it, for the audit: what, and why.
fn in_short(to: &Version, result: &MarkResult) -> (String, String) {
    let to = &to.name;
    let nothing = || "nothing".to_owned();
    match result {
        MarkResult::Already => (format!("was at {to} already"), String::new()),
        MarkResult::Moved { from } => (
            format!("is at {to}"),
            format!("moved from {}", from.clone().unwrap_or_else(nothing)),
        ),
        MarkResult::Theirs { found } => (
            format!("is not moved to {to}"),
            format!("someone else moved it to {}", found.clone().unwrap_or_else(nothing)),
        ),
        MarkResult::Impossible { because } | MarkResult::NotYet { because } => (format!("is not moved to {to}"), because.clone()),
    }
}

fn tell(draft: &mut Draft<'_>, mark: &Mark, to: &Version, left: Option<&Version>, result: MarkResult) {
    let id = format!("{}/mark/{}/{}", draft.history.target, mark.kind.as_str(), draft.now);
    let kind = AlertKind::Mark {
        mark: mark.kind,
        name: mark.name.clone(),
        to: to.clone(),
        left: left.cloned(),
        result,
    };
    draft.tell_as(id, None, kind);
}
