//! Any number of rollouts, in their order.

use std::io::{BufRead, BufReader, Write};

use super::rig::*;

#[test]
fn thousands_of_rollouts_are_answered_in_the_order_of_their_lines() {
    const COUNT: usize = 3_000;
    let ended = judge(&many(COUNT), &[]);
    assert_eq!((ended.exit, ended.answers.len()), (0, COUNT), "{}", ended.errors);
    for (i, answer) in ended.answers.iter().enumerate() {
        assert_eq!(answer["id"], format!("r{i}"));
        let convicted = answer["verdict"] == "regression";
        assert_eq!(convicted, i % 2 == 0, "{answer}");
    }
}

#[test]
fn a_file_is_read_as_stdin_is() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), many(20)).expect("written");
    let from_file = judge("", &[file.path().to_str().expect("a path")]);
    assert_eq!(from_file.answers, judge(&many(20), &[]).answers);
    assert_eq!(from_file.answers.len(), 20);
}

#[test]
fn whoever_waits_for_an_answer_before_the_next_question_gets_it() {
    let mut child = command(&[]).spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("its stdin");
    let mut answers = BufReader::new(child.stdout.take().expect("its stdout")).lines();
    for line in many(5).lines() {
        writeln!(stdin, "{line}").expect("written");
        let answer = answers.next().expect("an answer").expect("readable");
        assert!(answer.starts_with("{\"id\":\"r"), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().expect("ended").success());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = command(&[]).spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("its stdin");
    let mut stdout = BufReader::new(child.stdout.take().expect("its stdout"));
    writeln!(stdin, "{}", many(1).trim()).expect("written");
    let mut first = String::new();
    stdout.read_line(&mut first).expect("an answer");
    drop(stdout);
    for line in many(400).lines().skip(1) {
        // The command stops reading once nobody reads it.
        if writeln!(stdin, "{line}").is_err() {
            break;
        }
    }
    drop(stdin);
    let ended = child.wait_with_output().expect("ended");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// The most memory that the process `id` ever had, in bytes.
fn peak(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .expect("its peak");
    kilobytes.trim().parse::<u64>().expect("a number") * 1024
}

#[test]
fn memory_does_not_grow_with_the_input() {
    const LINE: usize = 100_000;
    const LINES: usize = 600;
    let mut child = command(&[]).spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("its stdin");
    let mut answers = BufReader::new(child.stdout.take().expect("its stdout")).lines();
    let writer = std::thread::spawn(move || {
        let blank = " ".repeat(LINE);
        for i in 0..LINES {
            let line = format!(r#"{{"id":"r{i}","steps":[{{"candidate":{{"a":[0,9]}},"baseline":{{"b":[1,9]}}}}{blank}]}}"#);
            writeln!(stdin, "{line}").expect("written");
        }
        stdin
    });
    let mut read = |count: usize| {
        for answer in answers.by_ref().take(count) {
            assert!(answer.expect("readable").starts_with("{\"id\":\"r"));
        }
    };
    read(LINES / 4);
    let early = peak(child.id());
    read(LINES - LINES / 4);
    let late = peak(child.id());
    let (grown, came) = (late - early, (LINES - LINES / 4) * LINE);
    assert!(grown < came as u64 / 5, "{grown} bytes more after {came} bytes more of input");
    drop(writer.join().expect("written"));
    assert!(child.wait().expect("ended").success());
}
