//! What of the journal a jail reads, as it is written.

use std::path::PathBuf;

use super::log_path::LogPath;
use crate::config::log_keys as keys;
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::shape::{Shape, Text, refuse};
use crate::config::yaml::{Kind, Node};
use crate::model::Term;

/// The value of `journal`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RawJournal {
    /// None: what the filter says.
    pub(crate) matches: Option<Vec<Vec<Term>>>,
    pub(crate) directory: Option<PathBuf>,
}

/// A list of matches, or a mapping.
pub(crate) struct JournalOf;

impl Shape for JournalOf {
    type Value = RawJournal;

    fn noun(&self) -> String {
        "a list of matches, or a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "[_SYSTEMD_UNIT=ssh.service, _COMM=sshd]"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawJournal> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            let matches = keys::MATCH.shape().read(node, path, report)?;
            return Some(RawJournal {
                matches: Some(matches.into_iter().flat_map(|one| one.value).collect()),
                directory: None,
            });
        }
        let before = report.errors();
        let fields = Fields::read(&keys::JOURNAL_SECTION, node, node.spot, path, report)?;
        let matches = fields.get(&keys::MATCH, report);
        let directory = fields.get(&keys::DIRECTORY, report);
        if report.errors() > before {
            return None;
        }
        Some(RawJournal {
            matches: matches.map(|all| all.value.into_iter().flat_map(|one| one.value).collect()),
            directory: directory.map(|directory| directory.value),
        })
    }
}

/// Alternatives in one text, as journalctl takes them: `FIELD=VALUE FIELD=VALUE + FIELD=VALUE`.
pub(crate) struct Alternatives;

impl Shape for Alternatives {
    type Value = Vec<Vec<Term>>;

    fn noun(&self) -> String {
        "FIELD=VALUE".to_owned()
    }

    fn examples(&self) -> &'static str {
        "_SYSTEMD_UNIT=ssh.service"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Vec<Vec<Term>>> {
        let text = Text("FIELD=VALUE").read(node, path, report)?;
        match alternatives(&text) {
            Ok(alternatives) => Some(alternatives),
            Err(advice) => {
                refuse(self, node, path, report, &advice);
                None
            }
        }
    }
}

/// The alternatives in a text, or what is wrong with it.
pub(crate) fn alternatives(text: &str) -> Result<Vec<Vec<Term>>, String> {
    let mut all = vec![Vec::new()];
    for word in text.split_whitespace() {
        if word == "+" {
            all.push(Vec::new());
        } else {
            let term: Term = word.parse().map_err(|why| format!("`{word}` {why}"))?;
            all.last_mut().unwrap_or(&mut Vec::new()).push(term);
        }
    }
    if all.iter().any(Vec::is_empty) {
        return Err("there is nothing before or behind a +".to_owned());
    }
    Ok(all)
}

/// A folder.
pub(crate) struct FolderPath;

impl Shape for FolderPath {
    type Value = PathBuf;

    fn noun(&self) -> String {
        "the absolute path of a folder".to_owned()
    }

    fn examples(&self) -> &'static str {
        "/var/log/journal/remote"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<PathBuf> {
        LogPath.read(node, path, report).map(PathBuf::from)
    }
}
