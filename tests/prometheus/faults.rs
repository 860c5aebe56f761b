//! Servers that answer as none should: every answer of theirs is a named fault with a sentence, and none holds a secret.

use std::{io::Write, time::Duration};

use lastgood::{
    count::Tally,
    ports::{MetricFault, MetricSource},
    prometheus::{BasicAuth, Options, Prometheus},
    question::question,
    words::{GapReason, Moment},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::rollout::policy;

const AT: Moment = Moment::from_millis(1_764_000_000_000);
const TOKEN: &str = "canary-token-5f2c";
const PASSWORD: &str = "canary-password-77aa";
const HEADER: &str = "canary-header-9d01";

/// What comes back on every connection, in pieces with a pause between them.
struct Fault {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for Fault {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fault {
    async fn serve(pieces: Vec<Vec<u8>>, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(reply(stream, pieces.clone(), pause));
            }
        });
        Self { url, task }
    }

    /// A whole answer: head lines, then the body with its length.
    async fn answering(head: &str, body: &[u8]) -> Self {
        Self::serve(vec![whole(head, body)], Duration::ZERO).await
    }

    async fn ask(&self) -> Result<lastgood::question::Answer, MetricFault> {
        ask(Options::at(&self.url)).await
    }

    async fn because(&self) -> String {
        let fault = self.ask().await.expect_err("a fault");
        assert!(fault.because.contains(&self.url), "{fault:?}");
        fault.because
    }
}

async fn reply(mut stream: TcpStream, pieces: Vec<Vec<u8>>, pause: Duration) {
    let mut request = vec![0; 65536];
    let _ = stream.read(&mut request).await;
    for piece in pieces {
        if stream.write_all(&piece).await.is_err() {
            return;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    // What is still unread at the end would reset the connection before the other side has read.
    let _ = stream.shutdown().await;
    while matches!(stream.read(&mut request).await, Ok(read) if read > 0) {}
}

fn whole(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

async fn ask(options: Options) -> Result<lastgood::question::Answer, MetricFault> {
    let source = Prometheus::new(options).expect("a client");
    source.instant(&question(&policy("x")), AT).await
}

const JSON: &str = "200 OK\r\nContent-Type: application/json";

fn vector(value: &str) -> String {
    let part = |part: usize, value: &str| {
        format!(r#"{{"metric":{{"lastgood_part":"{part}","job":"x","instance":"i"}},"value":[1764000000,"{value}"]}}"#)
    };
    // The parts of a ratio: bad, total, series of bad, series of total, stamp.
    let parts = [
        part(0, "0"),
        part(1, value),
        part(2, "1"),
        part(3, "1"),
        part(4, "1764000000"),
    ]
    .join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{parts}]}}}}"#)
}

