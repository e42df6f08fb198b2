//! Ways to drop packets, and their options.

use std::path::PathBuf;

use crate::config::name::{NAME_RULE, distinct_by, is_name};
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::shape::{List, Shape, Text, refuse, unexpected};
use crate::config::way_settings as settings;
use crate::config::yaml::{Kind, Located, Node};
use crate::model::{Answer, CommandLines, Hook, HostsDeny, Iptables, Nftables, Way};

/// The value of `enforce`: at least one way, none twice.
pub(crate) struct Ways;

impl Shape for Ways {
    type Value = Vec<Way>;

    fn noun(&self) -> String {
        LIST.noun()
    }

    fn examples(&self) -> &'static str {
        LIST.examples()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Vec<Way>> {
        let ways = LIST.read(node, path, report)?;
        if ways.is_empty() {
            report.error(node.spot, path, "needs at least one way, as in [xdp]");
        }
        let ways = distinct_by(ways, |way| way.name().to_owned(), path, report);
        Some(ways.into_iter().map(|located| located.value).collect())
    }
}

const LIST: List<WayOf> = List {
    item: WayOf,
    of: "ways to drop packets",
};

/// A word, or a word with options.
struct WayOf;

impl Shape for WayOf {
    type Value = Way;

    fn noun(&self) -> String {
        "a way to drop packets".to_owned()
    }

    fn examples(&self) -> &'static str {
        "xdp or nftables"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Way> {
        if matches!(node.kind, Kind::Mapping(_)) {
            return with_options(node, path, report);
        }
        let word = Text("a way to drop packets").read(node, path, report)?;
        let way = plain(&word);
        if way.is_none() {
            refuse(self, node, path, report, WORDS);
        }
        way
    }
}

const WORDS: &str = "there are xdp, nftables, iptables, hosts-deny, and {command: {name: …, ban: …, \
                     unban: …}}";

/// The way of this word, with the options that it has where none are given.
pub(crate) fn plain(word: &str) -> Option<Way> {
    Some(match word {
        "xdp" => Way::Xdp,
        "nftables" => Way::Nftables(Nftables {
            hooks: hooks(settings::HOOKS.default_value()),
            priority: settings::PRIORITY.default_value(),
            verdict: settings::VERDICT.default_value(),
            devices: Vec::new(),
        }),
        "iptables" => Way::Iptables(Iptables {
            parents: settings::PARENTS
                .default_value()
                .into_iter()
                .map(|l| l.value)
                .collect(),
            chain: settings::CHAIN.default_value(),
            target: settings::TARGET.default_value(),
            reject_with: None,
        }),
        "hosts-deny" => Way::HostsDeny(HostsDeny {
            file: PathBuf::from(settings::FILE.default_value()),
            daemons: settings::DAEMONS.default_value(),
        }),
        _ => return None,
    })
}

fn with_options(node: &Node, path: &str, report: &mut Report) -> Option<Way> {
    let fields = Fields::read(&settings::WAY_SECTION, node, node.spot, path, report)?;
    let ways = [
        fields.get(&settings::NFTABLES, report).map(|way| way.value),
        fields.get(&settings::IPTABLES, report).map(|way| way.value),
        fields
            .get(&settings::HOSTS_DENY, report)
            .map(|way| way.value),
        fields.get(&settings::COMMAND, report).map(|way| way.value),
    ];
    let Kind::Mapping(entries) = &node.kind else {
        return None;
    };
    if entries.len() != 1 {
        let message = "expected one way with its options, as in {nftables: {hooks: [input]}}; each \
                       way is an item of its own";
        report.error(node.spot, path, message);
        return None;
    }
    ways.into_iter().flatten().next()
}

fn hooks(hooks: Vec<Located<Hook>>) -> Vec<Hook> {
    hooks.into_iter().map(|hook| hook.value).collect()
}

/// The options of nftables.
pub(crate) struct NftablesOf;

impl Shape for NftablesOf {
    type Value = Way;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Way> {
        let fields = Fields::read(&settings::NFTABLES_SECTION, node, node.spot, path, report)?;
        let given = fields.get_or_default(&settings::HOOKS, report);
        if given.is_empty() {
            report.error(node.spot, path, "needs at least one hook");
        }
        let hooks = hooks(distinct_by(
            given,
            |hook| *hook,
            &fields.path_of(&settings::HOOKS),
            report,
        ));
        let verdict = fields.get_or_default(&settings::VERDICT, report);
        let devices = fields.get(&settings::DEVICES, report);
        let devices: Vec<String> = devices.map_or_else(Vec::new, |devices| {
            devices
                .value
                .into_iter()
                .map(|device| device.value)
                .collect()
        });
        if hooks.contains(&Hook::Ingress) == devices.is_empty() {
            let message = "devices and the hook ingress belong together: packets are looked at where \
                           these interfaces take them up";
            report.error(node.spot, path, message);
        }
        if hooks.contains(&Hook::Ingress) && verdict != Answer::Drop {
            let message = "at the hook ingress packets can only be dropped";
            report.error(node.spot, path, message);
        }
        Some(Way::Nftables(Nftables {
            hooks,
            priority: fields.get_or_default(&settings::PRIORITY, report),
            verdict,
            devices,
        }))
    }

    fn empty(&self) -> Option<Way> {
        plain("nftables")
    }
}

