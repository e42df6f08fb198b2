//! What cannot be read, and what cannot be watched.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{Uid, geteuid, mkfifo, setfsuid};

use super::super::watch::Watches;
use super::Site;

/// While it lives, this thread has no more rights to files than anybody: for root nothing is
/// unreadable otherwise.
struct Anybody;

impl Anybody {
    fn new() -> Self {
        if geteuid().is_root() {
            setfsuid(Uid::from_raw(65534));
        }
        Self
    }
}

impl Drop for Anybody {
    fn drop(&mut self) {
        setfsuid(geteuid());
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
}

#[test]
fn an_unreadable_file_is_told_of_and_read_when_its_rights_change() {
    let mut site = Site::new(&["sub/a.log"]);
    chmod(site.folder.path(), 0o755);
    fs::create_dir(site.path("sub")).expect("create folder");
    let mut file = super::writer(&site.path("sub/a.log"));
    file.write_all(b"past\n").expect("write");
    chmod(&site.path("sub/a.log"), 0);
    {
        let _anybody = Anybody::new();
        site.open();
    }
    assert_eq!(
        site.problem("sub/a.log").as_deref(),
        Some("Permission denied (os error 13)")
    );
    let since = site.states()[0].problem.expect("a problem").since;
    assert_eq!(since, site.now);
    assert_eq!(
        site.retry.map(|retry| retry.since(site.now)),
        Some(Duration::from_secs(1))
    );
    // Rights in other folders are nobody's business.
    chmod(site.folder.path(), 0o711);
    assert!(!site.is_readable(Duration::ZERO));
    file.write_all(b"new\n").expect("write");
    chmod(&site.path("sub/a.log"), 0o644);
    assert!(site.is_readable(Duration::from_secs(5)));
    // What was there at the start is past, although it could not be read then.
    assert_eq!(site.lines(), ["new"]);
    assert_eq!((site.problem("sub/a.log"), site.retry), (None, None));
}

#[test]
fn an_unreadable_file_is_tried_again_at_longer_and_longer_intervals() {
    let mut site = Site::new(&["a.log"]);
    chmod(site.folder.path(), 0o755);
    site.append("a.log", "past\n");
    chmod(&site.path("a.log"), 0);
    let start = site.now;
    {
        let _anybody = Anybody::new();
        site.open();
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let retry = site.retry.expect("it is tried again");
            assert_eq!(retry.since(site.now).as_secs(), expected);
            site.now = retry;
            site.settle();
        }
    }
    assert_eq!(site.states()[0].problem.expect("a problem").since, start);
    // Here it is readable: the same as a change that nobody tells of.
    site.now = site.retry.expect("it is tried again");
    if geteuid().is_root() {
        site.settle();
        assert_eq!((site.problem("a.log"), site.retry), (None, None));
    }
}

#[test]
fn a_closed_folder_is_told_of_and_read_when_it_opens() {
    for log in ["sub/a.log", "sub/*.log", "s*/a.log"] {
        let mut site = Site::new(&[log]);
        chmod(site.folder.path(), 0o755);
        fs::create_dir(site.path("sub")).expect("create folder");
        site.append("sub/a.log", "1\n");
        chmod(&site.path("sub"), 0);
        {
            let _anybody = Anybody::new();
            site.open();
        }
        let told = site.states().iter().any(|state| {
            state
                .problem
                .is_some_and(|problem| problem.error.contains("Permission denied"))
        });
        assert!(told, "{log}: {:?}", site.states());
        chmod(&site.path("sub"), 0o755);
        assert!(site.is_readable(Duration::from_secs(5)), "{log}");
        site.settle();
        site.given.clear();
        site.append("sub/a.log", "2\n");
        assert_eq!(site.lines(), ["2"], "{log}");
        assert_eq!(site.retry, None, "{log}: {:?}", site.states());
    }
}

