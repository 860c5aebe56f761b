//! A story's other process: this test binary again, running one of its tests, which does nothing unless it was started so.

use std::{env, ffi::OsString, path::PathBuf, process::Command};

const STORE: &str = "LASTGOOD_TEST_STORE";

/// In the child: the store it was started for.
pub fn store() -> Option<PathBuf> {
    env::var_os(STORE).map(PathBuf::from)
}

/// A command that runs the test `name` of this binary as a child for `store`; `wrapper` is a program and arguments that precede it.
pub fn command(wrapper: &[&str], name: &str, store: &std::path::Path) -> Command {
    let binary = env::current_exe().expect("this binary").into_os_string();
    let mut words: Vec<OsString> = wrapper.iter().map(OsString::from).collect();
    words.extend([
        binary,
        name.into(),
        "--exact".into(),
        "--nocapture".into(),
        "--test-threads=1".into(),
    ]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(STORE, store);
    command
}
