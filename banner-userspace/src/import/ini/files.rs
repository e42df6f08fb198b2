//! Files, what they include, and all of them merged.

use std::{
    cell::Cell,
    fs::{self, OpenOptions},
    io::{ErrorKind, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::fcntl::OFlag;

use super::{Section, Sections, Table, Vars, parse};
use crate::import::error::{ImportError, Place, Why};

/// Longest file, in bytes.
const LONGEST: u64 = 1 << 20;
/// Most files in one operation, and their bytes.
const MOST: usize = 1024;
const MOST_BYTES: u64 = 4 << 20;
/// Longest chain of includes.
const DEEPEST: usize = 32;
/// The section with includes.
const INCLUDES: &str = "INCLUDES";

/// What several files say together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merged {
    pub(crate) sections: Sections,
    /// The files, in the order in which they were merged; the last one wins.
    pub(crate) files: Vec<PathBuf>,
    /// Bytes that were looked at to replace references.
    pub(super) work: Cell<usize>,
}

/// Reads files, and remembers how much that was.
#[derive(Debug, Default)]
pub(crate) struct Files {
    read: usize,
    bytes: u64,
}

impl Files {
    /// Reads `base.conf`, `base.d/*.conf`, `base.local` and `base.d/*.local`, in this order, with
    /// what each of them includes. None if there is no such file.
    pub(crate) fn read(&mut self, base: &Path) -> Result<Option<Merged>, ImportError> {
        let mut paths = vec![with_end(base, ".conf")];
        let dropins = with_end(base, ".d");
        paths.extend(listed(&dropins, "conf")?);
        paths.push(with_end(base, ".local"));
        paths.extend(listed(&dropins, "local")?);
        let mut there = Vec::new();
        for path in paths {
            if exists(&path)? {
                there.push(path);
            }
        }
        if there.is_empty() {
            return Ok(None);
        }
        self.merge(&there).map(Some)
    }

    /// Reads these files, the `.local` beside each, and what they include.
    pub(crate) fn merge(&mut self, paths: &[PathBuf]) -> Result<Merged, ImportError> {
        let mut order = Vec::new();
        self.with_local(paths, &mut Vec::new(), &mut order)?;
        let mut merged = Merged::default();
        for (path, sections) in order {
            merged.add(&sections);
            merged.files.push(path);
        }
        Ok(merged)
    }

    /// Every file followed by its `.local`, and around each what it includes.
    fn with_local(
        &mut self,
        paths: &[PathBuf],
        above: &mut Vec<PathBuf>,
        order: &mut Vec<(PathBuf, Arc<Sections>)>,
    ) -> Result<(), ImportError> {
        let mut all = Vec::with_capacity(paths.len());
        for path in paths {
            all.push(path.clone());
            let local = path.with_extension("local");
            if !paths.contains(&local) && local.is_file() {
                all.push(local);
            }
        }
        for path in all {
            self.with_includes(path, above, order)?;
        }
        Ok(())
    }

    fn with_includes(
        &mut self,
        path: PathBuf,
        above: &mut Vec<PathBuf>,
        order: &mut Vec<(PathBuf, Arc<Sections>)>,
    ) -> Result<(), ImportError> {
        let Some(sections) = self.one(&path)? else {
            return Ok(());
        };
        let alone = Merged {
            sections,
            ..Merged::default()
        };
        let before = included(&alone, "before", &path, above)?;
        let after = included(&alone, "after", &path, above)?;
        above.push(path.clone());
        for include in before {
            self.with_local(&[include], above, order)?;
        }
        order.push((path, Arc::new(alone.sections)));
        for include in after {
            self.with_local(&[include], above, order)?;
        }
        above.pop();
        Ok(())
    }

    /// One file; none if it is not there.
    fn one(&mut self, path: &Path) -> Result<Option<Sections>, ImportError> {
        let place = Place::file(path);
        let Some(bytes) = read(path, &place, LONGEST)? else {
            return Ok(None);
        };
        self.read += 1;
        self.bytes += bytes.len() as u64;
        if self.read > MOST || self.bytes > MOST_BYTES {
            return Err(Why::TooMuch(MOST, MOST_BYTES).at(&place));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.split(|&byte| byte == b'\n').count();
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            Why::NotUtf8.at(&Place {
                line,
                ..place.clone()
            })
        })?;
        parse::parse(&place.file, &text).map(Some)
    }
}

