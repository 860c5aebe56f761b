//! `lastgood check`: what is wrong with a policy, and what a release would meet.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use lastgood::demo::{Prometheus, PrometheusOptions, ScrapeTarget};

use super::home::{Home, Said, command};

const COMMAND: &str = "{command: [/bin/true]}";

/// A home with one valid policy.
fn home() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", COMMAND);
    home
}

#[test]
fn a_valid_policy_is_shown_whole_with_what_will_be_asked() {
    let said = home().lastgood(&["check", "policies"]);
    assert_eq!((said.code, said.err.as_str()), (0, "policies/myapp.yaml: valid\n"));
    insta::assert_snapshot!(said.out);
}

#[test]
fn a_policy_is_json_in_its_own_shape_and_several_are_a_list() {
    let home = home();
    let parsed = |said: &Said| serde_json::from_str::<serde_json::Value>(&said.out).expect("one document");
    let one = parsed(&home.lastgood(&["check", "policies", "-o", "json"]));
    assert_eq!(
        (one["kind"].as_str(), one["spec"]["watch"]["proveAfter"].as_str()),
        (Some("Policy"), Some("30m"))
    );
    home.service("other", "v1", COMMAND);
    let list = parsed(&home.lastgood(&["check", "policies", "-o", "json"]));
    assert_eq!(
        (list["kind"].as_str(), list["items"].as_array().map(Vec::len)),
        (Some("PolicyList"), Some(2))
    );
    let yaml = home.lastgood(&["check", "policies/other.yaml", "-o", "yaml"]);
    let again = lastgood::policy::parse(&yaml.out.replace("HOME", "/home"), "other.yaml");
    assert!(again.is_ok(), "{}", yaml.out);
    assert_eq!(
        home.lastgood(&["check", "policies", "-o", "name"]).out,
        "prod/myapp\nprod/other\n"
    );
}

#[test]
fn every_error_of_every_file_is_said_and_the_valid_ones_are_shown() {
    let home = home();
    let bad = home
        .policy("bad", COMMAND, "requests_total")
        .replace("notify:", "notfy:")
        .replace("spec:", "spec:\n  mode: enforced");
    home.write("policies/bad.yaml", &bad);
    let said = home.lastgood(&["check", "policies", "-o", "name"]);
    assert_eq!((said.code, said.out.as_str()), (2, "prod/myapp\n"));
    insta::assert_snapshot!(said.err);
}

#[test]
fn a_path_without_a_policy_is_named() {
    let home = home();
    std::fs::create_dir(home.path("empty")).expect("a directory");
    let said = home.lastgood(&["check", "empty", "policies", "no.yaml", "-q", "-o", "name"]);
    assert_eq!((said.code, said.out.as_str()), (2, "prod/myapp\n"));
    assert_eq!(
        said.err,
        "error: no.yaml: cannot be read: there is no such file or directory\n\
         error: empty: no policy file (*.yaml, *.yml) is in this directory\n"
    );
}

#[test]
fn what_is_valid_and_not_wise_is_warned_of() {
    let home = home();
    let text = std::fs::read_to_string(home.path("policies/myapp.yaml")).expect("the policy");
    let text = text.replace("[log]", "[slack-ops]").replace(
        "  notify",
        "    - {name: latency, histogram: latency_seconds, warmup: 20m}\n  watch: {for: 30m}\n  notify",
    );
    home.write("policies/myapp.yaml", &text);
    let said = home.lastgood(&["check", "policies", "-o", "name"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        said.err,
        "warning: policies/myapp.yaml: metric `latency`: its warm-up of 20m eats half of the watch of 30m\n\
         warning: policies/myapp.yaml: it notifies `slack-ops`, which the settings do not have: add [channels.slack-ops]\n"
    );
    let silent = text.replace("  notify: {default: [slack-ops]}\n", "");
    home.write("policies/myapp.yaml", &silent);
    let said = home.lastgood(&["check", "policies", "-o", "name"]);
    assert!(said.err.contains("nobody is told of anything"), "{}", said.err);
    assert_eq!(home.lastgood(&["check", "policies", "-o", "name", "-q"]).err, "");
}

/// Something that answers every request with this, and is no Prometheus. Ends with the test's process.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn asked(home: &Home, url: &str) -> Said {
    let said = home.lastgood(&["check", "policies", "-o", "name", "--prometheus", url]);
    assert_eq!(said.out, "prod/myapp\n");
    said
}

