//! The shapes of what is asked and answered about bans.

use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::{Mode, Ports, Shown, bannable};

/// The most bans in one request or answer. A client that has more asks again, so that the logs get
/// their turn in between.
pub const MOST: usize = 10_000;

/// One ban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanStatus {
    /// Who: an address, or a prefix.
    pub net: String,
    /// For which ports: `all`, or a list such as `tcp/22,udp/53`.
    pub ports: String,
    /// Jail; none for a ban that no jail of today's configuration made.
    pub jail: Option<String>,
    /// `enforce` or `observe`.
    pub mode: String,
    /// For how many seconds more; none: without an end.
    pub remaining_seconds: Option<u64>,
    /// It ends when its host has been quiet for so many seconds: packets put its end off. None: it does
    /// not renew.
    #[serde(default)]
    pub renews_seconds: Option<u64>,
    /// Packets that it was applied to: up to 255 counted one by one, behind that sampled.
    #[serde(default)]
    pub packets: u64,
    /// For how many seconds none has come, to within a few; none: there was none.
    #[serde(default)]
    pub last_seen_seconds: Option<u64>,
}

/// Some of the bans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanPage {
    /// In no order. A ban that is in force while all pages are asked for is in one of them.
    pub bans: Vec<BanStatus>,
    /// What to ask for next, as `after`; none: these were the last.
    pub next: Option<u64>,
}

/// How long a ban that is asked for lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Time {
    /// So many seconds, at least one.
    Seconds(u64),
    /// The word `permanent`.
    Word(Permanent),
}

/// Without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permanent {
    /// The word.
    Permanent,
}

/// The longest ban with an end, in seconds. Longer is a slip, or meant as permanent.
const LONGEST: u64 = 10 * 365 * 86_400;

impl Time {
    /// How long; `None`: without an end.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            Self::Word(Permanent::Permanent) => None,
        }
    }

    fn checked(self) -> Result<Self, String> {
        match self {
            Self::Seconds(seconds) if !(1..=LONGEST).contains(&seconds) => Err(format!(
                "a ban takes 1 to {LONGEST} seconds, not {seconds}; one without an end is \
                 \"permanent\""
            )),
            time => Ok(time),
        }
    }
}

impl From<Option<Duration>> for Time {
    /// In whole seconds, not less; `None`: without an end.
    fn from(time: Option<Duration>) -> Self {
        time.map_or(Self::Word(Permanent::Permanent), |time| {
            Self::Seconds(time.as_secs() + u64::from(time.subsec_nanos() > 0))
        })
    }
}

/// A ban that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Who: an address, or a prefix.
    pub net: String,
    /// How long, if not as long as the others of the same request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

/// Bans that are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanRequest {
    /// At most [`MOST`].
    pub bans: Vec<Wanted>,
    /// How long; none: as long as those of the jail, or an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// For which ports, as in [`BanStatus::ports`]; none: those of the jail, or all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<String>,
    /// In the name of this jail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jail: Option<String>,
    /// `enforce` or `observe`; none: as the jail, or `enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether packets put off the end; none: as the jail, or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew: Option<bool>,
    /// Ban nobody, only say which would be refused.
    #[serde(default)]
    pub check: bool,
    /// Also who is in `ignore` of the configuration. At most 16 such prefixes at a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// A [`BanRequest`] that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanOrder {
    /// Who, and how long.
    pub bans: Vec<(IpNet, Option<Time>)>,
    /// How long, where it is not said with who.
    pub time: Option<Time>,
    /// For which ports; the inner `None`: all.
    pub ports: Option<Option<Ports>>,
    /// In the name of this jail.
    pub jail: Option<String>,
    /// Drop, or only count.
    pub mode: Option<Mode>,
    /// Whether packets put off the end.
    pub renew: Option<bool>,
    /// Only say what would be refused.
    pub check: bool,
    /// Also who is in `ignore`.
    pub force: bool,
}

/// What became of bans that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banned {
    /// How many are in force, or would be.
    pub banned: usize,
    /// How many could not be put into force yet; the agent tries again, and its log says why.
    pub pending: usize,
    /// How many bans, of others or of the same list, had to make room for them.
    pub displaced: usize,
    /// Those that were refused.
    pub refused: Vec<RefusedBan>,
}

/// A ban that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedBan {
    /// Which of the request, from 0.
    pub index: usize,
    /// Whom it would have banned.
    pub net: String,
    /// Why it was refused.
    pub why: String,
}

/// What became of a request to unban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unbanned {
    /// Who: an address, or a prefix.
    pub net: String,
    /// Whether it was banned.
    pub was_banned: bool,
    /// Prefixes around it that are banned still.
    pub within: Vec<String>,
}

/// What became of a request to unban all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllUnbanned {
    /// How many bans ended.
    pub unbanned: usize,
    /// There are more: ask again.
    pub more: bool,
}

