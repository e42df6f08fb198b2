//! What a jail reads.

use std::collections::BTreeSet;

use super::{Jail, paths, report::Report};

/// The log files of a jail.
pub(super) fn logs(jail: &Jail, report: &mut Report, comments: &mut Vec<String>) -> Vec<String> {
    let mut logs = Vec::new();
    let mut seen = BTreeSet::new();
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
            let path = paths::path(path);
            if seen.insert(path.clone()) {
                logs.push(path);
            }
            continue;
        };
        report.left_out(Some(&jail.name), format!("logpath {path} {why}"));
        comments.push(format!("Left out: logpath {path}, which {why}."));
    }
    if jail
        .option("backend")
        .is_some_and(|backend| backend.starts_with("systemd"))
        && !logs.is_empty()
    {
        let text = "reads log files; backend = systemd read the journal. Something has to write these files";
        report.changed(Some(&jail.name), text);
        comments.push(
            "fail2ban read the journal for this; banner does not yet, and reads these \
             files, which something (rsyslog) has to write."
                .to_owned(),
        );
    }
    if logs.iter().any(|log| log.ends_with("/fail2ban.log")) {
        report.changed(
            Some(&jail.name),
            "reads fail2ban's own log, which ends when fail2ban does",
        );
        comments.push("fail2ban's own log ends when fail2ban is gone.".to_owned());
    }
    logs
}
