//! `banner explain`.

use std::{fmt::Write as _, path::Path, process::ExitCode};

use ipnet::IpNet;

use super::{
    ask,
    output::say,
    table::{self, duration, escaped},
};
use crate::control::{Counted, Explained, Explanation, Reason};

pub(super) fn explain(socket: &Path, net: IpNet, json: bool) -> anyhow::Result<ExitCode> {
    let explanation = ask(async |agent| agent.explain(net).await, socket)??;
    if json {
        say!("{}", table::json(&explanation)?);
    } else {
        say!("{}", text(&explanation).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn text(explanation: &Explanation) -> String {
    let Explanation {
        net,
        never,
        bans,
        past,
        jails,
    } = explanation;
    let mut text = String::new();
    let state = match (bans.iter().any(|ban| ban.ban.mode == "enforce"), bans.len()) {
        (true, _) => "banned",
        (false, 0) => "not banned",
        (false, _) => "not banned, but it would be",
    };
    line(&mut text, 0, &format!("{}: {state}", escaped(net)));
    if let Some(why) = never {
        line(&mut text, 1, &format!("never banned: {}", escaped(why)));
    }
    for ban in bans {
        explained(&mut text, ban);
    }
    for reason in past {
        let jail = reason
            .jail
            .as_deref()
            .map_or_else(String::new, |jail| format!(" by {}", escaped(jail)));
        line(&mut text, 1, &format!("was banned{jail} before"));
        because(&mut text, reason);
    }
    for jail in jails {
        line(&mut text, 1, &counted(jail));
    }
    if bans.is_empty() && past.is_empty() && jails.is_empty() && never.is_none() {
        line(
            &mut text,
            1,
            "no jail has seen a failure of it that counts still",
        );
    }
    text
}

fn explained(text: &mut String, Explained { ban, reason }: &Explained) {
    let ports = match ban.ports.as_str() {
        "all" => "all ports".to_owned(),
        ports => escaped(ports),
    };
    let jail = match &ban.jail {
        Some(jail) => format!("by {}", escaped(jail)),
        None => "by no jail".to_owned(),
    };
    let time = match ban.remaining_seconds {
        Some(seconds) => match ban.renews_seconds {
            None => format!("for {} more", duration(seconds)),
            Some(quiet) => format!(
                "for {} more, and until it has been quiet for {}",
                duration(seconds),
                duration(quiet)
            ),
        },
        None => "without an end".to_owned(),
    };
    let mode = if ban.mode == "enforce" {
        String::new()
    } else {
        format!(" ({} only)", escaped(&ban.mode))
    };
    let seen = match (ban.packets, ban.last_seen_seconds) {
        (0, _) | (_, None) => "no packet has come since".to_owned(),
        (packets, Some(last)) => format!("{packets} packets, the last {} ago", duration(last)),
    };
    let what = format!(
        "{}, {ports}, {jail}, {time}{mode}: {seen}",
        escaped(&ban.net)
    );
    line(text, 1, &what);
    match reason {
        Some(reason) => because(text, reason),
        None => line(
            text,
            2,
            "why is not remembered: it is of an earlier agent, or long ago",
        ),
    }
}

fn because(text: &mut String, reason: &Reason) {
    let ago = duration(reason.seconds_ago);
    let time = match reason.time_seconds {
        Some(seconds) => duration(seconds),
        None => "ever".to_owned(),
    };
    let Some(host) = &reason.host else {
        return line(
            text,
            2,
            &format!("somebody asked for it {ago} ago, for {time}"),
        );
    };
    let nth = match reason.count {
        0 | 1 => String::new(),
        count => format!(", ban number {count}"),
    };
    let failures = (reason.failures as usize).max(reason.lines.len());
    // Of what an earlier agent did no more is known than the lines.
    let time = match reason.count {
        0 => String::new(),
        _ => format!(": for {time}{nth}"),
    };
    let host = escaped(host);
    line(
        text,
        2,
        &format!("{failures} failures of {host}, {ago} ago{time}"),
    );
    for entry in &reason.lines {
        let more = if entry.cut { "…" } else { "" };
        let origin = entry.origin.as_deref().map(escaped);
        let origin = origin.map_or_else(String::new, |origin| format!("[{origin}] "));
        line(text, 3, &format!("{origin}{}{more}", escaped(&entry.line)));
    }
    let mut patterns: Vec<_> = reason.lines.iter().flat_map(|line| &line.pattern).collect();
    patterns.dedup();
    for pattern in patterns {
        line(text, 3, &format!("matched by {}", escaped(pattern)));
    }
}

fn counted(jail: &Counted) -> String {
    let mut parts = Vec::new();
    if jail.ignored {
        parts.push("never bans it".to_owned());
    }
    parts.push(format!(
        "{} of {} failures within {}",
        jail.failures,
        jail.max_retry,
        duration(jail.find_seconds)
    ));
    match jail.banned_before {
        0 => {}
        1 => parts.push("banned once".to_owned()),
        times => parts.push(format!("banned {times} times")),
    }
    format!("jail {}: {}", escaped(&jail.jail), parts.join(", "))
}

fn line(text: &mut String, depth: usize, what: &str) {
    // A String takes all.
    let _ = writeln!(text, "{:1$}{what}", "", depth * 2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{BanStatus, LineStatus};

    #[test]
    fn everything_is_said_and_nothing_reaches_the_terminal_raw() {
        let explanation = Explanation {
            net: "203.0.113.7".into(),
            never: None,
            bans: vec![Explained {
                ban: BanStatus {
                    net: "203.0.113.0/24".into(),
                    ports: "tcp/22".into(),
                    jail: Some("sshd".into()),
                    mode: "enforce".into(),
                    remaining_seconds: Some(60),
                    renews_seconds: None,
                    packets: 3,
                    last_seen_seconds: Some(1),
                },
                reason: Some(Reason {
                    jail: Some("sshd".into()),
                    host: Some("203.0.113.7".into()),
                    seconds_ago: 5,
                    failures: 3,
                    count: 2,
                    time_seconds: Some(120),
                    lines: vec![LineStatus {
                        line: "Failed \u{1b}[2J".into(),
                        pattern: Some("^Failed <HOST>".into()),
                        origin: Some("shop/web-1\u{7}".into()),
                        ..LineStatus::default()
                    }],
                }),
            }],
            past: Vec::new(),
            jails: vec![Counted {
                jail: "mail".into(),
                failures: 1,
                max_retry: 5,
                find_seconds: 600,
                ..Counted::default()
            }],
        };
        assert_eq!(
            text(&explanation),
            "203.0.113.7: banned\n  \
             203.0.113.0/24, tcp/22, by sshd, for 1m more: 3 packets, the last 1s ago\n    \
             3 failures of 203.0.113.7, 5s ago: for 2m, ban number 2\n      \
             [shop/web-1\\u{7}] Failed \\u{1b}[2J\n      \
             matched by ^Failed <HOST>\n  \
             jail mail: 1 of 5 failures within 10m\n"
        );
        let nobody = Explanation {
            net: "203.0.113.8".into(),
            ..Explanation::default()
        };
        assert_eq!(
            text(&nobody),
            "203.0.113.8: not banned\n  no jail has seen a failure of it that counts still\n"
        );
    }
}