impl BanRequest {
    /// What it means, or what is wrong with it.
    pub(super) fn order(self) -> Result<BanOrder, String> {
        if self.bans.len() > MOST {
            let count = self.bans.len();
            return Err(format!("{count} bans in one request; {MOST} is the most"));
        }
        let mut bans = Vec::with_capacity(self.bans.len());
        for (index, wanted) in self.bans.iter().enumerate() {
            let at = |why: String| format!("bans[{index}]: {why}");
            let net = net(&wanted.net).map_err(at)?;
            let time = wanted.time.map(Time::checked).transpose().map_err(at)?;
            bans.push((net, time));
        }
        let time = self.time.map(Time::checked).transpose()?;
        let ports = match self.ports.as_deref() {
            None => None,
            Some("all") => Some(None),
            Some(text) => {
                let ports: Ports = text.parse().map_err(|why| format!("ports: {why}"))?;
                Some(Some(ports))
            }
        };
        let mode = match self.mode.as_deref() {
            None => None,
            Some("enforce") => Some(Mode::Enforce),
            Some("observe") => Some(Mode::Observe),
            Some(word) => return Err(format!("mode: {word:?} is neither enforce nor observe")),
        };
        Ok(BanOrder {
            bans,
            time,
            ports,
            jail: self.jail,
            mode,
            renew: self.renew,
            check: self.check,
            force: self.force,
        })
    }
}

/// What a text names that can be banned: an address, or a prefix without bits beyond its length.
pub fn net(text: &str) -> Result<IpNet, String> {
    let net = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| format!("{text:?} is neither an address nor a prefix"))?;
    if net.trunc() != net {
        let (network, host) = (net.trunc(), net.addr());
        return Err(format!(
            "{text} has bits beyond its length: write {network} for the network, or {host} for this \
             host"
        ));
    }
    bannable(net).map_err(|too_wide| too_wide.to_string())
}

/// An address or a prefix, as [`BanStatus::net`] has it.
pub fn shown(net: IpNet) -> String {
    Shown(net).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_banned_is_an_address_or_a_prefix() {
        for (text, canonical) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8::1/128", "2001:db8::1"),
        ] {
            assert_eq!(net(text).map(shown), Ok(canonical.to_owned()), "{text}");
        }
        for (text, why) in [
            (
                "192.0.2.7/24",
                "write 192.0.2.0/24 for the network, or 192.0.2.7 for this host",
            ),
            ("0.0.0.0/0", "0.0.0.0/0 is too wide for a ban"),
            ("host", "\"host\" is neither an address nor a prefix"),
            ("192.0.2.0/33", "neither an address nor a prefix"),
            ("", "neither"),
        ] {
            let refused = net(text).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn a_request_is_read_as_it_is_documented() {
        let order = |text: &str| -> Result<BanOrder, String> {
            let request: BanRequest = serde_json::from_str(text).map_err(|e| e.to_string())?;
            request.order()
        };
        let all = order(
            r#"{"bans": [{"net": "192.0.2.7"}, {"net": "10.0.0.0/8", "time": "permanent"}],
                "time": 60, "ports": "tcp/22,icmp", "jail": "sshd", "mode": "observe", "check": true}"#,
        )
        .unwrap();
        assert_eq!(all.bans[1].1, Some(Time::Word(Permanent::Permanent)));
        assert_eq!(all.time, Some(Time::Seconds(60)));
        assert_eq!(all.ports.unwrap().unwrap().to_string(), "tcp/22,icmp");
        assert_eq!((all.mode, all.check), (Some(Mode::Observe), true));
        let least = order(r#"{"bans": []}"#).unwrap();
        assert_eq!((least.ports, least.mode, least.check), (None, None, false));
        assert_eq!(
            order(r#"{"bans": [], "ports": "all"}"#).unwrap().ports,
            Some(None)
        );
        for (text, why) in [
            (r#"{"bans": [{"net": "x"}]}"#, "bans[0]: \"x\" is neither"),
            (r#"{"bans": [], "port": "all"}"#, "unknown field `port`"),
            (
                r#"{"bans": [], "ports": "ssh"}"#,
                "ports: \"ssh\" is not of the form",
            ),
            (
                r#"{"bans": [], "mode": "drop"}"#,
                "mode: \"drop\" is neither",
            ),
            (r#"{"bans": [{"net": "::1", "time": "1h"}]}"#, "Time"),
            (r#"{"bans": [], "time": -1}"#, "Time"),
            (
                r#"{"bans": [], "time": 0}"#,
                "a ban takes 1 to 315360000 seconds, not 0",
            ),
            (
                r#"{"bans": [{"net": "::1"}, {"net": "::1", "time": 400000000}]}"#,
                "bans[1]: a ban takes 1 to 315360000 seconds",
            ),
        ] {
            let refused = order(text).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
