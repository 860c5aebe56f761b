//! What is refused: every line and option that is not as it must be, by its place and its key.

use super::rig::*;

/// A rollout of one step whose candidate is `candidate`.
fn with(candidate: &str) -> String {
    format!(r#"{{"id":"x","steps":[{{"candidate":{candidate},"baseline":{{"b":[1,9]}}}}]}}"#)
}

/// Wrong counts, each with what is said.
fn wrong_counts() -> Vec<(String, &'static str)> {
    let buckets = |of: &str| with(of).replace(r#"{"b":[1,9]}"#, r#"{"b":{"0.1":1,"+Inf":2}}"#);
    vec![
        (with(r#"{"a":[7,5]}"#), "`steps[0].candidate.a`: 7 bad of 5 events"),
        (with(r#"{"a":[-1,5]}"#), "`steps[0].candidate.a[0]`: -1 is negative"),
        (
            with(r#"{"a":[1.5,5]}"#),
            "`steps[0].candidate.a[0]`: 1.5 is written as a fraction",
        ),
        (
            with(r#"{"a":[1,99999999999999999999]}"#),
            "`steps[0].candidate.a[1]`: 1e20 is too large",
        ),
        (with(r#"{"a":["1",5]}"#), "`steps[0].candidate.a[0]`: invalid type: string"),
        (with(r#"{"a":[1]}"#), "two numbers are wanted"),
        (with(r#"{"a":[1,2,3]}"#), "two numbers are wanted"),
        (with(r#"{"a":7}"#), "`[bad, total]`, or cumulative bucket counts"),
        (
            with(r#"{"a":[1,5],"a":[1,5]}"#),
            "`steps[0].candidate`: pod `a` is written twice",
        ),
        (
            with(r#"{"a":{"0.1":1,"+Inf":2}}"#),
            "`steps[0].baseline.b`: `[bad, total]` and buckets",
        ),
        (
            buckets(r#"{"a":{"0.1":3,"+Inf":2}}"#),
            "`steps[0].candidate.a`: the counts fall from 3 at `0.1` to 2 at `+Inf`",
        ),
        (buckets(r#"{"a":{"0.1":1,"0.5":2}}"#), "no bucket `+Inf`"),
        (
            buckets(r#"{"a":{"0.2":1,"+Inf":2}}"#),
            "`steps[0].baseline.b`: its bounds are not those before it (0.2, +Inf)",
        ),
        (buckets(r#"{"a":{"fast":1,"+Inf":2}}"#), "`fast` is no bound"),
        (buckets(r#"{"a":{"0.1":1,"0.10":1,"+Inf":2}}"#), "is written twice"),
    ]
}

/// Lines of another shape.
fn wrong_shapes() -> Vec<(String, &'static str)> {
    vec![
        (
            r#"{"id":"x","steps":[{"baseline":{}}]}"#.to_owned(),
            "`steps[0]`: missing field `candidate`",
        ),
        (r#"{"id":"x"}"#.to_owned(), "missing field `steps`"),
        (r#"{"steps":[]}"#.to_owned(), "missing field `id`"),
        (
            r#"{"id":7,"steps":[]}"#.to_owned(),
            "`id`: invalid type: integer `7`, expected text",
        ),
        (
            r#"{"id":"x","steps":[],"stepz":[]}"#.to_owned(),
            "unknown field `stepz`, expected one of `id`, `history`, `steps`",
        ),
        (
            r#"{"id":"x","steps":[{"candidate":{},"base":{}}]}"#.to_owned(),
            "unknown field `base`",
        ),
        (r#"{"id":"x","steps":[]} {}"#.to_owned(), "trailing characters"),
        (r#"{"id":"x","steps":["#.to_owned(), "EOF"),
        ("rollout".to_owned(), "column 1: expected value"),
    ]
}

#[test]
fn a_wrong_line_is_named_with_its_key() {
    for (line, why) in wrong_counts().into_iter().chain(wrong_shapes()) {
        let good = r#"{"id":"good","steps":[{"candidate":{"a":[0,9]},"baseline":{"b":[1,9]}}]}"#;
        let ended = judge(&format!("\n{line}\n{good}\n"), &[]);
        assert_eq!((ended.exit, ended.answers.len()), (2, 1), "{line}: {}", ended.errors);
        assert_eq!(ended.answers[0]["id"], "good", "the other lines are answered");
        let said = ended.errors.starts_with("error: line 2: ") && ended.errors.contains(why);
        assert!(
            said && ended.errors.lines().count() == 1,
            "{line}: wanted {why}, got {}",
            ended.errors
        );
    }
}

#[test]
fn an_id_that_comes_twice_is_refused() {
    let line = with(r#"{"a":[0,9]}"#);
    let ended = judge(&format!("{line}\n{line}\n"), &[]);
    assert_eq!((ended.exit, ended.answers.len()), (2, 1));
    assert!(
        ended
            .errors
            .starts_with("error: line 2: `id`: another line before has the same"),
        "{}",
        ended.errors
    );
}

#[test]
fn nothing_to_judge_and_a_file_that_is_not_there_are_wrong_usage() {
    assert_eq!(judge("", &[]).exit, 2);
    let ended = judge("", &["/nowhere/rollouts.ndjson"]);
    assert!(
        ended.exit == 2 && ended.errors.contains("/nowhere/rollouts.ndjson"),
        "{}",
        ended.errors
    );
}

#[test]
fn options_have_the_limits_of_policies() {
    let line = with(r#"{"a":[0,9]}"#);
    for options in [
        &["--false-revert", "0%"][..],
        &["--false-revert", "1"],
        &["--missed", "51%"],
        &["--tolerate", "0.9"],
        &["--tolerate", "nan"],
        &["--harmful", "1.25"],
        &["--floor", "100%"],
        &["--step", "15"],
        &["--step", "1500ms"],
        &["--slower", "100%"],
        &["--objective", "0.5%"],
        &["--objective", "99.5%", "--floor", "0%"],
        &["--quantiles", "90%,50%"],
        &["--at-least", "0"],
        &["--policy", "policy.yaml"],
        &["--metric", "errors"],
    ] {
        let ended = judge(&line, options);
        assert!(
            ended.exit == 2 && ended.errors.contains(options[0]),
            "{options:?}: {}",
            ended.errors
        );
    }
}