#[tokio::test]
async fn p11_a_warning_is_a_gap_of_its_own_name() {
    let body = vector("7").replacen('{', r#"{"warnings":["remote read of store-2 failed"],"#, 1);
    let fault = Fault::answering(JSON, body.as_bytes())
        .await
        .ask()
        .await
        .expect_err("a fault");
    assert_eq!(fault.reason, GapReason::Warning);
    assert!(fault.because.contains("store-2"), "{fault:?}");
}

#[tokio::test]
async fn p12_what_is_no_number_is_never_a_count() {
    let policy = policy("x");
    let question = question(&policy);
    for value in ["NaN", "+Inf", "-Inf", "1e999", "-1", "0.5"] {
        let server = Fault::answering(JSON, vector(value).as_bytes()).await;
        let answer = server.ask().await.expect("an answer");
        let mut tally = Tally::baseline(&policy, Duration::from_secs(1), Moment::from_millis(0));
        let step = tally.take(&question, &answer).expect("a step");
        assert_eq!(step.metrics[0].gaps[0].reason, GapReason::NotACount, "{value}");
    }
    let server = Fault::answering(JSON, vector("7").as_bytes()).await;
    assert_eq!(server.ask().await.expect("an answer").samples.len(), 5);
}

#[tokio::test]
async fn p14_an_answer_that_trickles_ends_at_the_deadline() {
    let trickle: Vec<Vec<u8>> = whole(JSON, vector("7").as_bytes())
        .into_iter()
        .map(|byte| vec![byte])
        .collect();
    let server = Fault::serve(trickle, Duration::from_millis(50)).await;
    let mut options = Options::at(&server.url);
    options.timeout = Duration::from_millis(400);
    let asked = tokio::time::timeout(Duration::from_secs(10), ask(options))
        .await
        .expect("an end");
    let because = asked.expect_err("a fault").because;
    assert!(because.contains("0.4 s") || because.contains("too slowly"), "{because}");
}

#[tokio::test]
async fn p15_cut_answers_and_pages_of_others_say_so() {
    let answer = whole(JSON, vector("7").as_bytes());
    let head = answer.len() - vector("7").len();
    for cut in [head, head + 1, head + 40, answer.len() - 1] {
        let server = Fault::serve(vec![answer[..cut].to_vec()], Duration::ZERO).await;
        let because = server.because().await;
        assert!(because.contains("broke off"), "{cut}: {because}");
    }
    let html = Fault::answering("200 OK\r\nContent-Type: text/html", b"<html>Sign in</html>").await;
    let because = html.because().await;
    assert!(because.contains("text/html") && because.contains("login page"), "{because}");
    let gateway = Fault::answering("502 Bad Gateway\r\nContent-Type: text/html", b"<html>").await;
    assert!(gateway.because().await.contains("502 Bad Gateway"));
    let refused = br#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#;
    let refused = Fault::answering("400 Bad Request\r\nContent-Type: application/json", refused).await;
    let because = refused.because().await;
    assert!(
        because.contains("unexpected end") && because.contains("query in the policy"),
        "{because}"
    );
    let moved = Fault::answering("302 Found\r\nLocation: http://127.0.0.1:1/elsewhere", b"").await;
    let because = moved.because().await;
    assert!(because.contains("redirects"), "{because}");
}

#[tokio::test]
async fn p16_no_answer_is_read_beyond_its_limit_packed_or_not() {
    let huge = vec![b' '; 9 << 20];
    let plain = Fault::answering(JSON, &huge).await;
    assert!(plain.because().await.contains("8 MiB"));
    let packed = Fault::answering(&format!("{JSON}\r\nContent-Encoding: gzip"), &gzip_of_zeros()).await;
    assert!(packed.because().await.contains("8 MiB"));
}

/// Some 16 MiB of zeros, packed by the machine's own gzip.
fn gzip_of_zeros() -> Vec<u8> {
    let mut gzip = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("gzip");
    let mut stdin = gzip.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(&vec![0; 16 << 20]));
    let output = gzip.wait_with_output().expect("packed");
    writer.join().expect("joined").expect("written");
    output.stdout
}

#[tokio::test]
async fn p13_where_no_server_is_the_sentence_says_what_to_look_at() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let because = ask(Options::at(&url)).await.expect_err("a fault").because;
    assert!(
        because.contains("refused") && because.contains("see that it runs there"),
        "{because}"
    );

    let because = ask(Options::at("http://no-such-host.invalid:9090"))
        .await
        .expect_err("a fault")
        .because;
    assert!(
        because.contains("check the name") && because.contains("no-such-host.invalid"),
        "{because}"
    );

    let plain = Fault::answering(JSON, b"{}").await;
    let tls = plain.url.replace("http://", "https://");
    let because = ask(Options::at(&tls)).await.expect_err("a fault").because;
    assert!(because.contains("cannot be reached"), "{because}");
}

/// Options with every secret there is, in files of `directory`.
fn with_secrets(url: &str, directory: &std::path::Path, basic: bool) -> Options {
    let mut options = Options::at(&url.replace("http://", &format!("http://bob:{PASSWORD}@")));
    options.headers.insert("X-Scope-OrgID".to_owned(), HEADER.to_owned().into());
    let file = directory.join("secret");
    std::fs::write(&file, format!("{}\n", if basic { PASSWORD } else { TOKEN })).expect("written");
    if basic {
        options.basic_auth = Some(BasicAuth {
            user: "bob".to_owned(),
            password_file: file,
        });
    } else {
        options.bearer_token_file = Some(file);
    }
    options
}