#[test]
fn a_prometheus_that_is_away_or_none_or_wants_credentials_is_said_once() {
    let home = home();
    let away = asked(&home, "http://127.0.0.1:9");
    assert_eq!(away.code, 4);
    assert!(
        away.err
            .starts_with("error: Prometheus at http://127.0.0.1:9 cannot be reached: Connection refused"),
        "{}",
        away.err
    );
    assert_eq!(away.err.lines().count(), 1, "{}", away.err);
    let page = asked(
        &home,
        &answering("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\nconnection: close\r\n\r\n<a/>"),
    );
    assert_eq!(page.code, 4);
    assert!(
        page.err
            .contains("answered with text/html, not JSON; see that [prometheus] url leads to Prometheus"),
        "{}",
        page.err
    );
    let closed = asked(
        &home,
        &answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
    );
    assert_eq!(closed.code, 4);
    assert!(
        closed.err.contains("answered 401 Unauthorized; it wants credentials"),
        "{}",
        closed.err
    );
    let none = home.lastgood(&["check", "policies", "--prometheus", "localhost:9090"]);
    assert_eq!((none.code, none.out.as_str()), (2, ""));
    assert_eq!(
        none.err,
        "error: --prometheus begins with `localhost:`: write http://host:9090 or https://host\n"
    );
}

/// A service's metrics.
fn exporter() -> SocketAddr {
    let url = answering(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n\r\n\
         # TYPE requests_total counter\nrequests_total{code=\"200\"} 7\n",
    );
    url.trim_start_matches("http://").parse().expect("an address")
}

fn prometheus_program() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/prometheus.sh");
    let output = Command::new(script).output().expect("the set-up script");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Scrapes each of these once a second, as a job of that name.
pub async fn prometheus(directory: &Path, jobs: &[(&str, SocketAddr)]) -> Prometheus {
    Prometheus::start(PrometheusOptions {
        program: prometheus_program(),
        lastgood: command().get_program().into(),
        directory: directory.join("prometheus"),
        scrape_interval: Duration::from_secs(1),
        targets: jobs
            .iter()
            .map(|(job, address)| ScrapeTarget {
                job: (*job).to_owned(),
                address: *address,
            })
            .collect(),
        arguments: Vec::new(),
    })
    .await
    .expect("Prometheus")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_prometheus_has_is_counted_and_what_is_empty_is_named() {
    let home = home();
    let prometheus = prometheus(home.root(), &[("one", exporter()), ("two", exporter())]).await;
    let url = prometheus.url();
    let text = std::fs::read_to_string(home.path("policies/myapp.yaml")).expect("the policy");
    let with = |selector: &str| {
        text.replace("requests_total{", &format!("requests_total{{{selector},"))
            .replace("total: 'requests_total'", &format!("total: 'requests_total{{{selector}}}'"))
    };
    let check = |policy: &str, wanted: &dyn Fn(&Said) -> bool| {
        home.write("policies/myapp.yaml", policy);
        home.until(&["check", "policies", "-q", "--prometheus", &url], wanted)
    };

    let one = check(&with("job=\"one\""), &|said| said.out.contains("scrape interval: 1s"));
    assert_eq!(one.code, 0, "{}", one.err);
    let counts: Vec<&str> = one
        .out
        .lines()
        .find(|line| line.contains(" one/"))
        .expect("a row")
        .split_whitespace()
        .collect();
    assert_eq!((counts[0], counts[2], counts[3]), ("errors", "-", "7"));
    assert!(
        one.err.starts_with("warning: metric `errors`: no bad event is counted yet"),
        "{}",
        one.err
    );

    assert!(
        one.out
            .contains("errors: nothing can be forecast: the last good version's own last hour has no events"),
        "{}",
        one.out
    );

    let both = check(&text, &|said| said.err.contains("instances answer"));
    assert_eq!(both.code, 4);
    assert!(
        both.err.contains("error: metric `errors`: 2 instances answer") && both.err.contains("arms: {by: time"),
        "{}",
        both.err
    );

    let none = check(&text.replace("requests_total", "request_total"), &|_| true);
    assert_eq!(none.code, 4);
    assert!(
        none.err.contains("error: metric `errors`: this query is empty") && none.err.contains("(request_total)\n"),
        "{}",
        none.err
    );
}
