//! What is unpacked, and what no archive gets by with (s18): ways out, links, devices, bombs.

use std::{
    fs,
    io::{Cursor, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use rstest::rstest;
use tar::{EntryType, Header};

use crate::rig::{NOTING, Scene, entry, gzip, small_tar};

/// A tar of one entry whose header is written as it stands, which no honest tool would.
fn raw(path: &str, kind: EntryType, link: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    entry(&mut archive, "bin/app", 0o755, b"#!/bin/sh\n");
    archive
        .append(&header(path, kind, link, content.len() as u64), content)
        .expect("an entry");
    archive.into_inner().expect("an archive")
}

fn header(path: &str, kind: EntryType, link: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o4777);
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path.as_bytes());
    old.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    header
}

#[rstest]
#[case::dots(
    raw("../evil", EntryType::Regular, "", b"x"),
    "`../evil` leads out of the release with `..`"
)]
#[case::dots_within(raw("bin/../../evil", EntryType::Regular, "", b"x"), "leads out of the release with `..`")]
#[case::absolute(raw("/tmp/evil", EntryType::Regular, "", b"x"), "`/tmp/evil` has an absolute path")]
#[case::link_out(raw("link", EntryType::Symlink, "../../etc", b""), "`link` is a link out of the release")]
#[case::link_absolute(raw("link", EntryType::Symlink, "/etc/passwd", b""), "`link` is a link to an absolute path")]
#[case::hard_link_out(
    raw("link", EntryType::Link, "../../secret", b""),
    "`link` is a hard link out of the release"
)]
#[case::hard_link_absolute(
    raw("link", EntryType::Link, "/etc/passwd", b""),
    "`link` is a hard link out of the release"
)]
#[case::hard_link_nowhere(
    raw("link", EntryType::Link, "none", b""),
    "`link` is a hard link to nothing that came before it"
)]
#[case::block_device(raw("disk", EntryType::Block, "", b""), "`disk` is a device")]
#[case::char_device(raw("tty", EntryType::Char, "", b""), "`tty` is a device")]
#[case::pipe(raw("pipe", EntryType::Fifo, "", b""), "`pipe` is a pipe")]
#[case::twice(raw("bin/app", EntryType::Regular, "", b"x"), "`bin/app` comes twice")]
#[case::through_a_file(
    raw("bin/app/x", EntryType::Regular, "", b"x"),
    "`bin/app` comes twice, or leads through a link or a file"
)]
fn s18_an_entry_that_attacks_is_named_and_nothing_changes(#[case] archive: Vec<u8>, #[case] says: &str) {
    let scene = Scene::with_v1();
    let archive = scene.write("evil.tar.gz", &gzip(&archive));
    let said = scene.deploy("v2", &["--from", &archive]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("error: nothing was changed: `evil.tar.gz` is refused: its entry"),
        "{said:?}"
    );
    assert!(said.err.contains(says), "{said:?}");
    scene.untouched();
    assert!(!Path::new("/tmp/evil").exists() && !scene.path("evil").exists() && !scene.path("app/evil").exists());
}

#[test]
fn s18_a_link_is_not_written_through_and_links_that_are_chained_lead_nowhere_outside() {
    let mut through = tar::Builder::new(Vec::new());
    through
        .append(&header("way", EntryType::Symlink, "bin", 0), &b""[..])
        .expect("an entry");
    through
        .append(&header("way/app", EntryType::Regular, "", 1), &b"x"[..])
        .expect("an entry");
    // By its text `a/b/up/..` is `a/b`; followed it is above the release.
    let mut chained = tar::Builder::new(Vec::new());
    chained
        .append(&header("a/b/up", EntryType::Symlink, "../..", 0), &b""[..])
        .expect("an entry");
    chained
        .append(&header("out", EntryType::Symlink, "a/b/up/..", 0), &b""[..])
        .expect("an entry");
    for (archive, says) in [
        (through, "`way` comes twice, or leads through a link or a file"),
        (chained, "`out` is a link out of the release, or in a circle"),
    ] {
        let scene = Scene::with_v1();
        let archive = scene.write("evil.tar", &archive.into_inner().expect("an archive"));
        let said = scene.deploy("v2", &["--from", &archive]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(says), "{said:?}");
        scene.untouched();
    }
}

