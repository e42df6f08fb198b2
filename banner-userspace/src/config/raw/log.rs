use super::journal::RawJournal;
use super::log_path::{DOCKER, LogPath, PODS};
use crate::config::log_keys as keys;
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::shape::{Shape, refuse};
use crate::config::yaml::{Kind, Node};
use crate::model::{ContainerLog, Log, Runtime};

/// An item of `logs` as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RawLog {
    Known(Log),
    /// It may depend on the filter of the jail.
    Journal(RawJournal),
}

/// An item of `logs`: a path or pattern, a word, or a mapping with one key.
pub(crate) struct LogOf;

impl Shape for LogOf {
    type Value = RawLog;

    fn noun(&self) -> String {
        LogPath.noun()
    }

    fn examples(&self) -> &'static str {
        LogPath.examples()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawLog> {
        match &node.kind {
            Kind::Text(word) => match word.as_str() {
                "stdin" | "-" => Some(RawLog::Known(Log::Stdin)),
                "journal" => Some(RawLog::Journal(RawJournal {
                    matches: None,
                    directory: None,
                })),
                "cri" => Some(container(Runtime::Cri, PODS)),
                "docker" => Some(container(Runtime::Docker, DOCKER)),
                word if needs_more(word) => {
                    let advice = format!("for this source write {{{word}: …}}");
                    refuse(self, node, path, report, &advice);
                    None
                }
                _ => file(node, path, report),
            },
            Kind::Mapping(_) => of_mapping(node, path, report),
            _ => file(node, path, report),
        }
    }
}

/// Whether a word names a source that is nothing without a value.
fn needs_more(word: &str) -> bool {
    let mut keys = keys::LOG_SECTION.settings.iter();
    keys.any(|key| key.name() == word)
}

fn file(node: &Node, path: &str, report: &mut Report) -> Option<RawLog> {
    let pattern = LogPath.read(node, path, report)?;
    Some(RawLog::Known(Log::File(pattern)))
}

fn container(runtime: Runtime, pattern: &str) -> RawLog {
    RawLog::Known(Log::Container(ContainerLog {
        runtime,
        pattern: pattern.to_owned(),
        container: None,
    }))
}

fn of_mapping(node: &Node, path: &str, report: &mut Report) -> Option<RawLog> {
    let before = report.errors();
    let fields = Fields::read(&keys::LOG_SECTION, node, node.spot, path, report)?;
    let mut logs = Vec::new();
    let file = fields.get(&keys::LOG_FILE, report);
    logs.extend(file.map(|log| RawLog::Known(Log::File(log.value))));
    let journal = fields.get(&keys::LOG_JOURNAL, report);
    logs.extend(journal.map(|log| RawLog::Journal(log.value)));
    for container in [
        fields.get(&keys::LOG_CRI, report),
        fields.get(&keys::LOG_DOCKER, report),
    ] {
        logs.extend(container.map(|log| RawLog::Known(Log::Container(log.value))));
    }
    let syslog = fields.get(&keys::LOG_SYSLOG, report);
    logs.extend(syslog.map(|log| RawLog::Known(Log::Syslog(log.value))));
    let fifo = fields.get(&keys::LOG_FIFO, report);
    logs.extend(fifo.map(|log| RawLog::Known(Log::Fifo(log.value))));
    if report.errors() > before {
        return None;
    }
    let log = logs.pop();
    if log.is_none() || !logs.is_empty() {
        let keys = keys::LOG_SECTION.settings.iter().map(|key| key.name());
        let keys: Vec<_> = keys.collect();
        let message = format!("needs exactly one of {}", keys.join(", "));
        report.error(node.spot, path, message);
        return None;
    }
    log
}
