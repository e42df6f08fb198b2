//! The last lines of the hosts that are being counted, for whoever wants to know why one was banned.

use std::{hash::BuildHasher as _, net::IpAddr};

use hashbrown::DefaultHashBuilder;

use crate::model::{Evidence, JailId, MatchedLine, Wall};

/// How many lines of others are passed over at most in search of those of one host.
const STEPS: usize = 512;

/// There is a chain for so many bytes.
const BYTES_PER_CHAIN: usize = 128;

/// A ring of lines. The latest take the place of the oldest, whosever they are, so that what it takes
/// does not depend on how many hosts are counted.
///
/// Lines lie in chains, from the latest to the one before, by a hash of jail and host: to keep one takes
/// a copy of it and one look at a table that fits into a cache. Only an offence looks at a chain.
#[derive(Debug)]
pub struct Lines {
    /// Of one offence, at most; none: nothing is kept.
    most: usize,
    ring: Vec<u8>,
    /// Where the latest of each chain begins, in bytes since the start; 0: nowhere.
    chains: Vec<u64>,
    /// Where the next one goes; the ring has it at the remainder.
    next: u64,
    hasher: DefaultHashBuilder,
    missing: u64,
}

/// What stands before a line in the ring.
struct Header {
    before: u64,
    hash: u64,
    at: i64,
    pattern: u16,
    length: u16,
}

const HEADER: usize = 28;

/// Of a length: the line goes on.
const CUT: u16 = 1 << 15;

impl Lines {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self::new(0, 0)
    }

    /// Keeps `bytes` of lines, of one offence `most` lines at most and never more than
    /// [`MatchedLine::MOST`]. The memory is taken as it is needed.
    pub fn new(bytes: usize, most: usize) -> Self {
        let bytes = if most == 0 {
            0
        } else {
            bytes.max(4 * (HEADER + MatchedLine::LONGEST))
        };
        Self {
            most: most.min(MatchedLine::MOST),
            ring: vec![0; bytes],
            chains: vec![0; (bytes / BYTES_PER_CHAIN).next_power_of_two()],
            // Not 0, which is nowhere.
            next: bytes as u64,
            hasher: DefaultHashBuilder::default(),
            missing: 0,
        }
    }

    /// Keeps a line that counts.
    pub fn add(&mut self, jail: JailId, host: IpAddr, at: Wall, pattern: usize, line: &[u8]) {
        if self.most == 0 {
            return;
        }
        let kept = &line[..line.len().min(MatchedLine::LONGEST)];
        let size = HEADER + kept.len();
        let mut place = self.place(self.next);
        if place + size > self.ring.len() {
            self.next += (self.ring.len() - place) as u64;
            place = 0;
        }
        let hash = self.hasher.hash_one((jail, host));
        let chain = self.chain(hash);
        let cut = if kept.len() < line.len() { CUT } else { 0 };
        let header = Header {
            before: std::mem::replace(&mut self.chains[chain], self.next),
            hash,
            at: at.0,
            pattern: u16::try_from(pattern).unwrap_or(u16::MAX),
            length: u16::try_from(kept.len()).unwrap_or(0) | cut,
        };
        let (head, text) = self.ring[place..place + size].split_at_mut(HEADER);
        header.write(head);
        text.copy_from_slice(kept);
        self.next += size as u64;
    }

    /// The last lines of a host, which has just offended with so many failures.
    pub fn of(&mut self, jail: JailId, host: IpAddr, failures: u32) -> Evidence {
        let wanted = (failures as usize).min(self.most);
        let mut lines = Vec::with_capacity(wanted);
        if wanted == 0 {
            return lines.into();
        }
        let hash = self.hasher.hash_one((jail, host));
        let mut at = self.chains[self.chain(hash)];
        for _ in 0..STEPS {
            // What lies further back was overwritten.
            if at == 0 || self.next - at > self.ring.len() as u64 || lines.len() == wanted {
                break;
            }
            let place = self.place(at);
            let header = Header::read(&self.ring[place..place + HEADER]);
            if header.hash == hash {
                let text = place + HEADER;
                let length = usize::from(header.length & !CUT);
                lines.push(MatchedLine {
                    at: Wall(header.at),
                    pattern: header.pattern,
                    bytes: self.ring[text..text + length].into(),
                    cut: header.length & CUT != 0,
                });
            }
            at = header.before;
        }
        self.missing += (wanted - lines.len()) as u64;
        lines.reverse();
        lines.into()
    }

    /// How many lines of offences were not there any more, or had been read by an agent before this one.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    fn place(&self, at: u64) -> usize {
        usize::try_from(at % self.ring.len() as u64).unwrap_or(0)
    }

    fn chain(&self, hash: u64) -> usize {
        // There are a power of two.
        usize::try_from(hash).unwrap_or(usize::MAX) & (self.chains.len() - 1)
    }
}

