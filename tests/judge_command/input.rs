//! What is refused: every line and option that is not as it must be, by its place and its key.

use super::rig::*;

/// A rollout of one step whose candidate is `candidate`.
fn with(candidate: &str) -> String {
    format!(r#"{{"id":"x","steps":[{{"candidate":{candidate},"baseline":{{"b":[1,9]}}}}]}}"#)
}

/// Wrong pairs of `[bad, total]`, each with what is said.
fn wrong_counts() -> Vec<(String, &'static str)> {
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
        (
            with(r#"{"a":[1,1e30]}"#),
            "`steps[0].candidate.a[1]`: 1e30 is too large: a count is at most 18446744073709551615",
        ),
        (
            with(r#"{"a":[1,1e3]}"#),
            "`steps[0].candidate.a[1]`: 1000 is written as a fraction",
        ),
        (with(r#"{"a":[1,NaN]}"#), "`steps[0].candidate.a"),
        (
            with(r#"{"a":[true,5]}"#),
            "invalid type: boolean `true`, expected a whole number",
        ),
        (with(r#"{"a":["1",5]}"#), "`steps[0].candidate.a[0]`: invalid type: string"),
        (with(r#"{"a":[1]}"#), "two numbers are wanted"),
        (with(r#"{"a":[1,2,3]}"#), "two numbers are wanted"),
        (with(r#"{"a":7}"#), "`[bad, total]`, or cumulative bucket counts"),
        (
            with(r#"{"a":[1,5],"a":[1,5]}"#),
            "`steps[0].candidate`: pod `a` is written twice",
        ),
    ]
}

/// Wrong buckets.
fn wrong_buckets() -> Vec<(String, &'static str)> {
    let buckets = |of: &str| with(of).replace(r#"{"b":[1,9]}"#, r#"{"b":{"0.1":1,"+Inf":2}}"#);
    let history =
        |of: &str| buckets(r#"{"a":{"0.1":1,"+Inf":2}}"#).replace(r#""steps""#, &format!(r#""history":[{of}],"steps""#));
    vec![
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
        (
            history(r#"{"b":{"0.2":1,"+Inf":2}}"#),
            "`steps[0].candidate.a`: its bounds are not those before it (0.2, +Inf)",
        ),
        (
            history(r#"{"b":{"0.1":1,"+Inf":2}},{"b":{"0.1":1,"0.5":1,"+Inf":2}}"#),
            "`history[1].b`: its bounds are not those before it (0.1, +Inf)",
        ),
        (
            history(r#"{"b":{"0.1":1,"+Inf":2}},{"b":{"+Inf":2}}"#),
            "`history[1].b`: its bounds are not those before it (0.1, +Inf)",
        ),
        (history(r#"{"b":{}}"#), "`history[0].b`: no bucket `+Inf`"),
        (buckets(r#"{"a":{"NaN":1,"+Inf":2}}"#), "`NaN` is no bound"),
        (
            buckets(r#"{"a":{"0.1":0.5,"+Inf":2}}"#),
            "0.5 is written as a fraction: a count is a whole number of 0 or more",
        ),
        (buckets(r#"{"a":{"0.1":-3,"+Inf":2}}"#), "-3 is negative"),
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
        (
            r#"{"id":"x","steps":["#.to_owned(),
            "`steps`: the line ends before the rollout does (EOF while parsing a list): write it in one piece",
        ),
        (r#"{"id":"x","#.to_owned(), "the line ends before the rollout does"),
        (r#"{"id":"x","id":"y","steps":[]}"#.to_owned(), "duplicate field `id`"),
        (
            r#"{"id":"x","steps":[{"candidate":{"a":[1,5]},"baseline":[]}]}"#.to_owned(),
            "`steps[0].baseline`: invalid type: sequence, expected an object of pods",
        ),
        ("rollout".to_owned(), "column 1: expected value"),
    ]
}

#[test]
fn a_wrong_line_is_named_with_its_key() {
    for (line, why) in wrong_counts().into_iter().chain(wrong_buckets()).chain(wrong_shapes()) {
        let ended = judge(&format!("\n{line}\n{GOOD}\n"), &[]);
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

const GOOD: &str = r#"{"id":"good","steps":[{"candidate":{"a":[0,9]},"baseline":{"b":[1,9]}}]}"#;

#[test]
fn a_mark_at_the_beginning_carriage_returns_and_blank_lines_are_no_part_of_a_rollout() {
    let plain = judge(GOOD, &[]).answers;
    for written in [
        format!("\u{feff}{GOOD}\n"),
        format!("\u{feff}\r\n{GOOD}\r\n"),
        format!("{GOOD}\r\n\r\n \t\r\n"),
        format!("\n\n  {GOOD}  "),
    ] {
        let ended = judge(&written, &[]);
        assert_eq!((ended.answers, ended.errors.as_str()), (plain.clone(), ""), "{written:?}");
    }
    let ended = judge(&format!("{GOOD}\n\u{feff}{GOOD}\n"), &[]);
    assert!(
        ended.errors.starts_with("error: line 2: column 1: "),
        "a mark is one at the beginning only: {}",
        ended.errors
    );
}

#[test]
fn a_line_that_ends_early_or_is_no_text_is_named_and_the_others_are_answered() {
    let cut = &GOOD[..GOOD.len() - 9];
    let ended = judge(&format!("{GOOD}\n{cut}"), &[]);
    assert_eq!((ended.exit, ended.answers.len()), (2, 1));
    let said = ended.errors.starts_with("error: line 2: ") && ended.errors.contains("the line ends before the rollout does");
    assert!(said, "{}", ended.errors);

    let mut bytes = GOOD.replace("good", "g\u{fffd}").into_bytes();
    let at = bytes
        .windows(3)
        .position(|three| three == "\u{fffd}".as_bytes())
        .expect("there");
    bytes[at] = 0xff;
    bytes.extend(format!("\n{GOOD}\n").bytes());
    let ended = judge_bytes(bytes, &[]);
    assert_eq!((ended.exit, ended.answers.len()), (2, 1));
    assert_eq!(
        ended.errors,
        "error: line 1: column 9: the byte 0xff is no UTF-8: write the file in UTF-8\n"
    );

    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(GOOD.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let ended = judge_bytes(wide, &[]);
    assert!(
        ended.exit == 2 && ended.errors.starts_with("error: line 1: column 1: the byte 0xff is no UTF-8"),
        "{}",
        ended.errors
    );
}

#[test]
fn a_line_of_a_hundred_megabytes_is_passed_over_without_being_held() {
    let mut input = GOOD.replace(r#""steps""#, &format!(r#""history":[{}],"steps""#, " ".repeat(100 << 20)));
    input.push('\n');
    input.push_str(GOOD);
    let ended = judge(&input, &[]);
    assert_eq!((ended.exit, ended.answers.len()), (2, 1));
    assert_eq!(
        ended.errors,
        "error: line 1: longer than 64 MiB: write one rollout a line, of fewer steps\n"
    );
}

#[test]
fn the_largest_counts_there_are_give_an_answer_of_numbers() {
    let most = u64::MAX;
    for (bad, base) in [(0, 0), (most, 0), (most, most)] {
        let step = serde_json::json!({"candidate": {"a": [bad, most], "b": [bad, most]}, "baseline": {"c": [base, most], "d": [base, most]}});
        let rollout = serde_json::json!({"id": "m", "history": vec![serde_json::json!({"c": [base, most], "d": [0, most]}); 30], "steps": vec![step; 4]});
        let (_, answer) = one(&rollout, &[]);
        assert!(
            answer["evidence"]["harm_log10"].is_number() && answer["evidence"]["safe_log10"].is_number(),
            "{answer}"
        );
        assert_eq!(answer["verdict"] == "regression", bad > base, "{answer}");
    }
    let buckets = serde_json::json!({"0.1": most, "0.5": most, "+Inf": most});
    let step = serde_json::json!({"candidate": {"a": buckets}, "baseline": {"b": buckets}});
    let (_, answer) = one(
        &serde_json::json!({"id": "m", "history": vec![serde_json::json!({"b": buckets}); 30], "steps": vec![step; 4]}),
        &[],
    );
    assert_ne!(answer["verdict"], "regression", "{answer}");
}

#[test]
fn an_id_that_comes_twice_is_refused() {
    let line = with(r#"{"a":[0,9]}"#);
    let ended = judge(&format!("{line}\n{line}\n"), &[]);
    assert_eq!((ended.exit, ended.answers.len()), (2, 1));
    assert!(
        ended
            .errors
            .starts_with("error: line 2: `id`: a line before has the same, `x`: give each"),
        "{}",
        ended.errors
    );
}

#[test]
fn nothing_to_judge_and_a_file_that_is_not_there_are_wrong_usage() {
    for empty in ["", "\n", "\u{feff}", "\u{feff}\r\n \r\n"] {
        let ended = judge(empty, &[]);
        assert_eq!(ended.exit, 2, "{empty:?}");
        assert!(
            ended
                .errors
                .starts_with("error: stdin: no rollout in it: write one JSON object a line"),
            "{}",
            ended.errors
        );
    }
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
