//! Which filter, and when and where it reads.

use std::process::Command;

use crate::scene::{LOG, NOW, Scene, complaint, good, rows};

#[test]
fn now_and_zone_say_what_a_stamp_means() {
    let scene = Scene::new();
    let time = |arguments: &[&str]| {
        let line = ["f.yaml", "--line", LOG.lines().next().unwrap()];
        let output = Command::new(env!("CARGO_BIN_EXE_banner"))
            .args(["test", "--json"])
            .args(line)
            .args(arguments)
            .current_dir(&scene.folder)
            .output()
            .unwrap();
        rows(&good(output))[0]["time"].as_i64().unwrap()
    };
    let utc = time(&["--now", NOW, "--tz", "UTC"]);
    assert_eq!(time(&["--now", NOW, "--tz", "Europe/Berlin"]), utc - 3600);
    assert_eq!(
        time(&["--now", NOW, "--tz", "CET-1CEST,M3.5.0,M10.5.0/3"]),
        utc - 3600
    );
    let year_before = "1763640000";
    assert_eq!(
        time(&["--now", year_before, "--tz", "UTC"]),
        utc - 365 * 86_400
    );
}

#[test]
fn without_stamps_the_time_is_now() {
    let scene = Scene::new();
    scene.write("j.yaml", "fail: ['^a <HOST>$']\n");
    let rows = scene.rows(&["j.yaml", "--stamp", "none", "--line", "a 192.0.2.7"]);
    assert_eq!(rows[0]["time"].to_string(), NOW);
}

#[test]
fn what_is_no_filter_is_said() {
    let scene = Scene::new();
    scene.write("bad.yaml", "fail: ['(']\n");
    for (filter, word) in [
        ("bad.yaml", "bad.yaml:1"),
        ("absent.yaml", "does not exist"),
        ("./", "folder"),
        ("shd", "did you mean sshd"),
        ("fail2ban:sshd", "/nowhere"),
    ] {
        let output = scene.run(&[filter, "log", "--fail2ban-dir", "/nowhere"]);
        let said = complaint(&output);
        assert!(said.contains(word), "{filter}: {said}");
    }
}

#[test]
fn filters_come_from_the_library_and_from_beside_the_configuration() {
    let scene = Scene::new();
    assert_eq!(scene.rows(&["sshd", "log"]).len(), 4);
    scene.write("filters.d/sshd.yaml", "fail: ['^nothing <HOST>$']\n");
    let rows = scene.rows(&["sshd", "log"]);
    assert!(rows.iter().all(|row| row["verdict"] == "miss"), "{rows:?}");
}

#[test]
fn filters_of_fail2ban_are_read_with_their_options() {
    let scene = Scene::new();
    let filter = "\
[Definition]
failregex = ^\\s*h sshd\\[\\d+\\]: <what> password for <F-USER>\\S+</F-USER> from <HOST>
ignoreregex =
[Init]
what = Failed
";
    scene.write("f2b/filter.d/mine.conf", filter);
    let hosts = |name: &str| {
        let rows = scene.rows(&[name, "log", "--fail2ban-dir", "f2b"]);
        let hosts = rows
            .iter()
            .map(|row| row["host"].as_str().unwrap_or("-").to_owned());
        hosts.collect::<Vec<_>>()
    };
    assert_eq!(
        hosts("fail2ban:mine"),
        ["192.0.2.7", "-", "2001:db8::7", "192.0.2.7"]
    );
    assert_eq!(
        hosts("fail2ban:mine[what=Accepted]"),
        ["-", "192.0.2.8", "-", "-"]
    );
}

#[test]
fn patterns_are_listed_with_their_engine() {
    let scene = Scene::new();
    scene.write(
        "two.yaml",
        "fail: ['^a <HOST>$', '^(?!b)\\S <HOST>$']\nignore: ['^c']\n",
    );
    let text = scene.text(&["two.yaml", "--patterns", "--json"]);
    let engines: Vec<_> = (rows(&text).iter())
        .map(|row| {
            format!(
                "{} {}",
                row["part"].as_str().unwrap(),
                row["engine"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        engines,
        ["fail[0] linear", "fail[1] backtracking", "ignore[0] linear"]
    );
}
