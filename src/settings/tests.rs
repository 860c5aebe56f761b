//! Settings: what wins, what is refused, and what is never shown.

use std::{fs, path::PathBuf};

use super::{policies::PolicyFileErrorKind, *};
use std::collections::BTreeMap;

mod cluster;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn loaded(toml: &str, variables: &[(&str, &str)]) -> Result<Loaded, SettingsError> {
    let home = Home::new();
    let file = home.file("lastgood.toml", toml);
    load_with_origins(Some(&file), &env(variables))
}

/// The faults without the temporary directory.
fn refused(toml: &str, variables: &[(&str, &str)]) -> String {
    let home = Home::new();
    let file = home.file("lastgood.toml", toml);
    let error = load(Some(&file), &env(variables)).expect_err("refused").to_string();
    error.replace(&home.0.path().display().to_string(), "DIR")
}

const WHOLE: &str = r#"
mode = "propose"
language = "zh"
policies = ["/etc/lastgood/policies", "/srv/ann/myapp.yaml"]
[prometheus]
url = "https://prometheus.example:9090/"
timeout = "5s"
headers = { X-Scope-OrgID = "team-a" }
basic_auth = { user = "ann", password_file = "/etc/lastgood/password" }
ca_file = "/etc/lastgood/ca.pem"
cert_file = "/etc/lastgood/cert.pem"
key_file = "/etc/lastgood/key.pem"
proxy = "http://127.0.0.1:3128"
lag = "1m"
[store]
url = "sqlite:/srv/ann/history.db"
[registry."registry.example:5000"]
user = "ann"
password_file = "/etc/lastgood/registry-password"
ca_file = "/etc/lastgood/registry-ca.pem"
proxy = "http://127.0.0.1:3128"
[registry."docker.io"]
token_file = "/etc/lastgood/hub-token"
[registry."127.0.0.1:5000"]
plain_http = true
[registry.localhost]
[server]
listen = "[::1]:9999"
socket = "/run/user/1000/lastgood.sock"
[limits]
reverts_per_hour = 4
freeze_at = 2
[retention]
versions = 20
age = "90d"
[channels.slack-ops]
slack = { webhook_file = "/etc/lastgood/slack" }
[channels.hook]
webhook = { url = "http://127.0.0.1:8000/alerts?token=hidden", secret_file = "/etc/lastgood/hook" }
[channels.journal]
log = {}
"#;

#[test]
fn every_key_is_read() {
    let settings = loaded(WHOLE, &[]).expect("valid").settings;
    assert_eq!(settings.mode, crate::policy::Mode::Propose);
    assert_eq!(settings.language, Language::Zh);
    assert_eq!(settings.policies.len(), 2);
    assert_eq!(settings.prometheus.url, "https://prometheus.example:9090");
    assert_eq!(settings.prometheus.timeout.as_secs(), 5);
    assert_eq!(settings.prometheus.lag.as_secs(), 60);
    assert_eq!(settings.prometheus.headers.keys().collect::<Vec<_>>(), ["X-Scope-OrgID"]);
    assert_eq!(settings.prometheus.basic_auth.expect("given").user, "ann");
    assert_eq!(settings.store, StoreSettings::Sqlite(PathBuf::from("/srv/ann/history.db")));
    assert_eq!(settings.server.listen.to_string(), "[::1]:9999");
    assert_eq!((settings.limits.reverts_per_hour, settings.limits.freeze_at), (4, 2));
    assert_eq!(
        (settings.retention.versions, settings.retention.age.as_secs() / 86_400),
        (20, 90)
    );
    let registries: Vec<&str> = settings.registries.keys().map(String::as_str).collect();
    assert_eq!(
        registries,
        ["127.0.0.1:5000", "docker.io", "localhost", "registry.example:5000"]
    );
    assert!(settings.registries["127.0.0.1:5000"].plain_http);
    assert_eq!(settings.registries["localhost"], RegistrySettings::default());
    let whole = &settings.registries["registry.example:5000"];
    assert_eq!(whole.basic_auth.as_ref().expect("given").user, "ann");
    assert!(!whole.plain_http && whole.ca_file.is_some() && whole.proxy.is_some());
    let kinds: Vec<_> = settings.channels.values().collect();
    assert!(
        matches!(
            kinds[0],
            ChannelSettings::Webhook {
                secret_file: Some(_),
                ..
            }
        ),
        "{kinds:?}"
    );
    assert_eq!(kinds[1], &ChannelSettings::Log);
    assert!(matches!(kinds[2], ChannelSettings::Slack { .. }), "{kinds:?}");
}

