//! `banner bans`.

use std::{net::IpAddr, path::Path, process::ExitCode};

use ipnet::IpNet;

use super::{ask, output::say, table};
use crate::control::{BanPage, BanStatus, Client};

/// Up to so many bans are put in order before they are shown. Of more than that none is kept.
const SORTED: usize = 10_000;

pub(super) fn bans(socket: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let mut list = List {
        json,
        shown: 0,
        held: None,
    };
    ask(async |agent| list.all(&agent).await, socket)??;
    list.end();
    Ok(ExitCode::SUCCESS)
}

/// Bans on their way to standard output.
struct List {
    json: bool,
    shown: usize,
    /// The last item of a JSON list, of which it is not known yet whether a comma follows.
    held: Option<String>,
}

impl List {
    /// Shows all bans: in order if they are not too many, else as they come.
    async fn all(&mut self, agent: &Client) -> anyhow::Result<()> {
        let mut bans = Vec::new();
        let mut after = Some(0);
        while let Some(place) = after {
            let BanPage { bans: page, next } = agent.bans(place).await?;
            after = next;
            bans.extend(page);
            if bans.len() > SORTED {
                self.show(&std::mem::take(&mut bans))?;
            }
        }
        if self.shown == 0 {
            bans.sort_by_cached_key(order);
        }
        self.show(&bans)
    }

    fn show(&mut self, bans: &[BanStatus]) -> anyhow::Result<()> {
        if self.json {
            for ban in bans {
                let item = table::json(ban)?.replace('\n', "\n  ");
                match self.held.replace(item) {
                    None => say!("["),
                    Some(item) => say!("  {item},"),
                }
            }
            self.shown += bans.len();
            return Ok(());
        }
        let mut lines = Vec::new();
        if self.shown == 0 {
            lines.push(
                [
                    "BANNED",
                    "PORTS",
                    "JAIL",
                    "MODE",
                    "REMAINING",
                    "PACKETS",
                    "LAST SEEN",
                ]
                .map(String::from)
                .to_vec(),
            );
        }
        lines.extend(bans.iter().map(line));
        if !bans.is_empty() {
            say!("{}", table::aligned(&lines).trim_end());
        }
        self.shown += bans.len();
        Ok(())
    }

    fn end(&self) {
        match &self.held {
            Some(item) => say!("  {item}\n]"),
            None if self.json => say!("[]"),
            None if self.shown == 0 => say!("nobody is banned"),
            None => {}
        }
    }
}

/// How long it lasts yet, and after how long a silence it ends, where that is what ends it.
fn remaining(ban: &BanStatus) -> String {
    match (ban.remaining_seconds, ban.renews_seconds) {
        (None, _) => "permanent".into(),
        (Some(seconds), None) => table::duration(seconds),
        (Some(seconds), Some(quiet)) => {
            let (left, quiet) = (table::duration(seconds), table::duration(quiet));
            format!("{left}, renews {quiet}")
        }
    }
}

/// Soonest end first, and then by address.
fn order(ban: &BanStatus) -> (u64, Option<IpNet>, String) {
    let net = ban.net.parse().ok();
    let net = net.or_else(|| ban.net.parse::<IpAddr>().ok().map(IpNet::from));
    let remaining = ban.remaining_seconds.unwrap_or(u64::MAX);
    (remaining, net, ban.ports.clone())
}

fn line(ban: &BanStatus) -> Vec<String> {
    vec![
        table::escaped(&ban.net),
        table::escaped(&ban.ports),
        table::escaped(ban.jail.as_deref().unwrap_or("-")),
        table::escaped(&ban.mode),
        remaining(ban),
        ban.packets.to_string(),
        ban.last_seen_seconds.map_or_else(
            || "-".into(),
            |seconds| format!("{} ago", table::duration(seconds)),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soonest_end_comes_first_and_addresses_are_in_their_order() {
        let ban = |net: &str, remaining_seconds| BanStatus {
            net: net.into(),
            ports: "all".into(),
            jail: None,
            mode: "enforce".into(),
            remaining_seconds,
            renews_seconds: None,
            packets: 12,
            last_seen_seconds: Some(61),
        };
        let mut bans = [
            ban("192.0.2.10", None),
            ban("2001:db8::/32", Some(5)),
            ban("192.0.2.9", Some(5)),
            ban("192.0.2.10", Some(5)),
            ban("192.0.2.0/24", Some(4)),
        ];
        bans.sort_by_cached_key(order);
        let nets: Vec<_> = bans.iter().map(|ban| ban.net.as_str()).collect();
        let sorted = [
            "192.0.2.0/24",
            "192.0.2.9",
            "192.0.2.10",
            "2001:db8::/32",
            "192.0.2.10",
        ];
        assert_eq!(nets, sorted);
        assert_eq!(
            line(&bans[4]).join(" "),
            "192.0.2.10 all - enforce permanent 12 1m 1s ago"
        );
        let renews = BanStatus {
            renews_seconds: Some(600),
            ..ban("192.0.2.10", Some(5))
        };
        assert_eq!(line(&renews)[4], "5s, renews 10m");
    }
}
