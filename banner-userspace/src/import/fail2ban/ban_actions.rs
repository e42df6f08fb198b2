//! What the actions of a jail do: whom they keep out, and whom they tell.

use super::{
    Fail2ban, FilterRef,
    definition::Definition,
    mails::Mail,
    ways::{self, Way},
};
use crate::import::{
    error::Place,
    ini::{Files, Section, Text},
};

/// What an action is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Keeps hosts out.
    Ban(Ban),
    /// Lets in those whom the filter finds.
    Allow,
    /// Tells people.
    Mail(Mail),
    /// Something else, in words.
    Other(&'static str),
}

/// How an action keeps hosts out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ban {
    pub(super) scope: Scope,
    /// The way of ours beside XDP; none: there is none like it.
    pub(super) way: Option<Way>,
    /// What is not as it was there.
    pub(super) changed: Vec<String>,
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

/// What an action bans with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    Iptables,
    Nftables,
    HostsDeny,
    /// A program that writes rules of netfilter, or routes.
    Linux,
    /// What Linux has not.
    Foreign,
}

use Means::{Foreign, HostsDeny, Iptables, Linux, Nftables};

/// Actions that ban, whether they ban for ports, and with what.
const BANS: [(&str, bool, Means); 36] = [
    ("apf", false, Linux),
    ("blackhole", false, Linux),
    ("bsd-ipfw", true, Foreign),
    ("firewallcmd-allports", false, Linux),
    ("firewallcmd-ipset", true, Linux),
    ("firewallcmd-multiport", true, Linux),
    ("firewallcmd-new", true, Linux),
    ("firewallcmd-rich-logging", true, Linux),
    ("firewallcmd-rich-rules", true, Linux),
    ("hostsdeny", false, HostsDeny),
    ("ipfilter", false, Foreign),
    ("ipfw", true, Foreign),
    ("iptables", true, Iptables),
    ("iptables-allports", false, Iptables),
    ("iptables-ipset", true, Iptables),
    ("iptables-ipset-proto4", true, Iptables),
    ("iptables-ipset-proto6", true, Iptables),
    ("iptables-ipset-proto6-allports", false, Iptables),
    ("iptables-multiport", true, Iptables),
    ("iptables-multiport-log", true, Iptables),
    ("iptables-new", true, Iptables),
    ("iptables-xt_recent-echo", false, Iptables),
    ("nftables", true, Nftables),
    ("nftables-allports", false, Nftables),
    ("nftables-common", true, Nftables),
    ("nftables-multiport", true, Nftables),
    ("npf", false, Foreign),
    ("osx-afctl", false, Foreign),
    ("osx-ipfw", true, Foreign),
    ("pf", true, Foreign),
    ("pf-allports", false, Foreign),
    ("route", false, Linux),
    ("shorewall", false, Linux),
    ("shorewall-ipset-proto6", false, Linux),
    ("symbiosis-blacklist-allports", false, Linux),
    ("ufw", false, Linux),
];

/// What reports to a service would take.
const SERVICE: &str = "reports to a service; `notify` has webhooks and commands for such";
/// What is mail to somebody else.
const ABUSE: &str = "sends mail to those who are responsible for an address, and banner does not";

/// Beginnings of the names of actions that do something else.
const OTHERS: [(&str, &str); 14] = [
    (
        "smtp",
        "sends mail with a password; `notify` has `smtp` for it",
    ),
    ("complain", ABUSE),
    ("xarf", ABUSE),
    ("dshield", SERVICE),
    ("mynetwatchman", SERVICE),
    ("apprise", SERVICE),
    ("abuseipdb", SERVICE),
    ("blocklist_de", SERVICE),
    ("ipthreat", SERVICE),
    (
        "cloudflare",
        "bans at a remote service; `enforce` has commands for such",
    ),
    (
        "netscaler",
        "bans on a remote machine; `enforce` has commands for such",
    ),
    (
        "nsupdate",
        "writes to a name server; `enforce` has commands for such",
    ),
    (
        "nginx-block-map",
        "writes a map for nginx; `enforce` has commands for such",
    ),
    ("dummy", "writes to a file, and banner does not"),
];

/// What an action of somebody's own does.
const OWN: &str =
    "is a command of its own, for a shell; `enforce` and `notify` have commands without one";

impl Fail2ban {
    /// What an action of a jail does. Options that are not given are those of its file.
    pub(super) fn action(&self, action: &FilterRef, jail: &Section) -> Action {
        let lets_in = |kind: &str| ["RETURN", "ACCEPT"].contains(&kind.to_uppercase().as_str());
        if action.option("blocktype").is_some_and(lets_in) {
            return Action::Allow;
        }
        if let Some(&(_, by_port, means)) = BANS.iter().find(|(name, ..)| *name == action.name) {
            let (way, changed) = ways::way(action, means);
            return Action::Ban(Ban {
                scope: self.scope(action, by_port, jail),
                way,
                changed,
            });
        }
        let value = |option: &str| {
            let given = action.option(option).map(str::to_owned);
            given.or_else(|| self.of_action(action, option, jail))
        };
        if let Some(mail) = Mail::of(&action.name, value) {
            return Action::Mail(mail);
        }
        let other = OTHERS
            .iter()
            .find(|(begin, _)| action.name.starts_with(begin));
        Action::Other(other.map_or(OWN, |other| other.1))
    }

    fn scope(&self, action: &FilterRef, by_port: bool, jail: &Section) -> Scope {
        let kind = ["type", "actiontype"].map(|option| action.option(option));
        let all = kind
            .into_iter()
            .flatten()
            .any(|kind| kind.contains("allports"));
        if !by_port || all {
            return Scope::All;
        }
        let value = |option: &str, default: &str| {
            let given = action.option(option).map(str::to_owned);
            given
                .or_else(|| self.of_action(action, option, jail))
                .unwrap_or_else(|| default.to_owned())
        };
        Scope::Some {
            ports: value("port", "ssh"),
            protocol: value("protocol", "tcp"),
        }
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