#[test]
fn an_empty_file_gives_the_documented_defaults() {
    let settings = loaded("", &[]).expect("valid").settings;
    assert_eq!(settings.mode, crate::policy::Mode::Enforce);
    assert_eq!(settings.policies, [PathBuf::from("/etc/lastgood/policies")]);
    assert_eq!(settings.prometheus.url, "http://127.0.0.1:9090");
    assert_eq!(
        settings.store,
        StoreSettings::Sqlite(PathBuf::from("/var/lib/lastgood/history.db"))
    );
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:9470");
    assert_eq!((settings.limits.reverts_per_hour, settings.limits.freeze_at), (10, 3));
    assert_eq!(settings.retention, crate::words::Retention::default());
    assert!(settings.channels.is_empty());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_defaults_and_each_is_named() {
    let loaded = loaded(
        "mode = \"observe\"\n[limits]\nfreeze_at = 5\n",
        &[
            ("LASTGOOD__LIMITS__FREEZE_AT", "7"),
            ("LASTGOOD__POLICIES", "/srv/policies"),
            ("HOME", "/root"),
        ],
    )
    .expect("valid");
    assert_eq!(loaded.settings.limits.freeze_at, 7);
    assert_eq!(loaded.settings.policies, [PathBuf::from("/srv/policies")]);
    let rows = show(&loaded);
    let origin = |key: &str| rows.iter().find(|row| row.0 == key).map(|row| row.2.clone()).expect(key);
    assert_eq!(origin("limits.freeze_at"), "LASTGOOD__LIMITS__FREEZE_AT");
    assert_eq!(origin("policies"), "LASTGOOD__POLICIES");
    assert_eq!(origin("store.url"), "default");
    assert_eq!(origin("mode"), loaded.file.expect("a file").display().to_string());
}

#[test]
fn what_is_shown_holds_no_secret() {
    let loaded = loaded(WHOLE, &[("LASTGOOD__PROMETHEUS__HEADERS__AUTHORIZATION", "Bearer hush")]).expect("valid");
    let shown = show(&loaded)
        .into_iter()
        .map(|(key, value, origin)| format!("{key} {value} {origin}\n"));
    let shown: String = shown.collect();
    for secret in ["team-a", "hush", "hidden"] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!format!("{:?}", loaded.settings.prometheus).contains(secret));
    }
    assert!(
        shown.contains("prometheus.headers.authorization <redacted> LASTGOOD__PROMETHEUS__HEADERS__AUTHORIZATION"),
        "{shown}"
    );
}

#[test]
fn the_file_is_the_one_named_and_never_one_that_lies_about() {
    let home = Home::new();
    let ours = home.file("ours.toml", "mode = \"observe\"");
    let theirs = home.file("theirs.toml", "mode = \"propose\"");
    let variables = env(&[(CONFIG_VARIABLE, &theirs.display().to_string())]);
    assert_eq!(
        load(Some(&ours), &variables).expect("valid").mode,
        crate::policy::Mode::Observe
    );
    assert_eq!(load(None, &variables).expect("valid").mode, crate::policy::Mode::Propose);
    let missing = load(Some(&home.0.path().join("no.toml")), &variables)
        .expect_err("missing")
        .to_string();
    assert!(missing.contains("no.toml") && missing.contains("--config"), "{missing}");
    let missing = load(None, &env(&[(CONFIG_VARIABLE, "/no/such.toml")]))
        .expect_err("missing")
        .to_string();
    assert!(missing.contains(CONFIG_VARIABLE), "{missing}");
}

