//! A descriptor that was closed is ready for as long as a child of another thread has a copy of it, which
//! it does from fork(2) to execve(2).

use std::time::Duration;

use crate::model::{Listen, LogId, Mono, Now, SyslogLog, Wall};
use crate::source::journal::{Journal, Query};
use crate::source::stream::{Poller, Stream, Turn};
use crate::source::syslog::Syslog;

fn now(seconds: u64) -> Now {
    Now {
        wall: Wall::from_secs(1_800_000_000),
        mono: Mono(0).after(Duration::from_secs(seconds)),
    }
}

fn poll(stream: &mut dyn Stream, now: Now) -> Turn {
    stream.poll(now, 1 << 20, &mut |_| {})
}

#[test]
fn a_journalctl_that_is_no_more_has_nothing_to_read() {
    let query = Query {
        program: "/nowhere/journalctl".into(),
        directory: None,
        wants: vec![(LogId(0), Vec::new())],
    };
    let mut journal = Journal::new(query, None, Poller::new().unwrap(), 0, 1024);
    assert!(!poll(&mut journal, now(0)).more);
    assert!(journal.state().problem.is_some());
    journal.wake(0);
    assert!(
        !poll(&mut journal, now(0)).more,
        "it would be read for ever"
    );
    assert!(journal.retry().is_some_and(|at| at > now(0).mono));
}

#[test]
fn a_socket_that_is_not_there_has_nothing_to_read() {
    let log = SyslogLog {
        listen: Listen::UnixStream("/nowhere/socket".into()),
        from: Vec::new(),
    };
    let mut syslog = Syslog::new(LogId(0), &log, Poller::new().unwrap(), 0, 1024);
    assert!(!poll(&mut syslog, now(0)).more);
    syslog.wake(0);
    assert!(!poll(&mut syslog, now(0)).more, "it would be read for ever");
}
