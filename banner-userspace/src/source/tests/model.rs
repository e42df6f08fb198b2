//! Random histories of logs, compared with a model that knows what was written.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use proptest::prelude::*;

use super::super::settle::QUIET;
use super::{Progress, Site, Watches, writer};

/// What may happen next; `usize` is the log.
#[derive(Clone, Debug)]
enum Step {
    /// Lines of these lengths.
    Write(usize, Vec<usize>),
    /// The beginning of a line, or more of it.
    Part(usize, usize),
    /// Renamed, older files shifted; the writer reopens it now or before the next rotation.
    Rename {
        log: usize,
        reopen: bool,
        create: bool,
    },
    /// Deleted and created.
    Delete(usize),
    /// What the old file holds is copied away, and it is truncated.
    Truncate(usize),
    /// Everything is read, so many bytes at a time.
    Drain(usize),
    /// One poll with this budget.
    Glance(usize),
    Pass(Duration),
    /// Stopped and started, with these logs renamed in between.
    Restart([bool; LOGS]),
}

fn step() -> impl Strategy<Value = Step> {
    let log = 0..LOGS;
    let budget = prop_oneof![1..200_usize, 1000..300_000_usize];
    prop_oneof![
        6 => (log.clone(), prop::collection::vec(0..300_usize, 1..20)).prop_map(|(l, n)| Step::Write(l, n)),
        1 => (log.clone(), prop::collection::vec(0..300_usize, 500..1500)).prop_map(|(l, n)| Step::Write(l, n)),
        3 => (log.clone(), 0..400_usize).prop_map(|(l, n)| Step::Part(l, n)),
        3 => (log.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(log, reopen, create)| Step::Rename { log, reopen, create }),
        1 => log.clone().prop_map(Step::Delete),
        2 => log.prop_map(Step::Truncate),
        4 => budget.clone().prop_map(Step::Drain),
        2 => budget.prop_map(Step::Glance),
        1 => (0..100_u64).prop_map(|secs| Step::Pass(Duration::from_secs(secs))),
        1 => any::<[bool; LOGS]>().prop_map(Step::Restart),
    ]
}

const LOGS: usize = 3;
const LIMIT: usize = 350;

/// One log and its writer.
struct Log {
    name: String,
    writer: File,
    /// The file that the writer holds, counted from the first.
    file: usize,
    /// The newest file of the log, which the writer holds unless it has yet to reopen.
    newest: usize,
    /// The newest was there when the tail last looked.
    looked: bool,
    /// The beginning of the line that the writer is in.
    part: Vec<u8>,
    /// What that was when the tail last read everything.
    held: Vec<u8>,
    renames_unseen: usize,
}

struct World {
    site: Site,
    logs: Vec<Log>,
    lines: usize,
    /// What is to be seen of each file of each log, and how much of it was read to its end.
    expected: BTreeMap<(usize, usize), (Vec<String>, usize)>,
    /// A poll may have read some of what there is.
    glanced: bool,
    /// There are files without a name.
    deleted: bool,
    /// A truncation was not looked at yet.
    truncated: bool,
}

impl World {
    fn new(glob: bool) -> Self {
        let entries: &[&str] = if glob {
            &["*.log"]
        } else {
            &["0.log", "1.log", "2.log"]
        };
        let mut site = Site::new(entries);
        site.max_line = LIMIT;
        let logs = (0..LOGS).map(|log| {
            let name = format!("{log}.log");
            Log {
                writer: writer(&site.path(&name)),
                name,
                file: 0,
                newest: 0,
                looked: true,
                part: Vec::new(),
                held: Vec::new(),
                renames_unseen: 0,
            }
        });
        let logs = logs.collect();
        site.open();
        Self {
            site,
            logs,
            lines: 0,
            expected: BTreeMap::new(),
            glanced: false,
            deleted: false,
            truncated: false,
        }
    }