#[test]
fn links_inside_modes_and_hard_links_are_taken_over_special_bits_are_not() {
    let mut archive = tar::Builder::new(Vec::new());
    entry(&mut archive, "bin/app-1", 0o755, b"#!/bin/sh\n");
    archive
        .append(&header("bin/app", EntryType::Symlink, "app-1", 0), &b""[..])
        .expect("an entry");
    archive
        .append(&header("bin/same", EntryType::Link, "bin/app-1", 0), &b""[..])
        .expect("an entry");
    archive
        .append(&header("later", EntryType::Symlink, "var/not-yet", 0), &b""[..])
        .expect("an entry");
    entry(&mut archive, "secret", 0o600, b"x");
    let scene = Scene::new(NOTING);
    let archive = zstd::encode_all(Cursor::new(archive.into_inner().expect("an archive")), 1).expect("compressed");
    let archive = scene.write("myapp.tar.zst", &archive);
    let said = scene.deploy("v1", &["--from", &archive]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mode = |name: &str| {
        let meta = fs::metadata(scene.path("app/current").join(name)).expect("a file");
        meta.permissions().mode() & 0o7777
    };
    assert_eq!((mode("bin/app"), mode("bin/same"), mode("secret")), (0o755, 0o755, 0o600));
    let text = |name: &str| fs::read_link(scene.path("app/current").join(name)).expect("a link");
    assert_eq!((text("bin/app"), text("later")), ("app-1".into(), "var/not-yet".into()));
}

fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, mode, content) in entries {
        let options = zip::write::SimpleFileOptions::default().unix_permissions(*mode);
        if *mode & 0o170_000 == 0o120_000 {
            let target = std::str::from_utf8(content).expect("text");
            archive.add_symlink(*path, target, options).expect("an entry");
        } else {
            archive.start_file(*path, options).expect("an entry");
            archive.write_all(content).expect("content");
        }
    }
    archive.finish().expect("an archive").into_inner()
}