#[test]
fn what_is_no_regular_file_is_refused_without_being_opened() {
    let mut site = Site::new(&["folder", "pipe", "soft", "loop"]);
    fs::create_dir(site.path("folder")).expect("create folder");
    mkfifo(&site.path("pipe"), Mode::from_bits_truncate(0o644)).expect("mkfifo");
    symlink("/dev/null", site.path("soft")).expect("symlink");
    symlink("loop", site.path("loop")).expect("symlink");
    site.open();
    let refused = |kind| Some(format!("is {kind}; only regular files can be followed"));
    assert_eq!(site.problem("folder"), refused("a folder"));
    assert_eq!(site.problem("pipe"), refused("a named pipe"));
    assert_eq!(site.problem("soft"), refused("a device"));
    assert!(
        site.problem("loop")
            .expect("a problem")
            .contains("symbolic links")
    );
    // Replaced by files, they are read.
    fs::remove_dir(site.path("folder")).expect("remove folder");
    for name in ["folder", "pipe", "soft", "loop"] {
        let _not_there = fs::remove_file(site.path(name));
        site.append(name, format!("{name}\n"));
    }
    let mut lines = site.lines();
    lines.sort();
    assert_eq!(lines, ["folder", "loop", "pipe", "soft"]);
    assert_eq!(site.retry, None);
}

#[test]
fn a_refused_kind_needs_no_timer() {
    let mut site = Site::new(&["pipe"]);
    mkfifo(&site.path("pipe"), Mode::from_bits_truncate(0o644)).expect("mkfifo");
    site.open();
    assert_eq!(site.retry, None);
}

#[test]
fn a_full_event_queue_is_counted_and_loses_nothing() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("a limit");
    let limit: usize = limit.trim().parse().expect("a number");
    let mut site = Site::opened(&["*.log"]);
    site.append("a.log", "");
    site.append("b.log", "");
    site.settle();
    let (mut a, mut b) = (
        super::writer(&site.path("a.log")),
        super::writer(&site.path("b.log")),
    );
    // Alternating, or the kernel merges the events.
    for _ in 0..=limit / 2 {
        a.write_all(b"a\n").expect("write");
        b.write_all(b"b\n").expect("write");
    }
    site.append("late.log", "late\n");
    site.rename("a.log", "c.log");
    let lines = site.lines();
    assert_eq!(lines.len(), (limit / 2 + 1) * 2 + 1);
    assert!(lines.iter().any(|line| line == "late"));
    assert_eq!(site.tail().stats().overflows, 1);
    assert_eq!(site.retry, None);
}

#[test]
fn without_watches_logs_are_looked_at_once_a_second() {
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "past\n");
    let mut watches = Watches::new().expect("inotify");
    watches.refuse = Some(Errno::ENOSPC);
    site.open_with(watches, Vec::new());
    let told = site.states()[0].polled.expect("it is told").to_owned();
    assert!(
        told.contains("raise fs.inotify.max_user_watches, now "),
        "{told}"
    );
    let mut expected = Vec::new();
    for round in 0..3 {
        site.append("a.log", format!("{round}\n"));
        site.rename("a.log", &format!("a.log.{round}"));
        site.append("a.log", format!("new {round}\n"));
        expected.extend([round.to_string(), format!("new {round}")]);
        let retry = site.retry.expect("it is looked at again");
        assert_eq!(retry.since(site.now), Duration::from_secs(1));
        site.now = retry;
        let lines = site.lines();
        assert_eq!(lines, expected, "{round}");
        expected.clear();
    }
    // As soon as there are watches again, no timer is needed.
    site.tail().watches.refuse = None;
    site.now = site.retry.expect("it is looked at again");
    site.settle();
    assert_eq!(site.states()[0].polled, None);
    site.append("a.log", "told\n");
    assert!(site.is_readable(Duration::from_secs(5)));
    assert_eq!(site.lines(), ["told"]);
}

#[test]
fn a_remote_filesystem_is_looked_at_once_a_second() {
    let mut site = Site::new(&["a.log"]);
    let mut watches = Watches::new().expect("inotify");
    watches.pretend_remote = true;
    site.open_with(watches, Vec::new());
    assert_eq!(
        site.states()[0].polled,
        Some("looked at once a second, because NFS does not tell of changes")
    );
    assert_eq!(
        site.retry.map(|retry| retry.since(site.now)),
        Some(Duration::from_secs(1))
    );
}

#[test]
fn a_glob_that_matches_very_many_files_is_bounded() {
    let mut site = Site::new(&["*.log"]);
    // Names for one file each, so that the limit of open files is not what is tested.
    site.append("file", "");
    for n in 0..=super::super::walk::FILES {
        symlink("file", site.path(&format!("{n}.log"))).expect("symlink");
    }
    site.open();
    assert_eq!(site.tail().names.len(), super::super::walk::FILES);
    let told = site
        .states()
        .iter()
        .filter_map(|state| Some(&state.problem?.error))
        .any(|error| error.starts_with("more than 4096 files match"));
    assert!(told);
}
