//! What a release was built with: the compilers of the languages whose lock files are there, asked for their versions.

use std::process::{Command, Stdio};

use super::files::Locked;

/// A question for a compiler's version.
type Question = [&'static str; 2];

const RUST: Question = ["rustc", "--version"];
const GO: Question = ["go", "version"];
const NODE: Question = ["node", "--version"];
const PYTHON: Question = ["python3", "--version"];
const RUBY: Question = ["ruby", "--version"];
const PHP: Question = ["php", "--version"];

/// Lock files by name, and who knows the version of what reads them.
pub(super) const LOCK_FILES: [(&str, Question); 11] = [
    ("Cargo.lock", RUST),
    ("go.sum", GO),
    ("package-lock.json", NODE),
    ("yarn.lock", NODE),
    ("pnpm-lock.yaml", NODE),
    ("poetry.lock", PYTHON),
    ("uv.lock", PYTHON),
    ("Pipfile.lock", PYTHON),
    ("requirements.txt", PYTHON),
    ("Gemfile.lock", RUBY),
    ("composer.lock", PHP),
];

/// The compilers of the languages of these lock files that answer, each once, with its version.
pub(super) fn compilers(lock_files: &[Locked]) -> Vec<String> {
    let mut asked: Vec<Question> = Vec::new();
    for file in lock_files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let question = LOCK_FILES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, question)| *question);
        asked.extend(question.filter(|question| !asked.contains(question)));
    }
    asked.into_iter().filter_map(version).collect()
}

fn version([program, argument]: Question) -> Option<String> {
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = text.lines().next().map(str::trim).filter(|line| !line.is_empty())?;
    Some(named(program, first))
}

/// The answer with the program's name in front of the version: node says `v22.1.0` alone, go says `go version go1.26.1 linux/amd64`.
fn named(program: &str, answer: &str) -> String {
    let answer = answer.strip_prefix("go version ").unwrap_or(answer);
    if answer.to_lowercase().starts_with(program.trim_end_matches('3')) {
        answer.to_owned()
    } else {
        format!("{program} {answer}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compiler_is_named_with_its_version() {
        let of = |[program, _]: Question, answer| named(program, answer);
        assert_eq!(of(NODE, "v22.1.0"), "node v22.1.0");
        assert_eq!(of(GO, "go version go1.26.1 linux/amd64"), "go1.26.1 linux/amd64");
        assert_eq!(of(RUST, "rustc 1.95.0 (abc 2026-01-01)"), "rustc 1.95.0 (abc 2026-01-01)");
        assert_eq!(of(PYTHON, "Python 3.13.1"), "Python 3.13.1");
    }
}