#[test]
fn a_zip_is_unpacked_and_its_attacks_are_refused_as_a_tars() {
    let scene = Scene::with_v1();
    let program = b"#!/bin/sh\necho v2\n";
    let good = zip_of(&[
        ("bin/app", 0o755, program),
        ("config", 0o644, b"version = v2\n"),
        ("bin/sh", 0o120_777, b"app"),
    ]);
    let good = scene.write("myapp.zip", &good);
    let out = scene.write("out.zip", &zip_of(&[("../../evil", 0o644, b"x")]));
    let link = scene.write("link.zip", &zip_of(&[("link", 0o120_777, b"../../etc")]));
    for (archive, says) in [
        (out, "leads out of the release with `..`"),
        (link, "is a link out of the release"),
    ] {
        let said = scene.deploy("v2", &["--from", &archive]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(says), "{said:?}");
        scene.untouched();
    }
    let said = scene.deploy("v2", &["--from", &good]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(scene.whole("v2"));
    assert_eq!(
        fs::read_link(scene.path("app/current/bin/sh")).expect("a link"),
        Path::new("app")
    );
}

#[test]
fn a_single_program_comes_with_its_configuration_and_may_be_executed() {
    let scene = Scene::new(NOTING);
    let (program, config) = (scene.write("myapp", b"\x7fELF..."), scene.write("myapp.toml", b"a = 1\n"));
    let said = scene.deploy("v1", &["--from", &program, "--from", &config]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mode = |name: &str| {
        let meta = fs::metadata(scene.path("app/current").join(name)).expect("a file");
        meta.permissions().mode() & 0o777
    };
    assert_eq!((mode("myapp"), mode("myapp.toml")), (0o755, 0o644));
}

/// Ten gigabytes of zeros in a tar, in about ten megabytes: one header, and the same eight compressed megabytes 1280 times.
fn bomb() -> Vec<u8> {
    const MEMBER: usize = 8 << 20;
    const MEMBERS: u64 = 1280;
    let mut bomb = gzip(header("zeros", EntryType::Regular, "", MEMBERS * MEMBER as u64).as_bytes());
    let member = gzip(&vec![0; MEMBER]);
    for _ in 0..MEMBERS {
        bomb.extend_from_slice(&member);
    }
    bomb
}

#[test]
fn ten_gigabytes_in_ten_megabytes_are_refused() {
    let scene = Scene::with_v1();
    let bomb = bomb();
    assert!(bomb.len() < 60 << 20, "{}", bomb.len());
    let bomb = scene.write("bomb.tar.gz", &bomb);
    let said = scene.deploy("v2", &["--from", &bomb]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("`bomb.tar.gz` is refused: it unpacks to more than 4294967296 bytes"),
        "{said:?}"
    );
    scene.untouched();
    let said = scene.deploy("v2", &["--from", &bomb, "--max-bytes", "20GiB"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("it unpacks to more than 100 times its"), "{said:?}");
    scene.untouched();
}

#[test]
fn a_bomb_of_entries_or_of_headers_is_refused() {
    let scene = Scene::with_v1();
    let mut many = tar::Builder::new(Vec::new());
    for number in 0..20 {
        entry(&mut many, &format!("file-{number}"), 0o644, b"");
    }
    let many = scene.write("many.tar.gz", &gzip(&many.into_inner().expect("an archive")));
    let said = scene.deploy("v2", &["--from", &many, "--max-entries", "10"]);
    assert!(
        said.err.contains("it holds more than 10 files, directories and links"),
        "{said:?}"
    );
    // A name of 64 MiB, which a reader that trusts it would hold in memory.
    let mut long = header("././@LongLink", EntryType::GNULongName, "", 64 << 20)
        .as_bytes()
        .to_vec();
    long.resize(long.len() + (64 << 20), b'a');
    let long = scene.write("long.tar.gz", &gzip(&long));
    let said = scene.deploy("v2", &["--from", &long]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("over 1 MiB of headers stand between two files"), "{said:?}");
    scene.untouched();
}

#[rstest]
#[case::cut("half.tar.gz", gzip(&small_tar("v2"))[..100].to_vec(), "`half.tar.gz` cannot be unpacked: ")]
#[case::not_what_it_says("text.zip", b"text".to_vec(), "`text.zip` cannot be unpacked: ")]
#[case::empty("empty.tar", vec![0; 1024], "it holds no file")]
#[case::misnamed("download", gzip(&small_tar("v2")), "it is compressed, and its name does not end in `.tar.gz`")]
fn what_cannot_be_unpacked_is_told_and_nothing_changes(#[case] name: &str, #[case] content: Vec<u8>, #[case] says: &str) {
    let scene = Scene::with_v1();
    let archive = scene.write(name, &content);
    let said = scene.deploy("v2", &["--from", &archive]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(says), "{said:?}");
    scene.untouched();
}

#[test]
fn the_settings_say_how_much_a_release_may_be_and_an_option_wins() {
    let scene = Scene::with_v1();
    let settings = std::fs::read_to_string(scene.path("lastgood.toml")).expect("settings");
    scene.write("lastgood.toml", format!("{settings}[deploy]\nmax_entries = 1\n").as_bytes());
    let archive = scene.release("v2");
    let said = scene.deploy("v2", &["--from", &archive]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("it holds more than 1 files, directories and links"),
        "{said:?}"
    );
    scene.untouched();
    let shown = scene.lastgood(&["config", "show"]);
    let row = shown.out.lines().find(|line| line.starts_with("deploy.max_entries "));
    assert!(
        row.is_some_and(|row| row.contains(" 1 ") && row.ends_with("HOME/lastgood.toml")),
        "{shown:?}"
    );
    let said = scene.deploy("v2", &["--from", &archive, "--max-entries", "10"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    scene.write(
        "lastgood.toml",
        format!("{settings}[deploy]\nmax_bytes = \"4GB\"\nmax_entires = 1\n").as_bytes(),
    );
    let said = scene.deploy("v2", &[]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for says in ["write a size as `4GiB`", "did you mean `max_entries`?"] {
        assert!(said.err.contains(says), "{said:?}");
    }
}