/// The options of iptables.
pub(crate) struct IptablesOf;

impl Shape for IptablesOf {
    type Value = Way;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Way> {
        let fields = Fields::read(&settings::IPTABLES_SECTION, node, node.spot, path, report)?;
        let parents = fields.get_or_default(&settings::PARENTS, report);
        if parents.is_empty() {
            report.error(node.spot, path, "needs at least one chain to come from");
        }
        let parents = distinct_by(
            parents,
            Clone::clone,
            &fields.path_of(&settings::PARENTS),
            report,
        );
        let target = fields.get_or_default(&settings::TARGET, report);
        let reject_with = fields.get(&settings::REJECT_WITH, report);
        if let Some(given) = &reject_with
            && target != "REJECT"
        {
            let message = "says what the target REJECT answers; the target is another one";
            report.error(given.spot, &fields.path_of(&settings::REJECT_WITH), message);
        }
        let [v4, v6] = reject_with.map_or(["", ""], |given| given.value);
        Some(Way::Iptables(Iptables {
            parents: parents.into_iter().map(|parent| parent.value).collect(),
            chain: fields.get_or_default(&settings::CHAIN, report),
            target,
            reject_with: (!v4.is_empty()).then(|| (v4.to_owned(), v6.to_owned())),
        }))
    }

    fn empty(&self) -> Option<Way> {
        plain("iptables")
    }
}

/// The options of hosts.deny.
pub(crate) struct HostsDenyOf;

impl Shape for HostsDenyOf {
    type Value = Way;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Way> {
        let fields = Fields::read(&settings::HOSTS_DENY_SECTION, node, node.spot, path, report)?;
        Some(Way::HostsDeny(HostsDeny {
            file: PathBuf::from(fields.get_or_default(&settings::FILE, report)),
            daemons: fields.get_or_default(&settings::DAEMONS, report),
        }))
    }

    fn empty(&self) -> Option<Way> {
        plain("hosts-deny")
    }
}

/// The commands of an administrator's own way.
pub(crate) struct CommandOf;

impl Shape for CommandOf {
    type Value = Way;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Way> {
        let fields = Fields::read(&settings::COMMAND_SECTION, node, node.spot, path, report)?;
        let name = fields.require(&settings::NAME, report);
        if let Some(name) = &name
            && (!is_name(&name.value) || plain(&name.value).is_some())
        {
            let message =
                format!("not a name for a command; it must have {NAME_RULE}, and be no way's own");
            report.error(name.spot, &fields.path_of(&settings::NAME), message);
        }
        let ban = fields.require(&settings::BAN, report);
        let unban = fields.require(&settings::UNBAN, report);
        let words = |words: Option<Located<Vec<Located<String>>>>| -> Vec<String> {
            let words = words.map_or_else(Vec::new, |words| words.value);
            words.into_iter().map(|word| word.value).collect()
        };
        let mut optional = |setting| words(fields.get(setting, report));
        let (start, stop, check) = (
            optional(&settings::START),
            optional(&settings::STOP),
            optional(&settings::CHECK),
        );
        let (ban_many, unban_many, flush) = (
            optional(&settings::BAN_MANY),
            optional(&settings::UNBAN_MANY),
            optional(&settings::FLUSH),
        );
        for (name, list) in [("ban", &ban), ("unban", &unban)] {
            if let Some(list) = list
                && list.value.is_empty()
            {
                report.error(list.spot, path, format!("{name} is empty; give a program"));
            }
        }
        Some(Way::Command(CommandLines {
            name: name?.value,
            start,
            stop,
            check,
            ban: words(Some(ban?)),
            unban: words(Some(unban?)),
            ban_many,
            unban_many,
            flush,
            within: fields.get_or_default(&settings::TIMEOUT, report),
        }))
    }
}

/// What a jail says of its ways.
#[derive(Clone, Debug)]
pub(crate) enum RawWay {
    /// The name of one, maybe of a command of the main file.
    Named(String),
    /// One with options.
    Given(Box<Way>),
}

/// The value of a jail's `enforce`.
pub(crate) struct JailsWays;

impl Shape for JailsWays {
    type Value = Vec<Located<RawWay>>;

    fn noun(&self) -> String {
        LIST.noun()
    }

    fn examples(&self) -> &'static str {
        LIST.examples()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Self::Value> {
        let ways = JAIL_LIST.read(node, path, report)?;
        if ways.is_empty() {
            report.error(node.spot, path, "needs at least one way, as in [nftables]");
        }
        let name = |way: &RawWay| match way {
            RawWay::Named(name) => name.clone(),
            RawWay::Given(way) => way.name().to_owned(),
        };
        Some(distinct_by(ways, name, path, report))
    }
}

const JAIL_LIST: List<JailsWay> = List {
    item: JailsWay,
    of: "ways to drop packets",
};

struct JailsWay;

impl Shape for JailsWay {
    type Value = RawWay;

    fn noun(&self) -> String {
        WayOf.noun()
    }

    fn examples(&self) -> &'static str {
        WayOf.examples()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawWay> {
        match &node.kind {
            Kind::Mapping(_) => {
                with_options(node, path, report).map(|way| RawWay::Given(Box::new(way)))
            }
            Kind::Text(word) if !word.is_empty() => Some(RawWay::Named(word.clone())),
            _ => {
                unexpected(self, node, path, report);
                None
            }
        }
    }
}
