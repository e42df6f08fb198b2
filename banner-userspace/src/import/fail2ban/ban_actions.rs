//! What the actions of a jail do: whom they keep out, and whom they tell.

use super::{Fail2ban, FilterRef, definition::Definition, mails::Mail};
use crate::import::{
    error::Place,
    ini::{Files, Section, Text},
};

/// What an action is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Keeps hosts out.
    Ban(Scope),
    /// Lets in those whom the filter finds.
    Allow,
    /// Tells people.
    Mail(Mail),
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
    ("blackhole", false),
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
    ("cloudflare", "bans at a remote service"),
    ("netscaler", "bans on a remote machine"),
    ("nsupdate", "writes to a name server"),
    ("nginx-block-map", "writes a map for nginx"),
    ("dummy", "writes to a file, and banner does not"),
];

/// What an action of somebody's own does.
const OWN: &str = "is a command of its own, for a shell; `notify` has commands without one";

impl Fail2ban {
    /// What an action of a jail does. Options that are not given are those of its file.
    pub(super) fn action(&self, action: &FilterRef, jail: &Section) -> Action {
        let lets_in = |kind: &str| ["RETURN", "ACCEPT"].contains(&kind.to_uppercase().as_str());
        if action.option("blocktype").is_some_and(lets_in) {
            return Action::Allow;
        }
        if let Some(&(_, by_port)) = BANS.iter().find(|(name, _)| *name == action.name) {
            return Action::Ban(self.scope(action, by_port, jail));
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
