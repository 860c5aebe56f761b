//! No permission, a read-only file system, a full disk: the link stays, and the sentence says what to do.

use std::{fs, path::Path, process::Command};

use lastgood::{ports::Platform, record::ActResult};

use crate::rig::{Site, again, can, inside, intent, quiet};

const NAMESPACE: [&str; 4] = ["unshare", "--mount", "--propagation", "private"];
const NOBODY: [&str; 5] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

/// Has v1 and v2 seen, does `harm`, and returns what a revert and a rehearsal say then.
async fn said_after(directory: &Path, harm: impl FnOnce(&Site)) -> (String, String) {
    let site = Site::at(&directory.join("app"), &directory.join("store"), quiet());
    let known = site.contents_of_both().await;
    harm(&site);
    let result = site.host.revert(&intent(1, &known.1, &known.0)).await.expect("told");
    let ActResult::NotMoved { error } = result else {
        panic!("{result:?}")
    };
    assert_eq!(site.text(), Path::new("releases/v2"));
    let unready = site.host.rehearse(Some(&known.0), None).await;
    assert_eq!(unready.len(), 1, "{unready:?}");
    assert_eq!(unready[0].name, "link_not_movable");
    (error, unready[0].because.clone())
}

impl Site {
    /// v1 and v2, prepared by whoever may write.
    async fn contents_of_both(&self) -> (lastgood::words::Version, lastgood::words::Version) {
        if inside().is_some() && self.target.current.exists() {
            let of = async |name: &str| {
                let name = name.parse().expect("a name");
                let kept = lastgood::ports::Contents::kept(&*self.contents, &crate::rig::key(), &name).await;
                kept.expect("kept listings").remove(0).0
            };
            return (of("v1").await, of("v2").await);
        }
        let bad = self.bad_v2().await;
        (bad.to, bad.from)
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) {
    let status = Command::new(program).args(arguments).arg(path).status().expect("a program");
    assert!(status.success(), "{program} {arguments:?}");
}

#[tokio::test]
async fn a_read_only_file_system_is_told_with_the_drop_in_that_helps() {
    let name = "faults::a_read_only_file_system_is_told_with_the_drop_in_that_helps";
    let Some(directory) = inside() else {
        let temporary = tempfile::TempDir::new().expect("a directory");
        if can(name, &NAMESPACE) {
            again(name, &NAMESPACE, temporary.path());
        }
        return;
    };
    let (error, unready) = said_after(&directory, |site| {
        let app = site.app.to_str().expect("a path");
        run("mount", &["--bind", app], &site.app);
        run("mount", &["-o", "remount,bind,ro"], &site.app);
    })
    .await;
    for said in [error, unready] {
        assert!(
            said.contains(&format!("add `ReadWritePaths={}`", directory.join("app").display())),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_full_disk_is_told() {
    let name = "faults::a_full_disk_is_told";
    let Some(directory) = inside() else {
        let temporary = tempfile::TempDir::new().expect("a directory");
        if can(name, &NAMESPACE) {
            again(name, &NAMESPACE, temporary.path());
        }
        return;
    };
    let disk = directory.join("app");
    fs::create_dir(&disk).expect("a mount point");
    // Inodes run out as blocks do, with the same error; and a short symlink takes no block.
    run("mount", &["-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "tmpfs"], &disk);
    fs::create_dir(disk.join("releases")).expect("the releases");
    let (error, unready) = said_after(&directory, |site| {
        let filled = (0..)
            .map(|number| fs::write(site.app.join(format!("fill-{number}")), "x"))
            .find_map(Result::err)
            .expect("full at last");
        assert_eq!(filled.kind(), std::io::ErrorKind::StorageFull);
    })
    .await;
    for said in [error, unready] {
        assert!(
            said.starts_with("cannot create `") && said.ends_with("no space is left; free some space or raise the quota"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn no_permission_to_the_link_is_told() {
    let name = "faults::no_permission_to_the_link_is_told";
    if let Some(directory) = inside() {
        let (error, unready) = said_after(&directory, |_| ()).await;
        for said in [error, unready] {
            assert!(
                said.contains("permission denied; let the user that lastgood runs as read and write"),
                "{said}"
            );
        }
        return;
    }
    let temporary = tempfile::TempDir::new().expect("a directory");
    let site = Site::at(&temporary.path().join("app"), &temporary.path().join("store"), quiet());
    site.bad_v2().await;
    drop(site);
    if can(name, &NOBODY) {
        // What lies here belongs to us; only the store is everybody's.
        run("chmod", &["755"], temporary.path());
        run("chmod", &["-R", "a+rX"], &temporary.path().join("app"));
        run("chown", &["-R", "65534:65534"], &temporary.path().join("store"));
        again(name, &NOBODY, temporary.path());
    }
}

#[tokio::test]
async fn a_plain_user_under_its_own_paths_needs_nothing_else() {
    let name = "faults::a_plain_user_under_its_own_paths_needs_nothing_else";
    if let Some(directory) = inside() {
        let site = Site::at(&directory.join("app"), &directory.join("store"), quiet());
        let bad = site.bad_v2().await;
        assert_eq!(site.host.rehearse(Some(&bad.to), None).await, []);
        crate::rig::applied(&site.host.revert(&bad).await.expect("told"));
        return;
    }
    let temporary = tempfile::TempDir::new().expect("a directory");
    if can(name, &NOBODY) {
        run("chown", &["65534:65534"], temporary.path());
        again(name, &NOBODY, temporary.path());
    }
}
