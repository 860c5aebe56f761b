//! What a person would write for this service: the policy and the controller's settings.

use std::{net::SocketAddr, path::Path, time::Duration};

use super::{Releases, story::Pace};

/// The service's name, in the policy and as the label `job`.
pub(super) const SERVICE: &str = "myapp";

/// A path or word as YAML and TOML both take it: in double quotes, escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

/// The policy, which fits on one screen.
pub(super) fn policy(releases: &Releases, activate: &[String], pace: &Pace) -> String {
    let command: Vec<String> = activate.iter().map(|word| quoted(word)).collect();
    format!(
        r#"apiVersion: lastgood.dev/v1
kind: Policy
metadata: {{name: {SERVICE}}}
spec:
  env: demo
  target:
    host:
      releases: {releases}
      current: {current}
      activate: {{command: [{command}]}}
  watch: {{for: {watch}, proveAfter: {prove}}}
  metrics:
    - name: errors
      ratio:
        bad: http_requests_total{{job="{SERVICE}",code=~"5.."}}
        total: http_requests_total{{job="{SERVICE}"}}
    - name: latency
      histogram: http_request_duration_seconds{{job="{SERVICE}"}}
      warmup: 2s
  revert: {{verifyFor: {verify}}}
  limits: {{revertsPerHour: 5}}
  notify: {{default: [terminal, log], proven: [terminal, log]}}
"#,
        releases = path(&releases.directory()),
        current = path(&releases.current()),
        command = command.join(", "),
        watch = seconds(pace.watch),
        prove = seconds(pace.prove),
        verify = seconds(pace.verify),
    )
}

/// The controller's settings: everything of its own lies in `directory`.
pub(super) fn settings(directory: &Path, prometheus: &str, hook: SocketAddr) -> String {
    format!(
        r#"mode = "enforce"
policies = [{policies}]
[prometheus]
url = "{prometheus}"
[store]
url = {store}
[server]
listen = "127.0.0.1:0"
socket = {socket}
[channels.terminal]
webhook = {{ url = "http://{hook}/alerts" }}
[channels.log]
log = {{}}
"#,
        policies = path(&directory.join("policies")),
        store = quoted(&format!("sqlite:{}", directory.join("history.db").display())),
        socket = path(&directory.join("lastgood.sock")),
    )
}
