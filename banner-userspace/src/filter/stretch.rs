//! Long lines that could take a filter long.
//!
//! Whoever can make one line cost milliseconds can keep the agent busy with few lines. Lines that are
//! failures, or nearly so, with a part made long find patterns that have many ways to match.

use std::ops::Range;

use super::{Example, Filter};
use crate::model::Wall;

/// What long parts are made of. The last stands for bytes that do not repeat: an automaton that is built
/// as it goes meets no state twice.
const FILLINGS: [&str; 14] = [
    "a", "a ", "1", ".", "a: ", "[1", "a=b ", "\\\"", "\u{e9}", "\" ", "\u{e9}: ", "\u{661}",
    "\u{661}:", RANDOM,
];

const RANDOM: &str = "random";

/// A long line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretched {
    /// The line.
    pub line: Vec<u8>,
    /// When it was written, where it has no stamp.
    pub at: Option<Wall>,
    /// Where it was made long, and with what, for people.
    pub shown: String,
    /// Its random part.
    random: Range<usize>,
}

impl Stretched {
    /// A line as it is.
    pub fn whole(line: &[u8]) -> Self {
        Self {
            line: line.to_vec(),
            at: None,
            shown: String::from_utf8_lossy(line).into_owned(),
            random: 0..0,
        }
    }

    /// Makes another line of the kind, where part of it is random; `seed` says which.
    pub fn vary(&mut self, seed: u64) {
        let part = self.line.get_mut(self.random.clone());
        for (byte, random) in part.into_iter().flatten().zip(random(seed)) {
            *byte = random;
        }
    }
}

impl Filter {
    /// Long lines of at most `limit` bytes: every example and sample with something long in each place
    /// between words and behind it, and with itself repeated. Who looks at the first of them only has seen
    /// something of all samples and places.
    pub fn stretched(&self, limit: usize, now: Wall) -> impl Iterator<Item = Stretched> + use<> {
        let mut lines: Vec<(String, Option<Wall>)> = (self.spec.samples.iter())
            .filter_map(|sample| Some((sample.lines.last()?.clone(), None)))
            .collect();
        if lines.is_empty() {
            let made = self.examples(now).into_iter();
            lines = made.map(|Example { line, at, .. }| (line, at)).collect();
        }
        let places = lines.iter().enumerate().flat_map(|(n, (line, _))| {
            let places = 0..=line.split(' ').count();
            places
                .flat_map(move |place| (0..=FILLINGS.len()).map(move |filling| (n, place, filling)))
        });
        let places: Vec<_> = places.collect();
        spread(places.len()).map(move |at| {
            let (n, place, filling) = places[at];
            let (line, written) = &lines[n];
            let words: Vec<&str> = line.split(' ').collect();
            let (before, after) = words.split_at(place);
            let (before, after) = (before.join(" "), after.join(" "));
            let own = if after.is_empty() { &before } else { &after };
            let own = format!("{own} ");
            let filling = FILLINGS.get(filling).copied().unwrap_or(&own);
            stretch(&before, filling, &after, limit, *written)
        })
    }
}

/// All numbers below `count`, neighbours far apart.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    fn divisor(a: usize, b: usize) -> usize {
        if b == 0 { a } else { divisor(b, a % b) }
    }
    // The golden section leaves no large gaps, however many there are.
    let near = count * 618 / 1000;
    let step = (near..=count).find(|step| divisor(*step, count) <= 1);
    let step = step.unwrap_or(1);
    (0..count).map(move |n| n * step % count)
}

fn stretch(before: &str, filling: &str, after: &str, limit: usize, at: Option<Wall>) -> Stretched {
    let room = limit.saturating_sub(before.len() + after.len() + 1);
    let mut line = before.as_bytes().to_vec();
    line.push(b' ');
    let start = line.len();
    let mut part = start..start;
    let shown = if filling == RANDOM {
        line.extend(random(1).take(room));
        part.end = line.len().min(limit);
        format!("{before} <{room} random bytes>{after}")
    } else {
        let times = room / filling.len().max(1);
        line.extend(filling.repeat(times).bytes());
        format!("{before} <{filling:?} {times} times>{after}")
    };
    line.extend_from_slice(after.as_bytes());
    line.truncate(limit);
    Stretched {
        line,
        at,
        shown,
        random: part,
    }
}

/// Printable bytes that do not repeat; the same for each seed (Knuth's MMIX constants).
fn random(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        b' ' + u8::try_from((state >> 33) % 95).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::filter::{Expect, FilterSpec, Key, Prefixes, Sample};

    #[test]
    fn numbers_are_spread_and_none_is_left_out() {
        for count in [0, 1, 2, 3, 10, 1000, 1001, 7200] {
            let numbers: Vec<usize> = spread(count).collect();
            let all: BTreeSet<usize> = numbers.iter().copied().collect();
            assert_eq!((all.len(), numbers.len()), (count, count));
        }
        let first: BTreeSet<usize> = spread(1000).take(20).map(|n| n / 100).collect();
        assert_eq!(first.len(), 10);
    }

    #[test]
    fn lines_are_long_in_every_place() {
        let host = Key::Address("192.0.2.7".parse().unwrap());
        let spec = FilterSpec {
            fail: vec!["^a .* from <HOST>$".into()],
            samples: vec![Sample::new("a b from 192.0.2.7", Expect::Fail(host))],
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        let lines: Vec<Stretched> = filter.stretched(200, Wall::from_secs(0)).collect();
        assert_eq!(lines.len(), 5 * (FILLINGS.len() + 1));
        assert!(
            lines
                .iter()
                .all(|line| (150..=200).contains(&line.line.len()))
        );
        let mut varied = lines.clone();
        for line in &mut varied {
            line.vary(2);
        }
        let other = lines
            .iter()
            .zip(&varied)
            .filter(|(one, two)| one.line != two.line);
        assert_eq!(other.count(), 5);
        let shown = lines.iter().map(|line| &*line.shown);
        let different: BTreeSet<&str> = shown.collect();
        assert_eq!(different.len(), lines.len());
        assert!(different.contains("a <\"a\" 182 times>b from 192.0.2.7"));
    }
}
