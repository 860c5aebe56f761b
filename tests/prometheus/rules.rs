//! The alert rules of `deploy/prometheus`, tried by Prometheus's own tool, over metrics that lastgood really has.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use lastgood::{
    web::{Figures, TargetFigures},
    words::Moment,
};

use crate::rig::program;

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus"))
}

#[test]
fn the_alert_rules_find_what_they_are_for_and_nothing_else() {
    let promtool = program().with_file_name("promtool");
    for arguments in [
        ["check", "rules", "lastgood.rules.yaml"],
        ["test", "rules", "lastgood.rules.test.yaml"],
    ] {
        let output = Command::new(&promtool)
            .args(arguments)
            .current_dir(directory())
            .output()
            .expect("promtool");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

#[test]
fn every_metric_that_a_rule_names_is_one_of_lastgoods() {
    let figures = Figures::default();
    let key = "prod/myapp".parse().expect("a key");
    let of = TargetFigures {
        ready: true,
        open: true,
        blind: false,
        outbox: 0,
        held_until: Some(Moment::from_millis(0)),
    };
    figures.target(&key, of);
    let text = figures.text();
    let rules = fs::read_to_string(directory().join("lastgood.rules.yaml")).expect("rules");
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("lastgood_")).collect();
    assert!(!named.is_empty());
    for name in named {
        assert!(
            text.contains(&format!("\n{name}{{env=\"prod\",service=\"myapp\"}}")),
            "{name}: {text}"
        );
    }
}
