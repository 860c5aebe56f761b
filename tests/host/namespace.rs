//! A systemd in namespaces of its own: how it is started, found and spoken to. `tests/deploy` has its own units there.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The arguments of `unshare`; all of the namespace ends with it.
pub const NAMESPACES: [&str; 8] = [
    "--pid",
    "--fork",
    "--kill-child",
    "--mount",
    "--uts",
    "--ipc",
    "--cgroup",
    "--mount-proc",
];

/// The units without which nothing can be asked of it.
pub const UNITS: [(&str, &str); 3] = [
    (
        "test.target",
        "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket dbus.service\nAfter=dbus.service\n",
    ),
    (
        "dbus.socket",
        "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
    ),
    (
        "dbus.service",
        "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\nAfter=dbus.socket\n[Service]\nNonBlocking=yes\n\
         ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --nosyslog\n",
    ),
];

/// Starts it with the units in a directory; what it says goes to the file `log`.
pub fn start(units: &Path, log: &Path) -> Child {
    let log = fs::File::create(log).expect("a log");
    Command::new("unshare")
        .args(NAMESPACES)
        .arg("sh")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/systemd.sh"))
        .arg(units)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log"))
        .stderr(log)
        .spawn()
        .expect("unshare")
}

/// Its process as the machine sees it; 0 while there is none.
pub fn init(unshare: &Child) -> u32 {
    let id = unshare.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let child = children.split_whitespace().next();
    child.and_then(|child| child.parse().ok()).unwrap_or(0)
}

/// Where its bus is for those outside.
pub fn bus(init: u32) -> String {
    format!("unix:path=/proc/{init}/root/run/dbus/system_bus_socket")
}
