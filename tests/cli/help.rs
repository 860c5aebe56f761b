//! Help: every command's, as a terminal of 80 columns shows it; and what is said to who mistypes.

use std::{io::Read, process::Stdio};

use rstest::rstest;

use super::home::{Home, Said, command};

fn alone(arguments: &[&str]) -> Said {
    Home::new("http://127.0.0.1:9").with(arguments, &[])
}

#[rstest]
#[case("")]
#[case("run")]
#[case("check")]
#[case("status")]
#[case("explain")]
#[case("wait")]
#[case("deploy")]
#[case("judge")]
#[case("manifest")]
#[case("record")]
#[case("releases")]
#[case("release")]
#[case("release prove")]
#[case("release quarantine")]
#[case("release allow")]
#[case("rollback")]
#[case("approve")]
#[case("hold")]
#[case("hold list")]
#[case("hold resume")]
#[case("freeze")]
#[case("unfreeze")]
#[case("forget")]
#[case("audit")]
#[case("audit verify")]
#[case("schema")]
#[case("crd")]
#[case("config")]
#[case("config show")]
#[case("completions")]
#[case("demo")]
fn help_fits_on_a_screen_and_is_the_same_either_way(#[case] verb: &str) {
    let verbs: Vec<&str> = verb.split_whitespace().collect();
    let long = alone(&[&verbs[..], &["--help"]].concat());
    let short = alone(&[&verbs[..], &["-h"]].concat());
    assert_eq!((long.code, long.err.as_str()), (0, ""));
    assert_eq!(long.out, short.out);
    for line in long.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(long.out.lines().count() <= 50, "{}", long.out);
    let name = if verb.is_empty() {
        "lastgood".to_owned()
    } else {
        verb.replace(' ', "_")
    };
    insta::with_settings!({snapshot_path => "help", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, long.out);
    });
}

#[rstest]
#[case::command(&["statsu"], "a similar subcommand exists: 'status'")]
#[case::option(&["status", "--ouput", "json"], "a similar argument exists: '--output'")]
#[case::format(&["status", "-o", "jsn"], "a similar value exists: 'json'")]
#[case::service(&["wait", "My App"], "service name `My App` is not allowed: 1 to 63 of a-z")]
#[case::time(&["wait", "myapp", "--timeout", "30"], "write times with their unit: `30s`")]
#[case::id(&["approve", "foo"], "rollout `foo` is not allowed: a whole id")]
#[case::id_or_service(&["explain", "x/y"], "`x/y` is neither a rollout's id nor a service")]
#[case::reason(&["freeze"], "--reason <TEXT>")]
#[case::half(&["release", "allow", "v1"], "name one service and one version: SERVICE VERSION")]
#[case::version(&["release", "allow", "myapp", "a/b"], "version `a/b` is not allowed")]
#[case::nothing(&[], "Usage: lastgood")]
fn who_mistypes_is_told_what_was_meant(#[case] arguments: &[&str], #[case] says: &str) {
    let said = alone(arguments);
    assert!(said.err.contains(says), "{}", said.err);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
}

#[test]
fn the_version_is_short_or_what_a_report_needs() {
    let short = alone(&["-V"]).out;
    assert_eq!(short, concat!("lastgood ", env!("CARGO_PKG_VERSION"), "\n"));
    let long = alone(&["--version"]).out;
    assert!(long.starts_with(short.trim()) && long.contains("\nsqlite 3."), "{long}");
}

#[rstest]
#[case("bash")]
#[case("zsh")]
#[case("fish")]
fn completions_load_where_the_shell_is_there(#[case] shell: &str) {
    let script = alone(&["completions", shell]);
    assert_eq!(script.code, 0, "{}", script.err);
    assert!(script.out.contains("quarantine"), "the verbs are completed");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &script.out).expect("written");
    if let Ok(checked) = std::process::Command::new(shell).arg("-n").arg(file.path()).output() {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = command()
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lastgood");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut said).expect("text");
    let ended = child.wait().expect("ended");
    assert_eq!((ended.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_said() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = command().arg("schema").stdout(full).output().expect("lastgood");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.starts_with("error: cannot write to stdout: No space left on device"),
        "{said}"
    );
}
