//! Decisions in words, once they are in force.

use std::collections::HashSet;

use ipnet::IpNet;
use tracing::{error, info, warn};

use crate::{
    config::Jail,
    decide::Decision,
    enforce::Failed,
    model::{Ban, Entry, JailId, Mode, Mono, PortSets, PortsId, Shown, Until, is_host},
};

/// Of what happens to many bans at once, because somebody put in a list, so many get a line of
/// their own; the rest are counted.
const TOLD_ONE_BY_ONE: usize = 100;

/// What numbers stand for.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// By [`JailId`].
    pub(super) jails: &'a [Jail],
    /// By [`PortsId`].
    pub(super) ports: &'a PortSets,
}

/// How many bans were told of, by what became of them.
#[derive(Default)]
struct Told {
    asked: usize,
    over: usize,
    lifted: usize,
    displaced: usize,
}

/// Writes a line for each decision. `failed`: what could not be put into force.
pub(super) fn decisions(
    decisions: &[Decision],
    failed: &HashSet<Entry>,
    names: Names<'_>,
    now: Mono,
) {
    let mut told = Told::default();
    for decision in decisions {
        match decision {
            Decision::Ban {
                ban,
                who,
                failures,
                count,
                again,
                narrowed,
                evidence,
                ..
            } => {
                let mut why = match count {
                    0 | 1 => format!("failures={failures}"),
                    count => format!("failures={failures} count={count}"),
                };
                if ban.net != *who {
                    why = format!("host={} {why}", Shown(*who));
                }
                let again = if *again { " again" } else { "" };
                let origin = evidence.last().and_then(|line| line.origin.as_deref());
                let origin = origin.map_or_else(String::new, |origin| {
                    format!(" from={}", origin.escape_debug())
                });
                let narrowed = if *narrowed {
                    " (the host alone: its jail ignores a part of the prefix around it)"
                } else {
                    ""
                };
                banned(
                    ban,
                    &why,
                    &format!("{again}{origin}{narrowed}"),
                    failed,
                    names,
                    now,
                );
            }
            Decision::Explained { .. } | Decision::Renewed(_) => {}
            Decision::Asked(ban) => {
                if one_more(&mut told.asked) {
                    banned(ban, "on request", "", failed, names, now);
                }
            }
            Decision::Spared {
                who,
                jail,
                failures,
            } => spared(*who, names.jail(Some(*jail)), *failures),
            Decision::Over(ban) => {
                if one_more(&mut told.over) {
                    unbanned(ban, names, "over");
                }
            }
            Decision::Lifted(ban) => {
                if one_more(&mut told.lifted) {
                    unbanned(ban, names, "lifted");
                }
            }
            Decision::Displaced(ban) => {
                if one_more(&mut told.displaced) {
                    warn!(
                        "unban {}: all places are taken, and its ban would have ended first; raise \
                         limits.bans",
                        names.whom(ban)
                    );
                }
            }
            Decision::Refused(ban) => {
                error!(
                    "NOT banned: {}: all places are taken by bans that give none up; raise \
                     limits.bans",
                    names.whom(ban)
                );
            }
        }
    }
    told.rest();
}

/// Writes a line for each change that could not be put into force, up to as many as are told one by one.
pub(super) fn failures(failures: &[Failed]) {
    for failure in failures.iter().take(TOLD_ONE_BY_ONE) {
        error!("{failure}");
    }
    let rest = failures.len().saturating_sub(TOLD_ONE_BY_ONE);
    if rest > 0 {
        error!("{rest} more changes could not be put into force");
    }
}

impl Told {
    /// Counts those that got no line of their own.
    fn rest(&self) {
        let rest = |count: usize| count.saturating_sub(TOLD_ONE_BY_ONE);
        let kinds = [
            ("ban", self.asked, "on request"),
            ("unban", self.over, "over"),
            ("unban", self.lifted, "lifted"),
        ];
        for (what, count, why) in kinds {
            if rest(count) > 0 {
                info!("{what} of {} more: {why}", rest(count));
            }
        }
        if rest(self.displaced) > 0 {
            warn!(
                "unban of {} more: all places are taken, and their bans would have ended first; raise \
                 limits.bans",
                rest(self.displaced)
            );
        }
    }
}

/// Counts one, and says whether it gets a line.
fn one_more(count: &mut usize) -> bool {
    *count += 1;
    *count <= TOLD_ONE_BY_ONE
}

fn banned(
    ban: &Ban,
    why: &str,
    remarks: &str,
    failed: &HashSet<Entry>,
    names: Names<'_>,
    now: Mono,
) {
    let whom = names.whom(ban);
    let time = remaining(ban.until, now);
    match ban.mode {
        Mode::Enforce if failed.contains(&ban.entry()) => {
            error!("NOT banned: {whom} {why}; will try again");
        }
        Mode::Enforce => info!("ban {whom} {why} time={time}{remarks}"),
        Mode::Observe => info!("would ban {whom} {why} time={time}{remarks}"),
    }
}

fn spared(who: IpNet, jail: &str, failures: u32) {
    let part = if is_host(who) {
        ""
    } else {
        "all or a part of it is "
    };
    let who = Shown(who);
    info!("spared {who} jail={jail} failures={failures}: {part}on the never-ban list");
}

fn unbanned(ban: &Ban, names: Names<'_>, why: &str) {
    let whom = names.whom(ban);
    match ban.mode {
        Mode::Enforce => info!("unban {whom}: {why}"),
        Mode::Observe => info!("would unban {whom}: {why}"),
    }
}

impl<'a> Names<'a> {
    /// The name of a jail; `-` for none of today's.
    pub(super) fn jail(self, jail: Option<JailId>) -> &'a str {
        jail.and_then(|jail| self.jails.get(usize::from(jail.0)))
            .map_or("-", |jail| &jail.name)
    }

    /// `192.0.2.0/24 for tcp/22`, without the ports where all are meant.
    pub(super) fn of(self, entry: Entry) -> String {
        let net = Shown(entry.net);
        if entry.ports == PortsId::ALL {
            net.to_string()
        } else {
            format!("{net} for {}", self.ports.name(entry.ports))
        }
    }

    /// `192.0.2.0/24 for tcp/22 jail=sshd`, without the ports where all are meant.
    fn whom(self, ban: &Ban) -> String {
        format!("{} jail={}", self.of(ban.entry()), self.jail(ban.jail))
    }
}

/// `permanent`, or seconds.
fn remaining(until: Until, now: Mono) -> String {
    match until {
        Until::Forever => "permanent".into(),
        Until::At(end) => format!("{}s", end.since(now).as_secs_f64().round()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_banned_is_said_with_the_ports_unless_they_are_all() {
        let mut ports = PortSets::default();
        let ssh = ports.intern(&"tcp/22,icmp".parse().unwrap()).unwrap();
        let names = Names {
            jails: &[],
            ports: &ports,
        };
        let whom = |net: &str, ports| {
            names.whom(&Ban {
                net: net.parse().unwrap(),
                ports,
                jail: None,
                mode: Mode::Enforce,
                until: Until::Forever,
                quiet: None,
            })
        };
        assert_eq!(whom("192.0.2.7/32", PortsId::ALL), "192.0.2.7 jail=-");
        assert_eq!(
            whom("2001:db8::/64", ssh),
            "2001:db8::/64 for tcp/22,icmp jail=-"
        );
    }
}
