//! Slack's incoming webhook, and whatever speaks it. Text only, so that every such receiver shows it; the first line is the whole story.
//!
//! What came from outside (version names, metrics, outputs) may hold Slack's markup and mentions: it is shown, never obeyed.

use futures::future::BoxFuture;
use secrecy::SecretString;
use serde_json::json;

use super::http::{Address, ChannelError, Http, Refusal};
use crate::{
    explain::{self, Language, Span, Told},
    ports::{AlertFault, AlertSink},
    record::Alert,
    words::ChannelName,
};

/// Slack's advice for one message, in characters.
const LIMIT: usize = 4000;

/// A Slack channel, by its incoming webhook.
#[derive(Debug)]
pub struct Slack {
    address: Address,
    language: Language,
    http: Http,
}

impl Slack {
    /// The channel `name` behind the incoming webhook at `webhook`, an http or https URL.
    ///
    /// # Errors
    /// When that is no such URL.
    pub fn new(name: ChannelName, webhook: SecretString, language: Language, http: Http) -> Result<Self, ChannelError> {
        Ok(Self {
            address: Address::new(name, webhook)?,
            language,
            http,
        })
    }

    /// Slack says why in one word: `no_service`, `channel_is_archived`. Anything else is not repeated, as it may hold the address.
    fn reason(&self, refusal: Refusal) -> AlertFault {
        let Refusal { mut fault, answer } = refusal;
        let word = answer.trim();
        let is_word = !word.is_empty() && word.len() <= 40 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if is_word && !self.address.contains(word) {
            fault.because = format!("{} (it says {word})", fault.because);
        }
        fault
    }
}

impl AlertSink for Slack {
    fn send<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), AlertFault>> {
        let body = payload(&explain::alert(alert, self.language));
        Box::pin(async move {
            self.http
                .post(&self.address, body, &[])
                .await
                .map_err(|refusal| self.reason(refusal))
        })
    }
}

/// `parse` and `link_names` off: names and addresses inside the text become neither mentions nor links.
fn payload(told: &Told) -> Vec<u8> {
    let payload = json!({
        "text": text(told),
        "mrkdwn": true,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    });
    payload.to_string().into_bytes()
}

/// The message; whole lines are left out where it would be too long.
fn text(told: &Told) -> String {
    let mut text = line(&told.headline);
    let mut left = LIMIT.saturating_sub(text.chars().count());
    for spans in &told.lines {
        let line = line(spans);
        let length = line.chars().count() + 1;
        if length + 2 > left {
            text.push_str("\n…");
            break;
        }
        left -= length;
        text.push('\n');
        text.push_str(&line);
    }
    text
}

fn line(spans: &[Span]) -> String {
    let line: String = spans
        .iter()
        .map(|span| match span {
            Span::Plain(text) => shown(text),
            Span::Bold(text) if text.trim().is_empty() => shown(text),
            Span::Bold(text) => format!("*{}*", shown(text)),
            Span::Code(text) if text.trim().is_empty() => shown(text),
            Span::Code(text) => format!("`{}`", entities(&text.replace('`', "ˋ"))),
        })
        .collect();
    // At the beginning of a line it would be a quotation, escaped or not.
    match line.strip_prefix("&gt;") {
        Some(rest) => format!("＞{rest}"),
        None => line,
    }
}

/// Text that Slack shows as it is: markup becomes its look-alike, which a reader takes for the same, and a parser does not.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let inside = before.is_alphanumeric() && after.is_alphanumeric();
        shown.push(match c {
            '*' => '∗',
            '~' => '∼',
            '`' => 'ˋ',
            // Between letters Slack takes it for a letter: http_requests_total stays what can be copied.
            '_' if !inside => 'ˍ',
            // Between letters it is an e-mail address, else a mention.
            '@' if !before.is_alphanumeric() => '＠',
            c if c.is_control() => ' ',
            c => c,
        });
        before = c;
    }
    entities(&shown)
}

/// Slack's three entities: without `<` there is no mention, link or date.
fn entities(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Span {
        Span::Plain(text.to_owned())
    }

    #[test]
    fn n05_markup_and_mentions_from_outside_are_shown_and_not_obeyed() {
        let spans = [
            plain("ship "),
            Span::Bold("*v1*\n<!here> @channel &amp; `x` ~y~ _z_\u{1b}[31m".to_owned()),
            plain(" http_requests_total ops@example.com"),
            Span::Code("lastgood release allow myapp `v1` <@U1>".to_owned()),
        ];
        assert_eq!(
            line(&spans),
            "ship *∗v1∗ &lt;!here&gt; ＠channel &amp;amp; ˋxˋ ∼y∼ ˍzˍ [31m* http_requests_total ops@example.com`lastgood release allow \
             myapp ˋv1ˋ &lt;@U1&gt;`"
        );
    }

    #[test]
    fn a_message_too_long_loses_whole_lines_and_says_so() {
        let told = Told {
            headline: vec![plain("the story")],
            lines: vec![vec![plain(&"x".repeat(3000))], vec![plain(&"y".repeat(3000))]],
        };
        let text = text(&told);
        assert!(text.starts_with("the story\nxxx"));
        assert!(text.ends_with("x\n…"));
        assert!(text.chars().count() <= LIMIT);
    }
}
