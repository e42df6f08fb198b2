//! What a jail reads.

use super::{FilterRef, Jail, paths, report::Report, yaml};

/// Something that a jail reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// Files, by a pattern.
    Files(String),
    /// The systemd journal.
    Journal {
        /// Another one than this machine's.
        directory: Option<String>,
        /// The filter does not say which entries, so all of them.
        all: bool,
    },
}

impl Log {
    /// An item of `logs`.
    pub(super) fn written(&self) -> String {
        let (directory, all) = match self {
            Self::Files(path) => return yaml::scalar(path),
            Self::Journal { directory, all } => (directory, all),
        };
        let mut keys = Vec::new();
        if *all {
            keys.push("match: []".to_owned());
        }
        if let Some(directory) = directory {
            keys.push(format!("directory: {}", yaml::scalar(directory)));
        }
        if keys.is_empty() {
            "journal".to_owned()
        } else {
            format!("{{ journal: {{ {} }} }}", keys.join(", "))
        }
    }
}

/// What a jail reads: the journal, or files.
pub(super) fn logs(jail: &Jail, report: &mut Report, comments: &mut Vec<String>) -> Vec<Log> {
    let backend = jail.option("backend").unwrap_or_default();
    if backend.starts_with("systemd") {
        vec![journal(jail, backend, report, comments)]
    } else {
        files(jail, report, comments)
    }
}

fn journal(jail: &Jail, backend: &str, report: &mut Report, comments: &mut Vec<String>) -> Log {
    let mut directory = None;
    let options = backend.parse::<FilterRef>().map(|backend| backend.options);
    for (option, value) in options.unwrap_or_default() {
        if option == "journalpath" && value.starts_with('/') {
            directory = Some(value);
            continue;
        }
        let text = format!("backend = {backend}: {option} has no counterpart");
        comments.push(format!("Left out: {text}."));
        report.left_out(Some(&jail.name), text);
    }
    Log::Journal {
        directory,
        all: jail.spec.journal.is_empty(),
    }
}

fn files(jail: &Jail, report: &mut Report, comments: &mut Vec<String>) -> Vec<Log> {
    let mut logs = Vec::new();
    for line in jail.option("logpath").unwrap_or_default().split('\n') {
        let (path, _) = line.rsplit_once(' ').unwrap_or((line, "head"));
        let path = path.trim();
        let why = if path.is_empty() {
            continue;
        } else if !path.starts_with('/') || path.ends_with('/') {
            "is no absolute path of a file"
        } else if path.contains(char::is_control) {
            "has control characters"
        } else {
            let log = Log::Files(paths::path(path));
            if !logs.contains(&log) {
                logs.push(log);
            }
            if path.ends_with("/fail2ban.log") {
                let text = "reads fail2ban's own log, which ends when fail2ban does; `of: all` in place of filter and \
                            logs counts the bans of banner's jails";
                report.changed(Some(&jail.name), text);
                comments.push(
                    "fail2ban's own log ends when fail2ban is gone. `of: all` in place of filter and logs counts \
                     the bans of banner's jails."
                        .to_owned(),
                );
            }
            continue;
        };
        report.left_out(Some(&jail.name), format!("logpath {path} {why}"));
        comments.push(format!("Left out: logpath {path}, which {why}."));
    }
    logs
}
