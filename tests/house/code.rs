//! Rust without its comments and literals: blanks in their place, lines kept.

/// `text` with comments, strings and character literals blanked.
pub fn only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end > at {
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` itself where none does.
fn skipped(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1);
    let word_before = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next == Some(&'/') => find(chars, at, |c, i| c[i] == '\n'),
        '/' if next == Some(&'*') => block_comment(chars, at),
        '"' => quoted(chars, at + 1),
        'r' | 'b' | 'c' if !word_before => prefixed(chars, at),
        '\'' => character(chars, at),
        _ => at,
    }
}

fn find(chars: &[char], from: usize, is: impl Fn(&[char], usize) -> bool) -> usize {
    (from..chars.len()).find(|&i| is(chars, i)).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut i = at;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => {
                depth += 1;
                i += 2;
            }
            ('*', '/') => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    chars.len()
}

/// The end of a string whose opening quote is just before `from`.
fn quoted(chars: &[char], from: usize) -> usize {
    let mut i = from;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`; `at` itself where it is a word.
fn prefixed(chars: &[char], at: usize) -> usize {
    let letters = (at..chars.len()).take_while(|&i| matches!(chars[i], 'r' | 'b' | 'c')).count();
    let after = at + letters;
    let hashes = (after..chars.len()).take_while(|&i| chars[i] == '#').count();
    let open = after + hashes;
    if chars.get(open) != Some(&'"') {
        return at;
    }
    if !chars[at..after].contains(&'r') {
        return quoted(chars, open + 1);
    }
    let closes = |c: &[char], i: usize| c[i] == '"' && c[i + 1..].iter().take_while(|&&c| c == '#').count() >= hashes;
    (find(chars, open + 1, closes) + 1 + hashes).min(chars.len())
}

/// A character literal; `at` itself where the quote begins a lifetime.
fn character(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'\\') {
        return (find(chars, at + 3, |c, i| c[i] == '\'') + 1).min(chars.len());
    }
    if chars.get(at + 2) == Some(&'\'') { at + 3 } else { at }
}

#[test]
fn comments_and_literals_are_blanked_and_all_else_stays() {
    let text = "let a = \"x // y\"; // z\nfn f<'a>(c: char) { c == '\"' || c == '\\'' } /* { */ r#\"\"}\"#; br\"{\"; rate";
    let code = only(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(code.chars().count(), text.chars().count());
    for gone in ["x //", "z", "\"", "/*"] {
        assert!(!code.contains(gone), "{gone} in {code}");
    }
    for kept in ["let a =", "fn f<'a>(c: char)", "rate"] {
        assert!(code.contains(kept), "{kept} in {code}");
    }
    assert_eq!(code.matches('{').count(), code.matches('}').count());
}
