//! The table as `nft` takes it.

use std::{collections::BTreeSet, fmt::Write as _};

use super::sets::{Scopes, SetKey};
use crate::model::{Answer, Hook, Nftables as Options, PortSets, PrefixSet, Protocol};

/// The table's name; its family is `inet`.
pub(super) const TABLE: &str = "banner";

/// How a table is known for banner's.
pub(super) const OWNER: &str = "bans of banner; banner detach removes them";

/// What was found of a table, in `nft`'s words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The whole of it, without elements and counters.
    pub(super) text: String,
    pub(super) sets: Vec<(String, Option<String>)>,
    /// With the line that says where it is hooked, of those that are.
    pub(super) chains: Vec<(String, Option<String>)>,
    /// How many there are in all chains.
    pub(super) rules: usize,
    pub(super) is_ours: bool,
}

impl Listing {
    /// What `nft --stateless --numeric --terse list table` writes.
    pub(super) fn read(text: &str) -> Self {
        let mut listing = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        let mut in_set = false;
        for line in text.lines() {
            let words = line.trim();
            let comment = words
                .strip_prefix("comment \"")
                .and_then(|rest| rest.strip_suffix('"'));
            let opens = |kind: &str| words.strip_prefix(kind)?.strip_suffix(" {");
            if let Some(name) = opens("set ") {
                listing.sets.push((name.to_owned(), None));
                in_set = true;
            } else if let Some(name) = opens("chain ") {
                listing.chains.push((name.to_owned(), None));
                in_set = false;
            } else if let Some(comment) = comment {
                match listing.sets.last_mut() {
                    _ if !line.starts_with("\t\t") => listing.is_ours |= comment == OWNER,
                    Some(set) if in_set => set.1 = Some(comment.to_owned()),
                    _ => {}
                }
            } else if words.starts_with("type filter hook ")
                && let Some(chain) = listing.chains.last_mut()
            {
                chain.1 = Some(words.to_owned());
            } else if !in_set
                && !listing.chains.is_empty()
                && line.starts_with("\t\t")
                && !line.starts_with("\t\t\t")
            {
                // A long one goes on in lines that stand further in.
                listing.rules += 1;
            }
        }
        listing
    }
}

/// Makes the table what it should be, in one transaction that leaves elements of bans where they are.
/// `found`: what there is.
pub(super) fn build(
    options: &Options,
    found: &Listing,
    sets: &BTreeSet<SetKey>,
    (scopes, ports): (&Scopes, &PortSets),
    never: &PrefixSet,
) -> String {
    let mut script = Script(String::new());
    script.line(format_args!(
        "add table inet {TABLE} {{ comment \"{OWNER}\"; }}"
    ));
    for set in sets {
        let (name, kind) = (set.name(), kind(set.v6));
        let comment = scopes.text(set.scope);
        script.add(
            "set",
            &name,
            format_args!("{{ type {kind}; flags timeout; comment \"{comment}\"; }}"),
        );
    }
    for (name, v6) in NEVER {
        let kind = kind(v6);
        script.add(
            "set",
            name,
            format_args!("{{ type {kind}; flags interval; auto-merge; }}"),
        );
        script.line(format_args!("flush set inet {TABLE} {name}"));
        let prefixes: Vec<_> = (never.iter())
            .filter(|net| net.addr().is_ipv6() == v6)
            .map(|net| net.to_string())
            .collect();
        if !prefixes.is_empty() {
            let all = prefixes.join(", ");
            script.line(format_args!("add element inet {TABLE} {name} {{ {all} }}"));
        }
    }
    let hooked: Vec<(String, String)> = options
        .hooks
        .iter()
        .map(|&hook| (hook.name().to_owned(), place(options, hook)))
        .collect();
    let used: BTreeSet<u8> = sets
        .iter()
        .map(|set| set.scope)
        .filter(|&scope| scope > 0)
        .collect();
    let named: Vec<String> = used.iter().map(|scope| format!("p{scope}")).collect();
    let stays = |name: &str, place: Option<&str>| match place {
        Some(found) => hooked
            .iter()
            .any(|(known, wanted)| known == name && same_place(found, wanted)),
        None => name == BANNED || named.iter().any(|known| known == name),
    };
    // All are empty before one goes that another jumps to.
    for (name, _) in &found.chains {
        script.line(format_args!("flush chain inet {TABLE} {name}"));
    }
    for (name, place) in &found.chains {
        if !stays(name, place.as_deref()) {
            script.line(format_args!("delete chain inet {TABLE} {name}"));
        }
    }
    script.add("chain", BANNED, format_args!(""));
    for name in &named {
        script.add("chain", name, format_args!(""));
    }
    for (name, place) in &hooked {
        script.add("chain", name, format_args!("{{ {place} policy accept; }}"));
    }
    script.banned(options.verdict);
    for set in sets.iter().filter(|set| set.scope > 0) {
        script.lookup(&format!("p{}", set.scope), *set);
    }
    for (name, _) in &hooked {
        for set in sets.iter().filter(|set| set.scope == 0) {
            script.lookup(name, *set);
        }
        for (scope, id) in scopes.iter().filter(|(scope, _)| used.contains(scope)) {
            if let Some(ports) = ports.get(id) {
                script.jumps(name, scope, ports);
            }
        }
    }
    script.0
}

/// Whether what a script has made is all there: as many chains and rules. Sets may be there besides.
pub(super) fn is_whole(script: &str, listing: &Listing) -> bool {
    let count = |what: &str| script.lines().filter(|line| line.starts_with(what)).count();
    listing.rules == count("add rule ")
        && listing.chains.len() == count("add chain ")
        && listing.sets.len() >= count("add set ")
}