#[rstest::rstest]
#[case::unknown_key(
    "[server]\nlistn = \"a\"",
    "DIR/lastgood.toml: server.listn: unknown key `listn`: did you mean `listen`?"
)]
#[case::unknown_table("[severs]\nlisten = \"a\"", "unknown key `severs`: did you mean `server`?")]
#[case::text_for_a_table(
    "prometheus = \"http://127.0.0.1:9090\"",
    "prometheus: this is a table: write `[prometheus]`"
)]
#[case::table_for_a_text("[mode]\na = 1", "mode.a: `mode` has no keys under it")]
#[case::list_for_a_text("mode = [\"observe\"]", "mode: found a list")]
#[case::registry_key(
    "[registry.\"registry.example:5000\"]\nusr = \"ann\"",
    "registry.\"registry.example:5000\".usr: unknown key `usr`: did you mean `user`?"
)]
#[case::registry_without_quotes("[registry.registry.example]\nuser = \"ann\"", "unknown key `example`: known here:")]
#[case::registry_of_a_url(
    "[registry.\"https://registry.example\"]\nplain_http = true",
    "this is no registry: write it as images name it"
)]
#[case::registry_user_alone(
    "[registry.localhost]\nuser = \"ann\"",
    "registry.localhost.user: `password_file` is missing"
)]
#[case::registry_token_and_user(
    "[registry.localhost]\nuser = \"ann\"\npassword_file = \"/p\"\ntoken_file = \"/t\"",
    "registry.localhost.token_file: a token and a user at once"
)]
#[case::registry_plain_with_authority(
    "[registry.localhost]\nplain_http = true\nca_file = \"/ca\"",
    "registry.localhost.ca_file: of no use with `plain_http`"
)]
#[case::registry_plain_http("[registry.localhost]\nplain_http = \"yes\"", "found `yes`: write true or false")]
#[case::mode("mode = \"enforced\"", "mode: found `enforced`: did you mean `enforce`?")]
#[case::language("language = \"de\"", "language: found `de`: allowed: `en`, `zh`")]
#[case::relative_policies("policies = [\"policies\"]", "`policies` is not absolute")]
#[case::no_policies("policies = []", "found an empty list")]
#[case::url("[prometheus]\nurl = \"localhost:9090\"", "which is no http or https URL")]
#[case::password_in_url("[prometheus]\nurl = \"http://ann:hush@h\"", "holds a user or a password")]
#[case::timeout("[prometheus]\ntimeout = 10", "write times with their unit: `10s`")]
#[case::header_name("[prometheus.headers]\n\"X Y\" = \"a\"", "this is no header name")]
#[case::two_ways_to_log_in(
    "[prometheus]\nbearer_token_file = \"/t\"\nbasic_auth = { user = \"a\", password_file = \"/p\" }",
    "a bearer token and basic_auth at once"
)]
#[case::half_a_login("[prometheus]\nbasic_auth = { user = \"a\" }", "`password_file` is missing")]
#[case::half_a_certificate("[prometheus]\ncert_file = \"/c\"", "`key_file` is missing")]
#[case::store("[store]\nurl = \"postgres://x\"", "write `sqlite:` and an absolute path")]
#[case::relative_store("[store]\nurl = \"sqlite:history.db\"", "write `sqlite:` and an absolute path")]
#[case::open_to_all("[server]\nlisten = \"0.0.0.0:9470\"", "can be reached from other machines")]
#[case::no_port("[server]\nlisten = \"127.0.0.1\"", "write an address and a port")]
#[case::no_reverts("[limits]\nreverts_per_hour = 0", "write a whole number, 1 or more")]
#[case::freeze_at_one("[limits]\nfreeze_at = 1", "write a whole number, 2 or more")]
#[case::channel_name("[channels.Ops]\nlog = {}", "channels.Ops: channel name `Ops` is not allowed")]
#[case::two_kinds("[channels.ops]\nlog = {}\nslack = { webhook_file = \"/a\" }", "slack and log at once")]
#[case::empty_channel("[channels.ops]", "channels.ops: this is a table: write `[channels.ops]`")]
#[case::channel_kind("[channels.ops]\nslak = { webhook_file = \"/a\" }", "did you mean `slack`?")]
#[case::slack_url(
    "[channels.ops]\nslack = { url = \"http://h\" }",
    "unknown key `url`: known here: `webhook_file`"
)]
#[case::webhook_without_url(
    "[channels.ops]\nwebhook = { secret_file = \"/a\" }",
    "DIR/lastgood.toml: channels.ops.webhook.url: missing"
)]
#[case::no_toml("mode = ", "cannot use the settings file")]
fn a_wrong_setting_names_its_file_its_key_and_what_to_write(#[case] toml: &str, #[case] says: &str) {
    let error = refused(toml, &[]);
    println!("{error}\n");
    assert!(error.contains(says), "{error}");
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn an_unknown_variable_is_refused_and_named() {
    let error = refused(
        "",
        &[
            ("LASTGOOD__STORE__ULR", "sqlite:/a"),
            ("LASTGOOD__MODES", "x"),
            ("LASTGOOD_LOG", "debug"),
        ],
    );
    println!("{error}\n");
    assert!(
        error.contains("LASTGOOD__STORE__ULR: store.ulr: unknown key `ulr`: did you mean `url`?"),
        "{error}"
    );
    assert!(
        error.contains("LASTGOOD__MODES: modes: unknown key `modes`: did you mean `mode`?"),
        "{error}"
    );
    assert!(error.starts_with("2 settings are wrong\n"), "{error}");
    assert_eq!(error.lines().count(), 3, "{error}");
}

fn policy(name: &str, current: &str) -> String {
    let host =
        format!("host: {{releases: /opt/{name}/releases, current: {current}, activate: {{unit: {name}.service, by: reload}}}}");
    policy_for(name, &host)
}

fn workload_policy(name: &str) -> String {
    policy_for(name, "kubernetes: {namespace: shop, deployment: web}")
}

fn policy_for(name: &str, target: &str) -> String {
    format!(
        "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  target: {{{target}}}\n  \
         metrics: [{{name: e, ratio: {{bad: a_total, total: b_total}}}}]\n"
    )
}

#[test]
fn a_directory_gives_its_yaml_files_in_order_and_a_bad_one_does_not_spoil_the_others() {
    let home = Home::new();
    home.file("b.yaml", &policy("b", "/opt/b/current"));
    home.file("a.yml", &policy("a", "/opt/a/current"));
    home.file("c.yaml", "mode: x");
    home.file(".hidden.yaml", "no");
    home.file("note.txt", "no");
    let results = policies::read(&[
        home.0.path().to_owned(),
        home.0.path().join("a.yml"),
        PathBuf::from("/no/such.yaml"),
    ]);
    let names: Vec<_> = results.iter().flatten().map(|file| file.policy.service.to_string()).collect();
    assert_eq!(names, ["a", "b"]);
    let errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(matches!(errors[0].kind, PolicyFileErrorKind::Invalid(_)), "{errors:?}");
    assert!(errors[0].to_string().contains("c.yaml"), "{}", errors[0]);
    assert!(
        errors[1].to_string().contains("/no/such.yaml: cannot be read"),
        "{}",
        errors[1]
    );
}

#[rstest::rstest]
#[case::same_service(policy("a", "/opt/a/current"), policy("a", "/srv/a/current"), "the service `prod/a`")]
#[case::same_link(policy("a", "/opt/x/current"), policy("b", "/opt/x/current"), "the link `/opt/x/current`")]
#[case::same_workload(workload_policy("a"), workload_policy("b"), "the deployment `shop/web`")]
fn k26_two_policies_for_one_thing_are_both_refused(#[case] one: String, #[case] two: String, #[case] what: &str) {
    let home = Home::new();
    let one = home.file("one.yaml", &one);
    let two = home.file("two.yaml", &two);
    let errors: Vec<_> = policies::read(&[one.clone(), two.clone()])
        .into_iter()
        .map(|result| result.expect_err("refused"))
        .collect();
    for (error, path, other) in [(&errors[0], &one, &two), (&errors[1], &two, &one)] {
        let text = error.to_string();
        assert!(text.contains(what), "{text}");
        assert!(
            text.contains(&path.display().to_string()) && text.contains(&other.display().to_string()),
            "{text}"
        );
    }
}

#[test]
fn a_huge_policy_file_is_not_read_into_memory() {
    let home = Home::new();
    let path = home.0.path().join("huge.yaml");
    fs::File::create(&path)
        .expect("a file")
        .set_len(1 << 40)
        .expect("a sparse file");
    let error = policies::read(&[path]).remove(0).expect_err("refused");
    assert!(error.to_string().contains("256 KiB"), "{error}");
}
