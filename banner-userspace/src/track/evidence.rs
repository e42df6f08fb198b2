//! The last lines of the hosts that are being counted, for whoever wants to know why one was banned.

use std::{hash::BuildHasher as _, sync::Arc};

use hashbrown::DefaultHashBuilder;
use ipnet::IpNet;

use crate::model::{Evidence, JailId, LineBytes, MatchedLine, Origin, Wall};

/// How many lines of others are passed over at most in search of those of one host.
const STEPS: usize = 512;

/// There is room to know of a line, and a chain, for so many bytes: lines with failures are about as long.
const BYTES_PER_LINE: usize = 128;

/// A ring of lines. The latest take the place of the oldest, whosever they are, so that what it takes
/// does not depend on how many hosts are counted.
///
/// What is known of lines lies in a ring of its own, small enough for a cache, in chains, from the
/// latest to the one before, by a hash of jail and host: to keep a line takes a copy of it and one look
/// at a table. Only an offence looks at a chain, and then at the lines themselves, all of them at once.
#[derive(Debug)]
pub struct Lines {
    /// Of one offence, at most; none: nothing is kept.
    most: usize,
    /// As much of `room` bytes as there were lines for.
    ring: Vec<u8>,
    room: usize,
    /// The one of a number is at the remainder; as many of them as there are chains, once so many lines were
    /// kept.
    known: Vec<Known>,
    /// The number of the latest of each chain, a power of two of them; 0: there is none.
    chains: Vec<u64>,
    /// The number of the next one.
    number: u64,
    /// Where it goes; the ring has it at the remainder.
    next: u64,
    hasher: DefaultHashBuilder,
    missing: u64,
    /// Those of one offence, the latest first, and their text: memory that is used again.
    found: Vec<Known>,
    text: Vec<u8>,
    /// Where the lines come from that are added now; empty: from no container.
    origin: String,
}

/// What is known of a line in the ring.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    hash: u64,
    at: i64,
    /// Where it begins, in bytes since the start.
    start: u64,
    /// How many numbers before this one is that of the one before in its chain; far back: nowhere.
    back: u32,
    pattern: u16,
    length: u16,
}

/// Of a length: the line goes on.
const CUT: u16 = 1 << 15;

/// Of a length: behind the line stand one byte for the length of its origin, and the origin.
const ORIGIN: u16 = 1 << 14;

impl Lines {
    /// Keeps nothing.
    pub fn none() -> Self {
        Self::new(0, 0)
    }

    /// Keeps `bytes` of lines, or one line for each 128 of them; of one offence `most` lines at most and
    /// never more than [`MatchedLine::MOST`]. The memory is taken as it is needed.
    pub fn new(bytes: usize, most: usize) -> Self {
        let bytes = if most == 0 {
            0
        } else {
            bytes.max(4 * (MatchedLine::LONGEST + 1 + MatchedLine::LONGEST_ORIGIN))
        };
        let lines = (bytes / BYTES_PER_LINE).next_power_of_two();
        Self {
            most: most.min(MatchedLine::MOST),
            ring: Vec::new(),
            room: bytes,
            known: Vec::new(),
            chains: vec![0; lines],
            number: 1,
            next: 0,
            hasher: DefaultHashBuilder::default(),
            missing: 0,
            found: Vec::new(),
            text: Vec::new(),
            origin: String::new(),
        }
    }

    /// Where the lines come from that are added now; empty: from no container.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Goes on with lines of an [`origin`](Self::origin) of before.
    pub fn come_again_from(&mut self, origin: &str) {
        self.origin.clear();
        self.origin.push_str(origin);
    }

    /// The lines that are added from now on come from this container, or from none.
    pub fn come_from(&mut self, origin: Option<&Origin>) {
        use std::fmt::Write as _;
        self.origin.clear();
        if let Some(origin) = origin.filter(|_| self.most > 0) {
            // Nothing can go wrong when a text is written to a text.
            let _ = write!(self.origin, "{origin}");
            let end = self.origin.floor_char_boundary(MatchedLine::LONGEST_ORIGIN);
            self.origin.truncate(end);
        }
    }

    /// Keeps a line that counts.
    pub fn add(&mut self, jail: JailId, host: IpNet, at: Wall, pattern: usize, line: &[u8]) {
        if self.most == 0 {
            return;
        }
        let kept = &line[..line.len().min(MatchedLine::LONGEST)];
        let mut place = self.place(self.next);
        let (origin, has_origin) = match self.origin.len() {
            0 => (0, 0),
            length => (1 + length, ORIGIN),
        };
        if place + kept.len() + origin > self.room {
            self.next += (self.room - place) as u64;
            place = 0;
        }
        grow(&mut self.ring, place + kept.len() + origin, self.room);
        let hash = self.hasher.hash_one((jail, host));
        let chain = self.slot(hash);
        let before = std::mem::replace(&mut self.chains[chain], self.number);
        let cut = if kept.len() < line.len() { CUT } else { 0 };
        let slot = self.slot(self.number);
        grow(&mut self.known, slot + 1, self.chains.len());
        self.known[slot] = Known {
            hash,
            at: at.0,
            start: self.next,
            back: u32::try_from(self.number - before).unwrap_or(u32::MAX),
            pattern: u16::try_from(pattern).unwrap_or(u16::MAX),
            length: u16::try_from(kept.len()).unwrap_or(0) | cut | has_origin,
        };
        let end = place + kept.len();
        self.ring[place..end].copy_from_slice(kept);
        if origin > 0 {
            self.ring[end] = u8::try_from(self.origin.len()).unwrap_or(0);
            self.ring[end + 1..end + origin].copy_from_slice(self.origin.as_bytes());
        }
        self.number += 1;
        self.next += (kept.len() + origin) as u64;
    }

