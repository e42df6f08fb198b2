//! Lines of containers, out of the files that their runtimes write.

use std::fs;

use super::house::{House, Line};
use crate::model::{ContainerLog, Log, Runtime};

fn cri(pattern: String) -> Log {
    Log::Container(ContainerLog {
        runtime: Runtime::Cri,
        pattern,
        container: None,
    })
}

fn docker(folder: &str, container: Option<&str>) -> Log {
    Log::Container(ContainerLog {
        runtime: Runtime::Docker,
        pattern: format!("{folder}/containers/*/*-json.log"),
        container: container.map(str::to_owned),
    })
}

fn record(second: u32, stream: &str, flag: &str, text: &str) -> String {
    format!("2026-11-20T12:00:{second:02}.5Z {stream} {flag} {text}\n")
}

fn line(log: u16, text: &str, at: i64, origin: &str) -> Line {
    Line {
        logs: vec![log],
        text: text.into(),
        at: Some(at),
        cut: false,
        origin: Some(origin.into()),
    }
}

const LOG: &str = "pods/shop_web-1_8f0e/nginx/0.log";
const ORIGIN: &str = "shop/web-1/nginx";

fn pods(folder: &str) -> Vec<Log> {
    vec![cri(format!("{folder}/pods/shop_*_*/*/*.log"))]
}

#[test]
fn what_the_container_wrote_is_given_out_with_its_time_and_its_place() {
    let mut house = House::new(pods);
    house.open(Vec::new());
    house.append(
        LOG,
        record(1, "stdout", "F", "one") + &record(2, "stderr", "F", "two"),
    );
    house.append(
        "pods/other_x_1/c/0.log",
        record(1, "stdout", "F", "not of this namespace"),
    );
    assert_eq!(
        house.wait_for(2),
        [line(0, "one", 1, ORIGIN), line(0, "two", 2, ORIGIN)]
    );
}

#[test]
fn pieces_are_joined_whoever_writes_between_them() {
    let mut house = House::new(pods);
    house.open(Vec::new());
    house.append(LOG, record(1, "stdout", "P", "a"));
    house.append(LOG, record(2, "stderr", "F", "x"));
    assert_eq!(house.texts(), ["x"]);
    house.append(
        LOG,
        record(3, "stdout", "P", "b") + &record(4, "stdout", "F", "c"),
    );
    assert_eq!(house.lines(), [line(0, "abc", 1, ORIGIN)]);
}

#[test]
fn a_line_is_joined_across_a_rotation() {
    let mut house = House::new(pods);
    house.open(Vec::new());
    house.append(
        LOG,
        record(1, "stdout", "F", "one") + &record(1, "stdout", "P", "a"),
    );
    house.settle();
    fs::rename(
        house.path(LOG),
        house.path("pods/shop_web-1_8f0e/nginx/0.log.1"),
    )
    .expect("rename");
    house.append(
        LOG,
        record(2, "stdout", "F", "b") + &record(3, "stdout", "F", "c"),
    );
    assert_eq!(house.texts(), ["one", "ab", "c"]);
}

#[test]
fn a_line_is_joined_across_a_restart() {
    let mut house = House::new(pods);
    house.open(Vec::new());
    house.append(
        LOG,
        record(1, "stdout", "F", "one") + &record(2, "stdout", "P", "a"),
    );
    assert_eq!(house.texts(), ["one"]);
    house.restart();
    house.append(LOG, record(3, "stdout", "F", "b"));
    assert_eq!(house.texts(), ["ab"]);
    house.restart();
    house.append(LOG, record(4, "stdout", "F", "c"));
    assert_eq!(house.texts(), ["c"]);
}

#[test]
fn a_line_is_cut_at_the_limit_however_many_pieces_it_has() {
    let mut house = House::new(pods);
    house.open(Vec::new());
    for _ in 0..1000 {
        house.append(LOG, record(1, "stdout", "P", "0123456789abcdef"));
    }
    house.append(
        LOG,
        record(2, "stdout", "F", "end") + &record(3, "stdout", "F", "next"),
    );
    let lines = house.lines();
    let cut = Line {
        cut: true,
        ..line(0, "0123456789abcdef0123456789abcd", 1, ORIGIN)
    };
    assert_eq!(lines, [cut, line(0, "next", 3, ORIGIN)]);
}

#[test]
fn what_is_in_no_form_is_counted_and_the_rest_is_read() {
    let mut house = House::new(pods);
    house.open(Vec::new());
    house.append(LOG, "Failed password for root\n\n");
    house.append(LOG, record(1, "stdout", "F", "one"));
    assert_eq!(house.texts(), ["one"]);
    let sources = house.sources.as_ref().expect("they are open");
    assert_eq!(sources.stats().strange, 2);
}

#[test]
fn a_file_may_be_read_as_it_is_beside() {
    let mut house = House::new(|folder| {
        vec![
            cri(format!("{folder}/{LOG}")),
            Log::File(format!("{folder}/{LOG}")),
        ]
    });
    house.open(Vec::new());
    let text = record(1, "stdout", "F", "one");
    house.append(LOG, &text);
    let plain = Line {
        logs: vec![1],
        text: text.trim_end().into(),
        at: None,
        cut: false,
        origin: None,
    };
    assert_eq!(house.wait_for(2), [plain, line(0, "one", 1, ORIGIN)]);
}

#[test]
fn docker_is_chosen_by_the_name_that_it_keeps_beside_the_log() {
    let mut house = House::new(|folder| vec![docker(folder, Some("web*")), docker(folder, None)]);
    for (id, name) in [("1111", "/web-1"), ("2222", "/db")] {
        let config = format!(r#"{{"Name":"{name}"}}"#);
        house.append(&format!("containers/{id}/config.v2.json"), config);
    }
    house.open(Vec::new());
    let json = |text: &str| {
        format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2026-11-20T12:00:01Z\"}}\n")
    };
    house.append(
        "containers/1111/1111-json.log",
        json("a\\u003c") + &json("b\\n"),
    );
    house.append("containers/2222/2222-json.log", json("c\\nd\\n"));
    let mut lines = house.wait_for(2);
    lines.sort_by(|a, b| a.text.cmp(&b.text));
    let web = Line {
        logs: vec![0, 1],
        ..line(0, "a<b", 1, "web-1")
    };
    assert_eq!(lines, [web, line(1, "c\\nd", 1, "db")]);
}
