//! What stands against a flood.

mod netfilter;
mod xdp;

use std::any::Any;

use anyhow::Result;
use banner_tests::{lab::Lab, topology::Family};

use super::{
    peers::{self, Peer},
    scene::Server,
};

/// A way to get rid of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// None: the packets go up the stack, where nobody listens.
    Stack,
    BareDrop,
    BareLookup,
    Banner,
    BannerGeneric,
    XdpFilter,
    NftIngress,
    NftPrerouting,
    NftInput,
    IpsetLegacy,
    IpsetNft,
    /// Packets match each of the rules alike.
    RulesLegacy,
    RulesNft,
    /// Packets match the last of the rules: what every packet of somebody else pays too.
    LastRuleLegacy,
    LastRuleNft,
}

/// Whose packets are to be dropped: those of this many sources, from number 0 on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bans {
    pub(crate) family: Family,
    pub(crate) count: u32,
}

/// How many bans have a rule each. More of them is what nobody does.
pub(crate) const RULES: u32 = 1_000;

/// How many addresses xdp-filter has room for, as xdp-tools builds it.
const XDP_FILTER_ROOM: u32 = 10_000;

impl Way {
    pub(crate) const ALL: [Self; 15] = [
        Self::Stack,
        Self::BareDrop,
        Self::BareLookup,
        Self::Banner,
        Self::BannerGeneric,
        Self::XdpFilter,
        Self::NftIngress,
        Self::NftPrerouting,
        Self::NftInput,
        Self::IpsetLegacy,
        Self::IpsetNft,
        Self::RulesLegacy,
        Self::RulesNft,
        Self::LastRuleLegacy,
        Self::LastRuleNft,
    ];

    /// Its name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Stack => "no filter: the stack, no listener",
            Self::BareDrop => "bare XDP_DROP",
            Self::BareLookup => "bare lookup, native XDP",
            Self::Banner => "banner, native XDP",
            Self::BannerGeneric => "banner, generic XDP",
            Self::XdpFilter => "xdp-filter, native XDP",
            Self::NftIngress => "nftables set, ingress",
            Self::NftPrerouting => "nftables set, prerouting raw",
            Self::NftInput => "nftables set, input",
            Self::IpsetLegacy => "ipset, iptables-legacy, raw PREROUTING",
            Self::IpsetNft => "ipset, iptables-nft, raw PREROUTING",
            Self::RulesLegacy => "a rule per ban, iptables-legacy, raw PREROUTING",
            Self::RulesNft => "a rule per ban, iptables-nft, raw PREROUTING",
            Self::LastRuleLegacy => "the last rule of them, iptables-legacy",
            Self::LastRuleNft => "the last rule of them, iptables-nft",
        }
    }

    /// Its name among namespaces and interfaces.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::BareDrop => "bare-drop",
            Self::BareLookup => "bare-lookup",
            Self::Banner => "banner",
            Self::BannerGeneric => "banner-generic",
            Self::XdpFilter => "xdp-filter",
            Self::NftIngress => "nft-ingress",
            Self::NftPrerouting => "nft-prerouting",
            Self::NftInput => "nft-input",
            Self::IpsetLegacy => "ipset-legacy",
            Self::IpsetNft => "ipset-nft",
            Self::RulesLegacy => "rules-legacy",
            Self::RulesNft => "rules-nft",
            Self::LastRuleLegacy => "last-legacy",
            Self::LastRuleNft => "last-nft",
        }
    }

    /// The programs of others that it takes.
    fn needs(self) -> &'static [Peer] {
        match self {
            Self::Stack
            | Self::BareDrop
            | Self::BareLookup
            | Self::Banner
            | Self::BannerGeneric => &[],
            Self::XdpFilter => &[peers::XDP_FILTER],
            Self::NftIngress | Self::NftPrerouting | Self::NftInput => &[peers::NFT],
            Self::IpsetLegacy => &[peers::IPSET, peers::IPTABLES_LEGACY],
            Self::IpsetNft => &[peers::IPSET, peers::IPTABLES_NFT],
            Self::RulesLegacy | Self::LastRuleLegacy => &[peers::IPTABLES_LEGACY],
            Self::RulesNft | Self::LastRuleNft => &[peers::IPTABLES_NFT],
        }
    }

    /// How many of `wanted` bans it takes on.
    pub(crate) fn bans(self, wanted: u32) -> u32 {
        if self.is_rules() {
            wanted.min(RULES)
        } else {
            wanted
        }
    }

    /// Whether every ban is a rule of its own.
    pub(crate) fn is_rules(self) -> bool {
        matches!(
            self,
            Self::RulesLegacy | Self::RulesNft | Self::LastRuleLegacy | Self::LastRuleNft
        )
    }

    /// The first source of a flood against `bans` bans, and how many sources it has.
    pub(crate) fn flood(self, bans: u32) -> (u32, u32) {
        match self {
            Self::LastRuleLegacy | Self::LastRuleNft => (bans - 1, 1),
            _ => (0, bans),
        }
    }

    /// Why it cannot hold `bans`, if it cannot.
    fn limit(self, bans: Bans) -> Option<String> {
        match self {
            Self::XdpFilter if bans.count > XDP_FILTER_ROOM => {
                Some(format!("holds {XDP_FILTER_ROOM} addresses at the most"))
            }
            _ => None,
        }
    }

    /// Whether packets of sources that are not banned get through.
    pub(crate) fn passes_others(self) -> bool {
        self != Self::BareDrop
    }

    /// Sets it up on `server`.
    pub(crate) fn set_up(self, lab: &Lab, server: &Server, bans: Bans) -> Result<SetUp> {
        let missing = self.needs().iter().find_map(|peer| peer.missing());
        if let Some(reason) = missing.or_else(|| self.limit(bans)) {
            return Ok(Err(reason));
        }
        let done = server.namespace.inside(|| match self {
            Self::Stack => Ok(nothing()),
            Self::BareDrop | Self::BareLookup => xdp::bare(self, bans),
            Self::Banner | Self::BannerGeneric => xdp::banner(self, bans),
            Self::XdpFilter => xdp::filter(lab, bans).map(|()| nothing()),
            Self::NftIngress | Self::NftPrerouting | Self::NftInput => {
                netfilter::nft(lab, self, bans).map(|()| nothing())
            }
            Self::IpsetLegacy | Self::IpsetNft => {
                netfilter::ipset(lab, self, bans).map(|()| nothing())
            }
            Self::RulesLegacy | Self::RulesNft | Self::LastRuleLegacy | Self::LastRuleNft => {
                netfilter::rules(lab, self, bans).map(|()| nothing())
            }
        })?;
        // What a kernel lacks (such as the legacy tables) is a row of the table, not the end of it.
        Ok(done.map_err(|error| {
            let text = format!("{error:#}");
            let line = text.lines().next().unwrap_or_default();
            format!("could not be set up: {line}")
        }))
    }
}

/// What holds a way in place, or why there is none.
pub(crate) type SetUp = Result<Box<dyn Any>, String>;

/// Held in place by its namespace alone.
fn nothing() -> Box<dyn Any> {
    Box::new(())
}

pub(crate) use netfilter::{ipset_restore, nft_elements, nft_set};
