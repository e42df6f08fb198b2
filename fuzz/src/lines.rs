//! The line path: any bytes as a log, for the filters of the library.
//!
//! A byte says which filter, or all; another one how the bytes come in pieces. What all of it at once,
//! with only the lines looked at that could say something, gives must be what each line alone gives; who
//! failed must stand in the log; and no line takes long.

use std::{collections::HashSet, net::IpAddr, sync::Arc, time::Duration};

use banner_userspace::{
    agent::pipeline::{Counted, Counts, JailSetup, Pipeline, Together},
    filter::{Filter, FilterState, Key, Line, Stamp, Verdict},
    model::{Chunk, JailId, LogId, Mono, Now, OnNames},
    source::{End, Lines},
};
use jiff::tz::TimeZone;

use crate::{budget, filters::LIBRARY, translator::NOW};

/// The default of `limits.line`.
pub const LIMIT: usize = 16 << 10;

/// Says "all filters"; smaller numbers are one of them each.
pub const ALL: u8 = 255;

/// Shorter lines cannot take long, and looking at the clock does.
const CLOCKED: usize = 64;

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let [which, pieces, log @ ..] = data else {
        return;
    };
    let filters: Vec<Arc<Filter>> = match LIBRARY.get(usize::from(*which)) {
        Some(filter) => vec![Arc::clone(filter)],
        None if *which == ALL => LIBRARY.clone(),
        None => return,
    };
    let together = chunked(&filters, log, log.len());
    if *pieces > 0 {
        let size = usize::from(*pieces) * 3;
        assert_eq!(
            chunked(&filters, log, size),
            together,
            "in pieces of {size}"
        );
    }
    let alone: Vec<Counts> = filters
        .iter()
        .map(|filter| one_by_one(filter, log))
        .collect();
    assert_eq!(alone, together);
}

/// What a pipeline counts for each filter when the log comes in pieces.
fn chunked(filters: &[Arc<Filter>], log: &[u8], size: usize) -> Vec<Counts> {
    let jails = filters.iter().map(|filter| JailSetup {
        filter: Some(Arc::clone(filter)),
        of: Counted::default(),
        logs: vec![LogId(0)],
        max_retry: 1000,
        find_time: Duration::from_secs(1),
        together: Together::default(),
        names: OnNames::Ignore,
    });
    let mut pipeline = Pipeline::new(jails.collect(), 1000, TimeZone::UTC);
    let now = Now {
        wall: NOW,
        mono: Mono(0),
    };
    let mut offences = Vec::new();
    let mut give = |bytes: &[u8], end: End| {
        let chunk = Chunk {
            cut: end != End::Whole,
            ..Chunk::new(&[LogId(0)], bytes)
        };
        pipeline.chunk(&chunk, now, &mut offences);
    };
    let mut lines = Lines::default();
    for piece in log.chunks(size.max(1)) {
        lines.take(piece, LIMIT, &mut give);
    }
    lines.finish(&mut give);
    let counts = (0..filters.len()).map(|n| {
        let id = JailId(u16::try_from(n).unwrap_or_default());
        let (counts, _) = pipeline.counts(id).unwrap_or_else(|| panic!("jail {n}"));
        Counts {
            offences: 0,
            ..counts
        }
    });
    counts.collect()
}

/// What a filter says of every line of the log, the ones included that nobody has to look at.
fn one_by_one(filter: &Filter, log: &[u8]) -> Counts {
    let mut counts = Counts::default();
    let mut state = FilterState::new(filter, &TimeZone::UTC);
    let mut known = None;
    let mut lines = Lines::default();
    let mut give = |bytes: &[u8], end: End| {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        for bytes in bytes.split(|byte| *byte == b'\n') {
            let line = Line {
                bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes),
                cut: end != End::Whole,
                at: None,
            };
            let verdict = judge(filter, &mut state, line);
            match verdict {
                Verdict::Miss => {}
                Verdict::Ignored => counts.ignored += 1,
                Verdict::Fail(hit) => {
                    counts.failures += 1;
                    let mut at = NOW;
                    match hit.stamp {
                        Stamp::At(stamp) => at = stamp,
                        Stamp::Missing => counts.stamp_missing += 1,
                        Stamp::Unreadable => counts.stamp_unreadable += 1,
                        Stamp::Future => counts.stamp_future += 1,
                    }
                    match hit.key {
                        Key::Address(host) => {
                            let known = known.get_or_insert_with(|| addresses(log));
                            assert!(known.contains(&host), "{host} is not in the log");
                            counts.last = Some((host.into(), at));
                        }
                        Key::Prefix(net) => match Together::default().bannable(net) {
                            Some(net) => counts.last = Some((net, at)),
                            None => counts.unbannable += 1,
                        },
                        Key::Name(_) | Key::Id(_) => counts.unbannable += 1,
                    }
                }
            }
        }
    };
    lines.take(log, LIMIT, &mut give);
    lines.finish(&mut give);
    counts
}

/// The verdict on a line, which must not take long.
fn judge(filter: &Filter, state: &mut FilterState, line: Line<'_>) -> Verdict {
    let verdict = filter.judge_in(state, line, NOW);
    if line.bytes.len() > CLOCKED {
        // With a state of its own, because the other one has seen the line.
        let mut state = FilterState::new(filter, &TimeZone::UTC);
        let name = || {
            let text = String::from_utf8_lossy(line.bytes);
            format!("{} on {} bytes: {text:?}", filter.spec().name, text.len())
        };
        budget::within(budget::LINE, &name, || {
            filter.judge_in(&mut state, line, NOW)
        });
    }
    verdict
}

/// Every address that stands in a text, in any spelling.
fn addresses(text: &[u8]) -> HashSet<IpAddr> {
    /// The longest spelling: six groups and an IPv4 address.
    const LONGEST: usize = 45;
    let mut found = HashSet::new();
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
    for run in text.split(|byte| !is_part(byte)) {
        for start in 0..run.len() {
            for end in start + 2..=run.len().min(start + LONGEST) {
                let address = str::from_utf8(&run[start..end]).ok().map(str::parse);
                if let Some(Ok(address)) = address {
                    found.insert(IpAddr::to_canonical(&address));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_every_spelling() {
        let found = addresses(b"x [2001:DB8::7]:25 ::ffff:192.0.2.7%eth0 a192.0.2.8b");
        for address in ["2001:db8::7", "192.0.2.7", "192.0.2.8"] {
            assert!(
                found.contains(&address.parse().expect(address)),
                "{address}"
            );
        }
        assert!(addresses(b"no 192.0.2 here").is_empty());
    }
}
