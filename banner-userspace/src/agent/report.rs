//! Decisions in words, once they are in force.

use std::collections::HashSet;

use tracing::{error, info, warn};

use crate::{
    config::Jail,
    decide::Decision,
    model::{Ban, Entry, JailId, Mode, Mono, Shown, Until},
};

/// Writes a line for each decision. `failed`: what could not be put into force.
pub(super) fn decisions(
    decisions: &[Decision],
    failed: &HashSet<Entry>,
    jails: &[Jail],
    now: Mono,
) {
    for decision in decisions {
        match decision {
            Decision::Ban {
                ban,
                failures,
                again,
            } => {
                let (host, jail) = (Shown(ban.net), name(jails, ban.jail));
                let time = remaining(ban.until, now);
                let again = if *again { " again" } else { "" };
                match ban.mode {
                    Mode::Enforce if failed.contains(&ban.entry()) => {
                        error!(
                            "NOT banned: {host} jail={jail} failures={failures}; will try again"
                        );
                    }
                    Mode::Enforce => {
                        info!("ban {host} jail={jail} failures={failures} time={time}{again}");
                    }
                    Mode::Observe => {
                        info!(
                            "would ban {host} jail={jail} failures={failures} time={time}{again}"
                        );
                    }
                }
            }
            Decision::Spared {
                host,
                jail,
                failures,
            } => {
                let jail = name(jails, Some(*jail));
                info!("spared {host} jail={jail} failures={failures}: on the never-ban list");
            }
            Decision::Over(ban) => unban(ban, jails, "over"),
            Decision::Lifted(ban) => unban(ban, jails, "lifted"),
            Decision::Displaced(ban) => {
                let jail = name(jails, ban.jail);
                warn!(
                    "unban {} jail={jail}: all places are taken, and its ban would have ended \
                     first; raise limits.bans",
                    Shown(ban.net)
                );
            }
            Decision::Refused { host, jail } => {
                let jail = name(jails, Some(*jail));
                error!(
                    "NOT banned: {host} jail={jail}: all places are taken by bans that give none up; \
                     raise limits.bans"
                );
            }
        }
    }
}

fn unban(ban: &Ban, jails: &[Jail], why: &str) {
    let (host, jail) = (Shown(ban.net), name(jails, ban.jail));
    match ban.mode {
        Mode::Enforce => info!("unban {host} jail={jail}: {why}"),
        Mode::Observe => info!("would unban {host} jail={jail}: {why}"),
    }
}

/// The name of a jail; `-` for none of today's.
pub(super) fn name(jails: &[Jail], jail: Option<JailId>) -> &str {
    jail.and_then(|jail| jails.get(usize::from(jail.0)))
        .map_or("-", |jail| &jail.name)
}

/// `permanent`, or seconds.
fn remaining(until: Until, now: Mono) -> String {
    match until {
        Until::Forever => "permanent".into(),
        Until::At(end) => format!("{}s", end.since(now).as_secs_f64().round()),
    }
}