/// Sets of prefixes that no ban drops, and whether they are of IPv6.
pub(super) const NEVER: [(&str, bool); 2] = [("never4", false), ("never6", true)];

/// The chain that decides on packets of banned hosts.
const BANNED: &str = "banned";

const fn kind(v6: bool) -> &'static str {
    if v6 { "ipv6_addr" } else { "ipv4_addr" }
}

/// Where a chain is hooked, as `nft` takes it.
fn place(options: &Options, hook: Hook) -> String {
    let devices: Vec<_> = options
        .devices
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    let devices = match hook {
        Hook::Ingress => format!(" devices = {{ {} }}", devices.join(", ")),
        _ => String::new(),
    };
    let (hook, priority) = (hook.name(), options.priority);
    format!("type filter hook {hook}{devices} priority {priority};")
}

/// `nft` writes one device without braces, and leaves quotes out in some versions.
fn same_place(found: &str, wanted: &str) -> bool {
    let bare = |text: &str| -> String {
        let text = text
            .replace("policy accept;", "")
            .replace("devices", "device");
        text.chars().filter(|c| !" {}\"=".contains(*c)).collect()
    };
    bare(found) == bare(wanted)
}

struct Script(String);

impl Script {
    fn line(&mut self, words: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{words}").expect("a String takes all");
    }

    fn add(&mut self, what: &str, name: &str, more: std::fmt::Arguments<'_>) {
        self.line(format_args!("add {what} inet {TABLE} {name} {more}"));
    }

    fn rule(&mut self, chain: &str, words: std::fmt::Arguments<'_>) {
        self.line(format_args!("add rule inet {TABLE} {chain} {words}"));
    }

    fn banned(&mut self, verdict: Answer) {
        self.rule(BANNED, format_args!("ip saddr @never4 accept"));
        self.rule(BANNED, format_args!("ip6 saddr @never6 accept"));
        match verdict {
            Answer::Drop => self.rule(BANNED, format_args!("counter drop")),
            Answer::Reject => self.rule(BANNED, format_args!("counter reject")),
            Answer::Reset => {
                let reset = "meta l4proto tcp counter reject with tcp reset";
                self.rule(BANNED, format_args!("{reset}"));
                self.rule(BANNED, format_args!("counter reject"));
            }
        }
    }

    fn lookup(&mut self, chain: &str, set: SetKey) {
        let family = if set.v6 { "ip6" } else { "ip" };
        let whole = if set.v6 { 128 } else { 32 };
        let mask = match set.mask() {
            Some(mask) if set.length < whole => format!(" & {mask}"),
            _ => String::new(),
        };
        let name = set.name();
        self.rule(
            chain,
            format_args!("{family} saddr{mask} @{name} goto {BANNED}"),
        );
    }

    /// What may be for these ports goes on to their chain; so do later fragments, which have none.
    fn jumps(&mut self, chain: &str, scope: u8, ports: &crate::model::Ports) {
        for protocol in Protocol::ALL {
            let of = ports.ranges().filter(|(found, _)| *found == protocol);
            let ranges: Vec<_> = of
                .map(|(_, ports)| match (ports.start(), ports.end()) {
                    (first, last) if first == last => first.to_string(),
                    (first, last) => format!("{first}-{last}"),
                })
                .collect();
            if ranges.is_empty() {
                continue;
            }
            let matches = match protocol {
                Protocol::Icmp => "meta l4proto { icmp, ipv6-icmp }".to_owned(),
                _ => format!(
                    "meta l4proto {} th dport {{ {} }}",
                    protocol.name(),
                    ranges.join(", ")
                ),
            };
            self.rule(chain, format_args!("{matches} jump p{scope}"));
        }
        self.rule(
            chain,
            format_args!("ip frag-off & 0x1fff != 0 jump p{scope}"),
        );
        self.rule(chain, format_args!("frag frag-off != 0 jump p{scope}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_tells_whose_it_is_and_what_is_in_it() {
        let text = format!(
            "table inet banner {{\n\tcomment \"{OWNER}\"\n\tset v4_32 {{\n\t\ttype ipv4_addr\n\
             \t\tflags timeout\n\t\tcomment \"all\"\n\t}}\n\n\tchain input {{\n\
             \t\ttype filter hook input priority -10; policy accept;\n\t}}\n\n\tchain banned {{\n\
             \t\tcounter drop\n\t}}\n}}\n"
        );
        let listing = Listing::read(&text);
        assert!(listing.is_ours);
        assert_eq!(listing.rules, 1);
        assert_eq!(listing.sets, [("v4_32".into(), Some("all".into()))]);
        let place = "type filter hook input priority -10; policy accept;";
        assert_eq!(
            listing.chains,
            [
                ("input".into(), Some(place.into())),
                ("banned".into(), None)
            ]
        );
        let theirs =
            format!("table inet banner {{\n\tset x {{\n\t\tcomment \"{OWNER}\"\n\t}}\n}}\n");
        assert!(!Listing::read(&theirs).is_ours);
        assert!(!Listing::read("table inet banner {\n}\n").is_ours);
    }

    #[test]
    fn places_are_compared_without_what_versions_write_differently() {
        let wanted = "type filter hook ingress devices = { \"eth0\" } priority 5;";
        let found = "type filter hook ingress device \"eth0\" priority 5; policy accept;";
        assert!(same_place(found, wanted));
        assert!(!same_place(&found.replace('5', "6"), wanted));
    }
}