    /// A line that is like no other from its first bytes on, and tells which file it is of.
    fn text(&mut self, log: usize, length: usize) -> Vec<u8> {
        self.lines += 1;
        let file = self.logs[log].file;
        let mut text = format!("{}:{log}:{file}:", self.lines).into_bytes();
        let filler = text.clone();
        while text.len() < length {
            text.extend_from_slice(&filler);
        }
        text
    }

    fn expect(&mut self, log: usize, line: &[u8], cut: bool) {
        let file = self.logs[log].file;
        let end = if cut || line.len() > LIMIT { "…" } else { "" };
        let line = String::from_utf8_lossy(&line[..line.len().min(LIMIT)]) + end;
        self.expected
            .entry((log, file))
            .or_default()
            .0
            .push(line.into_owned());
    }

    fn write(&mut self, log: usize, lengths: &[usize]) {
        let mut bytes = b"\n".to_vec();
        if self.logs[log].part.is_empty() {
            bytes.clear();
        } else {
            let line = std::mem::take(&mut self.logs[log].part);
            self.expect(log, &line, false);
        }
        for length in lengths {
            let line = self.text(log, *length);
            self.expect(log, &line, false);
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
        }
        self.logs[log].writer.write_all(&bytes).expect("write");
    }

    fn part(&mut self, log: usize, length: usize) {
        let text = if self.logs[log].part.is_empty() {
            self.text(log, length)
        } else {
            vec![b'-'; length]
        };
        self.logs[log].writer.write_all(&text).expect("write");
        self.logs[log].part.extend_from_slice(&text);
    }

    /// The file that the writer holds gets nothing more, so its unfinished line has no end.
    fn leave(&mut self, log: usize) {
        let part = std::mem::take(&mut self.logs[log].part);
        self.logs[log].held.clear();
        if !part.is_empty() {
            self.expect(log, &part, true);
        }
    }

    /// The writer opens its log by its name.
    fn reopen(&mut self, log: usize) {
        if self.logs[log].file < self.logs[log].newest {
            self.leave(log);
            self.logs[log].writer = writer(&self.site.path(&self.logs[log].name));
            self.logs[log].file = self.logs[log].newest;
        }
    }

    fn rename(&mut self, log: usize, reopen: bool, create: bool) {
        self.reopen(log);
        if self.logs[log].renames_unseen == 4 {
            // More former files than are kept would be lost, which another test is about.
            self.drain(1 << 20);
        }
        let name = self.logs[log].name.clone();
        let mut last = 1;
        while self.site.path(&format!("{name}.{last}")).exists() {
            last += 1;
        }
        for n in (1..last).rev() {
            self.site
                .rename(&format!("{name}.{n}"), &format!("{name}.{}", n + 1));
        }
        self.site.rename(&name, &format!("{name}.1"));
        self.logs[log].newest += 1;
        self.logs[log].looked = false;
        self.logs[log].renames_unseen += 1;
        if create || reopen {
            self.site.append(&name, "");
        }
        if reopen {
            self.reopen(log);
        }
    }

    fn delete(&mut self, log: usize) {
        self.reopen(log);
        let key = (log, self.logs[log].file);
        if self.logs[log].looked {
            self.leave(log);
        } else {
            // Nobody can have seen anything of it.
            self.logs[log].part.clear();
            self.logs[log].held.clear();
            self.expected.remove(&key);
        }
        let name = self.logs[log].name.clone();
        self.site.remove(&name);
        self.deleted = true;
        self.logs[log].newest += 1;
        self.logs[log].looked = false;
        self.logs[log].renames_unseen += 1;
        self.site.append(&name, "");
        self.reopen(log);
    }

