//! The keys there are, with their defaults: the one list from which unknown keys are found, `config show` is ordered and values are read.

use crate::policy::nearest::{listed, nearest, shown};

/// A key, and the text of its default; `*` stands for a name that people choose.
pub(super) struct Key {
    pub path: &'static str,
    pub default: Option<&'static str>,
}

const fn key(path: &'static str, default: Option<&'static str>) -> Key {
    Key { path, default }
}

/// Every key.
pub(super) const KEYS: [Key; 44] = [
    key("mode", Some("enforce")),
    key("language", Some("en")),
    key("policies", Some("/etc/lastgood/policies")),
    key("prometheus.url", Some("http://127.0.0.1:9090")),
    key("prometheus.timeout", Some("10s")),
    key("prometheus.headers.*", None),
    key("prometheus.bearer_token_file", None),
    key("prometheus.basic_auth.user", None),
    key("prometheus.basic_auth.password_file", None),
    key("prometheus.ca_file", None),
    key("prometheus.cert_file", None),
    key("prometheus.key_file", None),
    key("prometheus.proxy", None),
    key("prometheus.lag", Some("0s")),
    key("store.url", Some("sqlite:/var/lib/lastgood/history.db")),
    key("kubernetes.kubeconfig", None),
    key("kubernetes.context", None),
    key("kubernetes.namespaces", None),
    key("kubernetes.ignore_annotations", None),
    key("kubernetes.lease", Some("auto")),
    key("registry.*.plain_http", None),
    key("registry.*.user", None),
    key("registry.*.password_file", None),
    key("registry.*.token_file", None),
    key("registry.*.ca_file", None),
    key("registry.*.proxy", None),
    key("server.listen", Some("127.0.0.1:9470")),
    key("server.socket", Some("/run/lastgood/lastgood.sock")),
    key("limits.reverts_per_hour", Some("10")),
    key("limits.freeze_at", Some("3")),
    key("retention.versions", Some("100")),
    key("retention.age", Some("365d")),
    key("deploy.max_bytes", Some("4GiB")),
    key("deploy.max_entries", Some("100000")),
    key("deploy.max_ratio", Some("100")),
    key("audit.file", None),
    key("audit.syslog", None),
    key("audit.journald", None),
    key("channels.*.slack.webhook_file", None),
    key("channels.*.webhook.url", None),
    key("channels.*.webhook.secret_file", None),
    key("channels.*.log", None),
    // Tables that may be written empty, without saying anything.
    key("prometheus.headers", None),
    // One that is asked without a name.
    key("registry.*", None),
];

/// Whether `path` is a key. Names that people choose stand for themselves.
pub(super) fn is_known(path: &str) -> bool {
    KEYS.iter().any(|key| matches(key.path, path))
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), parts(path));
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(&path)
            .all(|(known, found)| *known == "*" || known == found)
}

/// The parts of a path. A name that holds a dot is quoted, as in TOML: `registry."registry.example:5000".user`.
fn parts(path: &str) -> Vec<&str> {
    let mut quoted = false;
    path.split(|c: char| {
        quoted ^= c == '"';
        c == '.' && !quoted
    })
    .collect()
}

/// The first part of a path.
pub(super) fn first_part(path: &str) -> &str {
    parts(path).first().copied().unwrap_or_default()
}

/// A name as a part of a path.
pub(super) fn part(name: &str) -> String {
    if name.contains('.') {
        format!("\"{name}\"")
    } else {
        name.to_owned()
    }
}

/// What to say of a `path` that is no key: the nearest one, or those beside it.
pub(super) fn advice(path: &str) -> String {
    let parts = parts(path);
    // Walks down as far as the path is known, then names what may stand there.
    let mut here: Vec<Vec<&str>> = KEYS.iter().map(|key| key.path.split('.').collect()).collect();
    for (depth, part) in parts.iter().enumerate() {
        let deeper: Vec<Vec<&str>> = here
            .iter()
            .filter(|known| known.get(depth).is_some_and(|name| name == part || *name == "*"))
            .cloned()
            .collect();
        if deeper.is_empty() {
            let mut names: Vec<&str> = here.iter().filter_map(|known| known.get(depth).copied()).collect();
            names.sort_unstable();
            names.dedup();
            return unknown(&parts[..depth], part, &names);
        }
        here = deeper;
    }
    let mut names: Vec<&str> = here.iter().filter_map(|known| known.get(parts.len()).copied()).collect();
    names.sort_unstable();
    names.dedup();
    format!(
        "this is a table: write `[{}]` and keys under it: {}",
        shown(path),
        listed(&names)
    )
}

fn unknown(before: &[&str], part: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return format!("`{}` has no keys under it", before.join("."));
    }
    let known = listed(names);
    match nearest(part, names) {
        Some(near) => format!("unknown key `{}`: did you mean `{near}`? known here: {known}", shown(part)),
        None => format!("unknown key `{}`: known here: {known}", shown(part)),
    }
}

/// The variable that sets the key `path`.
pub(super) fn variable(path: &str) -> String {
    format!("LASTGOOD__{}", path.replace('.', "__").to_uppercase())
}
