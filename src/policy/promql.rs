//! A first look at PromQL without a parser: what would certainly be refused by Prometheus, or answered with something that cannot be
//! counted. That a metric exists is asked by `check --prometheus`.

use super::nearest::shown;

/// What is wrong with a query, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slip {
    pub message: String,
    pub help: String,
}

fn slip(message: impl Into<String>, help: impl Into<String>) -> Slip {
    Slip {
        message: message.into(),
        help: help.into(),
    }
}

const COUNTERS: &str = "write counters alone: `http_requests_total{app=\"myapp\"}`; lastgood takes the differences itself";

/// Whether `query` may be an instant vector of cumulative counters.
pub(super) fn counters(query: &str) -> Result<(), Slip> {
    let code = code(query)?;
    if let Some(name) = functions(&code).find(|name| RATES.contains(name)) {
        return Err(slip(format!("`{name}()` is no counter"), COUNTERS));
    }
    Ok(())
}

/// Whether `query` may be the selector of a histogram's family: a name and labels, nothing around them.
pub(super) fn histogram(query: &str) -> Result<(), Slip> {
    const FAMILY: &str = "write the family and its labels: `http_request_duration_seconds{app=\"myapp\"}`";
    let code = code(query)?;
    if let Some(name) = functions(&code).next() {
        return Err(slip(format!("`{name}()` is no histogram"), FAMILY));
    }
    let code = code.trim();
    let name_end = code.find('{').unwrap_or(code.len());
    let name = code[..name_end].trim_end();
    for part in ["_bucket", "_count", "_sum"] {
        if let Some(family) = name.strip_suffix(part) {
            let help = format!("write the family without `{part}`: `{family}{}`", &query.trim()[name_end..]);
            return Err(slip(format!("`{name}` is one part of a histogram"), help));
        }
    }
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    let good_name = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    let braces = &code[name_end..];
    let one_selector = braces.is_empty() || braces.find('}') == Some(braces.len() - 1);
    if !good_name || !one_selector {
        return Err(slip(format!("`{}` is not one histogram", shown(query.trim())), FAMILY));
    }
    if labels(braces).any(|label| label == "le") {
        return Err(slip("the label `le` picks single buckets", format!("{FAMILY}, without `le`")));
    }
    Ok(())
}

/// Whether `query` may be an instant vector of values: anything but a range that is left as one, or another time.
pub(super) fn value(query: &str) -> Result<(), Slip> {
    const ONE: &str = "write what gives one value an instance: `process_resident_memory_bytes{job=\"myapp\"}`";
    if query.trim().is_empty() {
        return Err(slip("the query is empty", ONE));
    }
    if balanced(query)?.trim().ends_with(']') {
        return Err(slip("a range such as `[5m]` is no instant vector", ONE));
    }
    Ok(())
}

const RATES: [&str; 8] = [
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "deriv",
    "histogram_quantile",
    "avg_over_time",
];

/// As [`balanced`], without ranges.
fn code(query: &str) -> Result<String, Slip> {
    let code = balanced(query)?;
    if code.contains('[') {
        return Err(slip("a range such as `[5m]` is no instant vector", COUNTERS));
    }
    Ok(code)
}

/// The query with the contents of its strings blanked, byte by byte, once its brackets and quotes are known to match.
fn balanced(query: &str) -> Result<String, Slip> {
    if query.trim().is_empty() {
        return Err(slip("the query is empty", COUNTERS));
    }
    let mut out = String::with_capacity(query.len());
    let mut open: Vec<char> = Vec::new();
    let mut chars = query.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        match c {
            '"' | '\'' | '`' => quoted(c, &mut chars, &mut out)?,
            '(' | '{' | '[' => open.push(c),
            ')' | '}' | ']' => closed(c, open.pop())?,
            '#' => {
                return Err(slip(
                    "`#` begins a comment",
                    "leave comments to YAML: `# …` at the end of the line, outside the quotes",
                ));
            }
            _ => {}
        }
    }
    if let Some(c) = open.pop() {
        return Err(slip(format!("`{c}` is never closed"), format!("add `{}`", closing(c))));
    }
    if words(&out).any(|word| word == "offset") || out.contains('@') {
        return Err(slip(
            "`offset` and `@` ask about another time",
            "leave them out: lastgood says itself which time it asks about",
        ));
    }
    Ok(out)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, out: &mut String) -> Result<(), Slip> {
    while let Some(c) = chars.next() {
        if c == quote {
            out.push(quote);
            return Ok(());
        }
        out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        if c == '\\' && quote != '`' {
            let escaped = chars.next().map_or(0, char::len_utf8);
            out.extend(std::iter::repeat_n(' ', escaped));
        }
    }
    Err(slip(format!("a quote `{quote}` is never closed"), format!("add `{quote}`")))
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '{' => '}',
        _ => ']',
    }
}

fn closed(close: char, open: Option<char>) -> Result<(), Slip> {
    match open {
        Some(open) if closing(open) == close => Ok(()),
        Some(open) => Err(slip(
            format!("`{open}` is closed by `{close}`"),
            format!("write `{}`", closing(open)),
        )),
        None => Err(slip(
            format!("`{close}` closes nothing"),
            "every `(`, `{` and `[` has one end",
        )),
    }
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| !word.is_empty())
}

/// The names that are followed by `(`.
fn functions(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices('(').filter_map(|(index, _)| {
        let before = code[..index].trim_end();
        words(before).last().filter(|word| before.ends_with(word))
    })
}

/// The label names of a selector whose strings are blanked.
fn labels(braces: &str) -> impl Iterator<Item = &str> {
    braces
        .trim_matches(['{', '}'])
        .split(',')
        .filter_map(|matcher| words(matcher).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_for_counters_passes() {
        for good in [
            r#"http_requests_total{app="myapp",code=~"5.."}"#,
            r#"sum by (instance) (a_total{x="}("}) + b_total"#,
            "a_total",
            r"{__name__=~'a|b', path=`c:\d#`}",
        ] {
            assert_eq!(counters(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        for (bad, says) in [
            ("  ", "empty"),
            ("a_total{", "`{` is never closed"),
            (r#"a_total{x="y}"#, "quote"),
            ("a_total)", "closes nothing"),
            ("(a_total}", "is closed by"),
            ("a_total[5m]", "range"),
            ("rate(a_total[5m])", "range"),
            ("rate (a_total)", "`rate()`"),
            ("a_total offset 5m", "offset"),
            ("a_total # all", "comment"),
        ] {
            let slip = counters(bad).expect_err(bad);
            assert!(slip.message.contains(says), "{bad}: {slip:?}");
        }
    }

    #[test]
    fn a_histogram_is_a_family() {
        for good in [
            "lat_seconds",
            r#"lat_seconds{app="a}b",x!="le"}"#,
            r#" ns:lat_seconds { app="a" } "#,
        ] {
            assert_eq!(histogram(good), Ok(()), "{good}");
        }
        let slip = histogram(r#"lat_seconds_bucket{app="a"}"#).expect_err("a part");
        assert!(slip.help.contains(r#"`lat_seconds{app="a"}`"#), "{slip:?}");
        for bad in [
            "sum(lat_seconds)",
            "a + b",
            r#"{app="x"}"#,
            r#"a{le="1"}"#,
            "a{} b{}",
            "1a",
            "lat_seconds_sum",
        ] {
            assert!(histogram(bad).is_err(), "{bad}");
        }
    }
}
