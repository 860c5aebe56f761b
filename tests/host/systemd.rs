//! Units of a real systemd: what a restart and a reload come to, and each way in which they cannot.

use std::{fs, path::Path, process::Command};

use lastgood::{
    engine::Look,
    policy::{Activate, ActivateBy},
    ports::Platform,
    record::{ActResult, Process},
};
use tempfile::TempDir;

use crate::{
    pid1::Systemd,
    rig::{Site, again, applied, can, inside},
};

async fn process(site: &Site) -> Process {
    site.host.observe().await.expect("an observation").process.expect("a process")
}

fn not_activated(result: &ActResult) -> &str {
    match result {
        ActResult::NotActivated { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_unit_is_restarted_and_its_new_process_runs_what_was_put_back() {
    let name = "a_unit_is_restarted_and_its_new_process_runs_what_was_put_back";
    // Says which version it runs, through the link.
    let service = "ExecStartPre=/bin/sleep 0.1\nExecStart=/bin/sh -c 'readlink APP/current > APP/running; exec sleep infinity'\n";
    let Some(systemd) = Systemd::start(name, service).await else {
        return;
    };
    let (site, intent) = systemd.bad_v2("app.service", ActivateBy::Restart).await;
    systemd.start_app().await;
    let before = process(&site).await;
    assert!(
        before.active && before.main_pid != 0 && before.invocation.len() == 32,
        "{before:?}"
    );
    assert_eq!(site.host.rehearse(Some(&intent.to), None).await, []);
    let result = site.host.revert(&intent).await.expect("told");
    let after = process(&site).await;
    assert_eq!(
        applied(&result),
        format!("restart of app.service done; active, main process {}", after.main_pid)
    );
    assert_ne!(after.invocation, before.invocation);
    assert!(after.active && after.started_at > before.started_at, "{after:?}");
    assert_eq!(
        fs::read_to_string(site.app.join("running")).expect("what runs"),
        "releases/v1\n"
    );
    let ActResult::Applied {
        moved_at, activated_at, ..
    } = result
    else {
        panic!("{result:?}")
    };
    assert_eq!(Some(activated_at), after.started_at);
    assert_eq!(site.host.look(&intent).await, Ok(Look::Done { moved_at, activated_at }));
}

#[tokio::test]
async fn b01_a_link_that_was_moved_before_the_unit_took_it_up_is_only_activated() {
    let name = "b01_a_link_that_was_moved_before_the_unit_took_it_up_is_only_activated";
    let Some(systemd) = Systemd::start(name, "ExecStartPre=/bin/sleep 0.1\nExecStart=/bin/sleep infinity\n").await else {
        return;
    };
    let (site, intent) = systemd.bad_v2("app.service", ActivateBy::Restart).await;
    systemd.start_app().await;
    // As a crash between the exchange and the restart leaves it.
    site.switch("releases/v1");
    assert!(matches!(site.host.look(&intent).await, Ok(Look::Moved { .. })));
    applied(&site.host.activate(&intent).await);
    assert!(matches!(site.host.look(&intent).await, Ok(Look::Done { .. })));
}

#[tokio::test]
async fn a_unit_is_reloaded_and_stays_the_same_process() {
    let name = "a_unit_is_reloaded_and_stays_the_same_process";
    let service = "ExecStart=/bin/sleep infinity\nExecReload=/bin/sh -c 'sleep 0.1; readlink APP/current > APP/running'\n";
    let Some(systemd) = Systemd::start(name, service).await else {
        return;
    };
    let (site, intent) = systemd.bad_v2("app.service", ActivateBy::Reload).await;
    systemd.start_app().await;
    let before = process(&site).await;
    let result = site.host.revert(&intent).await.expect("told");
    let after = process(&site).await;
    assert_eq!(
        applied(&result),
        format!("reload of app.service done; active, main process {}", before.main_pid)
    );
    assert_eq!((&after.invocation, after.main_pid), (&before.invocation, before.main_pid));
    assert!(
        after.started_at > before.started_at,
        "the end of the reload shows: {before:?} {after:?}"
    );
    assert_eq!(
        fs::read_to_string(site.app.join("running")).expect("what runs"),
        "releases/v1\n"
    );
    assert!(matches!(site.host.look(&intent).await, Ok(Look::Done { .. })));
    // A bad version that crashed cannot be reloaded: the unit is started instead.
    systemd.systemctl(&["stop", "app.service"]).await.expect("stopped");
    site.switch("releases/v2");
    let result = site.host.revert(&intent).await.expect("told");
    assert!(
        applied(&result).starts_with("restart of app.service done; active"),
        "{result:?}"
    );
}

#[tokio::test]
async fn b04_units_that_cannot_be_activated_are_each_told_apart() {
    let name = "b04_units_that_cannot_be_activated_are_each_told_apart";
    let Some(systemd) = Systemd::start(name, "ExecStart=/bin/sleep infinity\n").await else {
        return;
    };
    for (unit, by, unready, error) in [
        (
            "nosuch.service",
            ActivateBy::Restart,
            "unit_not_found",
            "systemd knows no unit `nosuch.service`; correct `unit` in the policy",
        ),
        (
            "masked.service",
            ActivateBy::Restart,
            "unit_masked",
            "the unit `masked.service` is masked; run `systemctl unmask",
        ),
        (
            "app.service",
            ActivateBy::Reload,
            "unit_cannot_reload",
            "the unit `app.service` cannot reload: it has no ExecReload=",
        ),
    ] {
        let (site, intent) = systemd.bad_v2(unit, by).await;
        let found = site.host.rehearse(Some(&intent.to), None).await;
        assert_eq!(found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), [unready]);
        assert!(found[0].because.starts_with(error), "{found:?}");
        let result = site.host.revert(&intent).await.expect("told");
        assert!(not_activated(&result).starts_with(error), "{result:?}");
        assert_eq!(site.text(), Path::new("releases/v1"), "never flipped back");
    }
}

#[tokio::test]
async fn b04_a_restart_that_fails_or_does_not_last_is_told() {
    let name = "b04_a_restart_that_fails_or_does_not_last_is_told";
    // What it does is what the file says; by and by it fails at once, dies within a second, and loops.
    let service = "Type=exec\nExecStart=/bin/sh APP/behavior\n";
    let Some(systemd) = Systemd::start(name, service).await else {
        return;
    };
    let (site, intent) = systemd.bad_v2("app.service", ActivateBy::Restart).await;
    let unit = systemd.directory.path().join("units/app.service");
    for (behavior, more, error) in [
        (
            "exit 3",
            "ExecStartPre=/bin/false\n",
            "the restart of `app.service` ended as `failed` (the unit is failed, exit-code)",
        ),
        (
            "sleep 0.5; exit 3",
            "",
            "`app.service` was active after its restart and did not stay so for 2 s (it is failed, exit-code)",
        ),
        (
            "sleep 0.5; exit 3",
            "Restart=always\nRestartSec=100ms\n",
            "`app.service` was active after its restart and did not stay so for 2 s",
        ),
    ] {
        fs::write(site.app.join("behavior"), behavior).expect("a behavior");
        fs::write(
            &unit,
            format!(
                "[Unit]\nDefaultDependencies=no\n[Service]\n{}{more}",
                service.replace("APP", site.app.to_str().expect("a path"))
            ),
        )
        .expect("a unit");
        systemd.systemctl(&["daemon-reload"]).await.expect("reloaded");
        site.switch("releases/v2");
        let result = site.host.revert(&intent).await.expect("told");
        assert!(not_activated(&result).starts_with(error), "{behavior}: {result:?}");
        assert!(
            not_activated(&result).ends_with("run `journalctl -u app.service`"),
            "{result:?}"
        );
        assert_eq!(site.text(), Path::new("releases/v1"), "never flipped back");
    }
}

#[tokio::test]
async fn b04_without_systemd_what_runs_is_still_told() {
    let directory = TempDir::new().expect("a directory");
    let activate = Activate::Unit {
        unit: "app.service".to_owned(),
        by: ActivateBy::Restart,
    };
    let mut site = Site::at(&directory.path().join("app"), &directory.path().join("store"), activate);
    site.host = site
        .host
        .with_bus_address(format!("unix:path={}/no-bus", directory.path().display()));
    let bad = site.bad_v2().await;
    let seen = site.host.observe().await.expect("an observation");
    assert_eq!((seen.version, seen.process), (Some(bad.from.clone()), None));
    assert!(
        seen.remarks[0].starts_with("systemd does not answer on the system bus"),
        "{:?}",
        seen.remarks
    );
    let unready = site.host.rehearse(Some(&bad.to), None).await;
    assert_eq!(
        unready.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["no_systemd"]
    );
    let result = site.host.revert(&bad).await.expect("told");
    assert!(not_activated(&result).starts_with("systemd does not answer"), "{result:?}");
}

#[tokio::test]
async fn a_plain_user_without_the_polkit_rule_is_told_before_the_incident() {
    let name = "systemd::a_plain_user_without_the_polkit_rule_is_told_before_the_incident";
    if let Some(directory) = inside() {
        let activate = Activate::Unit {
            unit: "app.service".to_owned(),
            by: ActivateBy::Restart,
        };
        let site = Site::at(&directory.join("app"), &directory.join("store"), activate);
        let bad = site.bad_v2().await;
        assert!(process(&site).await.active, "looking is allowed");
        let unready = site.host.rehearse(Some(&bad.to), None).await;
        assert_eq!(
            unready.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
            ["unit_not_permitted"]
        );
        let result = site.host.revert(&bad).await.expect("told");
        assert!(
            not_activated(&result)
                .starts_with("lastgood may not manage the unit `app.service`; name the unit in /etc/polkit-1/rules.d"),
            "{result:?}"
        );
        return;
    }
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    if !can(name, &nobody) {
        return;
    }
    let Some(systemd) = Systemd::start(name, "ExecStart=/bin/sleep infinity\n").await else {
        return;
    };
    systemd.start_app().await;
    let init = systemd.init.to_string();
    let owned = Command::new("chown")
        .arg("65534:65534")
        .arg(systemd.directory.path())
        .status()
        .expect("chown");
    assert!(owned.success());
    let wrapper = [
        "nsenter",
        "-t",
        &init,
        "-a",
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--",
    ];
    again(name, &wrapper, systemd.directory.path());
}
