use banner_common::{FOREVER, OBSERVE, Quiet, SEVERAL, Seen};
use proptest::{collection::vec, prelude::*};

use super::*;

mod cases;

/// The maps, as [`Step`]s change them.
#[derive(Clone, Debug, Default)]
struct Maps {
    hosts: HashMap<IpAddr, Entry>,
    wide: BTreeMap<IpNet, u32>,
    more: HashMap<More, Entry>,
    in_use: InUse,
}

impl Maps {
    fn run(&mut self, step: Step) {
        match step {
            Step::Put(key, entry) => {
                let seen = self.more.get(&key).map_or(entry.seen, |found| found.seen);
                self.more.insert(key, Entry { seen, ..entry });
            }
            Step::Remove(key) => drop(self.more.remove(&key)),
            Step::Wide(net, group) => drop(self.wide.insert(net, group)),
            Step::Narrow(net) => drop(self.wide.remove(&net)),
            Step::InUse(in_use) => self.in_use = in_use,
            Step::Ban(host, entry) => drop(self.hosts.insert(host, entry)),
            Step::Several(host, jail) => {
                let entry = Entry {
                    expires: FOREVER,
                    jail,
                    flags: SEVERAL,
                    scope: 0,
                    seen: Seen::default(),
                };
                self.hosts.insert(host, entry);
            }
            Step::Single(host, key, entry) => {
                let seen = self.more[&key].seen;
                self.hosts.insert(host, Entry { seen, ..entry });
            }
            Step::Unban(host) => drop(self.hosts.remove(&host)),
        }
    }

    fn found(&self) -> Found {
        let several = self
            .hosts
            .iter()
            .filter(|(_, entry)| entry.flags & SEVERAL != 0);
        Found {
            wide: self
                .wide
                .iter()
                .map(|(&net, &group)| (net, group))
                .collect(),
            hosts: several.map(|(&host, entry)| (host, entry.jail)).collect(),
            more: self.more.clone(),
        }
    }

    /// What the program makes of a packet: `thorough.rs` in the kernel.
    fn word(&self, packet: &Packet, now: u64) -> Word {
        let own = self.hosts.get(&packet.source).map(|entry| {
            if entry.flags & SEVERAL == 0 {
                word(Some(entry), packet.scopes, now)
            } else {
                self.group(entry.jail, packet.scopes, now)
            }
        });
        let own = own.unwrap_or(Word::Nothing);
        let in_use = match packet.source {
            IpAddr::V4(_) => self.in_use.wide4,
            IpAddr::V6(_) => self.in_use.wide6,
        };
        if own == Word::Drops || in_use == 0 {
            return own;
        }
        let around = self
            .wide
            .iter()
            .filter(|(net, _)| net.contains(&packet.source));
        let longest = around.max_by_key(|(net, _)| net.prefix_len());
        let around = longest.map(|(_, &group)| self.group(group, packet.scopes, now));
        own.max(around.unwrap_or(Word::Nothing))
    }

    fn group(&self, group: u32, scopes: u64, now: u64) -> Word {
        if scopes == ANY {
            return word(self.more.get(&More::sum(group)), scopes, now);
        }
        let bits = (0..64).filter(|bit| (scopes | 1) >> bit & 1 == 1);
        let words = bits.map(|bit| {
            let member = self.more.get(&More::new(group, bit));
            let linked = member.filter(|member| member.is_linked());
            let linked = linked.map(|member| self.more.get(&More::new(member.jail, bit)));
            let linked = linked.map_or(Word::Nothing, |linked| word(linked, scopes, now));
            linked.max(word(member, scopes, now))
        });
        words.max().unwrap_or(Word::Nothing)
    }
}

/// The scopes of a later fragment.
const ANY: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Nothing,
    Over,
    Beside,
    Observes,
    Drops,
}

fn word(entry: Option<&Entry>, scopes: u64, now: u64) -> Word {
    match entry {
        None => Word::Nothing,
        Some(entry) if entry.is_over(now) => Word::Over,
        Some(entry) if (scopes | 1) >> entry.scope & 1 == 0 => Word::Beside,
        Some(entry) if entry.flags & OBSERVE != 0 => Word::Observes,
        Some(_) => Word::Drops,
    }
}

#[derive(Clone, Debug)]
struct Packet {
    source: IpAddr,
    scopes: u64,
}

/// Every ban, and nothing else.
type Naive = BTreeMap<(IpNet, Scope), Entry>;

