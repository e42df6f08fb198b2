//! What every enforcer that drops packets does.

use std::{collections::BTreeSet, net::TcpListener, time::Duration};

use anyhow::{Result, anyhow, ensure};
use banner_tests::{
    topology::{Family, Topology},
    wait::{PATIENCE, wait_until},
};
use banner_userspace::{
    enforce::Enforcer,
    model::{Change, PortSets, PortsId, PrefixSet, Until, bannable},
};
use ipnet::IpNet;

use super::{FAMILIES, PORTS, assert_connects, assert_silent, ban, clear, now, set};

/// A server with two ports that are listened at, and peers.
pub(super) struct Ground {
    pub(super) topology: Topology,
    _listeners: [TcpListener; 2],
}

impl Ground {
    pub(super) fn build() -> Result<Self> {
        let topology = Topology::build()?;
        let listen = |port| topology.server.inside(|| TcpListener::bind(("::", port)));
        let listeners = [listen(PORTS[0])??, listen(PORTS[1])??];
        Ok(Self {
            topology,
            _listeners: listeners,
        })
    }

    /// Has the enforcer do something where the server is.
    pub(super) fn on_server<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        self.topology.server.inside(work)
    }

    pub(super) fn apply(&self, enforcer: &mut dyn Enforcer, changes: &[Change]) -> Result<()> {
        let now = now()?;
        self.on_server(|| enforcer.apply(changes, now))?
            .map_err(|failed| anyhow!("{}", failed[0]))
    }
}

fn around(family: Family, address: std::net::IpAddr) -> Result<IpNet> {
    let length = if family == Family::V4 { 24 } else { 64 };
    Ok(bannable(IpNet::new(address, length)?)?)
}

/// Bans of hosts and prefixes, for all ports and some, that end, are lifted, and are never of those
/// who must not be; with an enforcer that was not opened yet.
pub(super) fn holds(ground: &Ground, enforcer: &mut dyn Enforcer) -> Result<()> {
    let Topology {
        attacker, friend, ..
    } = &ground.topology;
    let mut ports = PortSets::default();
    let only = ports.intern(&"tcp/7".parse()?)?;
    ground.on_server(|| -> Result<()> {
        enforcer.set_ports(&mut ports)?;
        enforcer.open()?;
        Ok(())
    })??;
    for family in FAMILIES {
        let address = attacker.address(family);
        let prefix = around(family, address)?;
        assert_connects(attacker, family, PORTS[0])?;

        let host = set(address, PortsId::ALL, Until::Forever);
        ground.apply(enforcer, &[host])?;
        for port in PORTS {
            assert_silent(attacker, family, port)?;
        }
        assert_connects(friend, family, PORTS[0])?;
        ground.apply(enforcer, &[clear(address, PortsId::ALL)])?;
        assert_connects(attacker, family, PORTS[0])?;

        // A prefix, and a host in it whose ban is lifted while that of the prefix stays.
        ground.apply(enforcer, &[set(prefix, PortsId::ALL, Until::Forever), host])?;
        ground.apply(enforcer, &[clear(address, PortsId::ALL)])?;
        assert_silent(attacker, family, PORTS[0])?;
        ground.apply(enforcer, &[clear(prefix, PortsId::ALL)])?;

        // For one port.
        ground.apply(enforcer, &[set(address, only, Until::Forever)])?;
        assert_silent(attacker, family, PORTS[0])?;
        assert_connects(attacker, family, PORTS[1])?;

        // Who is never banned is not dropped.
        let never = PrefixSet::new([prefix]);
        ground.on_server(|| enforcer.set_never(&never))??;
        assert_connects(attacker, family, PORTS[0])?;
        ground.on_server(|| enforcer.set_never(&PrefixSet::default()))??;
        assert_silent(attacker, family, PORTS[0])?;
        ground.apply(enforcer, &[clear(address, only)])?;

        // It ends by itself; and what is put in once more has the new end.
        let soon = Until::At(now()?.mono.after(Duration::from_mins(10)));
        ground.apply(enforcer, &[set(address, PortsId::ALL, soon)])?;
        let sooner = Until::At(now()?.mono.after(Duration::from_millis(2500)));
        ground.apply(enforcer, &[set(address, PortsId::ALL, sooner)])?;
        assert_silent(attacker, family, PORTS[0])?;
        wait_until("the ban to end", PATIENCE, || {
            Ok(assert_connects(attacker, family, PORTS[0]).is_ok())
        })?;
    }
    Ok(())
}

/// Another enforcer of its kind finds what it has put into force, and takes all of it away.
pub(super) fn is_adopted(
    ground: &Ground,
    enforcer: &mut dyn Enforcer,
    mut another: impl FnMut() -> Box<dyn Enforcer>,
) -> Result<()> {
    let mut ports = PortSets::default();
    let ssh = ports.intern(&"tcp/22,udp/53".parse()?)?;
    let end = Until::At(now()?.mono.after(Duration::from_secs(1000)));
    let nets = [
        "192.0.2.66",
        "198.51.100.0/24",
        "198.51.0.0/16",
        "2001:db8:a::66",
        "2001:db8::/32",
    ];
    let nets = nets.map(|net| {
        net.parse::<IpNet>()
            .or_else(|_| net.parse::<std::net::IpAddr>().map(IpNet::from))
    });
    let mut wanted = BTreeSet::new();
    let mut changes = Vec::new();
    for net in nets {
        let net = net?;
        for (ports, until) in [(PortsId::ALL, Until::Forever), (ssh, end)] {
            changes.push(set(net, ports, until));
            wanted.insert(ban(net, ports, until).entry());
        }
    }
    ground.on_server(|| -> Result<()> {
        enforcer.set_ports(&mut ports)?;
        enforcer.open()?;
        Ok(())
    })??;
    ground.apply(enforcer, &changes)?;

    let mut next_one = another();
    // It knows of no ports, and has to learn them.
    let mut theirs = PortSets::default();
    theirs.intern(&"tcp/80".parse()?)?;
    let found = ground.on_server(|| -> Result<_> {
        next_one.open()?;
        next_one.set_ports(&mut theirs)?;
        let found = next_one.in_force(now()?)?;
        let answer = next_one.inquire()()?;
        ensure!(answer.broken.is_none() && answer.strange == 0, "{answer:?}");
        ensure!(answer.held.len() == found.len(), "{answer:?}, {found:?}");
        Ok(found)
    })??;
    ensure!(found.len() == wanted.len(), "{found:?}");
    for ban in found {
        let ports = ports
            .iter()
            .find(|(_, set)| Some(*set) == theirs.get(ban.ports));
        let entry = banner_userspace::model::Entry {
            net: ban.net,
            ports: ports.map_or(PortsId::ALL, |(id, _)| id),
        };
        ensure!(wanted.contains(&entry), "{ban:?}");
        ensure!(
            ban.jail == Some(banner_userspace::model::JailId(0)),
            "{ban:?}"
        );
        let forever = ban.ports == PortsId::ALL;
        match ban.until {
            Until::Forever => ensure!(forever, "{ban:?}"),
            Until::At(at) => {
                let Until::At(end) = end else { continue };
                let off = at.since(end).max(end.since(at));
                ensure!(!forever && off < Duration::from_secs(5), "{ban:?}");
            }
        }
    }
    ground.on_server(|| next_one.remove())??;
    let mut last = another();
    ground.on_server(|| -> Result<()> {
        ensure!(last.in_force(now()?)?.is_empty());
        last.remove()?;
        Ok(())
    })?
}
