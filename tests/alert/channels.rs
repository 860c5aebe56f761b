//! What each channel sends, and what it makes of the answers.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use lastgood::{
    alert::{Http, Slack, Webhook},
    explain::Language,
    ports::{AlertFault, AlertSink, Clock},
    record::Alert,
    words::{Moment, VersionName},
};
use rstest::rstest;
use secrecy::SecretString;
use sha2::Sha256;

use crate::{
    receiver::{Answer, Receiver},
    sample,
};

/// A clock that stands.
pub struct Standing;

impl Clock for Standing {
    fn now(&self) -> Moment {
        sample::at(60)
    }
}

pub fn slack(url: &str) -> Slack {
    let http = Http::new().expect("a client");
    Slack::new(
        "slack-ops".parse().expect("a name"),
        SecretString::from(url),
        Language::En,
        http,
    )
    .expect("a channel")
}

pub fn webhook(url: &str, secret: Option<&str>) -> Webhook {
    let secret = secret.map(SecretString::from);
    Webhook::new(
        "hook".parse().expect("a name"),
        SecretString::from(url),
        secret.as_ref(),
        Language::En,
        Arc::new(Standing),
        Http::new().expect("a client"),
    )
    .expect("a channel")
}

/// The alert of a revert from the version `name`.
pub fn reverted(name: &str) -> Alert {
    let target = sample::target("myapp");
    let mut record = sample::record(&target, 1);
    record.to.name = name.parse::<VersionName>().expect("a version name");
    sample::alert(&target, record, &["slack-ops", "hook"])
}

