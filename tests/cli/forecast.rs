//! `lastgood check --prometheus`: what could be found at this traffic, before any rollout.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
};

use serde_json::Value;

use super::{check::prometheus, home::Home};

/// A service that answers `good` and `bad` requests between two scrapes, a tenth of them in more than 0.1 s. Ends with the test's process.
fn busy(good: u64, bad: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for (scrape, mut stream) in (1_u64..).zip(listener.incoming().flatten()) {
            let [good, all] = [good * scrape, (good + bad) * scrape];
            let mut text =
                String::from("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n\r\n");
            let _ = write!(
                text,
                "requests_total{{code=\"200\"}} {good}\nrequests_total{{code=\"500\"}} {}\n",
                all - good
            );
            for (bound, below) in [("0.1", all * 9 / 10), ("0.25", all * 99 / 100), ("1", all), ("+Inf", all)] {
                let _ = writeln!(text, "seconds_bucket{{le=\"{bound}\"}} {below}");
            }
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(text.as_bytes());
        }
    });
    address
}

fn home() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", "{command: [/bin/true]}");
    let text = std::fs::read_to_string(home.path("policies/myapp.yaml")).expect("the policy");
    home.write(
        "policies/myapp.yaml",
        &text.replace(
            "  notify",
            "    - {name: latency, histogram: seconds, quantiles: [90%], warmup: 0s}\n  watch: {for: 5m, proveAfter: 1m}\n  notify",
        ),
    );
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_found_at_this_traffic_is_a_table_and_a_document() {
    let home = home();
    let prometheus = prometheus(home.root(), &[("one", busy(99, 1))]).await;
    let url = prometheus.url();
    let table = home.until(&["check", "policies", "--prometheus", &url], |said| {
        said.out.contains("10 times as many bad")
    });
    assert_eq!(table.code, 0, "{}", table.err);
    let row = |start: &str| {
        let line = table.out.lines().find(|line| line.contains(start));
        line.unwrap_or_else(|| panic!("no {start}: {}", table.out)).to_owned()
    };
    let busy = row("1.5 times as many bad");
    assert!(busy.trim_start().starts_with("errors  ") && busy.contains("100/s"), "{busy}");
    assert!(row("50 % bad").ends_with('s') && row("20 % slower").ends_with("never: tolerated"));
    assert!(
        row("errors: noise assumed").contains("history teach too little"),
        "{}",
        table.out
    );
    for warned in [
        "metric `errors`: at this traffic 2 times cannot be excluded within 1m for most healthy releases",
        "`onInconclusive: prove` decides",
        "fewer than half of such releases are convicted within the watch of 5m: 1.5 times as many bad",
    ] {
        assert!(table.err.contains(warned), "no {warned}: {}", table.err);
    }

    let json = home.lastgood(&["check", "policies", "-o", "json", "--prometheus", &url]);
    let list: Value = serde_json::from_str(&json.out).expect("one document");
    assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&"List".into(), &"Policy".into()));
    let forecast = &list["items"][1];
    assert_eq!(
        (&forecast["kind"], &forecast["plan"]["steps"]),
        (&"Forecast".into(), &300.into())
    );
    let [errors, latency] = ["errors", "latency"].map(|name| {
        let metrics = forecast["metrics"].as_array().expect("metrics");
        metrics
            .iter()
            .find(|metric| metric["name"] == name)
            .expect("a metric")
            .clone()
    });
    assert_eq!(errors["found"][3]["change"]["times"], 10.0);
    let broken = &errors["found"][4];
    assert!(
        broken["median_seconds"].as_f64().is_some_and(|seconds| seconds < 60.0),
        "{errors}"
    );
    assert_eq!(
        (&latency["found"][0]["seldom"], &latency["bad_share"]),
        (&"tolerated".into(), &Value::Null)
    );
    let yaml = home.lastgood(&["check", "policies", "-o", "yaml", "--prometheus", &url]).out;
    let documents: Vec<&str> = yaml.split("---\n").collect();
    assert!(documents.len() == 2 && documents[1].contains("kind: Forecast"), "{yaml}");
}
