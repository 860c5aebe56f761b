//! What a scene is made of: its plan, versions of the service, and the files that people write for lastgood.

use std::path::Path;

use lastgood::demo::Behavior;

/// What differs between scenes.
#[derive(Clone)]
pub struct Plan {
    /// `spec.mode`.
    pub mode: &'static str,
    /// `spec.watch`.
    pub watch: &'static str,
    /// `spec.revert`.
    pub revert: &'static str,
    /// `spec.limits.revertsPerHour`.
    pub reverts_per_hour: u32,
    /// Requests a second.
    pub rate: f64,
    /// Share of errors of a good version.
    pub errors: f64,
    /// From so many times the errors of before on it is harm.
    pub harmful: u32,
    /// Whether the endpoint of the alerts is down at first.
    pub hook_down: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            mode: "enforce",
            watch: "{for: 30s, proveAfter: 6s}",
            revert: "{verifyFor: 5s}",
            reverts_per_hour: 100,
            rate: 40.0,
            errors: 0.01,
            harmful: 2,
            hook_down: false,
        }
    }
}

/// Settings with everything below `root`; `prometheus` and `webhook` are TOML lines for these tables.
pub fn settings(root: &Path, prometheus: &str, webhook: &str) -> String {
    let root = root.display();
    format!(
        "policies = [\"{root}/policies\"]\n\
         [prometheus]\n{prometheus}\ntimeout = \"5s\"\n\
         [store]\nurl = \"sqlite:{root}/history.db\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n\
         [limits]\nreverts_per_hour = 1000\nfreeze_at = 100\n\
         [channels.hook]\nwebhook = {{ {webhook} }}\n"
    )
}

/// The policy of a service `app` below `root` that `command` activates.
pub fn policy(root: &Path, plan: &Plan, command: &[String]) -> String {
    let command = serde_json::to_string(command).expect("a command");
    format!(
        r#"apiVersion: lastgood.dev/v1
kind: Policy
metadata: {{name: app}}
spec:
  mode: {mode}
  target:
    host:
      releases: {root}/releases
      current: {root}/current
      activate: {{command: {command}, timeout: 20s}}
  watch: {watch}
  metrics:
    - name: errors
      ratio: {{bad: 'http_requests_total{{job="app",code=~"5.."}}', total: 'http_requests_total{{job="app"}}'}}
      harmful: {{times: {harmful}}}
  revert: {revert}
  limits: {{revertsPerHour: {budget}}}
  notify: {{default: [hook], proven: [hook]}}
"#,
        root = root.display(),
        mode = plan.mode,
        watch = plan.watch,
        harmful = plan.harmful,
        revert = plan.revert,
        budget = plan.reverts_per_hour,
    )
}

/// A good version of this plan.
pub fn good(plan: &Plan) -> Behavior {
    failing(plan.errors)
}

/// A version that answers this share of requests with an error.
pub fn failing(errors: f64) -> Behavior {
    Behavior {
        errors,
        median: 0.005,
        ..Behavior::default()
    }
}
