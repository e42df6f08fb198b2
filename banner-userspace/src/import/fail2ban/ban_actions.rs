//! What the actions of a jail do: whom they keep out, and whom they tell.

use super::{Fail2ban, FilterRef, definition::Definition};
use crate::import::{
    error::Place,
    ini::{Files, Section, Text},
};

/// What an action is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Keeps hosts out, of some ports or of all: banner does that itself.
    Ban(Scope),
    /// Lets in those whom the filter finds.
    Allow,
    /// Something else, in words.
    Other(&'static str),
}

/// Which ports a ban is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    /// Ports and protocols as they are written.
    Some {
        ports: String,
        protocol: String,
    },
}

/// Actions that ban, and whether they ban for ports.
const BANS: [(&str, bool); 36] = [
    ("apf", false),
    ("bsd-ipfw", true),
    ("firewallcmd-allports", false),
    ("firewallcmd-ipset", true),
    ("firewallcmd-multiport", true),
    ("firewallcmd-new", true),
    ("firewallcmd-rich-logging", true),
    ("firewallcmd-rich-rules", true),
    ("hostsdeny", false),
    ("ipfilter", false),
    ("ipfw", true),
    ("iptables", true),
    ("iptables-allports", false),
    ("iptables-ipset", true),
    ("iptables-ipset-proto4", true),
    ("iptables-ipset-proto6", true),
    ("iptables-ipset-proto6-allports", false),
    ("iptables-multiport", true),
    ("iptables-multiport-log", true),
    ("iptables-new", true),
    ("iptables-xt_recent-echo", false),
    ("nftables", true),
    ("nftables-allports", false),
    ("nftables-common", true),
    ("nftables-multiport", true),
    ("npf", false),
    ("osx-afctl", false),
    ("osx-ipfw", true),
    ("pf", true),
    ("pf-allports", false),
    ("route", false),
    ("shorewall", false),
    ("shorewall-ipset-proto6", false),
    ("symbiosis-blacklist-allports", false),
    ("ufw", false),
    ("blackhole", false),
];

/// Beginnings of the names of actions that do something else.
const OTHERS: [(&str, &str); 18] = [
    ("sendmail", "sends mail, and banner sends none"),
    ("mail", "sends mail, and banner sends none"),
    ("smtp", "sends mail, and banner sends none"),
    ("complain", "sends mail, and banner sends none"),
    ("xarf", "sends mail, and banner sends none"),
    ("dshield", "sends mail, and banner sends none"),
    (
        "mynetwatchman",
        "reports to a service, and banner reports to none",
    ),
    ("apprise", "notifies, and banner does not"),
    (
        "abuseipdb",
        "reports to a service, and banner reports to none",
    ),
    (
        "blocklist_de",
        "reports to a service, and banner reports to none",
    ),
    (
        "ipthreat",
        "reports to a service, and banner reports to none",
    ),
    (
        "cloudflare",
        "bans at a remote service, and banner bans on this machine only",
    ),
    (
        "netscaler",
        "bans on a remote machine, and banner bans on this one only",
    ),
    ("nsupdate", "writes to a name server, and banner does not"),
    (
        "nginx-block-map",
        "writes a map for nginx, and banner does not",
    ),
    ("dummy", "writes to a file, and banner does not"),
    ("badips", "reports to a service, and banner reports to none"),
    ("helpers", "is only part of other actions"),
];

impl Fail2ban {
    /// What an action of a jail does. Options that are not given are those of its file.
    pub(super) fn action(&self, action: &FilterRef, jail: &Section) -> Action {
        let lets_in = |kind: &str| ["RETURN", "ACCEPT"].contains(&kind.to_uppercase().as_str());
        if action.option("blocktype").is_some_and(lets_in) {
            return Action::Allow;
        }
        if let Some(&(_, by_port)) = BANS.iter().find(|(name, _)| *name == action.name) {
            let kind = ["type", "actiontype"].map(|option| action.option(option));
            let all = kind
                .into_iter()
                .flatten()
                .any(|kind| kind.contains("allports"));
            if !by_port || all {
                return Action::Ban(Scope::All);
            }
            let value = |option: &str, default: &str| {
                let given = action.option(option).map(str::to_owned);
                given
                    .or_else(|| self.of_action(action, option, jail))
                    .unwrap_or_else(|| default.to_owned())
            };
            return Action::Ban(Scope::Some {
                ports: value("port", "ssh"),
                protocol: value("protocol", "tcp"),
            });
        }
        let other = OTHERS
            .iter()
            .find(|(begin, _)| action.name.starts_with(begin));
        Action::Other(
            other.map_or("is a command of its own, and banner runs none", |other| {
                other.1
            }),
        )
    }

    /// An option that an action's own file gives.
    fn of_action(&self, action: &FilterRef, option: &str, jail: &Section) -> Option<String> {
        let base = self.dir().join("action.d").join(&action.name);
        let file = Files::default().read(&base).ok()??;
        let place = Place::whole(&action.name);
        let given = action.options.iter();
        let given = given.map(|(name, value)| (name.clone(), Text::new(value, &place)));
        let mut definition = Definition::new(file, given.collect());
        definition.read(&[], jail, false).ok()?;
        definition
            .given(option)
            .map(str::to_owned)
            .filter(|value| !value.contains(['<', '>']))
    }
}