    /// The last lines of a host or prefix, which has just offended with so many failures.
    pub fn of(&mut self, jail: JailId, host: IpNet, failures: u32) -> Evidence {
        let wanted = (failures as usize).min(self.most);
        if wanted == 0 {
            return Evidence::default();
        }
        self.found.clear();
        let hash = self.hasher.hash_one((jail, host));
        let mut number = self.chains[self.slot(hash)];
        for _ in 0..STEPS {
            // What lies further back was overwritten.
            let is_known = number != 0 && self.number - number <= self.chains.len() as u64;
            if !is_known || self.found.len() == wanted {
                break;
            }
            let known = self.known[self.slot(number)];
            if self.next - known.start > self.room as u64 {
                break;
            }
            if known.hash == hash {
                self.found.push(known);
            }
            number = number.saturating_sub(u64::from(known.back));
        }
        self.missing += (wanted - self.found.len()) as u64;
        self.text.clear();
        for known in self.found.iter().rev() {
            let place = self.place(known.start);
            self.text
                .extend_from_slice(&self.ring[place..place + known.length()]);
        }
        let text: Arc<[u8]> = self.text[..].into();
        let mut start = 0;
        let origin = |known: &Known| {
            let at = self.place(known.start) + known.length();
            let behind = self.ring.get(at + 1..)?.get(..usize::from(self.ring[at]))?;
            (known.length & ORIGIN != 0).then(|| String::from_utf8_lossy(behind).into())
        };
        let lines = self.found.iter().rev().map(|known| {
            let bytes = LineBytes::part(Arc::clone(&text), start, known.length());
            start += known.length();
            MatchedLine {
                at: Wall(known.at),
                pattern: known.pattern,
                bytes,
                cut: known.length & CUT != 0,
                origin: origin(known),
            }
        });
        lines.collect()
    }

    /// How many lines of offences were not there any more, or had been read by an agent before this one.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    fn place(&self, at: u64) -> usize {
        usize::try_from(at % self.room as u64).unwrap_or(0)
    }

    /// Where something with this number, or this hash, belongs.
    fn slot(&self, number: u64) -> usize {
        // There are a power of two.
        usize::try_from(number & (self.chains.len() as u64 - 1)).unwrap_or(0)
    }
}

/// Makes room for so many, and for more to come, up to `most`: an agent that meets no failures is to have none of
/// this in memory.
fn grow<T: Clone + Default>(list: &mut Vec<T>, wanted: usize, most: usize) {
    if wanted > list.len() {
        let length = wanted.next_power_of_two().max(1024).min(most);
        list.reserve_exact(length - list.len());
        list.resize(length, T::default());
    }
}

impl Known {
    fn length(&self) -> usize {
        usize::from(self.length & !(CUT | ORIGIN))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, VecDeque};

    use proptest::prelude::*;

    use super::*;

    const JAIL: JailId = JailId(3);

    fn host(n: u8) -> IpNet {
        std::net::IpAddr::from([192, 0, 2, n]).into()
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
    fn where_a_line_comes_from_is_kept_with_it() {
        let mut lines = Lines::new(1 << 16, 10);
        let mut origin = Origin {
            container: "nginx".into(),
            ..Origin::default()
        };
        // Also where the ring has gone round.
        for _ in 0..500 {
            lines.come_from(Some(&origin));
            lines.add(JAIL, host(1), Wall(0), 0, b"one");
            let pod = Origin {
                pod: "\u{fc}".repeat(200),
                ..origin.clone()
            };
            lines.come_from(Some(&pod));
            lines.add(JAIL, host(1), Wall(0), 0, b"two");
            lines.come_from(None);
            lines.add(JAIL, host(1), Wall(0), 0, b"three");
            let evidence = lines.of(JAIL, host(1), 3);
            assert_eq!(texts(&evidence), ["one", "two", "three"]);
            let long = "\u{fc}".repeat(127);
            let origins = evidence.iter().map(|line| line.origin.as_deref());
            let expected = [Some(&*origin.container), Some(&*long), None];
            assert_eq!(origins.collect::<Vec<_>>(), expected);
            origin.container.push('x');
            origin.container.truncate(9);
        }
    }

    #[test]
    fn nothing_is_kept_where_nobody_asks() {
        let mut lines = Lines::none();
        lines.add(JAIL, host(1), Wall(0), 0, b"line");
        assert_eq!(lines.of(JAIL, host(1), 1).len(), 0);
        assert_eq!((lines.ring.len(), lines.missing()), (0, 0));
    }

    #[test]
    fn memory_is_taken_as_lines_come() {
        let mut lines = Lines::new(1 << 20, 3);
        assert_eq!((lines.ring.len(), lines.known.len()), (0, 0));
        lines.add(JAIL, host(1), Wall(0), 0, b"one");
        assert_eq!((lines.ring.len(), lines.known.len()), (1024, 1024));
        for n in 0..20_000 {
            lines.add(JAIL, host(1), Wall(n), 0, &[b'x'; 100]);
        }
        assert_eq!((lines.ring.len(), lines.known.len()), (1 << 20, 1 << 13));
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
                recent.push_front((host_n, kept.len()));
                all.entry(host_n).or_default().push(kept);
                // Less than the ring is long, by what the end of the ring may leave free.
                let mut room = (1 << 14) - 512;
                let known = recent.iter().take((1 << 14) / BYTES_PER_LINE);
                let sure = known.take_while(|(_, size)| {
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
