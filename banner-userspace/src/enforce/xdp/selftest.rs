//! Whether packets meet the bans that were written: the programs that the links have at this moment are
//! given a packet of a banned host by `BPF_PROG_TEST_RUN`, which sends nothing anywhere.
//!
//! Such a packet counts like any other, so what it has counted is taken back: from the ban, whose end it
//! may have moved, and from those who send most at once; from the counters of the interface whenever
//! they are read, because other CPUs write to them all the time.

use std::{net::IpAddr, os::fd::AsFd as _};

use aya::maps::HashMap;
use banner_common::{Ban as Entry, Reason, SAMPLE, TOP};

use super::{
    Counters, Xdp, XdpError,
    bans::Bans,
    links::{Hook, Link},
    packet::{Packet, beside, within},
    tables::Place,
};
use crate::{
    enforce::{Tested, Trial},
    model::{self, Mode},
    sys::bpf::test_run,
};

/// `XDP_DROP` and `TC_ACT_SHOT`.
const DROP: [u32; 2] = [1, 2];

/// What has to become of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Dropped,
    /// Passed, and counted so.
    Passed(Reason),
}

/// What is on an interface.
struct Live {
    /// What it is called when something is wrong.
    name: String,
    link: u32,
    hook: Hook,
    /// The program that the link has, where it is not banner's.
    stranger: Option<u32>,
}

impl Xdp {
    /// Sees what all programs say of packets that a ban is about, and of one that it is not about.
    pub(super) fn self_test(&mut self, trial: &Trial<'_>) -> Tested {
        if self.bans.never.contains(trial.host) {
            return Tested::Unable;
        }
        let packets = packets(trial);
        if packets.is_empty() {
            return Tested::Unable;
        }
        match self.try_test(trial, &packets) {
            Ok(tested) => tested,
            Err(error) => Tested::Failed(format!("it cannot be tested: {error}")),
        }
    }

    fn try_test(
        &mut self,
        trial: &Trial<'_>,
        packets: &[(Packet, Fate)],
    ) -> Result<Tested, XdpError> {
        let live = self.live()?;
        for live in &live {
            if let Some(id) = live.stranger {
                return Ok(Tested::Failed(format!(
                    "{}: program {id} is in the place of banner's",
                    live.name
                )));
            }
            for (packet, fate) in packets {
                if let Some(wrong) = self.run(live, trial, packet, *fate)? {
                    return Ok(Tested::Failed(format!("{}: {wrong}", live.name)));
                }
            }
        }
        Ok(if live.is_empty() {
            Tested::Unable
        } else {
            Tested::Passed
        })
    }

    /// What the pinned links have on interfaces now. A pin that is gone was somebody's wish.
    fn live(&self) -> Result<Vec<Live>, XdpError> {
        let mut live = Vec::new();
        for (_, path) in self.pins.links()? {
            let Some(link) = Link::open_if_there(&path)? else {
                continue;
            };
            let known = self.links.iter().find(|known| known.link == link.id);
            let Some(known) = known.filter(|_| !link.is_over()) else {
                continue;
            };
            live.push(Live {
                name: known.interface.clone(),
                link: link.id,
                hook: link.hook,
                stranger: (known.program != link.program).then_some(link.program),
            });
        }
        Ok(live)
    }

    /// Runs one program on one packet; what is wrong.
    fn run(
        &mut self,
        live: &Live,
        trial: &Trial<'_>,
        packet: &Packet,
        fate: Fate,
    ) -> Result<Option<String>, XdpError> {
        let counted = self.counted.iter().find(|known| known.link == live.link);
        let Some(counted) = counted else {
            return Ok(None);
        };
        let before = Counters::sum(&counted.map)?;
        let entries = self.bans.entries(trial.covering)?;
        let program = counted.program.as_fd();
        let verdict = test_run(program, &packet.bytes).map_err(XdpError::TestRun)?;
        let after = Counters::sum(&counted.map)?;
        let map = counted.id;
        let grew = |reason: &Reason| after.of(*reason).packets > before.of(*reason).packets;
        let is_dropped = verdict == DROP[usize::from(live.hook == Hook::Tcx)];
        let reason = match fate {
            _ if is_dropped => Some(Reason::Drop),
            Fate::Passed(reason) if grew(&reason) => Some(reason),
            // Where others come in meanwhile, one of them may be taken for it.
            _ => (Reason::ALL.into_iter()).find(|reason| *reason != Reason::Drop && grew(reason)),
        };
        if let Some(reason) = reason {
            self.discount(map, reason, packet.bytes.len());
        }
        let counts = self.bans.forget_test(&entries)?;
        self.forget_top(trial.host, counts)?;
        let is_right = match fate {
            Fate::Dropped => is_dropped,
            Fate::Passed(wanted) => !is_dropped && reason == Some(wanted),
        };
        if is_right {
            return Ok(None);
        }
        let host = trial.host;
        let what = &packet.what;
        let became = match reason {
            Some(reason) => format!("counted as {}", reason.name()),
            None => format!("verdict {verdict}"),
        };
        Ok(Some(match fate {
            Fate::Dropped => format!("a packet of {host} to {what} passes ({became})"),
            Fate::Passed(wanted) => format!(
                "a packet of {host} to {what} should pass and count as {}, and does not ({became})",
                wanted.name()
            ),
        }))
    }

