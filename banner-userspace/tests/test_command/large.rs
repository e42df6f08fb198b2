//! Logs that are no text, and lines without an end.

use std::{
    fs::OpenOptions,
    io::{Seek as _, SeekFrom, Write as _},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::scene::{LOG, NOW, Scene, good};

/// Memory that banner may ask for, in KiB: half of one line.
const MEMORY_KIB: u32 = 512 << 10;

/// A build that is not optimised takes two seconds for it.
const TIME: Duration = Duration::from_mins(2);

/// Bytes that are no text; the same each time (Knuth's MMIX constants).
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

/// What banner says of `log`, in little memory.
fn read(scene: &Scene, filter: &str) -> String {
    let begin = Instant::now();
    let output = Command::new("sh")
        .args(["-c", "ulimit -v \"$1\" && shift && exec \"$@\"", "sh"])
        .arg(MEMORY_KIB.to_string())
        .arg(env!("CARGO_BIN_EXE_banner"))
        .args([
            "test",
            "--config",
            "banner.yaml",
            "--now",
            NOW,
            "--tz",
            "UTC",
        ])
        .args([filter, "log"])
        .current_dir(&scene.folder)
        .stdin(Stdio::null())
        .output()
        .expect("sh starts");
    assert!(begin.elapsed() < TIME, "{:?}", begin.elapsed());
    good(output)
}

fn count(report: &str, what: &str) -> u64 {
    let line = report
        .lines()
        .find_map(|line| line.trim().strip_prefix(what));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no {what} in {report}"))
}

#[test]
fn a_line_of_a_gigabyte_and_a_binary_log_take_neither_memory_nor_time() {
    let scene = Scene::new();
    let noise = noise(1 << 20);
    let mut log = OpenOptions::new()
        .append(false)
        .write(true)
        .open(scene.path("log"))
        .expect("the log");
    // A hole: a gigabyte of NULs.
    log.seek(SeekFrom::Start(1 << 30)).expect("a place behind");
    log.write_all(b" end\n").expect("its end");
    log.write_all(&noise).expect("noise");
    log.write_all(b"\n").expect("a line break");
    log.write_all(LOG.as_bytes()).expect("lines");
    drop(log);
    let breaks = noise.split(|byte| *byte == b'\n').count() - 1;
    // The first lines of the log, the long one, the noise, and the lines again.
    let lines = u64::try_from(4 + 1 + breaks + 1 + 4).expect("a number");
    for filter in ["f.yaml", "sshd"] {
        let report = read(&scene, filter);
        assert_eq!(count(&report, "lines"), lines, "{report}");
        assert_eq!(count(&report, "failures"), 6, "{report}");
    }
}

/// A shorter `limits.line` cuts shorter lines.
#[test]
fn lines_are_cut_where_the_configuration_says() {
    let scene = Scene::new();
    let user = "x".repeat(300);
    let long = LOG.replace("for root from 2001", &format!("for {user} from 2001"));
    scene.write("log", long);
    assert_eq!(count(&read(&scene, "f.yaml"), "failures"), 3);
    scene.write("banner.yaml", "limits: { line: 256 }\n");
    assert_eq!(count(&read(&scene, "f.yaml"), "failures"), 2);
}
