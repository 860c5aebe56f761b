//! The transcript in the README is what the demo says: shortened, and compared without its numbers, times, ids and ports.

use std::path::Path;

use regex::Regex;

const BEGIN: &str = "<!-- demo transcript: begin -->\n";
const END: &str = "<!-- demo transcript: end -->";

/// Checks that the README shows `said`, or, asked to by `UPDATE_GENERATED`, writes it there.
pub fn shows(said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(BEGIN).expect("the transcript's begin");
    let (shown, after) = rest.split_once(END).expect("the transcript's end");
    let transcript = format!("```text\n{}\n```\n", transcript(said));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{transcript}{END}{after}")).expect("written");
        return;
    }
    let (shown, said) = (masked(shown), masked(&transcript));
    assert_eq!(shown, said, "run: UPDATE_GENERATED=1 cargo test --test demo all_five");
}

/// A line of what is being judged, which comes every few seconds; before the first one, on a busy machine, there may be nothing yet.
fn live(line: &str) -> bool {
    line.starts_with("  v") || line == "  nothing is known yet"
}

/// What the README shows of it: the policy, the whole record, and where later alerts point to are left out; of the live lines the first
/// and the last stay.
fn transcript(said: &str) -> String {
    let said = replaced(
        said,
        &[
            (r"/[^ ]*lastgood-demo-\w+", "/tmp/lastgood-demo"),
            (r"(?m)^(    .*\n)+", "    […]\n"),
            (r"(── lastgood explain.*\n.*\n)(?s:.*?)(\n\n── )", "$1[…]$2"),
            (r"\n\n\n+", "\n\n"),
        ],
    );
    let lines: Vec<&str> = said.trim().lines().collect();
    let inside = |index: &usize| {
        let neighbor = |index: Option<usize>| index.and_then(|index| lines.get(index)).is_some_and(|line| live(line));
        neighbor(index.checked_sub(1)) && live(lines[*index]) && neighbor(index.checked_add(1))
    };
    let again = |index: &usize| {
        ["┃ Details", "┃ Queries", "┃ Audit"].iter().any(|start| {
            let before = lines[..*index].iter().any(|line| line.starts_with(start));
            before && lines[*index].starts_with(start)
        })
    };
    let kept: Vec<&str> = (0..lines.len())
        .filter(|index| !inside(index) && !again(index))
        .map(|index| lines[index].trim_end())
        .collect();
    kept.join("\n")
}

/// Without whatever differs between two runs that both end as promised.
fn masked(text: &str) -> Vec<String> {
    let text = replaced(
        text,
        &[
            (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
            (r"Audit: `[^`]*`", "Audit: HEAD"),
            (r"\d[\d.,:]*\d|\d", "#"),
            (r"# (ms|s|min)( # s)?", "TIME"),
            (r"over #", "#"),
            (r"none of # requests|# % of # requests", "COUNTS"),
            (r"none of #|# % of #", "COUNTS"),
            (
                r": (at least )?# times (the rate|worse|as many slow requests)( \(# %: # to #\))?",
                ": RATIO",
            ),
            (r"# times or worse is excluded|nothing is excluded|: healthy", "EXCLUDED"),
            (r"(?m)^(┃ Basis: ).*", "$1BASIS"),
            (r" The count is interpolated inside a bucket\.", ""),
            (r"cannot be reached: .*?; .*?\)", "cannot be reached: WHY)"),
        ],
    );
    text.lines()
        .filter(|line| !line.is_empty() && !live(line))
        .map(str::to_owned)
        .collect()
}

fn replaced(text: &str, rules: &[(&str, &str)]) -> String {
    rules.iter().fold(text.to_owned(), |text, (pattern, with)| {
        let pattern = Regex::new(pattern).expect("a pattern");
        pattern.replace_all(&text, *with).into_owned()
    })
}
