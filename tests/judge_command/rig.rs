//! The command, its answers, and rollouts to judge.

use std::{
    fmt::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

pub fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    command.arg("judge").args(options);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How the command ended.
pub struct Ended {
    pub exit: i32,
    pub answers: Vec<Value>,
    pub errors: String,
}

pub fn judge(input: &str, options: &[&str]) -> Ended {
    judge_bytes(input.as_bytes().to_vec(), options)
}

pub fn judge_bytes(input: Vec<u8>, options: &[&str]) -> Ended {
    let mut child = command(options).spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("its stdin");
    let writer = std::thread::spawn(move || {
        // A command that ends on a wrong option reads nothing.
        let _ = std::io::Write::write_all(&mut stdin, &input);
    });
    let output = child.wait_with_output().expect("the command ends");
    writer.join().expect("written");
    let answers = String::from_utf8(output.stdout).expect("text");
    Ended {
        exit: output.status.code().expect("an exit code"),
        answers: answers
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect(),
        errors: String::from_utf8(output.stderr).expect("text"),
    }
}

/// The one answer to one rollout.
pub fn one(rollout: &Value, options: &[&str]) -> (i32, Value) {
    let ended = judge(&rollout.to_string(), options);
    assert_eq!(ended.answers.len(), 1, "{}", ended.errors);
    (ended.exit, ended.answers.into_iter().next().unwrap_or_default())
}

/// A rollout of steps in which each candidate pod does `candidate`, each of two baseline pods `baseline`.
pub fn beside(id: &str, steps: usize, candidate: [u64; 2], baseline: [u64; 2]) -> Value {
    let step = json!({"candidate": {"pod-c": candidate}, "baseline": {"pod-a": baseline, "pod-b": baseline}});
    json!({"id": id, "history": hour(baseline), "steps": vec![step; steps]})
}

/// The same, the old version gone from step `gone` on, where each candidate pod does `then`, and those of the baseline none.
pub fn going(id: &str, [gone, steps]: [usize; 2], candidate: [u64; 2], then: [u64; 2], baseline: [u64; 2]) -> Value {
    let mut rollout = beside(id, steps, candidate, baseline);
    for t in gone..steps {
        let empty = if t % 2 == 0 {
            json!({"candidate": {"pod-c": then}})
        } else {
            json!({"candidate": {"pod-c": then}, "baseline": {}})
        };
        rollout["steps"][t] = empty;
    }
    rollout
}

/// An hour of two pods that differ a little from step to step, `baseline` on average.
pub fn hour([bad, total]: [u64; 2]) -> Vec<Value> {
    let step = |t: u64| json!({"pod-a": [bad + t % 2, total], "pod-b": [bad + (t + 1) % 2, total]});
    (0..240).map(step).collect()
}

/// Rollouts of different lengths, every second one bad; few have a history.
pub fn many(count: usize) -> String {
    (0..count).fold(String::new(), |mut lines, i| {
        let bad = if i % 2 == 0 { 60 } else { 1 };
        let mut rollout = beside(&format!("r{i}"), 4 + i * 7 % 40, [bad, 200], [1, 200]);
        if i % 50 != 0 {
            rollout["history"] = json!([]);
        }
        let _ = writeln!(lines, "{rollout}");
        lines
    })
}
