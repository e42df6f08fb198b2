//! `banner status`.

use std::process::ExitCode;

use banner_common::Reason;

use super::{
    Places, ask,
    output::say,
    table::{self, aligned, duration, escaped},
};
use crate::{
    control::{
        ClientError, EnforcerStatus, FileStatus, JailStatus, NamesStatus, NotifyStatus, Status,
        StreamStatus,
    },
    enforce::xdp,
};

pub(super) fn status(places: &Places, json: bool) -> anyhow::Result<ExitCode> {
    let status = match ask(async |agent| agent.status().await, &places.socket)? {
        Ok(status) => status,
        Err(error @ ClientError::NoAgent { .. }) => {
            without_agent(places);
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    if json {
        say!("{}", table::json(&status)?);
    } else {
        say!("{}", text(&status).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// What can be told without an answer: of an agent that has no socket, or of bans that one left in
/// force.
fn without_agent(places: &Places) {
    if let Some(agent) = xdp::agent(&places.pin_dir) {
        say!(
            "the agent (process {agent}) runs, but does not listen at {}: its log says why",
            places.socket.display()
        );
    } else if let Ok(counters) = xdp::pinned_counters(&places.pin_dir)
        && !counters.is_empty()
    {
        let dropped = counters.values().map(|counters| counters.of(Reason::Drop));
        let dropped: u64 = dropped.map(|tally| tally.packets).sum();
        say!(
            "no agent is running; what it left in {} is in force until each ban ends ({dropped} \
             packets dropped so far)",
            places.pin_dir.display()
        );
    }
}

fn text(status: &Status) -> String {
    let mut text = format!(
        "banner {}, process {}, up {}\n",
        escaped(&status.version),
        status.pid,
        duration(status.uptime_seconds)
    );
    for problem in &status.problems {
        text.extend(["PROBLEM  ", &escaped(problem), "\n"]);
    }
    let mut lines: Vec<_> = status.enforcers.iter().map(enforcer).collect();
    for interface in &status.interfaces {
        let state = match &interface.mode {
            // Behind somebody else's XDP program.
            Some(mode) if mode.starts_with("tcx") => escaped(mode),
            Some(mode) => format!("xdp {}", escaped(mode)),
            None if interface.awaited => "WAITED FOR".into(),
            None => "NOT ATTACHED".into(),
        };
        let back = match interface.put_back {
            0 => String::new(),
            times => format!("; put back {times} times"),
        };
        let kind = if interface.kind.is_empty() {
            String::new()
        } else {
            format!(" ({})", escaped(&interface.kind))
        };
        lines.push(vec![
            "interface".into(),
            escaped(&interface.name),
            format!("{state}{kind}{back}"),
        ]);
        if let Some(advice) = &interface.advice {
            lines.push(vec![String::new(), String::new(), escaped(advice)]);
        }
    }
    let (v4, v6) = (status.banned_ipv4, status.banned_ipv6);
    lines.push(vec![
        "banned".into(),
        format!("{v4} IPv4, {v6} IPv6"),
        format!(
            "of {} each; {} displaced{}",
            status.max_bans,
            status.displaced,
            prefixes(status.banned_prefixes)
        ),
    ]);
    if status.self_tests > 0 {
        let failures = match status.self_test_failures {
            0 => "as they should be".to_owned(),
            failures => format!("{failures} FAILED"),
        };
        let tests = status.self_tests.to_string();
        lines.push(vec!["tested".into(), tests, failures]);
    }
    for (reason, tally) in &status.packets {
        if tally.packets > 0 {
            lines.push(vec![
                "packets".into(),
                escaped(reason),
                format!("{} ({} bytes)", tally.packets, tally.bytes),
            ]);
        }
    }
    lines.extend(status.files.iter().map(file));
    lines.extend(status.streams.iter().map(stream));
    lines.extend(status.names.as_ref().map(names));
    lines.extend(status.notify.iter().map(told));
    lines.extend(losses(status));
    text.push_str(&aligned(&lines));
    text.push('\n');
    text.push_str(&aligned(&jails(&status.jails)));
    text
}

/// One way to drop packets, and how it does.
fn enforcer(enforcer: &EnforcerStatus) -> Vec<String> {
    let state = match (enforcer.in_use, enforcer.all) {
        (true, true) => "in use",
        (true, false) => "in use, beside another",
        (false, _) if enforcer.spilled > 0 => "for what has no place",
        (false, _) if enforcer.problem.is_some() => "DOES NOT WORK",
        (false, _) => "ready",
    };
    let counts = [
        (enforcer.spilled as u64, "bans of the way before it"),
        (enforcer.restored, "bans put back"),
        (enforcer.strange, "bans made by others taken away"),
        (enforcer.rebuilt, "times put back as a whole"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts = counts.map(|(count, what)| format!("; {count} {what}"));
    let why = enforcer
        .problem
        .as_deref()
        .map(|why| format!("; {}", escaped(why)));
    vec![
        "bans in".into(),
        escaped(&enforcer.name),
        format!(
            "{state}{}{}",
            counts.collect::<String>(),
            why.unwrap_or_default()
        ),
    ]
}

/// What became of failures of names.
fn names(names: &NamesStatus) -> Vec<String> {
    let mut state = format!("{} failures resolved", names.resolved);
    for (count, what) in [
        (names.waiting as u64, "waiting"),
        (names.unresolved, "without an address"),
        (names.unanswered, "WITHOUT AN ANSWER"),
        (names.dropped, "DROPPED: too many waited"),
    ] {
        if count > 0 {
            state.extend([", ", &count.to_string(), " ", what]);
        }
    }
    vec!["names".into(), "DNS".into(), state]
}

/// How many of the bans are of prefixes, if any.
fn prefixes(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "; 1 is a prefix".into(),
        count => format!("; {count} are prefixes"),
    }
}

/// A log file.
pub(super) fn file(file: &FileStatus) -> Vec<String> {
    let state = match file.problem.as_deref() {
        None => format!("{} bytes read, {} to go", file.read, file.lag),
        Some(problem) if file.awaited => escaped(problem),
        Some(problem) => format!("UNREADABLE: {}", escaped(problem)),
    };
    let polled = (file.polled.as_ref()).map(|why| format!("; {}", escaped(why)));
    let state = state + &polled.unwrap_or_default();
    vec!["log".into(), escaped(&file.path), state]
}

/// A source that is no file.
pub(super) fn stream(stream: &StreamStatus) -> Vec<String> {
    let mut state = format!("{} lines, {} bytes read", stream.lines, stream.read);
    for (count, what) in [
        (stream.cut, "cut"),
        (stream.lost, "LOST"),
        (stream.refused, "refused"),
    ] {
        if count > 0 {
            state.extend([", ", &count.to_string(), " ", what]);
        }
    }
    if let Some(note) = &stream.note {
        state.extend(["; ", &escaped(note)]);
    }
    match &stream.problem {
        Some(problem) if stream.awaited => state.extend(["; ", &escaped(problem)]),
        Some(problem) => state.extend(["; PROBLEM: ", &escaped(problem)]),
        None => {}
    }
    vec!["source".into(), escaped(&stream.name), state]
}

fn told(target: &NotifyStatus) -> Vec<String> {
    let NotifyStatus {
        queued,
        sent,
        retried,
        dropped,
        folded,
        ..
    } = target;
    let mut state = format!("{}: {sent} sent", escaped(&target.way));
    for (count, what) in [
        (*queued as u64, "wait"),
        (*folded, "events folded into digests"),
        (*retried, "attempts again"),
        (*dropped, "GIVEN UP"),
    ] {
        if count > 0 {
            state.extend([", ", &count.to_string(), " ", what]);
        }
    }
    vec!["notify".into(), escaped(&target.name), state]
}

/// Counters that are 0 when all is well.
fn losses(status: &Status) -> impl Iterator<Item = Vec<String>> {
    let sum = |of: fn(&JailStatus) -> u64| status.jails.iter().map(of).sum();
    let counters = [
        (status.source.cut, "lines longer than limits.line were cut"),
        (
            status.source.overflows,
            "times events were lost, and all files looked at again",
        ),
        (
            sum(|jail| jail.exhausted),
            "times a pattern gave up on a line that would have taken it long",
        ),
        (
            sum(|jail| jail.forgotten),
            "failures were forgotten: of far more hosts than limits.tracked",
        ),
    ];
    let counters = counters.into_iter().filter(|(count, _)| *count > 0);
    counters.map(|(count, what)| vec!["lost".into(), count.to_string(), what.into()])
}

fn jails(jails: &[JailStatus]) -> Vec<Vec<String>> {
    let head = [
        "JAIL", "MODE", "FAILURES", "OFFENCES", "BANNED", "COUNTING", "SPARED",
    ];
    let mut lines = vec![head.map(String::from).to_vec()];
    for jail in jails {
        lines.push(vec![
            escaped(&jail.name),
            if jail.retired {
                "removed".into()
            } else {
                escaped(&jail.mode)
            },
            jail.failures.to_string(),
            jail.offences.to_string(),
            jail.banned.to_string(),
            jail.counting.to_string(),
            jail.spared.to_string(),
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{InterfaceStatus, PacketStatus};

    #[test]
    fn everything_that_is_wrong_is_shown_and_nothing_reaches_the_terminal_raw() {
        let status = Status {
            banned_prefixes: 2,
            problems: vec!["log\u{1b}[2J is gone".into()],
            interfaces: vec![
                InterfaceStatus {
                    name: "eth0".into(),
                    mode: Some("native".into()),
                    kind: "veth".into(),
                    advice: Some("a peer\u{7}".into()),
                    put_back: 2,
                    ..InterfaceStatus::default()
                },
                InterfaceStatus {
                    name: "eth1".into(),
                    ..InterfaceStatus::default()
                },
                InterfaceStatus {
                    name: "eth2".into(),
                    awaited: true,
                    ..InterfaceStatus::default()
                },
            ],
            packets: [(
                "drop".into(),
                PacketStatus {
                    packets: 3,
                    bytes: 180,
                },
            )]
            .into(),
            jails: vec![JailStatus {
                name: "sshd".into(),
                failures: 12,
                exhausted: 3,
                ..JailStatus::default()
            }],
            files: vec![FileStatus {
                path: "/x".into(),
                problem: Some("permission denied".into()),
                ..FileStatus::default()
            }],
            ..Status::default()
        };
        let text = text(&status);
        for part in [
            "times a pattern gave up on a line",
            "PROBLEM  log\\u{1b}[2J is gone",
            "eth0",
            "native (veth); put back 2 times",
            "a peer\\u{7}",
            "NOT ATTACHED",
            "WAITED FOR",
            "3 (180 bytes)",
            "UNREADABLE: permission denied",
            "2 are prefixes",
            "sshd",
            "12",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}
