//! What actions ban with → items of `enforce`.

use super::{FilterRef, ban_actions::Means, yaml};

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

/// What stands in for an action's way to ban, where XDP cannot, and what is not as it was there.
pub(super) fn way(action: &FilterRef, means: Means) -> (Option<String>, Vec<String>) {
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
        Means::Nftables => "nftables".to_owned(),
        Means::HostsDeny => hosts_deny(action),
        Means::Linux => {
            changed.push(format!(
                "action {}: where XDP cannot ban, a table of banner's own in nftables stands in for it",
                action.name
            ));
            "nftables".to_owned()
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
fn iptables(action: &FilterRef, kind: &str, changed: &mut Vec<String>) -> String {
    let mut keys = Vec::new();
    let chain = action.option("chain").unwrap_or_default().trim();
    // `<known/chain>` is the one of the action's own file, which is INPUT.
    if !chain.is_empty() && chain != "INPUT" && !chain.contains('<') {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if chain.len() <= 20 && chain.bytes().all(allowed) && !chain.starts_with('-') {
            keys.push(format!("parents: [{}]", yaml::scalar(chain)));
        } else {
            changed.push(format!(
                "chain = {chain} is no chain that banner takes: it is INPUT"
            ));
        }
    }
    let mut words = kind.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("REJECT"), None, _) => keys.push("target: REJECT".to_owned()),
        (Some("REJECT"), Some("--reject-with"), Some(theirs)) => {
            keys.push("target: REJECT".to_owned());
            match ANSWERS.iter().find(|(known, _)| *known == theirs) {
                Some((_, "port-unreachable")) => {}
                Some((_, ours)) => keys.push(format!("reject_with: {ours}")),
                None => changed.push(format!(
                    "blocktype = {kind}: where iptables bans, REJECT answers port-unreachable"
                )),
            }
        }
        _ => {}
    }
    if keys.is_empty() {
        "iptables".to_owned()
    } else {
        format!("{{ iptables: {{ {} }} }}", keys.join(", "))
    }
}

fn hosts_deny(action: &FilterRef) -> String {
    let mut keys = Vec::new();
    for (option, key, usual) in [
        ("file", "file", "/etc/hosts.deny"),
        ("daemon_list", "daemons", "ALL"),
    ] {
        let value = action.option(option).unwrap_or_default().trim();
        if !value.is_empty() && value != usual && !value.contains('<') {
            keys.push(format!("{key}: {}", yaml::scalar(value)));
        }
    }
    if keys.is_empty() {
        "hosts-deny".to_owned()
    } else {
        format!("{{ hosts-deny: {{ {} }} }}", keys.join(", "))
    }
}

/// The ways of all jails, of which some ban nobody: what the main file says, and what each jail says
/// beside it.
pub(super) fn shared(jails: &[Option<Vec<String>>]) -> (String, Vec<Option<String>>) {
    let written = jails.iter().map(|ways| Some(list(ways.as_ref()?)));
    let written: Vec<Option<String>> = written.collect();
    // The most common; of several, the first.
    let count = |text: &String| {
        written
            .iter()
            .flatten()
            .filter(|other| *other == text)
            .count()
    };
    let usual = written
        .iter()
        .flatten()
        .rev()
        .max_by_key(|text| count(text))
        .cloned()
        .unwrap_or_else(|| list(&[]));
    let own = written.into_iter();
    let own = own.map(|text| text.filter(|text| *text != usual)).collect();
    (usual, own)
}

fn list(ways: &[String]) -> String {
    let mut all = vec!["xdp"];
    for way in ways {
        if !all.contains(&way.as_str()) {
            all.push(way);
        }
    }
    format!("[{}]", all.join(", "))
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
            assert_eq!(way.as_deref(), expected, "{text}");
            assert_eq!(notes.len(), changed, "{notes:?}");
        }
    }

    #[test]
    fn the_main_file_says_what_most_jails_say() {
        let ways = |texts: &[&str]| {
            Some(
                texts
                    .iter()
                    .map(|&text| text.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        let (usual, own) = shared(&[
            ways(&["nftables"]),
            ways(&["iptables", "hosts-deny"]),
            ways(&["nftables", "nftables"]),
            ways(&[]),
            None,
        ]);
        assert_eq!(usual, "[xdp, nftables]");
        let own: Vec<_> = own.iter().map(Option::as_deref).collect();
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
        assert_eq!(shared(&[]).0, "[xdp]");
    }
}
