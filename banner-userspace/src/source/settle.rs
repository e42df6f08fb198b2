//! What is to be done after some time, and when that is.

use std::sync::Arc;
use std::time::Duration;

use super::tail::Tail;
use crate::model::Mono;

/// How often something is looked at that does not tell of its changes.
pub(super) const POLL: Duration = Duration::from_secs(1);

/// How long a file that lost its name is still followed after its last write, once it is deleted
/// or its successor has been written to. Writers reopen their log within seconds of its rotation.
pub(super) const QUIET: Duration = Duration::from_mins(1);

impl Tail {
    /// Looks again at what is due.
    pub(super) fn look_again(&mut self, now: Mono) {
        self.unsettled = true;
        let mut files = Vec::new();
        for log in &mut self.logs {
            if log
                .problem
                .as_mut()
                .is_some_and(|problem| problem.is_due(now))
            {
                self.dirty.insert(log.id);
            }
            if let Some((_, due)) = &mut log.polled
                && *due <= now
            {
                *due = now.after(POLL);
                self.dirty.insert(log.id);
                let own = self
                    .files
                    .iter()
                    .filter(|(_, one)| one.logs.contains(&log.id));
                files.extend(own.map(|(id, _)| *id));
            }
        }
        for name in self.names.values_mut() {
            if name
                .problem
                .as_mut()
                .is_some_and(|problem| problem.is_due(now))
            {
                self.dirty.extend(&name.logs);
            }
        }
        for (id, followed) in &mut self.files {
            if followed
                .problem
                .as_mut()
                .is_some_and(|problem| problem.is_due(now))
            {
                files.push(*id);
            }
        }
        for id in files {
            self.enqueue(id);
        }
    }

    /// Gives up the files that nobody writes to any more, and sets the next deadline.
    pub(super) fn settle(&mut self, now: Mono) {
        let mut deadlines = self.part_quiet(now);
        self.names.retain(|_, name| {
            name.current.is_some()
                || !name.formers.is_empty()
                || name.problem.is_some()
                || name.unread.is_some()
        });
        let problems = self
            .logs
            .iter()
            .filter_map(|log| log.problem.as_ref())
            .chain(self.names.values().filter_map(|name| name.problem.as_ref()))
            .chain(
                self.files
                    .values()
                    .filter_map(|followed| followed.problem.as_ref()),
            );
        deadlines.extend(problems.filter_map(|problem| problem.retry));
        deadlines.extend(
            self.logs
                .iter()
                .filter_map(|log| Some(log.polled.as_ref()?.1)),
        );
        self.next = deadlines.into_iter().min();
        self.unsettled = false;
    }

    /// Returns when there is one more file to be given up.
    fn part_quiet(&mut self, now: Mono) -> Vec<Mono> {
        let mut deadlines = Vec::new();
        let mut behind = Vec::new();
        let mut over = Vec::new();
        for (path, name) in &self.names {
            // From the newest to the oldest.
            let written = |id| {
                self.files
                    .get(id)
                    .is_some_and(|one| one.file.position() > 0)
            };
            let mut succeeded = name.current.as_ref().is_some_and(written);
            for id in name.formers.iter().rev() {
                let Some(followed) = self.files.get(id) else {
                    continue;
                };
                let position = followed.file.position();
                let (size, linked) = followed.file.look().unwrap_or((position, false));
                let readable = followed.problem.is_none();
                if size != position && readable {
                    behind.push(*id);
                    deadlines.push(now.after(QUIET));
                } else if succeeded || !linked {
                    let end = followed.stirred.after(QUIET);
                    if end <= now {
                        over.push((Arc::clone(path), *id));
                    } else {
                        deadlines.push(end);
                    }
                }
                succeeded |= position > 0;
            }
        }
        for id in behind {
            self.enqueue(id);
        }
        for (path, id) in over {
            self.part(&path, id);
        }
        deadlines
    }
}