#[tokio::test]
async fn slack_is_sent_the_whole_story_in_the_first_line() {
    let receiver = Receiver::start(Answer::Status(200, "ok"));
    slack(&receiver.url("/services/T1/B1/x"))
        .send(&reverted("v1.2.3"))
        .await
        .expect("taken");
    let request = receiver.only();
    assert_eq!(request.path, "/services/T1/B1/x");
    assert_eq!(request.header("content-type"), "application/json");
    let payload = request.json();
    let rest =
        serde_json::json!({"mrkdwn": true, "parse": "none", "link_names": false, "unfurl_links": false, "unfurl_media": false});
    for (key, value) in rest.as_object().expect("an object") {
        assert_eq!(payload[key], *value, "{key}");
    }
    insta::assert_snapshot!(payload["text"].as_str().expect("text"), @r#"
    ↩️ *myapp* (prod) went back from *v1.2.3* to *v1.2.2*: errors 8 times worse.
    errors: 4.1 % of 12,400 requests on *v1.2.3*, 0.5 % of 37,100 on *v1.2.2* in its own last hour: 8 times worse (95 %: 7 to 10). Odds of evidence over 1,000,000 : 1, needed 100 : 1.
    Bad requests began within 14 s of *v1.2.3*'s start; decided after 44 s; *v1.2.2* (proven for 1 h 1 min) serves again since 16:01:47 UTC.
    *v1.2.3* is quarantined. To ship it again anyway: `lastgood release allow myapp v1.2.3`
    Details: `lastgood explain 0199f3a0-0000-7000-8000-000000000001`
    Queries: `sum by (job, instance)(http_requests_total{app="myapp"})`
    "#);
}

#[tokio::test]
async fn n05_a_version_name_cannot_mention_format_or_move_the_terminal() {
    let receiver = Receiver::start(Answer::Status(200, "ok"));
    let hostile = "v1\n<!channel> @here *x* `y` ~z~ &lt;\u{1b}[31m\u{202e}\u{7}";
    slack(&receiver.url("/")).send(&reverted(hostile)).await.expect("taken");
    let payload = receiver.only().json();
    let text = payload["text"].as_str().expect("text");
    let headline = text.lines().next().expect("a line");
    for obeyed in ["<!channel>", "`y`", "\u{1b}", "\u{202e}", "\u{7}"] {
        assert!(!text.contains(obeyed), "{obeyed:?} in {text:?}");
    }
    // Code is for copying, so it stays as it is; receivers obey nothing inside it.
    let outside_code: String = text.split('`').step_by(2).collect();
    for obeyed in ["@here", "*x*", "~z~"] {
        assert!(!outside_code.contains(obeyed), "{obeyed:?} in {outside_code:?}");
    }
    assert!(headline.contains("&lt;!channel&gt;"), "{headline}");
    assert_eq!((&payload["parse"], &payload["link_names"]), (&"none".into(), &false.into()));
}

#[tokio::test]
async fn n05_the_webhooks_sentence_is_one_line_without_control_characters() {
    let receiver = Receiver::start(Answer::Status(204, ""));
    webhook(&receiver.url("/"), None)
        .send(&reverted("v1\n\u{1b}[31mred\u{7}"))
        .await
        .expect("taken");
    let document = receiver.only().json();
    for field in ["sentence", "text"] {
        let told = document[field].as_str().expect("text");
        assert!(!told.contains(['\u{1b}', '\u{7}']), "{told:?}");
    }
    assert_eq!(document["sentence"].as_str().expect("text").lines().count(), 1);
    // The data themselves are as they are; JSON escapes them.
    assert_eq!(document["rollout"]["to"]["name"], "v1\n\u{1b}[31mred\u{7}");
}

#[tokio::test]
async fn the_webhook_is_one_versioned_document() {
    let receiver = Receiver::start(Answer::Status(200, ""));
    let alert = reverted("v1.2.3");
    webhook(&receiver.url("/alerts"), None).send(&alert).await.expect("taken");
    let request = receiver.only();
    let document = request.json();
    assert_eq!(document["apiVersion"], "lastgood.dev/v1");
    assert_eq!(document["kind"], "Alert");
    assert_eq!(document["id"], alert.id);
    assert_eq!(document["at"], alert.at.to_string());
    assert_eq!(document["alert"], serde_json::json!({"kind": "reverted"}));
    assert_eq!((&document["service"], &document["env"]), (&"myapp".into(), &"prod".into()));
    assert!(document["sentence"].as_str().expect("text").contains("v1.2.3"));
    let record = alert.record.as_deref().expect("a record");
    assert_eq!(document["rollout"], lastgood::explain::document(record));
    assert_eq!(request.header("webhook-id"), alert.id);
    assert_eq!(request.header("webhook-signature"), "");
}

#[tokio::test]
async fn a_signed_webhook_is_verified_by_its_receiver_alone() {
    let receiver = Receiver::start(Answer::Status(200, ""));
    let key = b"a key of twenty-four b..";
    let secret = format!("whsec_{}", STANDARD.encode(key));
    let sink = webhook(&receiver.url("/"), Some(&secret));
    sink.send(&reverted("v1.2.3")).await.expect("taken");
    let request = receiver.only();
    let timestamp = request.header("webhook-timestamp");
    assert_eq!(timestamp, (sample::at(60).millis() / 1000).to_string());
    let mut signed = format!("{}.{timestamp}.", request.header("webhook-id")).into_bytes();
    signed.extend_from_slice(&request.body);
    let signature = request.header("webhook-signature").strip_prefix("v1,").expect("a version");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
    mac.update(&signed);
    assert!(mac.verify_slice(&STANDARD.decode(signature).expect("base64")).is_ok());
}

#[rstest]
#[case::taken(Answer::Status(204, ""), None)]
#[case::broken(Answer::Status(500, "rollup_error"), Some((true, "answered 500 Internal Server Error (it says rollup_error)")))]
#[case::busy(Answer::Status(429, ""), Some((true, "429")))]
#[case::bad_request(Answer::Status(400, "invalid_payload"), Some((false, "(it says invalid_payload)")))]
#[case::gone(Answer::Status(404, "<html>no"), Some((false, "404 Not Found; look whether its address")))]
#[case::redirect(Answer::Elsewhere("/elsewhere"), Some((false, "redirects are not followed")))]
#[tokio::test]
async fn an_answer_says_whether_another_attempt_may_help(#[case] answer: Answer, #[case] expected: Option<(bool, &str)>) {
    let receiver = Receiver::start(answer);
    let sent = slack(&receiver.url("/")).send(&reverted("v1")).await;
    match (sent, expected) {
        (Ok(()), None) => {}
        (Err(AlertFault { because, retry }), Some((may_help, said))) => {
            assert_eq!(retry, may_help);
            assert!(because.contains("channel slack-ops") && because.contains(said), "{because}");
        }
        (sent, expected) => panic!("{sent:?} instead of {expected:?}"),
    }
    // One attempt is one request: neither the client nor a redirect makes a second.
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn an_answer_without_end_is_read_no_further_than_its_limit() {
    let long: &'static str = Box::leak("x".repeat(4 * 1024 * 1024).into_boxed_str());
    let receiver = Receiver::start(Answer::Status(503, long));
    let fault = slack(&receiver.url("/")).send(&reverted("v1")).await.expect_err("refused");
    assert!(fault.retry && fault.because.len() < 200, "{fault}");
}
