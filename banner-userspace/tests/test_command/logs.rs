//! What is read, and what is said of it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::scene::{LOG, NOW, Scene, complaint, good, rows};

#[test]
fn json_has_one_object_for_each_line() {
    let text = Scene::new().text(&["f.yaml", "log", "--json"]);
    let time = 1_795_168_800;
    let first = format!(
        r#"{{"line":1,"verdict":"fail","pattern":0,"host":"192.0.2.7","id":null,"time":{time},"fields":{{"user":"root"}}}}"#
    );
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], first);
    let miss = r#"{"line":2,"verdict":"miss","pattern":null,"host":null,"id":null,"time":null,"fields":{}}"#;
    assert_eq!(lines[1], miss);
    let third: Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(third["host"], "2001:db8::7");
    assert_eq!(third["time"], json!(1_795_168_802.5));
}

#[test]
fn compressed_logs_and_standard_input_are_logs() {
    let scene = Scene::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(LOG.as_bytes()).unwrap();
    scene.write("log.1.gz", gzip.finish().unwrap());
    let plain = scene.rows(&["f.yaml", "log"]);
    assert_eq!(scene.rows(&["f.yaml", "log.1.gz"]), plain);
    let piped = scene.stdin(&["f.yaml", "-", "--json"], LOG.as_bytes());
    assert_eq!(rows(&good(piped)), plain);
    // Lines of several logs are counted on.
    let both = scene.rows(&["f.yaml", "log.1.gz", "log"]);
    assert_eq!(both.len(), 8);
    assert_eq!(both[4]["line"], 5);
}

/// As `tail -f log | banner test FILTER - --json | …` needs it.
#[test]
fn lines_of_a_pipe_are_told_as_they_come() {
    let scene = Scene::new();
    let mut child = scene
        .command(&["f.yaml", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut row = String::new();
        stdout.read_line(&mut row).unwrap();
        tell.send(row).unwrap();
    });
    stdin
        .write_all(LOG.lines().next().unwrap().as_bytes())
        .unwrap();
    stdin.write_all(b"\n").unwrap();
    let row = told.recv_timeout(Duration::from_mins(1));
    drop(stdin);
    assert!(child.wait().unwrap().success());
    reader.join().unwrap();
    assert!(
        row.expect("a row while the pipe is open")
            .contains("192.0.2.7")
    );
}

#[test]
fn people_get_counts_addresses_and_lines() {
    let scene = Scene::new();
    let text = scene.text(&["f.yaml", "log", "--missed", "--failures=1"]);
    let squeezed: Vec<String> = (text.lines())
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "lines 4",
        "failures 3",
        "ignored 0",
        "missed 1",
        "192.0.2.7 2",
        "2001:db8::7 1",
        "failures: the first 1 of 3 lines",
        "missed: the first 1 of 1 lines",
        "2: Nov 20 10:00:01 h sshd[1]: Accepted password for root from 192.0.2.8 port 1 ssh2",
    ] {
        assert!(
            squeezed.iter().any(|found| found == line),
            "{line}:\n{text}"
        );
    }
    let pattern = squeezed
        .iter()
        .find(|line| line.starts_with("fail[0] 3 "))
        .unwrap();
    assert!(pattern.contains("^Failed password for"), "{pattern}");
}

#[test]
fn text_from_logs_does_not_reach_the_terminal_as_it_is() {
    let scene = Scene::new();
    let line = b"\x1b[2J\x07\xff\xc2\x9b no failure\n";
    scene.write("bad", line);
    for arguments in [
        &["f.yaml", "bad", "--missed"][..],
        &["f.yaml", "bad", "--json"],
    ] {
        let text = scene.text(arguments);
        let wrong = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(wrong, None, "{text:?}");
    }
    assert!(
        scene
            .text(&["f.yaml", "bad", "--missed"])
            .contains(r"\u{1b}[2J")
    );
}

#[test]
fn what_is_no_log_is_said_and_the_others_are_read() {
    let scene = Scene::new();
    fs::create_dir(scene.path("folder")).unwrap();
    scene.write("cut.gz", b"\x1f\x8b\x08\x00\x00");
    for (wrong, word) in [
        ("folder", "is a folder"),
        ("none", "none"),
        ("cut.gz", "cut.gz"),
    ] {
        let output = scene.run(&["f.yaml", wrong, "log", "--json"]);
        let said = complaint(&output);
        assert!(said.contains(word), "{said}");
        assert_eq!(rows(&String::from_utf8(output.stdout).unwrap()).len(), 4);
    }
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_in_silence() {
    let scene = Scene::new();
    scene.write("long", LOG.repeat(20_000));
    let mut child = scene
        .command(&["f.yaml", "long", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A line without an end must not fill the memory.
#[test]
fn a_line_of_any_length_takes_little_memory() {
    let scene = Scene::new();
    // 256 MiB of one line, and then one that is a failure; in a gzip file, it is small.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..256 {
        gzip.write_all(&vec![b'x'; 1 << 20]).unwrap();
    }
    gzip.write_all(b"\n").unwrap();
    gzip.write_all(LOG.as_bytes()).unwrap();
    scene.write("long.gz", gzip.finish().unwrap());
    let limited = |file: &Path| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -v 262144; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_banner"))
            .args(["test", "f.yaml", "--json", "--now", NOW, "--tz", "UTC"])
            .arg(file)
            .current_dir(&scene.folder);
        rows(&good(command.output().unwrap()))
    };
    let found = limited(&scene.path("long.gz"));
    assert_eq!(found.len(), 5);
    assert_eq!(found[0]["verdict"], "miss");
    assert_eq!(found[1]["host"], "192.0.2.7");
}