    /// What a test has added to the packets of a host.
    fn forget_top(&mut self, host: IpAddr, packets: u64) -> Result<(), XdpError> {
        if packets == 0 {
            return Ok(());
        }
        let address = match host {
            IpAddr::V4(host) => host.to_ipv6_mapped().octets(),
            IpAddr::V6(host) => host.octets(),
        };
        let map = self.shared.map_mut(TOP).ok_or(XdpError::Incomplete(TOP))?;
        let mut map: HashMap<_, [u8; 16], u64> = map.try_into().map_err(XdpError::map(TOP))?;
        let Ok(known) = map.get(&address, 0) else {
            return Ok(());
        };
        let left = known.saturating_sub(packets);
        let outcome = if left == 0 {
            map.remove(&address)
        } else {
            map.insert(address, left, 0)
        };
        outcome.map_err(XdpError::map(TOP))
    }
}

impl Bans {
    /// Where these entries are, and what is there.
    fn entries(&self, of: &[model::Entry]) -> Result<Vec<(Place, Entry)>, XdpError> {
        let mut found = Vec::new();
        for entry in of {
            let Some(scope) = self.scopes.scope(entry.ports) else {
                continue;
            };
            let place = match self.groups.member(entry.net, scope) {
                Some(key) => Place::Member(key),
                None if model::is_host(entry.net) => Place::Host(entry.net.addr()),
                None => continue,
            };
            found.extend(self.tables.at(place)?.map(|entry| (place, entry)));
        }
        Ok(found)
    }

    /// Puts back what a test has changed of entries, if nothing else has; for how many packets it was
    /// counted.
    fn forget_test(&mut self, before: &[(Place, Entry)]) -> Result<u64, XdpError> {
        let mut counted = 0;
        for (place, before) in before {
            let Some(now) = self.tables.at(*place)? else {
                continue;
            };
            let more = now.seen.packets().saturating_sub(before.seen.packets());
            if [1, SAMPLE].contains(&more) {
                self.tables.put_at(*place, *before)?;
                counted += more;
            }
        }
        Ok(counted)
    }
}

/// The packets to test a ban with, and what has to become of them.
fn packets(trial: &Trial<'_>) -> Vec<(Packet, Fate)> {
    let is_alone = trial.covering.len() == 1;
    let about = within(trial.host, trial.ports);
    let mut packets = Vec::new();
    match (trial.ban.mode, is_alone) {
        (Mode::Enforce, _) => packets.push((about, Fate::Dropped)),
        (Mode::Observe, true) => packets.push((about, Fate::Passed(Reason::Observe))),
        // Another one may drop it.
        (Mode::Observe, false) => return packets,
    }
    if let (true, Some(ports)) = (is_alone, trial.ports)
        && let Some(packet) = beside(trial.host, ports)
    {
        packets.push((packet, Fate::Passed(Reason::Scope)));
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ban, PortSets, Until};

    #[test]
    fn what_another_ban_may_drop_is_not_expected_to_pass() {
        let mut sets = PortSets::default();
        let ssh = sets.intern(&"tcp/22".parse().unwrap()).unwrap();
        let trial = |mode, covering: usize| {
            let ban = Ban {
                net: "192.0.2.7/32".parse().unwrap(),
                ports: ssh,
                jail: None,
                mode,
                until: Until::Forever,
                quiet: None,
            };
            let covering = vec![ban.entry(); covering];
            let packets = packets(&Trial {
                ban,
                ports: sets.get(ssh),
                host: ban.net.addr(),
                covering: &covering,
            });
            let fates = packets
                .into_iter()
                .map(|(packet, fate)| (packet.what, fate));
            fates.collect::<Vec<_>>()
        };
        let (ssh, other) = ("tcp/22".to_owned(), "tcp/1".to_owned());
        let scope = Fate::Passed(Reason::Scope);
        assert_eq!(
            trial(Mode::Enforce, 1),
            [(ssh.clone(), Fate::Dropped), (other.clone(), scope)]
        );
        assert_eq!(trial(Mode::Enforce, 2), [(ssh.clone(), Fate::Dropped)]);
        assert_eq!(
            trial(Mode::Observe, 1),
            [(ssh, Fate::Passed(Reason::Observe)), (other, scope)]
        );
        assert_eq!(trial(Mode::Observe, 2), []);
    }
}
