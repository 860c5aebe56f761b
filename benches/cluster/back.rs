//! A person's way back on a host: from the start of the command to the moved link.

use std::{process::Stdio, time::Duration};

use lastgood::{app::clock::SystemClock, ports::Clock as _};

use crate::{
    Figure,
    home::{Home, command},
};

const TURNS: usize = 9;

pub fn on_a_host() -> Figure {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v2", "{command: [/bin/true]}");
    home.release("myapp", "v1");
    let _controller = home.controller();
    home.until(&["status", "myapp"], |said| said.code == 0);
    let took = (0..TURNS).map(|turn| moved_within(&home, ["v1", "v2"][turn % 2])).collect();
    Figure {
        what: "`lastgood rollback` on a host, from its start to the moved link".to_owned(),
        took,
        goal: Some(1.0),
    }
}

fn moved_within(home: &Home, to: &str) -> Duration {
    let began = SystemClock.now();
    let mut person = command();
    person.args(["rollback", "myapp", "--to", to, "--yes", "-q", "--config"]);
    person
        .arg(home.path("lastgood.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut person = person.spawn().expect("lastgood");
    while home.points_to("myapp") != to {
        assert!(SystemClock.now().since(began).as_secs() < 60, "never moved");
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = SystemClock.now().since(began);
    assert!(person.wait().expect("ended").success());
    took
}
