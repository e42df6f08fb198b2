//! Reads the files of a configuration: the main one and those that it includes.

use std::path::{Path, PathBuf};

use super::files::{Files, LARGEST, reason};
use super::glob;
use super::raw::{RawIncluded, RawMain};
use super::report::Report;
use super::yaml::{self, Located, Node};

/// The files of one load, and what was read of them.
pub(crate) struct Source<'f> {
    files: &'f dyn Files,
    main: PathBuf,
    /// Every file that was read, in that order.
    pub(crate) read: Vec<PathBuf>,
}

impl<'f> Source<'f> {
    pub(crate) fn new(files: &'f dyn Files, main: &Path) -> Self {
        Self {
            files,
            main: main.to_owned(),
            read: Vec::new(),
        }
    }

    /// A path beside the main file.
    pub(crate) fn beside_main(&self, path: impl AsRef<Path>) -> PathBuf {
        self.main.parent().unwrap_or(Path::new("")).join(path)
    }

    /// The main file.
    pub(crate) fn main(&self) -> &Path {
        &self.main
    }

    pub(crate) fn files(&self) -> &'f dyn Files {
        self.files
    }

    /// The main file and those that it includes.
    pub(crate) fn load(&mut self, report: &mut Report) -> Option<(RawMain, Vec<RawIncluded>)> {
        let path = self.main.clone();
        let node = match self.files.read(&path) {
            Ok(bytes) => self.parse(&path, &bytes, report)?,
            Err(error) => {
                let file = report.add_file(&path, "");
                report.file_error(file, reason(&error));
                return None;
            }
        };
        let main = RawMain::read(&node, report)?;
        let mut included = Vec::new();
        for (index, entry) in main.include.iter().enumerate() {
            self.include(entry, &format!("include[{index}]"), &mut included, report);
        }
        Some((main, included))
    }

    fn include(
        &mut self,
        entry: &Located<String>,
        key: &str,
        included: &mut Vec<RawIncluded>,
        report: &mut Report,
    ) {
        let path = self.beside_main(&entry.value);
        let paths = if glob::is_pattern(&entry.value) {
            match glob::expand(self.files, &path) {
                Ok(paths) => paths,
                Err(error) => {
                    let message = format!("{}: {}", path.display(), reason(&error));
                    report.error(entry.spot, key, message);
                    return;
                }
            }
        } else {
            vec![path]
        };
        for path in paths {
            if path == self.main {
                report.error(entry.spot, key, "a file cannot include itself");
                continue;
            }
            // Two patterns may both match it.
            if self.read.contains(&path) {
                continue;
            }
            match self.files.read(&path) {
                Ok(bytes) => {
                    let node = self.parse(&path, &bytes, report);
                    included.extend(node.and_then(|node| RawIncluded::read(&node, report)));
                }
                Err(error) => {
                    let message = format!("{} {}", path.display(), reason(&error));
                    report.error(entry.spot, key, message);
                }
            }
        }
    }

    /// Notes a file as read, and reads its text.
    pub(crate) fn parse(&mut self, path: &Path, bytes: &[u8], report: &mut Report) -> Option<Node> {
        self.read.push(path.to_owned());
        parse(path, bytes, report)
    }
}

/// The tree of a file; a text that is none is reported.
pub(crate) fn parse(path: &Path, bytes: &[u8], report: &mut Report) -> Option<Node> {
    if bytes.len() > LARGEST {
        let file = report.add_file(path, "");
        report.file_error(file, "larger than 1 MiB; this is not a configuration file");
        return None;
    }
    let text = yaml::decode(bytes);
    let file = report.add_file(path, text.as_ref().copied().unwrap_or_default());
    match text.and_then(|text| yaml::parse(file, text)) {
        Ok(node) => Some(node),
        Err(error) => {
            report.syntax_error(file, error);
            None
        }
    }
}