/// Whether a packet is dropped, and whether it is observed, where that is beyond dispute: while a ban
/// that is over has not been cleared yet, one that only observes may be hidden behind it.
fn naive(bans: &Naive, packet: &Packet, now: u64) -> (bool, Option<bool>) {
    let on = bans.iter().filter(|((net, scope), _)| {
        net.contains(&packet.source) && (packet.scopes | 1) >> scope & 1 == 1
    });
    let on: Vec<_> = on.map(|(_, entry)| entry).collect();
    let live = |observes: bool| {
        let mode = if observes { OBSERVE } else { 0 };
        on.iter()
            .any(|entry| entry.flags & OBSERVE == mode && !entry.is_over(now))
    };
    let is_hidden = on
        .iter()
        .any(|entry| entry.flags & OBSERVE == 0 && entry.is_over(now));
    (live(false), (!is_hidden).then(|| live(true)))
}

#[derive(Clone, Debug)]
enum Op {
    Set(IpNet, Entry),
    Clear(IpNet, Scope),
    /// An agent dies when it has done so much of what this takes, in percent, and another one takes
    /// over.
    Crash(IpNet, Entry, usize),
}

fn net() -> impl Strategy<Value = IpNet> {
    let v4 = (
        0_u8..2,
        0_u8..2,
        0_u8..2,
        prop::sample::select(vec![8_u8, 15, 16, 24, 31, 32, 32, 32]),
    );
    let v4 =
        v4.prop_map(|(b, c, d, length)| IpNet::new([10, b, c, d].into(), length).unwrap().trunc());
    let lengths = vec![16_u8, 32, 48, 64, 127, 128, 128];
    let v6 = (0_u16..2, 0_u16..2, prop::sample::select(lengths));
    let v6 = v6.prop_map(|(c, h, length)| {
        IpNet::new([0x2001, 0xdb8, c, 0, 0, 0, 0, h].into(), length)
            .unwrap()
            .trunc()
    });
    prop_oneof![v4, v6]
}

