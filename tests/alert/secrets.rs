//! No secret of a channel shows in an error, a log line or a debug print (failures.md, S16).

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use lastgood::{
    alert::{Http, Log, Slack, Webhook},
    explain::Language,
    ports::AlertSink,
};
use secrecy::SecretString;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    channels::{Standing, reverted, slack, webhook},
    receiver::{Answer, Receiver},
};

/// Lower case and a letter's word, so that it could pass for one of Slack's reasons.
const CANARY: &str = "canaryinacoalmine";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("unpoisoned").clone()).expect("text")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.0.lock().map_err(|_| std::io::ErrorKind::Other)?;
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that is logged by this thread, at the finest level, until the guard is dropped.
fn listen() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .with_ansi(false)
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn s16_no_error_log_line_or_debug_print_holds_a_channels_secret() {
    let (lines, _guard) = listen();
    let mut said = String::new();
    for answer in [
        Answer::Status(404, CANARY),
        Answer::Status(500, CANARY),
        Answer::Elsewhere("/canaryinacoalmine"),
    ] {
        let receiver = Receiver::start(answer);
        let url = receiver.url(&format!("/services/{CANARY}"));
        let (slack, hook) = (slack(&url), webhook(&url, Some(CANARY)));
        said.push_str(&format!("{slack:?}{hook:?}{:#?}{:#?}", slack, hook));
        for sink in [&slack as &dyn AlertSink, &hook] {
            let fault = sink.send(&reverted("v1")).await.expect_err("refused");
            said.push_str(&format!("{fault}{fault:?}"));
        }
        drop(receiver);
        let fault = slack.send(&reverted("v1")).await.expect_err("down");
        said.push_str(&format!("{fault}{fault:?}"));
    }
    for address in [format!("ftp://{CANARY}"), format!("http://[{CANARY}"), format!("/{CANARY}")] {
        let error = Slack::new(
            "slack-ops".parse().expect("a name"),
            SecretString::from(address),
            Language::En,
            Http::new().expect("a client"),
        )
        .expect_err("no address");
        said.push_str(&format!("{error}{error:?}"));
    }
    let error = Webhook::new(
        "hook".parse().expect("a name"),
        SecretString::from("http://127.0.0.1:1"),
        Some(&SecretString::from(format!("whsec_{CANARY}!"))),
        Language::En,
        Arc::new(Standing),
        Http::new().expect("a client"),
    )
    .expect_err("no base64");
    said.push_str(&format!("{error}{error:?}"));
    assert!(said.contains("channel slack-ops cannot be reached"), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    assert!(!lines.text().contains(CANARY), "{}", lines.text());
}

#[tokio::test]
async fn the_log_takes_an_alert_as_one_line() {
    let (lines, guard) = listen();
    Log::new(Language::En).send(&reverted("v1\n\u{1b}[31m")).await.expect("taken");
    drop(guard);
    let text = lines.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("WARN") && text.contains("v1") && text.contains("kind=\"reverted\""),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
