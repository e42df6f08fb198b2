//! The filters that come with banner, by their own samples.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::read_filter;
use jiff::tz::TimeZone;

use crate::filter::{Expect, Filter, FilterState, Line, Prefixes, Verdict, library, library_names};
use crate::model::Wall;

/// 2026-12-31T00:00:00Z.
const NOW: Wall = Wall::from_secs(1_798_675_200);

/// What a filter says of the last of these lines.
fn judge(filter: &Filter, lines: &[String], cut: Option<usize>) -> Verdict {
    let mut state = FilterState::new(filter, &TimeZone::UTC);
    let mut verdict = Verdict::Miss;
    for line in lines {
        let mut line = Line::whole(line.as_bytes());
        if let Some(end) = cut {
            line.bytes = &line.bytes[..end.min(line.bytes.len())];
            line.cut = true;
        }
        verdict = filter.judge_in(&mut state, line, NOW);
    }
    verdict
}

#[test]
fn every_filter_of_the_library_says_of_its_samples_what_it_should() {
    for name in library_names() {
        let text = library(name).unwrap_or_default();
        let spec = read_filter(name, Path::new(name), text.as_bytes()).unwrap();
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        let (_, wrong) = filter.check_samples();
        for mismatch in &wrong {
            eprintln!(
                "{name}: {mismatch}: {}",
                filter.sample_line(mismatch.sample)
            );
        }
        assert!(wrong.is_empty(), "{name}: {} samples", wrong.len());
        let negative = |expect| matches!(expect, &Expect::Pass);
        assert!(
            spec.samples.iter().any(|sample| negative(&sample.expect)),
            "{name}"
        );
        let hit: BTreeSet<usize> = spec
            .samples
            .iter()
            .filter_map(|sample| match judge(&filter, &sample.lines, None) {
                Verdict::Fail(hit) => Some(hit.pattern),
                Verdict::Miss | Verdict::Ignored => None,
            })
            .collect();
        for (n, pattern) in spec.fail.iter().enumerate() {
            assert!(hit.contains(&n), "{name}: no sample for {pattern}");
            assert!(pattern.starts_with('^'), "{name}: not anchored: {pattern}");
        }
    }
}

/// An attacker who may choose the end of a line may choose what it says.
#[test]
fn no_sample_line_that_is_cut_names_anybody_else() {
    for name in library_names() {
        let text = library(name).unwrap_or_default();
        let spec = read_filter(name, Path::new(name), text.as_bytes()).unwrap();
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        for sample in &spec.samples {
            let line = sample.lines.last().map_or("", String::as_str);
            for end in 0..line.len() {
                if let Verdict::Fail(hit) = judge(&filter, &sample.lines, Some(end)) {
                    let cut = String::from_utf8_lossy(&line.as_bytes()[..end]);
                    assert_eq!(Expect::Fail(hit.key), sample.expect, "{cut:?}");
                }
            }
        }
    }
}
