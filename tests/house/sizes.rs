//! Small rooms, small functions.

use super::source::{hold, sources};

const FILE: usize = 400;
const FUNCTION: usize = 60;

#[test]
fn no_file_is_longer_than_a_sitting() {
    let faults: Vec<String> = sources(&["src", "tests", "benches"])
        .iter()
        .map(|source| (source, source.own().lines().count()))
        .filter(|(_, lines)| *lines > FILE)
        .map(|(source, lines)| format!("{}: {lines} lines without its inline tests", source.path))
        .collect();
    hold(&faults, "No file over 400 own lines: split it where a reader would.");
}

#[test]
fn no_function_is_longer_than_a_page() {
    let mut faults = Vec::new();
    for source in sources(&["src", "tests", "benches"]) {
        for (name, line, lines) in functions(&source.code) {
            if lines > FUNCTION {
                faults.push(format!("{}:{line}: `{name}` has {lines} lines", source.path));
            }
        }
    }
    hold(
        &faults,
        "No function over 60 lines: name its parts. Wiring, printing and parsing are kept apart and short too.",
    );
}

/// Every function with a body: its name, its line (from 1), and its lines from `fn` to its closing brace.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + 3..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if let Some(length) = body_end(rest).filter(|_| !name.is_empty()) {
            let line = code[..at].lines().count().max(1) + usize::from(code[..at].ends_with('\n'));
            found.push((name, line, rest[..length].lines().count()));
        }
    }
    found
}

/// Where the body ends; none for a declaration without one.
fn body_end(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut nested = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested = nested.saturating_sub(1),
            ';' if depth == 0 && nested == 0 => return None,
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_measured_from_their_name_to_their_last_brace() {
    let code = "trait T {\n    fn a(&self);\n}\nfn b(x: [u8; 2]) {\n    if x { y }\n}\nfn c() -> F { |fn_x| 1 }\n";
    assert_eq!(functions(code), [("b".to_owned(), 4, 3), ("c".to_owned(), 7, 1)]);
}
