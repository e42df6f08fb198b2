//! `banner status JAIL`.

use std::{path::Path, process::ExitCode};

use anyhow::bail;

use super::{
    ask,
    output::say,
    status::{file, stream},
    table::{self, aligned, duration, escaped},
};
use crate::control::{ClientError, JailDetail};

pub(super) fn status(socket: &Path, name: &str, json: bool) -> anyhow::Result<ExitCode> {
    let jail = match ask(async |agent| agent.jail(name).await, socket)? {
        Ok(jail) => jail,
        // It is what was asked for that is wrong, not the agent.
        Err(ClientError::Refused { status, message }) if status == 404 => bail!("{message}"),
        Err(error) => return Err(error.into()),
    };
    if json {
        say!("{}", table::json(&jail)?);
    } else {
        say!("{}", text(&jail).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn text(jail: &JailDetail) -> String {
    let status = &jail.status;
    let what = match &status.of {
        _ if status.retired => {
            "in the configuration no more; its bans stay until they end".to_owned()
        }
        Some(of) => format!("{} mode, counts the bans of {}", status.mode, escaped(of)),
        None => format!("{} mode, filter {}", status.mode, escaped(&status.filter)),
    };
    let time = jail
        .ban_seconds
        .map_or_else(|| "permanent".to_owned(), duration);
    let grows = if jail.escalates {
        ", longer each time"
    } else {
        ""
    };
    let mut lines = vec![
        row(
            "rule",
            format!(
                "{} failures within {}: banned for {time}{grows}",
                jail.max_retry,
                duration(jail.find_seconds)
            ),
        ),
        row("ports", escaped(&jail.ports)),
    ];
    for (name, lengths) in [
        ("banned with", jail.prefix),
        ("counted with", jail.count_by),
    ] {
        if lengths != [32, 128] {
            let [v4, v6] = lengths;
            lines.push(row(name, format!("its /{v4} in IPv4, its /{v6} in IPv6")));
        }
    }
    lines.push(row("failures", failures(jail)));
    lines.push(row(
        "counting",
        match &jail.counted[..] {
            [] => "nobody".to_owned(),
            some => {
                let named = some
                    .iter()
                    .map(|(host, count)| format!("{} ({count})", escaped(host)));
                format!(
                    "{}: {}",
                    hosts(status.counting),
                    named.collect::<Vec<_>>().join(", ")
                )
            }
        },
    ));
    lines.push(row(
        "bans",
        format!(
            "{} now, {} since the agent started, {} spared",
            status.banned, jail.bans, status.spared
        ),
    ));
    for (name, list) in [
        ("dropped by", &jail.enforce),
        ("told", &jail.notify),
        ("ignores", &jail.ignore),
    ] {
        if !list.is_empty() {
            lines.push(row(name, escaped(&list.join(", "))));
        }
    }
    let mut text = format!(
        "jail {}: {what}\n{}",
        escaped(&status.name),
        aligned(&lines)
    );
    let sources = jail
        .files
        .iter()
        .map(file)
        .chain(jail.streams.iter().map(stream));
    text.push_str(&aligned(&sources.collect::<Vec<_>>()));
    text
}

fn row(name: &str, text: String) -> Vec<String> {
    vec![name.to_owned(), text]
}

fn hosts(count: usize) -> String {
    format!("{count} host{}", if count == 1 { "" } else { "s" })
}

fn failures(jail: &JailDetail) -> String {
    let status = &jail.status;
    let mut text = status.failures.to_string();
    for (count, what) in [
        (status.ignored, "lines ignored"),
        (status.stale, "too old to count"),
        (
            status.unbannable,
            "of names, ids and prefixes that are too wide",
        ),
        (status.stamp_missing, "without a stamp"),
        (status.stamp_unreadable, "with an unreadable stamp"),
        (status.stamp_future, "with a stamp that lies ahead"),
        (status.forgotten, "forgotten"),
        (status.exhausted, "times a pattern gave up"),
    ] {
        if count > 0 {
            text.extend([", ", &count.to_string(), " ", what]);
        }
    }
    if let Some(last) = &jail.last_failure {
        let host = escaped(&last.host);
        let ago = duration(last.seconds_ago);
        text.extend(["; the last of ", &host, ", ", &ago, " ago"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{FileStatus, JailStatus, LastFailure};

    #[test]
    fn all_about_a_jail_is_shown_and_nothing_reaches_the_terminal_raw() {
        let jail = JailDetail {
            status: JailStatus {
                name: "sshd".into(),
                mode: "enforce".into(),
                filter: "ssh\u{1b}[2J".into(),
                failures: 12,
                stale: 3,
                counting: 2,
                banned: 1,
                ..JailStatus::default()
            },
            max_retry: 5,
            find_seconds: 600,
            ban_seconds: Some(3600),
            escalates: true,
            ports: "tcp/22".into(),
            prefix: [32, 64],
            count_by: [32, 128],
            bans: 7,
            last_failure: Some(LastFailure {
                host: "192.0.2.7".into(),
                seconds_ago: 61,
            }),
            counted: vec![("192.0.2.7".into(), 3), ("2001:db8::7".into(), 1)],
            ignore: vec!["192.0.2.1".into()],
            enforce: vec!["xdp".into(), "nftables".into()],
            files: vec![FileStatus {
                path: "/var/log/auth.log".into(),
                read: 17,
                ..FileStatus::default()
            }],
            ..JailDetail::default()
        };
        let shown = text(&jail);
        let lines: Vec<String> = shown
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "jail sshd: enforce mode, filter ssh\\u{1b}[2J",
                "rule 5 failures within 10m: banned for 1h, longer each time",
                "ports tcp/22",
                "banned with its /32 in IPv4, its /64 in IPv6",
                "failures 12, 3 too old to count; the last of 192.0.2.7, 1m 1s ago",
                "counting 2 hosts: 192.0.2.7 (3), 2001:db8::7 (1)",
                "bans 1 now, 7 since the agent started, 0 spared",
                "dropped by xdp, nftables",
                "ignores 192.0.2.1",
                "log /var/log/auth.log 17 bytes read, 0 to go",
            ]
        );
        let of = JailDetail {
            status: JailStatus {
                mode: "observe".into(),
                of: Some("all".into()),
                ..JailStatus::default()
            },
            ..JailDetail::default()
        };
        assert!(text(&of).starts_with("jail : observe mode, counts the bans of all\n"));
    }
}