    fn truncate(&mut self, log: usize) {
        self.reopen(log);
        if self.glanced {
            self.drain(1 << 20);
        }
        let key = (log, self.logs[log].file);
        let (lines, read) = self.expected.entry(key).or_default();
        lines.truncate(*read);
        self.logs[log].part.clear();
        let held = std::mem::take(&mut self.logs[log].held);
        if !held.is_empty() {
            self.expect(log, &held, true);
        }
        self.truncated = true;
        // It is held, so no second truncation takes it.
        if let Some((lines, read)) = self.expected.get_mut(&key) {
            *read = lines.len();
        }
        let file = OpenOptions::new()
            .write(true)
            .open(self.site.path(&self.logs[log].name));
        file.and_then(|file| file.set_len(0)).expect("truncate");
    }

    fn drain(&mut self, budget: usize) {
        while self.site.poll(budget) == Progress::More {}
        self.glanced = false;
        self.truncated = false;
        for (lines, read) in self.expected.values_mut() {
            *read = lines.len();
        }
        for log in &mut self.logs {
            log.looked = log.file == log.newest || self.site.folder.path().join(&log.name).exists();
            log.held.clone_from(&log.part);
            log.renames_unseen = 0;
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Write(log, lengths) => self.write(*log, lengths),
            Step::Part(log, length) => self.part(*log, *length),
            Step::Rename {
                log,
                reopen,
                create,
            } => self.rename(*log, *reopen, *create),
            Step::Delete(log) => {
                if self.glanced {
                    self.drain(1 << 20);
                }
                self.delete(*log);
            }
            Step::Truncate(log) => self.truncate(*log),
            Step::Drain(budget) => self.drain(*budget),
            Step::Glance(budget) => {
                self.glanced |= self.site.poll(*budget) == Progress::More;
                if !self.glanced {
                    self.drain(*budget);
                }
            }
            Step::Pass(time) => {
                // A writer that takes longer than that to reopen is one that nobody waits for.
                (0..LOGS).for_each(|log| self.reopen(log));
                self.drain(1 << 20);
                self.site.pass(*time);
            }
            Step::Restart(renamed) => self.restart(*renamed),
        }
    }

    fn restart(&mut self, renamed: [bool; LOGS]) {
        // What has no name any more, and what was rotated twice since the last look, is not found
        // again by a tail that starts anew.
        if self.deleted || self.logs.iter().any(|log| !log.looked) {
            self.settle();
        }
        // Nor does it know of an unfinished line that was truncated away.
        if self.truncated {
            self.drain(1 << 20);
        }
        let marks = self.site.tail().marks();
        self.site.tail = None;
        for log in (0..LOGS).filter(|log| renamed[*log]) {
            self.write(log, &[20]);
            self.rename(log, log == 0, true);
            self.write(log, &[20]);
        }
        self.site.open_with(Watches::new().expect("inotify"), marks);
        self.drain(1 << 20);
    }

    /// Lets everything former be given up.
    fn settle(&mut self) {
        for log in 0..LOGS {
            self.reopen(log);
            self.write(log, &[10]);
        }
        self.drain(1 << 20);
        self.site.pass(QUIET);
        self.drain(1 << 20);
        self.deleted = false;
    }

    /// What was given out, by file, in order; a line that was cut ends in "…".
    fn seen(&self) -> BTreeMap<(usize, usize), Vec<String>> {
        let mut seen: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for given in &self.site.given {
            for line in given
                .bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
            {
                let line = String::from_utf8_lossy(line) + if given.cut { "…" } else { "" };
                let mut fields = line.split(':').skip(1).map(|field| field.parse().ok());
                let mut field = || fields.next().flatten().expect("a number");
                let key = (field(), field());
                seen.entry(key).or_default().push(line.into_owned());
            }
        }
        seen
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_seen_exactly_once_and_in_order(
        glob in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(glob);
        for step in &steps {
            world.take(step);
        }
        world.settle();
        let expected: BTreeMap<_, _> = std::mem::take(&mut world.expected)
            .into_iter()
            .filter(|(_, (lines, _))| !lines.is_empty())
            .map(|(key, (lines, _))| (key, lines))
            .collect();
        prop_assert_eq!(world.seen(), expected);
        prop_assert_eq!(world.site.poll(1), Progress::Idle { retry: None });
    }
}
