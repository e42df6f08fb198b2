//! What actions ban with → items of `enforce`.

use super::{FilterRef, ban_actions::Means, yaml};

/// The ways that stand in for actions.
const NAMES: [&str; 3] = ["nftables", "iptables", "hosts-deny"];

/// The chain of iptables where nothing is said.
const USUAL_PARENT: &str = "INPUT";

/// What `REJECT --reject-with` says, in banner's words.
const ANSWERS: [(&str, &str); 6] = [
    ("icmp-port-unreachable", "port-unreachable"),
    ("icmp-host-unreachable", "host-unreachable"),
    ("icmp-net-unreachable", "net-unreachable"),
    ("icmp-admin-prohibited", "admin-prohibited"),
    ("icmp6-port-unreachable", "port-unreachable"),
    ("icmp6-adm-prohibited", "admin-prohibited"),
];

/// That XDP does not answer.
pub(super) const SILENT: &str = "banned hosts get no answer while XDP drops their packets; fail2ban's actions \
                      refuse them (blocktype)";

/// What an action bans with, and the options that it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    name: &'static str,
    /// The chain that a packet has to come through; iptables only.
    parent: Option<String>,
    /// Other options, as they are written.
    options: Vec<String>,
}

impl Way {
    fn plain(name: &'static str) -> Self {
        Self {
            name,
            parent: None,
            options: Vec::new(),
        }
    }
}

/// What stands in for an action's way to ban, where XDP cannot, and what is not as it was there.
pub(super) fn way(action: &FilterRef, means: Means) -> (Option<Way>, Vec<String>) {
    let mut changed = Vec::new();
    let kind = action
        .option("blocktype")
        .map(str::trim)
        .unwrap_or_default();
    let drops = kind.eq_ignore_ascii_case("drop") || kind.eq_ignore_ascii_case("blackhole");
    if matches!(means, Means::Iptables | Means::Nftables) && !drops {
        changed.push(SILENT.to_owned());
    }
    let way = match means {
        Means::Iptables => iptables(action, kind, &mut changed),
        Means::Nftables => Way::plain("nftables"),
        Means::HostsDeny => hosts_deny(action),
        Means::Linux => {
            changed.push(format!(
                "action {}: where XDP cannot ban, a table of banner's own in nftables stands in for it",
                action.name
            ));
            Way::plain("nftables")
        }
        Means::Foreign => {
            changed.push(format!(
                "action {} is not for Linux: banner bans in its own way",
                action.name
            ));
            return (None, changed);
        }
    };
    (Some(way), changed)
}

/// The chains and the target that an action names itself.
fn iptables(action: &FilterRef, kind: &str, changed: &mut Vec<String>) -> Way {
    let mut parent = USUAL_PARENT;
    let chain = action.option("chain").unwrap_or_default().trim();
    // `<known/chain>` is the one of the action's own file, which is INPUT.
    if !chain.is_empty() && !chain.contains('<') {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if chain.len() <= 20 && chain.bytes().all(allowed) && !chain.starts_with('-') {
            parent = chain;
        } else {
            changed.push(format!(
                "chain = {chain} is no chain that banner takes: it is {USUAL_PARENT}"
            ));
        }
    }
    let mut options = Vec::new();
    let mut words = kind.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("REJECT"), None, _) => options.push("target: REJECT".to_owned()),
        (Some("REJECT"), Some("--reject-with"), Some(theirs)) => {
            options.push("target: REJECT".to_owned());
            match ANSWERS.iter().find(|(known, _)| *known == theirs) {
                Some((_, "port-unreachable")) => {}
                Some((_, ours)) => options.push(format!("reject_with: {ours}")),
                None => changed.push(format!(
                    "blocktype = {kind}: where iptables bans, REJECT answers port-unreachable"
                )),
            }
        }
        _ => {}
    }
    Way {
        parent: Some(parent.to_owned()),
        options,
        ..Way::plain("iptables")
    }
}

