//! An event in words and as JSON. Whatever comes from outside is escaped here.

mod json;
#[cfg(test)]
mod tests;

use std::{fmt::Write as _, time::Duration};

use super::{
    digest::Digest,
    event::{Banned, Event, Standing, Unbanned, What},
    template::{Field, Template},
    text::{shown, shown_lines},
};
use crate::model::Wall;
use jiff::{Timestamp, tz::TimeZone};

/// Lines of a log that a message shows.
const LINES: usize = 20;

/// Characters of a line that a message shows.
const LINE: usize = 1000;

/// Characters of a name or a reason.
const WORDS: usize = 300;

/// An event, and what it takes to tell of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Story<'a> {
    pub(super) event: &'a Event,
    /// The name of this machine.
    pub(super) hostname: &'a str,
    /// Of times for people.
    pub(super) zone: &'a TimeZone,
    /// What `whois` said, or why it did not.
    pub(super) whois: Option<&'a str>,
}

impl Story<'_> {
    /// The text of a template.
    pub(super) fn fill(&self, template: &Template) -> String {
        template.fill(|field| self.value(field))
    }

    fn value(&self, field: Field) -> String {
        let what = &self.event.what;
        match field {
            Field::Hostname => shown(self.hostname, WORDS),
            Field::Event => what.word().to_owned(),
            Field::Summary => summary(what),
            Field::At => self.time(self.event.at),
            Field::Jail => jail(what),
            Field::Address => address(what).map_or_else(nothing, |net| shown(net, WORDS)),
            Field::Host => match what {
                What::Ban(Banned {
                    host: Some(host), ..
                }) => host.to_string(),
                _ => nothing(),
            },
            Field::Ports => match what {
                What::Ban(Banned { ports, .. }) | What::Unban(Unbanned { ports, .. }) => {
                    shown(ports, WORDS)
                }
                _ => nothing(),
            },
            Field::Failures => match what {
                What::Ban(ban) => ban.failures.to_string(),
                _ => nothing(),
            },
            Field::Time => match what {
                What::Ban(ban) => lasts(ban.lasts),
                _ => nothing(),
            },
            Field::Details => self.details(),
            Field::Lines => self.lines(),
            Field::Whois => self.whois.map_or_else(String::new, |text| {
                block("whois", shown_lines(text, usize::MAX, LINE))
            }),
        }
    }

    /// A line for each thing to know.
    fn details(&self) -> String {
        let mut rows = vec![
            ("machine", shown(self.hostname, WORDS)),
            ("time", self.time(self.event.at)),
        ];
        match &self.event.what {
            What::Ban(ban) => {
                rows.push(("jail", jail(&self.event.what)));
                rows.push(("address", shown(&ban.net, WORDS)));
                if let Some(host) = ban.host
                    && ban.net != host.to_string()
                {
                    rows.push(("offender", host.to_string()));
                }
                rows.push(("ports", shown(&ban.ports, WORDS)));
                rows.push(match ban.failures {
                    0 => ("reason", "on request".to_owned()),
                    failures => ("failures", failures.to_string()),
                });
                rows.push(("ban time", lasts(ban.lasts)));
            }
            What::Unban(unban) => {
                rows.push(("jail", jail(&self.event.what)));
                rows.push(("address", shown(&unban.net, WORDS)));
                rows.push(("ports", shown(&unban.ports, WORDS)));
                rows.push(("reason", unban.why.to_owned()));
            }
            What::Digest(digest) => {
                if let Some((first, last)) = digest.between {
                    rows.push(("first", self.time(first)));
                    rows.push(("last", self.time(last)));
                }
            }
            What::Start { .. } | What::Stop { .. } | What::Problem(_) | What::Solved(_) => {}
        }
        let mut text = String::new();
        for (name, value) in rows {
            let _ = writeln!(text, "{:10} {value}", format!("{name}:"));
        }
        text
    }

    fn lines(&self) -> String {
        match &self.event.what {
            What::Ban(ban) if !ban.lines.is_empty() => block("lines of the log", log_lines(ban)),
            What::Digest(digest) => digest_lines(digest),
            _ => String::new(),
        }
    }

    /// In the zone of this machine, with its offset.
    fn time(&self, at: Wall) -> String {
        match Timestamp::from_nanosecond(i128::from(at.0)) {
            Ok(at) => {
                let at = at.to_zoned(self.zone.clone());
                at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
            }
            Err(_) => nothing(),
        }
    }
}

