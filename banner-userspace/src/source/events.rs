//! What the kernel's events mean for the files and the entries.

use nix::sys::inotify::{AddWatchFlags, InotifyEvent};

use super::tail::Tail;
use super::watch::{FileId, RIGHTS};

/// How many reads of up to 4 KiB of events one poll does before it goes on to the files. The
/// kernel's queue holds 16 384 events unless configured otherwise.
const EVENT_READS: usize = 256;

impl Tail {
    /// Takes all events that there are; false when there may be more.
    pub(super) fn take_events(&mut self) -> bool {
        for _ in 0..EVENT_READS {
            match self.watches.read() {
                Ok(events) if events.is_empty() => return true,
                Ok(events) => events.into_iter().for_each(|event| self.take_event(event)),
                // There is no reason for it to fail; if it does, the events are lost.
                Err(_) => {
                    self.overflowed();
                    return true;
                }
            }
        }
        false
    }

    fn take_event(&mut self, event: InotifyEvent) {
        let InotifyEvent {
            wd,
            mask,
            cookie,
            name,
        } = event;
        if mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return self.overflowed();
        }
        if let Some(id) = self.watches.file(wd) {
            if mask.contains(AddWatchFlags::IN_MODIFY) {
                self.enqueue(id);
            }
            if mask.contains(AddWatchFlags::IN_ATTRIB) {
                self.unsettled = true;
            }
            if mask.contains(AddWatchFlags::IN_IGNORED) {
                self.watches.forget(wd);
                if let Some(followed) = self.files.get_mut(&id) {
                    followed.watch = None;
                    self.dirty.extend(&followed.logs);
                }
            }
            return;
        }
        let Some(folder) = self.watches.folder(wd) else {
            return;
        };
        if let Some(name) = name {
            let mut log = None;
            for interest in &folder.interests {
                if interest.name.as_ref().is_some_and(|own| own.matches(&name)) {
                    if mask.intersects(interest.events) {
                        self.dirty.insert(interest.log);
                    }
                    log = log.or_else(|| Some(interest.shown.as_ref()?.path(&name)));
                }
            }
            if !mask.contains(AddWatchFlags::IN_ISDIR) {
                self.moves.take(wd, &name, mask, cookie, log);
            }
        } else {
            let rights_only = mask == RIGHTS || mask == RIGHTS | AddWatchFlags::IN_ISDIR;
            let concerned = folder
                .interests
                .iter()
                .filter(|interest| !rights_only || interest.events.intersects(RIGHTS));
            self.dirty.extend(concerned.map(|interest| interest.log));
            if mask.contains(AddWatchFlags::IN_IGNORED) {
                self.watches.forget(wd);
            }
        }
    }

    /// Events were lost, so everything has to be looked at.
    fn overflowed(&mut self) {
        self.stats.overflows += 1;
        self.moves.clear();
        self.dirty.extend(self.logs.iter().map(|log| log.id));
        let ids: Vec<FileId> = self.files.keys().copied().collect();
        for id in ids {
            self.enqueue(id);
        }
        self.unsettled = true;
    }
}
