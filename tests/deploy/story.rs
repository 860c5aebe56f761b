//! docs/releases.md, From CI to the host: CI records four releases, two of them are deployed on a host with systemd and nginx while clients
//! ask all the time, one is gone back from; and what a plain restart loses.

use std::{fs, thread, time::Duration};

use regex::Regex;

use crate::systemd::{Counted, Host, Load, missing, served, serves, shop};

/// The blocks of commands in the story, each command with what the page shows of it.
fn story() -> Vec<Vec<(String, String)>> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/releases.md")).expect("the page");
    let section = page.split("\n## From CI to the host\n").nth(1).expect("the story");
    let section = section.split("\n## ").next().expect("its end");
    let blocks = section
        .split("```console\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let commands = |block: &str| {
        let parted = block
            .split("$ lastgood ")
            .skip(1)
            .filter_map(|command| command.split_once('\n'));
        parted
            .map(|(command, output)| (command.to_owned(), output.to_owned()))
            .collect()
    };
    blocks.map(commands).collect()
}

/// Without what differs from run to run: numbers and their units, hashes, who runs the test, where.
fn masked(text: &str) -> String {
    let me = lastgood::web::actor(rustix::process::getuid().as_raw()).0;
    let mut text = text
        .replace(&me, "alice (uid 1000)")
        .replace("HOME/shop/", "/opt/myapp/")
        .replace("HOME/lastgood.sock", "/run/lastgood/lastgood.sock");
    for (pattern, instead) in [
        ("[0-9a-f]{12}", "H"),
        ("[0-9]+", "N"),
        ("N (ms|s|min)\\b", "N s"),
        ("-{2,}", "--"),
        (" +", " "),
    ] {
        text = Regex::new(pattern)
            .expect("a pattern")
            .replace_all(&text, instead)
            .into_owned();
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The words of a command line; what stands in quotes is one.
fn words(command: &str) -> Vec<&str> {
    let parts = command.split('\'').enumerate();
    let words = parts.flat_map(|(number, part)| match number % 2 {
        0 => part.split_whitespace().collect(),
        _ => vec![part],
    });
    words.collect()
}

/// What was said, and what the page shows.
#[derive(Default)]
struct Told {
    said: String,
    shown: String,
}

/// Runs the commands of a block. What only looks is asked until it says what the page shows: the controller may see it later.
fn tell(host: &Host, block: &[(String, String)], told: &mut Told) {
    for (command, shown) in block {
        let words = words(command);
        let looks = matches!(words[0], "releases" | "audit");
        let mut said = host.says(&words);
        for _ in 0..100 {
            if !looks || masked(&said.out) == masked(shown) {
                break;
            }
            thread::sleep(Duration::from_millis(100));
            said = host.says(&words);
        }
        println!("$ lastgood {command}\n{}{}", said.out, said.err);
        assert_eq!(said.code, Some(0), "{command}: {said:?}");
        told.said += &masked(&format!("$ lastgood {command}\n{}{}", said.out, said.err));
        told.shown += &masked(&format!("$ lastgood {command}\n{shown}"));
    }
}

/// Says what a load came to.
fn counted(how: &str, counted: &Counted) {
    let (answered, lost) = (counted.answered, counted.lost.len());
    println!("by {how}: {answered} requests answered, {lost} lost");
    assert!(counted.answered > 500, "{how}: {counted:?}");
}

#[test]
fn from_ci_to_the_host_and_back_no_request_is_lost_by_a_reload_or_behind_a_socket() {
    let name = "story::from_ci_to_the_host_and_back_no_request_is_lost_by_a_reload_or_behind_a_socket";
    if let Some(missing) = missing() {
        eprintln!("skipped: {name}: {missing}");
        return;
    }
    let story = story();
    let [recorded, first, two, back] = story.as_slice() else {
        panic!("four blocks: {story:?}");
    };
    let host = Host::start();
    for version in ["v1", "v2", "v3", "v4"] {
        shop(&host, version);
        for service in ["pages", "plain"] {
            served(&host, service, version);
            host.record(service, version);
        }
    }
    let mut told = Told::default();
    tell(&host, recorded, &mut told);
    // The first deploys of all: what does not run yet is started.
    assert!(host.systemctl(&["start", "myapp.socket"]));
    tell(&host, first, &mut told);
    host.deploy("pages", "v1");
    host.deploy("plain", "v1");
    serves(host.front, "shop", "v1");
    let controller = host.controller();
    let (shop, pages) = (Load::start(host.front, "shop"), Load::start(host.front, "pages"));
    tell(&host, two, &mut told);
    serves(host.front, "shop", "v4");
    for version in ["v2", "v4"] {
        host.deploy("pages", version);
        serves(host.front, "pages", version);
    }
    tell(&host, back, &mut told);
    serves(host.front, "shop", "v2");
    for (how, load) in [
        ("restart behind its socket, two deploys and a rollback", shop),
        ("reload, two deploys", pages),
    ] {
        let ended = load.end();
        counted(how, &ended);
        assert!(ended.lost.is_empty(), "{how}: {ended:?}");
    }
    let plain = Load::start(host.plain, "plain");
    for version in ["v2", "v4"] {
        host.deploy("plain", version);
        serves(host.plain, "plain", version);
    }
    counted("plain restart, two deploys", &plain.end());
    drop(controller);
    assert_eq!(told.said, told.shown);
}