fn digest_lines(digest: &Digest) -> String {
    let jails = digest.jails.iter().map(|(jail, (bans, unbans))| {
        format!("{}: {bans} bans, {unbans} unbans", shown(jail, WORDS))
    });
    let mut text = block("by jail", jails.collect());
    let mut addresses: Vec<_> = digest
        .addresses
        .iter()
        .map(|net| shown(net, WORDS))
        .collect();
    let rest = digest.bans.saturating_sub(addresses.len() as u64);
    if rest > 0 {
        addresses.push(format!("(and {rest} more)"));
    }
    text.push_str(&block("banned", addresses));
    let problems = digest.texts.iter().map(|text| shown(text, LINE)).collect();
    text.push_str(&block("problems", problems));
    text
}

/// In a few words.
fn summary(what: &What) -> String {
    let text = match what {
        What::Ban(ban) => {
            let verb = match ban.standing {
                Standing::InForce => "banned",
                Standing::Pending => "NOT banned yet, will try again:",
                Standing::Observed => "would ban",
                Standing::Sample => "a sample, nobody is banned:",
            };
            let why = match ban.failures {
                0 => "on request".to_owned(),
                1 => "1 failure".to_owned(),
                failures => format!("{failures} failures"),
            };
            let ports = for_ports(&ban.ports);
            let again = if ban.again { ", again" } else { "" };
            let time = match ban.lasts {
                None => ", permanently".to_owned(),
                Some(_) => format!(" for {}", lasts(ban.lasts)),
            };
            format!(
                "{verb} {}{ports} ({}, {why}{again}){time}",
                ban.net,
                jail(what)
            )
        }
        What::Unban(unban) => {
            let verb = if unban.observed {
                "would unban"
            } else {
                "unbanned"
            };
            let ports = for_ports(&unban.ports);
            format!(
                "{verb} {}{ports} ({}): {}",
                unban.net,
                jail(what),
                unban.why
            )
        }
        What::Start { jails, bans } => format!(
            "started: {}, {} in force",
            counted(*jails, "jail"),
            counted(*bans, "ban")
        ),
        What::Stop { why, bans } => {
            if *bans == 1 {
                format!("stopped ({why}): 1 ban stays in force")
            } else {
                format!("stopped ({why}): {bans} bans stay in force")
            }
        }
        What::Problem(text) => format!("problem: {text}"),
        What::Solved(text) => format!("solved: {text}"),
        What::Digest(digest) => {
            let counts = [
                (digest.bans, "bans"),
                (digest.unbans, "unbans"),
                (digest.problems, "problems"),
            ];
            let counts = counts.into_iter().filter(|(count, _)| *count > 0);
            let counts: Vec<_> = counts
                .map(|(count, noun)| format!("{count} {noun}"))
                .collect();
            let time = digest.between.map_or(Duration::ZERO, |(first, last)| {
                Duration::from_nanos(u64::try_from(last.0.saturating_sub(first.0)).unwrap_or(0))
            });
            let time = lasts(Some(time));
            format!(
                "{} in {time}, folded into one message",
                counts.join(" and ")
            )
        }
    };
    shown(&text, WORDS)
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn for_ports(ports: &str) -> String {
    if ports == "all" {
        String::new()
    } else {
        format!(" for {ports}")
    }
}

fn jail(what: &What) -> String {
    let jail = match what {
        What::Ban(Banned { jail, .. }) | What::Unban(Unbanned { jail, .. }) => jail.as_deref(),
        _ => None,
    };
    jail.map_or_else(nothing, |jail| shown(jail, WORDS))
}

fn address(what: &What) -> Option<&str> {
    match what {
        What::Ban(Banned { net, .. }) | What::Unban(Unbanned { net, .. }) => Some(net),
        _ => None,
    }
}

fn nothing() -> String {
    "-".to_owned()
}

/// The last lines that led to a ban.
fn log_lines(ban: &Banned) -> Vec<String> {
    let from = ban.lines.len().saturating_sub(LINES);
    ban.lines[from..]
        .iter()
        .map(|line| shown(&line.replace('\t', "    "), LINE))
        .collect()
}

/// `title:` and lines that are set in, or nothing.
fn block(title: &str, lines: Vec<String>) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title}:\n");
    for line in lines {
        text.extend(["  ", &line, "\n"]);
    }
    text
}

/// `1d 2h`, `permanent`: the two largest units.
fn lasts(time: Option<Duration>) -> String {
    let Some(time) = time else {
        return "permanent".to_owned();
    };
    let mut rest = (time + Duration::from_millis(500)).as_secs();
    let mut words = Vec::new();
    for (length, unit) in [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")] {
        if rest >= length {
            words.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    words.truncate(2);
    if words.is_empty() {
        return "0s".to_owned();
    }
    words.join(" ")
}

/// In UTC.
fn rfc3339(at: Wall) -> String {
    Timestamp::from_nanosecond(i128::from(at.0)).map_or_else(
        |_| nothing(),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}
