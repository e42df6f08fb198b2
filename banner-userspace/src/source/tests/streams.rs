//! Sources that are no files.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::house::House;
use crate::model::Log;
use crate::source::Progress;

fn fifo(folder: &str) -> Vec<Log> {
    vec![
        Log::Fifo(format!("{folder}/fifo").into()),
        Log::File(format!("{folder}/log")),
    ]
}

fn make(path: &Path) {
    mkfifo(path, Mode::from_bits_truncate(0o600)).expect("mkfifo");
}

fn open(path: &Path) -> File {
    OpenOptions::new()
        .write(true)
        .open(path)
        .expect("it has a reader")
}

#[test]
fn writers_of_a_named_pipe_come_and_go() {
    let mut house = House::new(fifo);
    let path = house.path("fifo");
    make(&path);
    house.open(Vec::new());
    for round in 0..3 {
        let mut one = open(&path);
        let mut two = open(&path);
        one.write_all(b"one\ntw").expect("write");
        assert_eq!(house.texts(), ["one"], "{round}");
        one.write_all(b"o\nhalf").expect("write");
        drop(one);
        assert_eq!(house.texts(), ["two"], "{round}");
        two.write_all(b" line\nleft").expect("write");
        drop(two);
        let lines = house.wait_for(2);
        let lines: Vec<_> = lines.iter().map(|line| (&*line.text, line.cut)).collect();
        // Nothing may be concluded from where the last one ends.
        assert_eq!(lines, [("half line", false), ("left", true)], "{round}");
    }
    let state = &house.states()[0];
    assert_eq!((state.tally.lines, state.tally.cut), (12, 3));
    assert_eq!(state.problem, None);
}

#[test]
fn a_named_pipe_may_come_later_and_be_replaced() {
    let mut house = House::new(fifo);
    let path = house.path("fifo");
    house.open(Vec::new());
    let problem = house.states()[0].problem.clone().expect("there is none");
    assert!(
        problem.awaited && problem.error.contains("mkfifo"),
        "{}",
        problem.error
    );
    make(&path);
    house.wait_until(|house| house.states()[0].problem.is_none());
    open(&path).write_all(b"first\n").expect("write");
    assert_eq!(house.wait_for(1)[0].text, "first");

    fs::rename(&path, house.path("old")).expect("rename");
    make(&path);
    house.now.mono = house.now.mono.after(Duration::from_secs(6));
    house.settle();
    open(&path).write_all(b"second\n").expect("write");
    assert_eq!(house.wait_for(1)[0].text, "second");
}

#[test]
fn what_is_no_named_pipe_is_refused() {
    let mut house = House::new(fifo);
    house.append("fifo", "x\n");
    house.open(Vec::new());
    let problem = house.states()[0].problem.clone().expect("it is a file");
    assert!(
        problem.error.contains("is no named pipe"),
        "{}",
        problem.error
    );
    assert_eq!(house.texts(), [""; 0]);
}

#[test]
fn a_flood_in_a_pipe_keeps_no_file_waiting() {
    let mut house = House::new(fifo);
    let path = house.path("fifo");
    make(&path);
    house.open(Vec::new());
    let mut writer = open(&path);
    let flood = std::thread::spawn(move || {
        let line = [b'x'; 1023];
        // Until the reader is gone.
        while writer.write_all(&[&line[..], b"\n"].concat()).is_ok() {}
    });
    house.append("log", "innocent\n".repeat(1000));
    let mut polls = 0;
    let mut innocent = 0;
    while innocent < 1000 {
        polls += 1;
        assert!(polls < 1000, "{innocent} lines of the file were read");
        let _: Progress = house.poll(4096);
        innocent += house.take().iter().filter(|line| line.logs == [1]).count();
    }
    house.sources = None;
    flood.join().expect("the writer");
}
