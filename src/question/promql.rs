//! PromQL as text, built from typed pieces: a validated selector is embedded as it was written, everything of ours is quoted.

use std::fmt;

use crate::policy::{Arms, KubernetesTarget};

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

    /// Only what the pods of a workload have: their namespace, and names that begin with the workload's. An expression stays as it is:
    /// pods of others are sorted out of the answer.
    pub fn of_workload(self, by: &By, workload: &KubernetesTarget) -> Self {
        match self {
            Self::Selector(selector) => {
                // Names hold letters, digits, `-` and `.`, of which only the last means something else in a pattern.
                let names = format!("{}-.+", workload.name.replace('.', "[.]"));
                let selector = selector
                    .and(&by.labels[0], &workload.namespace)
                    .matching(&by.labels[1], &names);
                Self::Selector(selector)
            }
            Self::Expression(_) => self,
        }
    }

    /// When it was scraped. `timestamp` sees through nothing: around anything but a selector it is the time of the query, so for an
    /// expression the scrapes of its targets are asked instead.
    pub fn scraped(&self, by: &By) -> String {
        match self {
            Self::Selector(selector) => format!("timestamp({selector})"),
            Self::Expression(text) => format!("timestamp(up) and on ({}) ({text})", by.of_expression()),
        }
    }

    /// How many targets it was scraped from, by pod; none where that cannot be told, or an instance is what is counted.
    pub fn targets(&self, by: &By) -> Option<String> {
        match self {
            Self::Selector(selector) if !by.on_a_host => {
                let each = by.pod("group", &["job", "instance"], &selector.to_string());
                Some(by.pod("count", &[], &each))
            }
            _ => None,
        }
    }

    /// `metric` of the same pods.
    pub fn beside(&self, by: &By, metric: &str) -> String {
        match self {
            Self::Selector(selector) => format!("{metric} and on (job, instance) {selector}"),
            Self::Expression(text) => format!("{metric} and on ({}) ({text})", by.of_expression()),
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
    pub fn and(self, label: &str, value: &str) -> Self {
        self.with(&format!("{label}={}", quoted(value)))
    }

    /// With one more matcher: `label` matches the whole of `pattern`.
    fn matching(self, label: &str, pattern: &str) -> Self {
        self.with(&format!("{label}=~{}", quoted(pattern)))
    }

    fn with(mut self, matcher: &str) -> Self {
        if !self.matchers.is_empty() {
            self.matchers.push(',');
        }
        self.matchers.push_str(matcher);
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

/// What makes a pod in the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct By {
    /// On a host `job` and `instance`, on Kubernetes the labels of namespace and pod.
    pub labels: [String; 2],
    on_a_host: bool,
}

impl By {
    pub fn of(arms: &Arms) -> Self {
        match arms {
            Arms::Time { .. } => Self {
                labels: ["job".to_owned(), "instance".to_owned()],
                on_a_host: true,
            },
            Arms::Pod {
                pod_label,
                namespace_label,
            } => Self {
                labels: [namespace_label.clone(), pod_label.clone()],
                on_a_host: false,
            },
        }
    }

    /// `expression` aggregated over each pod and over `also`.
    pub fn pod(&self, aggregation: &str, also: &[&str], expression: &str) -> String {
        let own = self.labels.iter().map(String::as_str);
        let labels: Vec<&str> = own.chain(also.iter().copied()).collect();
        format!("{aggregation} by ({}) ({expression})", labels.join(", "))
    }

    /// The labels that both sides of a join over pods have.
    pub fn joined(&self) -> String {
        self.labels.join(", ")
    }

    /// The labels that an expression keeps: on a host only the instance may be left.
    fn of_expression(&self) -> String {
        if self.on_a_host {
            "instance".to_owned()
        } else {
            self.joined()
        }
    }
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