impl Header {
    fn write(&self, bytes: &mut [u8]) {
        bytes[..8].copy_from_slice(&self.before.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.hash.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.at.to_le_bytes());
        bytes[24..26].copy_from_slice(&self.pattern.to_le_bytes());
        bytes[26..28].copy_from_slice(&self.length.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let eight = |at: usize| std::array::from_fn(|n| bytes[at + n]);
        let two = |at: usize| std::array::from_fn(|n| bytes[at + n]);
        Self {
            before: u64::from_le_bytes(eight(0)),
            hash: u64::from_le_bytes(eight(8)),
            at: i64::from_le_bytes(eight(16)),
            pattern: u16::from_le_bytes(two(24)),
            length: u16::from_le_bytes(two(26)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};

    use proptest::prelude::*;

    use super::*;

    const JAIL: JailId = JailId(3);

    fn host(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    fn texts(evidence: &Evidence) -> Vec<String> {
        let text = |line: &MatchedLine| String::from_utf8_lossy(&line.bytes).into_owned();
        evidence.iter().map(text).collect()
    }

    #[test]
    fn the_last_lines_of_a_host_are_kept_in_order() {
        let mut lines = Lines::new(1 << 16, 3);
        for n in 0..5 {
            lines.add(JAIL, host(1), Wall(n), 7, format!("one {n}").as_bytes());
            lines.add(JAIL, host(2), Wall(n), 7, format!("two {n}").as_bytes());
            lines.add(JailId(4), host(1), Wall(n), 7, b"of another jail");
        }
        let evidence = lines.of(JAIL, host(1), 5);
        assert_eq!(texts(&evidence), ["one 2", "one 3", "one 4"]);
        assert_eq!((evidence[2].at, evidence[2].pattern), (Wall(4), 7));
        assert_eq!(texts(&lines.of(JAIL, host(1), 1)), ["one 4"]);
        assert_eq!(lines.missing(), 0);
        assert_eq!(lines.of(JAIL, host(9), 2).len(), 0);
        assert_eq!(lines.missing(), 2);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let mut lines = Lines::new(1 << 16, 10);
        for length in [0, 511, 512, 513, 20_000] {
            lines.add(JAIL, host(1), Wall(0), 0, &vec![b'x'; length]);
            let evidence = lines.of(JAIL, host(1), 1);
            assert_eq!(evidence[0].bytes.len(), length.min(512));
            assert_eq!(evidence[0].cut, length > 512);
        }
    }

    #[test]
    fn nothing_is_kept_where_nobody_asks() {
        let mut lines = Lines::none();
        lines.add(JAIL, host(1), Wall(0), 0, b"line");
        assert_eq!(lines.of(JAIL, host(1), 1).len(), 0);
        assert_eq!((lines.ring.len(), lines.missing()), (0, 0));
    }

    proptest! {
        /// Against all lines that there ever were: what is found is the latest, whole and in order, and
        /// what the ring has room for is found.
        #[test]
        fn agrees_with_a_list_of_all(
            steps in prop::collection::vec((0u8..6, 0usize..700, 1u32..12), 1..400),
        ) {
            let mut lines = Lines::new(1 << 14, 10);
            let mut all: HashMap<u8, Vec<String>> = HashMap::new();
            let mut recent: VecDeque<(u8, usize)> = VecDeque::new();
            for (n, (host_n, length, failures)) in steps.into_iter().enumerate() {
                let text = format!("{n}:{}", "x".repeat(length));
                lines.add(JAIL, host(host_n), Wall(0), 0, text.as_bytes());
                let kept = text[..text.len().min(512)].to_owned();
                recent.push_front((host_n, HEADER + kept.len()));
                all.entry(host_n).or_default().push(kept);
                // Less than the ring is long, by what the end of the ring may leave free.
                let mut room = (1 << 14) - HEADER - 512;
                let sure = recent.iter().take_while(|(_, size)| {
                    let fits = room >= *size;
                    room -= (*size).min(room);
                    fits
                });
                let sure = sure.filter(|(of, _)| *of == host_n).count();
                let found = texts(&lines.of(JAIL, host(host_n), failures));
                let wanted = (failures as usize).min(10);
                prop_assert!(found.len() >= wanted.min(sure), "{} {wanted} {sure}", found.len());
                prop_assert!(found.len() <= wanted);
                prop_assert!(all[&host_n].ends_with(&found));
            }
        }
    }
}