fn hosts_deny(action: &FilterRef) -> Way {
    let mut options = Vec::new();
    for (option, key, usual) in [
        ("file", "file", "/etc/hosts.deny"),
        ("daemon_list", "daemons", "ALL"),
    ] {
        let value = action.option(option).unwrap_or_default().trim();
        if !value.is_empty() && value != usual && !value.contains('<') {
            options.push(format!("{key}: {}", yaml::scalar(value)));
        }
    }
    Way {
        options,
        ..Way::plain("hosts-deny")
    }
}

/// The lists of a configuration.
#[derive(Debug)]
pub(super) struct Lists {
    /// What the main file says.
    pub(super) usual: String,
    /// What jails say beside it.
    pub(super) own: Vec<Option<String>>,
    /// What is not as it was.
    pub(super) changed: Vec<String>,
}

/// The ways of all jails, of which some ban nobody. There is one of each way, so jails that give it
/// different options have to agree: on all of their chains, and otherwise on what most of them say.
pub(super) fn lists(jails: &[Option<Vec<Way>>]) -> Lists {
    let mut changed = Vec::new();
    let mut written: Vec<_> = NAMES
        .map(|name| (name, written(name, jails, &mut changed)))
        .into();
    let names = jails.iter().map(|ways| Some(names(ways.as_ref()?)));
    let names: Vec<Option<Vec<&str>>> = names.collect();
    let usual = most(&names.iter().flatten().collect::<Vec<_>>())
        .cloned()
        .unwrap_or_default();
    // Options stand where a way is named first; from then on its name is enough.
    let mut list = |names: &[&str]| {
        let mut all = vec!["xdp".to_owned()];
        for name in names {
            let text = written.iter_mut().find(|(known, _)| known == name);
            let text = text.map(|(_, text)| std::mem::replace(text, (*name).to_owned()));
            all.extend(text);
        }
        format!("[{}]", all.join(", "))
    };
    Lists {
        usual: list(&usual),
        own: names
            .into_iter()
            .map(|names| names.filter(|names| *names != usual))
            .map(|names| Some(list(&names?)))
            .collect(),
        changed,
    }
}

/// One way as it is written with the options that hold for all.
fn written(name: &'static str, jails: &[Option<Vec<Way>>], changed: &mut Vec<String>) -> String {
    let all = jails.iter().flatten().flatten();
    let all: Vec<&Way> = all.filter(|way| way.name == name).collect();
    let mut options = Vec::new();
    let mut parents: Vec<&String> = Vec::new();
    for parent in all.iter().filter_map(|way| way.parent.as_ref()) {
        if !parents.contains(&parent) {
            parents.push(parent);
        }
    }
    if parents.len() > 1 {
        let chains: Vec<&str> = parents.iter().map(|parent| parent.as_str()).collect();
        changed.push(format!(
            "where {name} bans, the bans of all jails hold in the chains {}",
            chains.join(" and ")
        ));
    }
    if parents.iter().any(|parent| *parent != USUAL_PARENT) {
        let parents: Vec<String> = parents.iter().map(|parent| yaml::scalar(parent)).collect();
        options.push(format!("parents: [{}]", parents.join(", ")));
    }
    if let Some(others) = most(&all.iter().map(|way| &way.options).collect::<Vec<_>>()) {
        if all.iter().any(|way| way.options != *others) {
            let holds = if others.is_empty() {
                "no options".to_owned()
            } else {
                others.join(", ")
            };
            changed.push(format!(
                "jails give {name} different options, and banner has it once: {holds}, as most of them say"
            ));
        }
        options.extend_from_slice(others);
    }
    if options.is_empty() {
        name.to_owned()
    } else {
        format!("{{ {name}: {{ {} }} }}", options.join(", "))
    }
}

fn names(ways: &[Way]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for way in ways {
        if !names.contains(&way.name) {
            names.push(way.name);
        }
    }
    names
}