/// The files that one includes by this option. Those on the way to it are left out, and so a
/// simple loop ends; files that are not there are passed over when they are read.
fn included(
    file: &Merged,
    option: &str,
    path: &Path,
    above: &[PathBuf],
) -> Result<Vec<PathBuf>, ImportError> {
    let Ok(names) = file.get(INCLUDES, option, &Vars::default())? else {
        return Ok(Vec::new());
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let includes = names.text.split('\n').filter(|name| !name.is_empty());
    let includes: Vec<_> = includes
        .map(|name| folder.join(name))
        .filter(|include| {
            !above
                .iter()
                .any(|file| file.as_os_str() == include.as_os_str())
        })
        .collect();
    if let Some(first) = includes.first()
        && above.len() >= DEEPEST
    {
        return Err(Why::TooDeep {
            name: first.display().to_string(),
            depth: above.len() + 1,
        }
        .at(&names.place));
    }
    Ok(includes)
}

impl Merged {
    /// What a file says goes over what was said before it, which is kept as `known/…`.
    fn add(&mut self, file: &Sections) {
        self.sections.defaults.extend(&file.defaults);
        for (name, options) in file.sections.iter() {
            let (name, options) = match conditional(name) {
                Some((name, condition)) => {
                    let renamed = options
                        .iter()
                        .map(|(key, value)| (format!("{key}{condition}"), value.clone()));
                    (name, &renamed.collect())
                }
                None => (name, options),
            };
            self.lay_over(name, options);
        }
    }

    fn lay_over(&mut self, name: &str, options: &Section) {
        let sections = &mut self.sections.sections;
        let Some(earlier) = sections.get(name) else {
            sections.insert(name, options.clone());
            return;
        };
        let known: Section = earlier
            .iter()
            .filter(|(key, _)| options.contains(key))
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect();
        self.section_mut(&known_name(name)).extend(&known);
        self.section_mut(name).extend(options);
    }

    /// Forgets how much work there was, for the next part of a large whole.
    pub(crate) fn rest(&self) {
        self.work.set(0);
    }

    /// A section, made if need be.
    pub(crate) fn section_mut(&mut self, name: &str) -> &mut Section {
        let sections = &mut self.sections.sections;
        if !sections.contains(name) {
            sections.insert(name, Table::default());
        }
        sections.get_mut(name).expect("it was just made")
    }
}

/// The section that holds what a later file replaced in this one.
pub(super) fn known_name(section: &str) -> String {
    format!("KNOWN/{section}")
}

/// `Init?family=inet6` → `Init` and `?family=inet6`.
fn conditional(section: &str) -> Option<(&str, &str)> {
    let (name, condition) = section.split_at(section.find('?')?);
    let is_one =
        !name.is_empty() && name.chars().all(super::python::is_word) && condition.len() > 1;
    is_one.then_some((name, condition))
}

/// A path with something behind it.
fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// Whether a path is there; a link to nothing is not.
fn exists(path: &Path) -> Result<bool, ImportError> {
    path.try_exists()
        .map_err(|error| Why::Unreadable(error.to_string()).at(&Place::file(path)))
}

/// The files of a folder with this extension, in order of their names, hidden ones left out.
fn listed(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, ImportError> {
    let unreadable =
        |error: std::io::Error| Why::Unreadable(error.to_string()).at(&Place::file(folder));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
        if paths.len() > MOST {
            return Err(Why::TooMuch(MOST, MOST_BYTES).at(&Place::file(folder)));
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// The bytes of a regular file; none if it is not there.
pub(crate) fn read(
    path: &Path,
    place: &Place,
    longest: u64,
) -> Result<Option<Vec<u8>>, ImportError> {
    let unreadable = |error: std::io::Error| Why::Unreadable(error.to_string()).at(place);
    // Without it, opening a pipe waits for somebody who writes.
    let nonblocking = OFlag::O_NONBLOCK.bits();
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Why::NotAFile.at(place));
    }
    let mut bytes = Vec::new();
    file.take(longest + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > longest {
        return Err(Why::TooLong(longest).at(place));
    }
    Ok(Some(bytes))
}
