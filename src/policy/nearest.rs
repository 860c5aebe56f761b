//! Did you mean: the known word that is nearest to one that is not known.

/// The one of `known` that somebody who wrote `found` most likely meant, if any is near.
#[must_use]
pub fn nearest<'k>(found: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', '-'], "");
    let written = plain(found);
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&written, &plain(word)), *word))
        .filter(|(distance, word)| *distance <= (word.len() / 3).max(1) && *distance < written.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `known` as a list for people.
#[must_use]
pub fn listed(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// Text that somebody else wrote, fit to be shown on a terminal: at most 80 characters, control characters escaped.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(80) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_a_stranger_is_not() {
        let known = ["for", "proveAfter", "step"];
        assert_eq!(nearest("prove_after", &known), Some("proveAfter"));
        assert_eq!(nearest("setp", &known), Some("step"));
        assert_eq!(nearest("hold", &known), None);
        assert_eq!(nearest("x", &["y"]), None);
    }

    #[test]
    fn what_is_shown_cannot_steer_a_terminal() {
        assert_eq!(shown("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert!(shown(&"x".repeat(500)).len() < 90);
    }
}
