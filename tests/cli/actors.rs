//! Who acts, as the audit tells it.

use super::home::Home;

/// Root by sudo is told by who called it; of anybody else what `SUDO_USER` says is not believed.
#[test]
fn who_acts_by_sudo_is_named_with_a_controller_and_without_one() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v2", "{command: [/bin/true]}");
    home.release("myapp", "v1");
    let settings = home.path("lastgood.toml");
    let settings = settings.to_str().expect("text");
    let variables = [("LASTGOOD_CONFIG", settings), ("SUDO_USER", "alice")];
    let me = rustix::process::getuid().as_raw();
    let expected = if me == 0 {
        "alice by sudo (uid 0)".to_owned()
    } else {
        lastgood::web::actor(me).0
    };
    let by = |to: &str| {
        let said = home.with(&["rollback", "myapp", "--to", to, "--yes"], &variables);
        assert_eq!(said.code, 0, "{}", said.err);
        let listed = home.lastgood(&["audit", "--action", "rollback", "-o", "json"]).out;
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let newest = listed["items"].as_array().and_then(|items| items.last()).expect("noted");
        newest["by"].as_str().expect("text").to_owned()
    };
    assert_eq!(by("v1"), expected, "without a controller");
    let _controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("myapp"));
    assert_eq!(by("v2"), expected, "through its socket");
}
