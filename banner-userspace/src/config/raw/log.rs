use super::log_path::{DOCKER, LogPath, PODS};
use crate::config::log_keys as keys;
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::shape::{Shape, refuse};
use crate::config::yaml::{Kind, Node};
use crate::model::{ContainerLog, Log, Runtime};

/// An item of `logs`: a path or pattern, a word, or a mapping with one key.
pub(crate) struct LogOf;

impl Shape for LogOf {
    type Value = Log;

    fn noun(&self) -> String {
        LogPath.noun()
    }

    fn examples(&self) -> &'static str {
        LogPath.examples()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Log> {
        match &node.kind {
            Kind::Text(word) => match word.as_str() {
                "stdin" | "-" => Some(Log::Stdin),
                "cri" => Some(container(Runtime::Cri, PODS)),
                "docker" => Some(container(Runtime::Docker, DOCKER)),
                word if needs_more(word) => {
                    let advice = format!("for this source write {{{word}: …}}");
                    refuse(self, node, path, report, &advice);
                    None
                }
                _ => LogPath.read(node, path, report).map(Log::File),
            },
            Kind::Mapping(_) => of_mapping(node, path, report),
            _ => LogPath.read(node, path, report).map(Log::File),
        }
    }
}

/// Whether a word names a source that is nothing without a value.
fn needs_more(word: &str) -> bool {
    let mut keys = keys::LOG_SECTION.settings.iter();
    keys.any(|key| key.name() == word)
}

fn container(runtime: Runtime, pattern: &str) -> Log {
    Log::Container(ContainerLog {
        runtime,
        pattern: pattern.to_owned(),
        container: None,
    })
}

fn of_mapping(node: &Node, path: &str, report: &mut Report) -> Option<Log> {
    let before = report.errors();
    let fields = Fields::read(&keys::LOG_SECTION, node, node.spot, path, report)?;
    let mut logs = Vec::new();
    logs.extend(
        fields
            .get(&keys::LOG_FILE, report)
            .map(|log| Log::File(log.value)),
    );
    logs.extend(
        fields
            .get(&keys::LOG_CRI, report)
            .map(|log| Log::Container(log.value)),
    );
    logs.extend(
        fields
            .get(&keys::LOG_DOCKER, report)
            .map(|log| Log::Container(log.value)),
    );
    logs.extend(
        fields
            .get(&keys::LOG_FIFO, report)
            .map(|log| Log::Fifo(log.value)),
    );
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