/// The most common; of several, the first.
fn most<'a, T: PartialEq>(all: &[&'a T]) -> Option<&'a T> {
    let count = |one: &T| all.iter().filter(|other| **other == one).count();
    let counted = all.iter().map(|one| (count(one), *one));
    let most = counted.reduce(|best, next| if next.0 > best.0 { next } else { best });
    most.map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_given_become_options_of_ours() {
        for (text, means, expected, changed) in [
            (
                "iptables-multiport[port=1]",
                Means::Iptables,
                Some("iptables"),
                1,
            ),
            (
                "iptables[chain=\"<known/chain>\", blocktype=DROP]",
                Means::Iptables,
                Some("iptables"),
                0,
            ),
            (
                "iptables[chain=DOCKER-USER, blocktype=\"REJECT --reject-with icmp-host-unreachable\"]",
                Means::Iptables,
                Some(
                    "{ iptables: { parents: [DOCKER-USER], target: REJECT, reject_with: host-unreachable } }",
                ),
                1,
            ),
            (
                "iptables[chain=\"a b\", blocktype=\"REJECT --reject-with tcp-reset\"]",
                Means::Iptables,
                Some("{ iptables: { target: REJECT } }"),
                3,
            ),
            (
                "nftables[type=allports]",
                Means::Nftables,
                Some("nftables"),
                1,
            ),
            ("ufw", Means::Linux, Some("nftables"), 1),
            ("hostsdeny", Means::HostsDeny, Some("hosts-deny"), 0),
            (
                "hostsdeny[daemon_list=sshd, file=/etc/x]",
                Means::HostsDeny,
                Some("{ hosts-deny: { file: /etc/x, daemons: sshd } }"),
                0,
            ),
            ("pf", Means::Foreign, None, 1),
        ] {
            let (way, notes) = way(&text.parse().unwrap(), means);
            let way = way.map(|way| written(way.name, &[Some(vec![way])], &mut Vec::new()));
            assert_eq!(way.as_deref(), expected, "{text}");
            assert_eq!(notes.len(), changed, "{notes:?}");
        }
    }

    fn of(texts: &[&str]) -> Vec<Way> {
        let means = |text: &str| match text {
            text if text.starts_with("iptables") => Means::Iptables,
            text if text.starts_with("hostsdeny") => Means::HostsDeny,
            _ => Means::Nftables,
        };
        let ways = texts.iter();
        let ways = ways.filter_map(|text| way(&text.parse().unwrap(), means(text)).0);
        ways.collect()
    }

    #[test]
    fn the_main_file_says_what_most_jails_say() {
        let lists = lists(&[
            Some(of(&["nftables"])),
            Some(of(&["iptables", "hostsdeny"])),
            Some(of(&["nftables", "nftables"])),
            Some(of(&[])),
            None,
        ]);
        assert_eq!(lists.usual, "[xdp, nftables]");
        let own: Vec<_> = lists.own.iter().map(Option::as_deref).collect();
        assert_eq!(
            own,
            [
                None,
                Some("[xdp, iptables, hosts-deny]"),
                None,
                Some("[xdp]"),
                None
            ]
        );
        assert!(lists.changed.is_empty());
        assert_eq!(super::lists(&[]).usual, "[xdp]");
    }

    #[test]
    fn options_are_given_once_and_jails_agree_on_them() {
        let lists = lists(&[
            Some(of(&["hostsdeny[daemon_list=sshd]"])),
            Some(of(&["iptables"])),
            Some(of(&["iptables[chain=DOCKER-USER]"])),
            Some(of(&[
                "iptables[blocktype=REJECT]",
                "hostsdeny[daemon_list=sshd]",
            ])),
            Some(of(&["iptables[blocktype=DROP]"])),
        ]);
        assert_eq!(
            lists.usual,
            "[xdp, { iptables: { parents: [INPUT, DOCKER-USER] } }]"
        );
        let own: Vec<_> = lists.own.iter().map(Option::as_deref).collect();
        assert_eq!(
            own,
            [
                Some("[xdp, { hosts-deny: { daemons: sshd } }]"),
                None,
                None,
                Some("[xdp, iptables, hosts-deny]"),
                None
            ]
        );
        assert_eq!(
            lists.changed,
            [
                "where iptables bans, the bans of all jails hold in the chains INPUT and DOCKER-USER",
                "jails give iptables different options, and banner has it once: no options, as most of \
                 them say",
            ]
        );
    }
}
