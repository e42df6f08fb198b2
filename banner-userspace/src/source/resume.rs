//! After a restart: finishing what was rotated away in the meantime.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::os::unix::fs::DirEntryExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{LogFile, Start};
use super::names::Followed;
use super::tail::Tail;
use super::watch::FileId;
use crate::model::Mark;
use crate::model::Mono;

/// Inode numbers and names in a folder.
type Listing = Vec<(u64, PathBuf)>;

impl Tail {
    /// Finds the marked files that do not have their log's name any more, in the folder where they
    /// had it, and finishes them before the file that has the name now.
    pub(super) fn resume_rotated(&mut self, now: Mono) {
        let marks = self.opening.take().unwrap_or_default();
        let mut listings = HashMap::new();
        for mark in &marks {
            if !self.logs.iter().any(|log| log.pattern.matches(&mark.path)) {
                continue;
            }
            let path = self.name(&mark.path);
            let Some(id) = self.find(mark, &path, &mut listings, now) else {
                continue;
            };
            let Some(name) = self.names.get(&path) else {
                continue;
            };
            if name.current != Some(id) && !name.formers.contains(&id) {
                self.stats.rotations += 1;
                self.dirty.extend(&name.logs);
                self.add_former(&path, id, now);
            }
        }
    }

    /// The file of a mark, if it is still there and still the same.
    fn find(
        &mut self,
        mark: &Mark,
        path: &Arc<Path>,
        listings: &mut HashMap<PathBuf, Listing>,
        now: Mono,
    ) -> Option<FileId> {
        // Opened already, under its name or under another that is followed too.
        let mut known = self
            .files
            .iter()
            .filter(|(_, one)| one.file.inode().inode == mark.inode);
        let fits = |one: &Followed| one.current_of.iter().any(|path| one.file.fits(mark, path));
        if let Some((id, _)) = known.find(|(_, one)| fits(one)) {
            return Some(*id);
        }
        let folder = self.names.get(path)?.real.parent()?.to_owned();
        let listing = match listings.entry(folder) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let listing = list(new.key());
                new.insert(listing)
            }
        };
        let (_, path) = listing.iter().find(|(inode, _)| *inode == mark.inode)?;
        let mut file = LogFile::open(path).ok()?;
        if self.by_inode.contains_key(&file.inode()) || !file.fits(mark, path) {
            return None;
        }
        file.start(Start::Marked(mark.offset), self.longest).ok()?;
        Some(self.add_file(file, now))
    }
}

fn list(folder: &Path) -> Listing {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.ino(), entry.path())).collect()
}
