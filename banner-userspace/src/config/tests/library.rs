//! The filters that come with banner, by their own samples.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::read_filter;
use crate::filter::{Expect, Filter, Prefixes, Verdict, library, library_names};

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
        let negative = |expect| matches!(expect, Expect::Pass);
        assert!(
            spec.samples.iter().any(|sample| negative(sample.expect)),
            "{name}"
        );
        let hit: BTreeSet<usize> = spec
            .samples
            .iter()
            .filter_map(|sample| match filter.judge(sample.line.as_bytes(), false) {
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
            let line = sample.line.as_bytes();
            for end in 0..line.len() {
                if let Verdict::Fail(hit) = filter.judge(&line[..end], true) {
                    assert_eq!(
                        Expect::Fail(hit.host),
                        sample.expect,
                        "{:?}",
                        &sample.line[..end]
                    );
                }
            }
        }
    }
}
