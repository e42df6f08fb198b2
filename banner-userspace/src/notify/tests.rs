//! The thread and its queues, with a program as the one who is told.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

use super::{event::samples::ban, *};
use crate::model::{Mono, Wall};

const PATIENCE: Duration = Duration::from_secs(30);

fn clock() -> Now {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    Now {
        wall: Wall(i64::try_from(since).unwrap()),
        mono: Mono(u64::try_from(since).unwrap()),
    }
}

/// A target whose program adds a line to a file for each message: the event, and how many it tells
/// of.
fn target(name: &str, script: &str) -> Target {
    Target {
        name: name.to_owned(),
        way: Way::Command(["/bin/sh", "-c", script].map(str::to_owned).into()),
        events: Kind::ALL.map(|(_, kind)| kind).into(),
        digest: DigestRule {
            first: 2,
            period: Duration::from_hours(1),
        },
        timeout: Duration::from_secs(20),
        retry_for: Duration::from_hours(1),
    }
}

fn writer(file: &Path) -> String {
    format!("echo \"$BANNER_EVENT $BANNER_TEXT\" >> {}", file.display())
}

fn written(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn route(target: usize) -> Route {
    Route { target, to: None }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    (folder, file)
}

#[test]
fn a_flood_is_told_in_a_few_messages_and_none_is_lost() {
    let (_folder, file) = folder();
    let notifier = Notifier::start(vec![target("a", &writer(&file))], clock).unwrap();
    for n in 0..20_000 {
        let event = Arc::new(ban(&format!("2001:db8::{n:x}")));
        notifier.tell(&event, [&route(0)]);
    }
    let status = notifier.lanes[0].clone();
    assert_eq!(notifier.stop(PATIENCE), 0);
    let told = written(&file);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "ban banned 2001:db8::0 (sshd, 5 failures) for 1h");
    assert!(told[2].starts_with("digest 19998 bans in "), "{told:?}");
    let status = status.status();
    assert_eq!(
        (status.sent, status.folded, status.dropped),
        (3, 19_998, 0),
        "{status:?}"
    );
}

#[test]
fn one_that_hangs_holds_up_neither_the_others_nor_the_end() {
    let (folder, file) = folder();
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let here = folder.path().join("here");
    let hangs = format!(
        "exec 3>{}; sleep 1000 & echo > {}; sleep 1000",
        fifo.display(),
        here.display()
    );
    let targets = vec![target("hangs", &hangs), target("b", &writer(&file))];
    let notifier = Notifier::start(targets, clock).unwrap();
    let begin = Instant::now();
    let event = Arc::new(ban("192.0.2.7"));
    notifier.tell(&event, [&route(0), &route(0), &route(1)]);
    // Ends when whoever has it open to write is gone.
    let fifo = std::thread::spawn(move || fs::read(fifo).unwrap());
    while written(&file).is_empty() || !here.exists() {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    let begin = Instant::now();
    assert_eq!(notifier.stop(Duration::from_millis(200)), 2);
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(fifo.join().unwrap(), b"");
}

#[test]
fn what_fails_for_now_is_tried_again_and_what_fails_for_good_is_counted() {
    let (_folder, file) = folder();
    // EX_TEMPFAIL as long as the file has fewer than three lines.
    let again = format!(
        "{}; [ $(wc -l < {}) -ge 3 ] || {{ echo not now >&2; exit 75; }}",
        writer(&file),
        file.display()
    );
    let targets = vec![
        target("again", &again),
        target("never", "echo no >&2; exit 1"),
    ];
    let notifier = Notifier::start(targets, clock).unwrap();
    let [again, never] = [0, 1].map(|n| notifier.lanes[n].clone());
    notifier.tell_all(&Arc::new(ban("192.0.2.7")));
    let begin = Instant::now();
    while again.status().problem.is_none() && again.status().sent == 0 {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    assert_eq!(notifier.stop(PATIENCE), 0);
    let (again, never) = (again.status(), never.status());
    assert_eq!((again.sent, again.dropped, again.problem), (1, 0, None));
    assert_eq!(again.retried, 2);
    assert_eq!((never.sent, never.dropped), (0, 1));
    assert_eq!(
        never.problem.as_deref(),
        Some("/bin/sh: exit status: 1: no")
    );
}

#[test]
fn targets_are_replaced_and_what_waits_for_those_that_go_is_told() {
    let (_folder, file) = folder();
    let (_other_folder, other) = folder();
    let stays = target("stays", &writer(&file));
    let goes = target("goes", &writer(&other));
    let mut notifier = Notifier::start(Vec::new(), clock).unwrap();
    assert!(!notifier.wants(Kind::Ban));
    notifier.replace(vec![goes, stays.clone()]).unwrap();
    assert!(notifier.wants(Kind::Ban));
    notifier.tell_all(&Arc::new(ban("192.0.2.1")));
    notifier.replace(vec![stays]).unwrap();
    notifier.tell(&Arc::new(ban("192.0.2.2")), [&route(0), &route(1)]);
    let [status] = <[_; 1]>::try_from(notifier.status()).unwrap();
    assert_eq!(status.name, "stays");
    assert_eq!(notifier.stop(PATIENCE), 0);
    let who = |file: &Path| -> Vec<String> {
        let told = written(file).into_iter();
        told.filter_map(|line| Some(line.split(' ').nth(2)?.to_owned()))
            .collect()
    };
    assert_eq!(who(&file), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(who(&other), ["192.0.2.1"]);
}

#[test]
fn only_what_a_target_wants_is_told() {
    let (_folder, file) = folder();
    let mut target = target("a", &writer(&file));
    target.events = vec![Kind::Problem];
    let notifier = Notifier::start(vec![target], clock).unwrap();
    assert!(notifier.wants(Kind::Problem) && !notifier.wants(Kind::Ban));
    notifier.tell_all(&Arc::new(ban("192.0.2.7")));
    let problem = What::Problem("disk\u{1b}[2J full".into());
    let at = clock().wall;
    notifier.tell_all(&Arc::new(Event { at, what: problem }));
    assert_eq!(notifier.stop(PATIENCE), 0);
    assert_eq!(written(&file), ["problem problem: disk\\u{1b}[2J full"]);
}