fn entry() -> impl Strategy<Value = Entry> {
    let ends = prop::sample::select(vec![50_u64, 100, 150, FOREVER]);
    let quiet = prop::sample::select(vec![0, 0, 0, 200_u64, 5000]);
    let any = (ends, 0_u32..3, any::<bool>(), 0_u16..4, quiet);
    any.prop_map(|(expires, jail, observes, scope, quiet)| Entry {
        expires,
        jail,
        flags: if observes { OBSERVE } else { 0 }
            | if quiet == 0 || expires == FOREVER {
                0
            } else {
                Quiet::at_least(quiet).flags()
            },
        scope,
        seen: Seen::default(),
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (net(), entry()).prop_map(|(net, entry)| Op::Set(net, entry)),
        4 => (net(), 0_u16..4).prop_map(|(net, scope)| Op::Clear(net, scope)),
        1 => (net(), entry(), 0_usize..=100).prop_map(|(net, entry, part)| Op::Crash(net, entry, part)),
    ]
}

/// Every source that differs from the others, in every combination of scopes.
fn packets() -> Vec<Packet> {
    let mut sources: Vec<IpAddr> = Vec::new();
    for n in 0_u8..8 {
        sources.push([10, n & 1, n >> 1 & 1, n >> 2].into());
    }
    for n in 0_u16..4 {
        sources.push([0x2001, 0xdb8, n & 1, 0, 0, 0, 0, n >> 1].into());
    }
    sources.push([10, 200, 0, 1].into());
    sources.push([0x2001, 0xffff, 0, 0, 0, 0, 0, 1].into());
    sources.push([192, 0, 2, 1].into());
    let scopes = [0, 1, 0b11, 0b101, 0b1111, ANY];
    let packets = |source| scopes.map(|scopes| Packet { source, scopes });
    sources.into_iter().flat_map(packets).collect()
}

const TIMES: [u64; 4] = [0, 50, 100, 150];

fn all_own(groups: &Groups, maps: &Maps) -> Naive {
    let single = maps
        .hosts
        .iter()
        .filter(|(_, entry)| entry.flags & SEVERAL == 0);
    let single = single.map(|(&host, &entry)| ((host.into(), entry.scope), entry));
    let own = groups
        .own()
        .map(|(net, scope, entry, _)| ((net, scope), entry));
    single.chain(own).collect()
}

/// Runs steps, and looks that nobody who is to be dropped before and after gets through in between.
fn run(maps: &mut Maps, steps: &[Step], before: &Naive, after: &Naive) {
    let packets = packets();
    for step in steps {
        maps.run(*step);
        for (packet, now) in packets
            .iter()
            .flat_map(|packet| TIMES.map(|now| (packet, now)))
        {
            let always = naive(before, packet, now).0 && naive(after, packet, now).0;
            let word = maps.word(packet, now);
            assert!(
                !always || word == Word::Drops,
                "{packet:?} at {now} after {step:?}: {word:?}"
            );
        }
    }
}

fn found(groups: &Groups, maps: &Maps, net: IpNet) -> Option<Entry> {
    let is_single = is_host(net) && !groups.has_host(net.addr());
    is_single
        .then(|| maps.hosts.get(&net.addr()).copied())
        .flatten()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_maps_say_what_the_bans_say(ops in vec(op(), 1..25)) {
        let mut maps = Maps::default();
        let mut groups = Groups::new(1000);
        let mut bans = Naive::new();
        for op in ops {
            let before = bans.clone();
            let steps = match op {
                Op::Set(net, entry) | Op::Crash(net, entry, _) => {
                    bans.insert((net, entry.scope), entry);
                    groups.set(net, entry, found(&groups, &maps, net)).unwrap()
                }
                Op::Clear(net, scope) => {
                    bans.remove(&(net, scope));
                    groups.clear(net, scope, found(&groups, &maps, net)).unwrap()
                }
            };
            if let Op::Crash(net, entry, part) = op {
                run(&mut maps, &steps[..steps.len() * part / 100], &before, &bans);
                groups = Groups::new(1000);
                let mended = groups.adopt(maps.found());
                run(&mut maps, &mended, &before, &bans);
                // Nothing but the ban in question is in doubt.
                let mut own = all_own(&groups, &maps);
                let mut expected = before.clone();
                own.remove(&(net, entry.scope));
                expected.remove(&(net, entry.scope));
                prop_assert_eq!(own, expected);
                let steps = groups.set(net, entry, found(&groups, &maps, net)).unwrap();
                run(&mut maps, &steps, &before, &bans);
            } else {
                run(&mut maps, &steps, &before, &bans);
            }
            for (packet, now) in packets().iter().flat_map(|packet| TIMES.map(|now| (packet, now))) {
                let word = maps.word(packet, now);
                let (drops, observes) = naive(&bans, packet, now);
                prop_assert_eq!(word == Word::Drops, drops, "{:?} at {}", packet, now);
                if let (false, Some(observes)) = (drops, observes) {
                    prop_assert_eq!(word == Word::Observes, observes, "{:?} at {}", packet, now);
                }
            }
            prop_assert_eq!(all_own(&groups, &maps), bans.clone());
            prop_assert_eq!(groups.more, maps.more.len());
            let v4 = maps.wide.keys().any(|net| net.addr().is_ipv4());
            let v6 = maps.wide.keys().any(|net| net.addr().is_ipv6());
            prop_assert_eq!((maps.in_use.wide4 != 0, maps.in_use.wide6 != 0), (v4, v6));
            // The next agent takes over just this, and has nothing to mend.
            let mut next = Groups::new(1000);
            let steps = next.adopt(maps.found());
            prop_assert_eq!(steps, [Step::InUse(maps.in_use)]);
            prop_assert_eq!(all_own(&next, &maps), bans.clone());
            // And so it is when packets have put ends off, which lie where the program finds them.
            let (mut later, mut put_off) = (maps.clone(), bans.clone());
            for ((net, scope), entry) in &mut put_off {
                if Quiet::of(entry.flags).is_none() {
                    continue;
                }
                entry.expires += 1000;
                let found = match groups.place(*net, *scope) {
                    Some(key) => later.more.get_mut(&key).unwrap(),
                    None => later.hosts.get_mut(&net.addr()).unwrap(),
                };
                found.expires += 1000;
                prop_assert_eq!(*found, marked_as(found, entry));
            }
            let mut next = Groups::new(1000);
            let steps = next.adopt(later.found());
            let is_about_others = |step: &Step| match step {
                Step::Put(key, entry) => *key == More::sum(key.group) || entry.is_linked(),
                step => *step == Step::InUse(maps.in_use),
            };
            prop_assert!(steps.iter().all(is_about_others), "{:?}", steps);
            // What bans come to together is put off by packets from where each group is alone.
            for step in steps {
                later.run(step);
            }
            for (packet, now) in packets().iter().flat_map(|packet| TIMES.map(|now| (packet, now))) {
                let (drops, _) = naive(&put_off, packet, now);
                prop_assert_eq!(later.word(packet, now) == Word::Drops, drops, "{:?} at {}", packet, now);
            }
            prop_assert_eq!(all_own(&next, &later), put_off);
        }
        for (net, scope) in bans.into_keys() {
            for step in groups.clear(net, scope, found(&groups, &maps, net)).unwrap() {
                maps.run(step);
            }
        }
        prop_assert!(maps.hosts.is_empty() && maps.wide.is_empty() && maps.more.is_empty());
    }
}

/// The same ban as `entry` with what `found` has seen.
fn marked_as(found: &Entry, entry: &Entry) -> Entry {
    Entry {
        seen: found.seen,
        ..*entry
    }
}