#[tokio::test]
async fn s16_secrets_are_sent_and_shown_nowhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let unauthorized = Fault::answering("401 Unauthorized", b"").await;
    let packed = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("bob:{PASSWORD}"));
    for (basic, hint, sent) in [(false, "bearer_token_file", TOKEN), (true, "basic_auth", packed.as_str())] {
        let echo = format!(r#"{{"status":"error","errorType":"x","error":"{HEADER} {sent} {PASSWORD} is odd"}}"#);
        let odd = Fault::answering("400 Bad Request\r\nContent-Type: application/json", echo.as_bytes()).await;
        let content = Fault::answering(JSON, echo.as_bytes()).await;
        for url in [&odd.url, &content.url, &unauthorized.url, &"http://127.0.0.1:1".to_owned()] {
            let options = with_secrets(url, directory.path(), basic);
            let shown = format!("{options:?}");
            let source = Prometheus::new(options).expect("a client");
            let fault = source.instant(&question(&policy("x")), AT).await.expect_err("a fault");
            let shown = format!("{shown} {source:?} {fault:?} {fault}");
            for canary in [sent, PASSWORD, HEADER] {
                assert!(!shown.contains(canary), "{shown}");
            }
            assert!(*url != unauthorized.url || fault.because.contains(hint), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_token_file_is_read_again_at_each_query_and_a_missing_one_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 65536];
            let read = stream.read(&mut request).await.expect("a request");
            heard.push(String::from_utf8_lossy(&request[..read]).into_owned());
            let answer = whole(&format!("{JSON}\r\nConnection: close"), vector("7").as_bytes());
            stream.write_all(&answer).await.expect("answered");
        }
        heard
    });
    let mut options = Options::at(&url);
    let file = directory.path().join("token");
    options.bearer_token_file = Some(file.clone());
    options.headers.insert("X-Scope-OrgID".to_owned(), HEADER.to_owned().into());
    let source = Prometheus::new(options).expect("a client");
    let question = question(&policy("x"));
    for token in ["one", "two"] {
        std::fs::write(&file, token).expect("written");
        source.instant(&question, AT).await.expect("an answer");
    }
    let heard = heard.await.expect("heard");
    for (request, token) in heard.iter().zip(["one", "two"]) {
        assert!(request.contains(&format!("authorization: Bearer {token}\r\n")), "{request}");
        assert!(request.contains(&format!("x-scope-orgid: {HEADER}\r\n")), "{request}");
        assert!(request.starts_with("POST /api/v1/query HTTP/1.1"), "{request}");
    }
    std::fs::remove_file(&file).expect("removed");
    let because = source.instant(&question, AT).await.expect_err("a fault").because;
    assert!(because.contains(&file.display().to_string()), "{because}");
}

#[test]
fn options_that_cannot_be_used_say_what_is_allowed() {
    let with = |change: fn(&mut Options)| {
        let mut options = Options::at("http://127.0.0.1:9090/prefix/");
        change(&mut options);
        Prometheus::new(options).map(|source| format!("{source:?}"))
    };
    assert!(with(|_| ()).is_ok_and(|shown| shown.contains("http://127.0.0.1:9090/prefix")));
    for (change, says) in [
        (
            (|o| o.url = "localhost:9090".to_owned().into()) as fn(&mut Options),
            "write http://host:9090 or https://host",
        ),
        (|o| o.url = "http://h:1/?a=b".to_owned().into(), "query"),
        (|o| o.url = "nonsense".to_owned().into(), "write http://host:9090"),
        (
            |o| drop(o.headers.insert("a b".to_owned(), "c".to_owned().into())),
            "no header name",
        ),
        (|o| o.ca_file = Some("/nowhere/ca.pem".into()), "/nowhere/ca.pem"),
        (|o| o.cert_file = Some("/nowhere/cert.pem".into()), "set both"),
    ] {
        let error = with(change).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
}
