//! Text from outside, made harmless: whatever is not seen, or moves what is seen, becomes a visible escape.

/// Whether a character is invisible, ends a line, drives a terminal or turns the direction of writing.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escape(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if u32::from(c) < 0x80 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// `text` with every hidden character replaced by an escape that can be read: `\n`, `\x1b`, `\u202e`.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { escape(c, &mut out) } else { out.push(c) }
    }
    out
}

/// At most `most` characters of `text`, with an ellipsis where more was there.
pub(super) fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// One word for a shell: bare where it is harmless, else quoted; hidden characters as bash and POSIX 2024 write them, `$'\x1b'`.
pub(super) fn shell(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    if !text.chars().any(is_hidden) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if is_hidden(c) => escape(c, &mut out),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(clean("v1\n\u{1b}[31m\u{202e}x\u{85}"), "v1\\n\\x1b[31m\\u202ex\\u0085");
        assert_eq!(clean("版本 v1.2-é"), "版本 v1.2-é");
    }

    #[test]
    fn a_word_for_a_shell_is_one_word_and_holds_no_hidden_character() {
        assert_eq!(shell("v1.2.3"), "v1.2.3");
        assert_eq!(shell("v1; rm -rf ~"), "'v1; rm -rf ~'");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell("a\n'\u{1b}"), r"$'a\n\'\x1b'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(bounded("äöü", 2), "äö…");
        assert_eq!(bounded("äöü", 3), "äöü");
    }
}
