//! PromQL as text, built from typed pieces: a validated selector is embedded as it was written, everything of ours is quoted.

use std::fmt;

/// A query of the policy: a vector selector, to which matchers of ours may be added, or some other expression, which stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    Selector(Selector),
    Expression(String),
}

impl Query {
    /// Takes a query apart that the policy has validated.
    pub fn of(text: &str) -> Self {
        match Selector::of(text) {
            Some(selector) => Self::Selector(selector),
            None => Self::Expression(text.trim().to_owned()),
        }
    }

    /// Only what has `instance` as its label of that name.
    pub fn of_instance(self, instance: &str) -> Self {
        match self {
            Self::Selector(selector) => Self::Selector(selector.and("instance", instance)),
            Self::Expression(text) => Self::Expression(format!("({text}) and on (instance) up{{instance={}}}", quoted(instance))),
        }
    }

    /// When it was scraped. `timestamp` sees through nothing: around anything but a selector it is the time of the query, so for an
    /// expression the scrapes of its targets are asked instead.
    pub fn scraped(&self) -> String {
        match self {
            Self::Selector(selector) => format!("timestamp({selector})"),
            Self::Expression(text) => format!("timestamp(up) and on (instance) ({text})"),
        }
    }

    /// `metric` of the same pods.
    pub fn beside(&self, metric: &str) -> String {
        match self {
            Self::Selector(selector) => format!("{metric} and on (job, instance) {selector}"),
            Self::Expression(text) => format!("{metric} and on (instance) ({text})"),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selector(selector) => selector.fmt(f),
            Self::Expression(text) => f.write_str(text),
        }
    }
}

/// A vector selector of the policy, with matchers of ours added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    name: String,
    matchers: String,
}

impl Selector {
    /// Takes `name`, `name{…}` or `{…}` apart; none for anything else.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let (name, rest) = text.split_at(text.find(|c| !letter(c)).unwrap_or(text.len()));
        let matchers = match rest.trim_start().strip_prefix('{') {
            Some(inside) => inside.get(..end_of_matchers(inside)?)?,
            None if rest.is_empty() => "",
            None => return None,
        };
        Some(Self {
            name: name.to_owned(),
            matchers: matchers.trim().trim_end_matches(',').trim_end().to_owned(),
        })
    }

    /// With `suffix` at the end of the metric's name.
    pub fn suffixed(mut self, suffix: &str) -> Self {
        self.name.push_str(suffix);
        self
    }

    /// With one more matcher: `label` equals `value`.
    pub fn and(mut self, label: &str, value: &str) -> Self {
        if !self.matchers.is_empty() {
            self.matchers.push(',');
        }
        self.matchers.push_str(&format!("{label}={}", quoted(value)));
        self
    }
}

/// Where the brace that closes the matchers is, if nothing follows it; braces in strings close nothing.
fn end_of_matchers(inside: &str) -> Option<usize> {
    let mut open: Option<char> = None;
    let mut chars = inside.char_indices();
    while let Some((index, c)) = chars.next() {
        match (open, c) {
            (None, '}') => return inside[index + 1..].trim().is_empty().then_some(index),
            (None, '"' | '\'' | '`') => open = Some(c),
            (Some('"' | '\''), '\\') => {
                chars.next();
            }
            (Some(quote), c) if quote == c => open = None,
            _ => {}
        }
    }
    None
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.matchers.is_empty() {
            write!(f, "{{{}}}", self.matchers)?;
        }
        Ok(())
    }
}

/// A PromQL string literal.
pub(super) fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            c if c.is_control() => literal.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// `expression` aggregated over each pod, on a host one (job, instance), and over `also`.
pub(super) fn by_pod(aggregation: &str, also: &[&str], expression: &str) -> String {
    let labels: Vec<&str> = ["job", "instance"].into_iter().chain(also.iter().copied()).collect();
    format!("{aggregation} by ({}) ({expression})", labels.join(", "))
}

/// `expression` with `label` set to `index` on every sample.
pub(super) fn labelled(expression: &str, label: &str, index: usize) -> String {
    format!("label_replace({expression}, {}, \"{index}\", \"\", \"\")", quoted(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_keeps_what_was_written_and_takes_matchers_of_ours() {
        for (text, with) in [
            ("up", r#"up{instance="a\"b"}"#),
            ("up{}", r#"up{instance="a\"b"}"#),
            (r#" up{ job="x", } "#, r#"up{job="x",instance="a\"b"}"#),
            (r#"up{path=~"/a/{id}"}"#, r#"up{path=~"/a/{id}",instance="a\"b"}"#),
            (r#"{__name__="up"}"#, r#"{__name__="up",instance="a\"b"}"#),
            ("a + b", r#"(a + b) and on (instance) up{instance="a\"b"}"#),
            (
                r#"a{x="}"} or b{}"#,
                r#"(a{x="}"} or b{}) and on (instance) up{instance="a\"b"}"#,
            ),
        ] {
            assert_eq!(Query::of(text).of_instance("a\"b").to_string(), with, "{text}");
        }
    }

    #[test]
    fn a_quoted_text_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\\\"} or vector(1)\n"), r#""a\\\"} or vector(1)\n""#);
    }
}
