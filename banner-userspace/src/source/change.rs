//! Following other logs than before, without leaving off the others.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pattern::Pattern;
use super::tail::{Log, Tail};
use crate::model::{LogId, Mono};

impl Tail {
    /// Follows one more entry from now on: what is there already from its end, what comes later from
    /// its beginning. A file that is followed for another entry goes on to be read where it is.
    /// `record`: its lines are longer than the text in them, and may be so long.
    ///
    /// Fails when the entry is no absolute path.
    pub fn add_log(
        &mut self,
        id: LogId,
        text: &str,
        record: Option<usize>,
        now: Mono,
    ) -> io::Result<()> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let log = Log {
            id,
            text: PathBuf::from(text),
            pattern: Pattern::parse(text).map_err(invalid)?,
            polled: None,
            problem: None,
        };
        let matches = |path: &Path| log.pattern.matches(path);
        if let Some(longest) = record {
            self.records.insert(id);
            self.longest = self.longest.max(longest);
        }
        let paths: Vec<_> = (self.names.keys())
            .filter(|path| matches(path))
            .cloned()
            .collect();
        for path in paths {
            self.count_log(&path, |logs| logs.push(id));
        }
        let place = self.logs.partition_point(|other| other.id < id);
        self.logs.insert(place, log);
        // As at a start: what is there is past.
        self.opening = Some(Vec::new());
        let others = std::mem::replace(&mut self.dirty, [id].into());
        self.scan(now);
        self.opening = None;
        self.dirty.extend(others);
        Ok(())
    }

    /// Follows an entry no more. Files that no other entry means are closed; an unfinished line of
    /// theirs comes with the next poll.
    pub fn drop_log(&mut self, id: LogId) {
        let names = self.names.iter();
        let paths: Vec<Arc<Path>> = names
            .filter(|(_, name)| name.logs.contains(&id))
            .map(|(path, _)| Arc::clone(path))
            .collect();
        for path in paths {
            self.count_log(&path, |logs| logs.retain(|log| *log != id));
            self.let_go(&path);
        }
        self.logs.retain(|log| log.id != id);
        self.records.remove(&id);
        self.dirty.remove(&id);
        self.watches.begin(id);
        self.watches.settle();
        self.unsettled = true;
    }

    /// Changes the entries of a name, and with them those of its files.
    fn count_log(&mut self, path: &Arc<Path>, change: impl FnOnce(&mut Vec<LogId>)) {
        let Some(name) = self.names.get_mut(path) else {
            return;
        };
        change(&mut name.logs);
        name.logs.sort_unstable();
        name.logs.dedup();
        let files: Vec<_> = name.formers.iter().copied().chain(name.current).collect();
        for file in files {
            self.count_anew(file);
        }
    }

    /// Closes the files of a name that no entry means any more.
    fn let_go(&mut self, path: &Arc<Path>) {
        let Some(name) = self.names.get_mut(path) else {
            return;
        };
        if !name.logs.is_empty() {
            return;
        }
        name.problem = None;
        name.unread = None;
        let current = name.current.take();
        let formers: Vec<_> = name.formers.iter().copied().collect();
        if let Some(followed) = current.and_then(|id| self.files.get_mut(&id)) {
            followed.current_of.retain(|one| one != path);
        }
        for id in formers.into_iter().chain(current) {
            self.part(path, id);
        }
    }
}
