//! What a body may hold, and what becomes of it.

use super::*;

const AT: Moment = Moment::from_millis(1_500);

fn body(data: &str) -> String {
    format!(r#"{{"status":"success","data":{data}}}"#)
}

fn vector(metric: &str, value: &str) -> String {
    body(&format!(
        r#"{{"resultType":"vector","result":[{{"metric":{metric},"value":[1.5,"{value}"]}}]}}"#
    ))
}

fn by() -> [String; 2] {
    ["job", "instance"].map(str::to_owned)
}

fn why(body: &str) -> Found {
    answer(body.as_bytes(), &by(), AT).expect_err("a fault")
}

#[test]
fn a_sample_has_its_part_its_pod_and_what_labels_are_left() {
    let body = vector(r#"{"lastgood_part":"3","job":"a","instance":"h:1","le":"0.5"}"#, "7");
    let answer = answer(body.as_bytes(), &by(), AT).expect("an answer");
    let sample = &answer.samples[0];
    assert_eq!((sample.part, &*sample.pod.0, sample.value), (3, "a/h:1", 7.0));
    assert_eq!(sample.labels.get("le").map(String::as_str), Some("0.5"));
}

#[test]
fn a_range_is_one_answer_a_time_and_empty_ones_are_there() {
    let body =
        body(r#"{"resultType":"matrix","result":[{"metric":{"lastgood_part":"0"},"values":[[1,"1"],[1.5,"2"],[2.5,"4"]]}]}"#);
    let answers = answers(
        body.as_bytes(),
        &by(),
        AT,
        Moment::from_millis(2_500),
        Duration::from_millis(500),
    )
    .expect("answers");
    let seen: Vec<(i64, usize)> = answers.iter().map(|a| (a.at.millis(), a.samples.len())).collect();
    assert_eq!(seen, [(1_500, 1), (2_000, 0), (2_500, 1)]);
}

#[test]
fn p11_a_warning_or_a_partial_answer_is_no_answer() {
    let part = r#""data":{"resultType":"vector","result":[]}"#;
    for (envelope, says) in [
        (
            format!(r#"{{"status":"success","warnings":["store gone"],{part}}}"#),
            "store gone",
        ),
        (format!(r#"{{"status":"success","isPartial":true,{part}}}"#), "partial"),
    ] {
        let found = why(&envelope);
        assert_eq!(found.reason, GapReason::Warning);
        assert!(found.what.contains(says), "{found:?}");
    }
    let resets = "PromQL warning: conflicting counter resets during histogram aggregation (1:5)";
    let harmless = format!(r#"{{"status":"success","warnings":["{resets}"],{part}}}"#);
    assert!(answer(harmless.as_bytes(), &by(), AT).is_ok());
    let infos = format!(r#"{{"status":"success","infos":["might not be a counter"],{part}}}"#);
    assert!(answer(infos.as_bytes(), &by(), AT).is_ok());
}

#[test]
fn p12_what_is_no_number_of_json_comes_through_to_be_refused_as_a_count() {
    for (text, is) in [("NaN", f64::NAN), ("+Inf", f64::INFINITY), ("1e999", f64::INFINITY)] {
        let body = vector(r#"{"lastgood_part":"0"}"#, text);
        let value = answer(body.as_bytes(), &by(), AT).expect("an answer").samples[0].value;
        assert!(value.total_cmp(&is).is_eq() || (value.is_nan() && is.is_nan()), "{text}");
    }
}

#[test]
fn p15_what_is_cut_or_of_another_kind_says_so() {
    let whole = vector(r#"{"lastgood_part":"0"}"#, "7");
    for cut in 1..whole.len() {
        assert_eq!(why(&whole[..cut]).reason, GapReason::QueryFailed, "cut at {cut}");
    }
    for (body, says) in [
        (whole[..60].to_owned(), "broke off"),
        (
            vector(r#"{"lastgood_part":"0"}"#, "7").replace("\"7\"", r#"{"sum":"1"}"#),
            "no samples",
        ),
        (body(r#"{"resultType":"string","result":[1.5,"x"]}"#), "no samples"),
        (body(r#"{"resultType":"matrix","result":[]}"#), "something else than a vector"),
        (
            r#"{"status":"error","errorType":"odd","error":"too many samples"}"#.to_owned(),
            "(odd): too many samples",
        ),
        (r#"{"status":"success"}"#.to_owned(), "without data"),
        (r#"{"hello":"world"}"#.to_owned(), "not Prometheus's"),
        (vector(r#"{"job":"a"}"#, "7"), "not asked for"),
        (vector(r#"{"lastgood_part":"0"}"#, "7").replace("1.5", "1.6"), "another time"),
    ] {
        let found = why(&body);
        assert!(found.what.contains(says), "{found:?}");
    }
}

#[test]
fn a_native_histogram_is_its_count_and_its_buckets_as_they_were_written() {
    let said = r#"{"count":"6","sum":"1","buckets":[[3,"-0.001","0.001","2"],[0,"0.5","1","4"]]}"#;
    let instant = body(&format!(
        r#"{{"resultType":"vector","result":[{{"metric":{{"lastgood_part":"0"}},"histogram":[1.5,{said}]}}]}}"#
    ));
    let sample = answer(instant.as_bytes(), &by(), AT).expect("an answer").samples.remove(0);
    let bounds: Vec<(f64, f64, f64)> = sample.native.iter().flatten().map(|b| (b.lower, b.upper, b.count)).collect();
    assert_eq!(
        (sample.value, bounds.as_slice()),
        (6.0, [(-0.001, 0.001, 2.0), (0.5, 1.0, 4.0)].as_slice())
    );

    let range = body(&format!(
        r#"{{"resultType":"matrix","result":[{{"metric":{{"lastgood_part":"0"}},"values":[[1.5,"3"]],"histograms":[[2,{said}],[2.5,{{"count":"0","sum":"0"}}]]}}]}}"#
    ));
    let answers = answers(
        range.as_bytes(),
        &by(),
        AT,
        Moment::from_millis(2_500),
        Duration::from_millis(500),
    )
    .expect("answers");
    let sizes: Vec<usize> = answers.iter().map(Answer::size).collect();
    assert_eq!(sizes, [1, 5, 1]);
    assert!(
        answers[2].samples[0]
            .native
            .as_ref()
            .is_some_and(|buckets| buckets.is_empty())
    );
}
