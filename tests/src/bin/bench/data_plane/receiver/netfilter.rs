//! nftables, ipset and iptables, each as its own documentation says it is quickest.

use std::fmt::Write as _;

use anyhow::Result;
use banner_tests::{flood, lab::Lab, topology::Family};

use super::{Bans, Way};
use crate::data_plane::{peers, scene::INTERFACE};

/// Elements in one command of a file for nft: its lines have no limit, its parser's stack has.
const ELEMENTS: u32 = 10_000;

/// One rule and one set with a size: the kernel then takes its fixed hash table, the quickest of
/// its sets for single addresses. No counter, no conntrack.
pub(super) fn nft(lab: &Lab, way: Way, bans: Bans) -> Result<()> {
    let chain = match way {
        Way::NftIngress => {
            format!("type filter hook ingress device \"{INTERFACE}\" priority -500; policy accept;")
        }
        Way::NftPrerouting => "type filter hook prerouting priority raw; policy accept;".into(),
        _ => "type filter hook input priority filter; policy accept;".into(),
    };
    let family = match (way, bans.family) {
        (Way::NftIngress, _) => "netdev",
        (_, Family::V4) => "ip",
        (_, Family::V6) => "ip6",
    };
    let mut ruleset = nft_set(family, bans, bans.count) + &nft_elements(family, bans, 0);
    let word = word(bans.family);
    write!(
        ruleset,
        "add chain {family} bench drops {{ {chain} }}\n\
         add rule {family} bench drops {word} saddr @banned drop\n"
    )?;
    let mut nft = peers::NFT.command()?;
    peers::feed(lab, way.id(), nft.arg("--file"), &ruleset)
}

/// A table with an empty set that has room for `room` bans, for `nft --file`.
pub(crate) fn nft_set(table: &str, bans: Bans, room: u32) -> String {
    let kind = match bans.family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    format!(
        "add table {table} bench\n\
         add set {table} bench banned {{ type {kind}_addr; size {room}; }}\n"
    )
}

/// The bans for that set, from source number `first` on.
pub(crate) fn nft_elements(table: &str, bans: Bans, first: u32) -> String {
    let mut text = String::new();
    let start = format!("add element {table} bench banned {{ ");
    for n in 0..bans.count {
        let before = if n % ELEMENTS == 0 { &*start } else { ", " };
        let last = n % ELEMENTS == ELEMENTS - 1 || n == bans.count - 1;
        let after = if last { " }\n" } else { "" };
        let source = flood::source(bans.family, first + n);
        write!(text, "{before}{source}{after}").expect("a string takes all");
    }
    text
}

/// One rule in the first table that sees a packet, and one set.
pub(super) fn ipset(lab: &Lab, way: Way, bans: Bans) -> Result<()> {
    let name = format!("{}-set", way.id());
    let restore = ipset_restore("banned", bans, 0);
    let mut ipset = peers::IPSET.command()?;
    peers::feed(lab, &name, ipset.args(["restore", "-file"]), &restore)?;
    let rule = "-A PREROUTING -m set --match-set banned src -j DROP\n";
    iptables_restore(lab, way, bans, rule)
}

/// A set of bans from source number `first` on, for `ipset restore`. It has the right size: with as many buckets as entries it never grows,
/// and few buckets hold more than one entry.
pub(crate) fn ipset_restore(set: &str, bans: Bans, first: u32) -> String {
    let mut text = format!(
        "create {set} hash:ip family {} hashsize {} maxelem {}\n",
        match bans.family {
            Family::V4 => "inet",
            Family::V6 => "inet6",
        },
        bans.count.next_power_of_two().max(64),
        bans.count
    );
    for n in 0..bans.count {
        let source = flood::source(bans.family, first + n);
        writeln!(text, "add {set} {source}").expect("a string takes all");
    }
    text
}

/// What stands in many a firewall: one rule for each ban, one after the other. They are in the table
/// that sees a packet first, which is better than where they usually stand.
pub(super) fn rules(lab: &Lab, way: Way, bans: Bans) -> Result<()> {
    let mut rules = String::new();
    for n in 0..bans.count {
        let source = flood::source(bans.family, n);
        writeln!(rules, "-A PREROUTING -s {source} -j DROP")?;
    }
    iptables_restore(lab, way, bans, &rules)
}

fn iptables_restore(lab: &Lab, way: Way, bans: Bans, rules: &str) -> Result<()> {
    let peer = match way {
        Way::IpsetLegacy | Way::RulesLegacy | Way::LastRuleLegacy => peers::IPTABLES_LEGACY,
        _ => peers::IPTABLES_NFT,
    };
    // iptables-restore and its kind for IPv6 are other names of the same program.
    let path = peer.path().unwrap_or_default();
    let tables = match bans.family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    let variant = peer.program.trim_start_matches("iptables-");
    let program = path.with_file_name(format!("{tables}-{variant}-restore"));
    let mut restore = std::process::Command::new(program);
    peers::feed(
        lab,
        way.id(),
        &mut restore,
        &format!("*raw\n{rules}COMMIT\n"),
    )
}

/// What nft calls the header.
fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}
