//! The filters that come with banner, by their own samples.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use jiff::tz::TimeZone;

use super::load;
use crate::config::{BansOf, read_filter};
use crate::filter::{
    Expect, Filter, FilterSpec, FilterState, Key, Line, Prefixes, Sample, Sieve, Verdict, library,
    library_names,
};
use crate::model::Wall;

/// The address that is nobody's: where it stands in a sample, its line imitates somebody else's failure.
const NOBODY: &str = "203.0.113.9";

/// 2026-12-31T00:00:00Z.
const NOW: Wall = Wall::from_secs(1_798_675_200);

fn all() -> impl Iterator<Item = (&'static str, FilterSpec, Filter)> {
    library_names().map(|name| {
        let text = library(name).unwrap_or_else(|| panic!("{name} is not in the library"));
        let spec = read_filter(name, Path::new(name), text.as_bytes())
            .unwrap_or_else(|why| panic!("{why}"));
        let filter = Filter::compile(&spec, &Prefixes::default())
            .unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        (name, spec, filter)
    })
}

/// What a filter says of the last line of a sample; of its beginning, if it is cut.
fn judge(filter: &Filter, sample: &Sample, cut: Option<usize>) -> Verdict {
    let mut state = FilterState::new(filter, &TimeZone::UTC);
    let mut verdict = Verdict::Miss;
    for (n, line) in sample.lines.iter().enumerate() {
        let mut line = Line::whole(line.as_bytes());
        if let Some(end) = cut.filter(|_| n + 1 == sample.lines.len()) {
            line.bytes = &line.bytes[..end];
            line.cut = true;
        }
        verdict = filter.judge_in(&mut state, line, NOW);
    }
    verdict
}

fn last(sample: &Sample) -> &str {
    sample.lines.last().map_or("", String::as_str)
}

#[test]
fn the_library_is_what_is_in_the_folder() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/filters.d");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("config/filters.d")
        .map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.into_string().expect("a name")
        })
        .collect();
    let names: Vec<&str> = library_names().collect();
    assert!(names.is_sorted(), "library() looks for names by halves");
    let listed: BTreeSet<String> = names.iter().map(|name| format!("{name}.yaml")).collect();
    assert_eq!(listed.len(), names.len(), "a name is listed twice");
    assert_eq!(listed, files);
    assert_eq!(library("no-such-filter"), None);
}

#[test]
fn every_filter_of_the_library_says_of_its_samples_what_it_should() {
    let mut wrong = 0;
    for (name, _, filter) in all() {
        for mismatch in filter.check_samples().1 {
            let line = filter.sample_line(mismatch.sample);
            eprintln!("{name}: {mismatch}: {line}");
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0, "samples");
}

#[test]
fn every_filter_of_the_library_has_the_samples_that_it_needs() {
    for (name, spec, _) in all() {
        let (mut ipv4, mut ipv6, mut passed) = (0, 0, 0);
        for sample in &spec.samples {
            match &sample.expect {
                Expect::Fail(Key::Address(IpAddr::V4(_))) => ipv4 += 1,
                Expect::Fail(Key::Address(IpAddr::V6(_))) => ipv6 += 1,
                Expect::Fail(key) => panic!("{name}: {key} is no address"),
                Expect::Pass => passed += 1,
            }
        }
        assert!(ipv4 >= 1 && ipv6 >= 1, "{name}: {ipv4} IPv4, {ipv6} IPv6");
        assert!(passed >= 2, "{name}: {passed} lines that are no failure");
        let mut hostile = spec
            .samples
            .iter()
            .filter(|sample| last(sample).contains(NOBODY));
        assert!(
            hostile.next().is_some(),
            "{name}: no line that imitates another host's"
        );
        assert!(!spec.description.is_empty(), "{name}");
    }
}

#[test]
fn nobody_is_banned_for_what_others_write() {
    let nobody = Key::Address(NOBODY.parse().expect("an address"));
    for (name, spec, filter) in all() {
        for sample in &spec.samples {
            assert_ne!(
                sample.expect,
                Expect::Fail(nobody.clone()),
                "{name}: {}",
                last(sample)
            );
            if let Verdict::Fail(hit) = judge(&filter, sample, None) {
                assert_ne!(hit.key, nobody, "{name}: {}", last(sample));
            }
        }
    }
}

#[test]
fn every_pattern_of_the_library_is_anchored_and_has_a_sample() {
    for (name, spec, filter) in all() {
        let hit: BTreeSet<usize> = (spec.samples.iter())
            .filter_map(|sample| match judge(&filter, sample, None) {
                Verdict::Fail(hit) => Some(hit.pattern),
                Verdict::Miss | Verdict::Ignored => None,
            })
            .collect();
        for (n, pattern) in spec.fail.iter().enumerate() {
            assert!(hit.contains(&n), "{name}: no sample for {pattern}");
        }
        for pattern in spec.fail.iter().chain(&spec.ignore) {
            assert!(pattern.starts_with('^'), "{name}: not anchored: {pattern}");
        }
        assert_eq!(filter.loose(), [], "{name}");
    }
}

/// An attacker who may choose the end of a line may choose what it says.
#[test]
fn no_sample_line_that_is_cut_names_anybody_else() {
    for (name, spec, filter) in all() {
        for sample in &spec.samples {
            for end in 0..last(sample).len() {
                if let Verdict::Fail(hit) = judge(&filter, sample, Some(end)) {
                    let cut = String::from_utf8_lossy(&last(sample).as_bytes()[..end]);
                    assert_eq!(Expect::Fail(hit.key), sample.expect, "{name}: {cut:?}");
                }
            }
        }
    }
}

/// The jails of `config/jails.d/ready.yaml`, as if somebody took all of them into use.
#[test]
fn every_filter_has_a_ready_jail() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/jails.d/ready.yaml");
    let text = std::fs::read_to_string(path).expect("the ready jails");
    let off = "    enabled: false\n";
    let config = |ready: &str| {
        let main = "include: [jails.d/*.yaml]\njails: {sshd: {filter: sshd, logs: [/x]}}";
        load(&[("etc/banner.yaml", main), ("etc/jails.d/ready.yaml", ready)])
            .unwrap_or_else(|problems| panic!("{problems}"))
    };
    assert_eq!(config(&text).jails.len(), 1, "a ready jail is on");
    let config = config(&text.replace(off, ""));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let jails: BTreeSet<&str> = config.jails.iter().map(|jail| jail.name.as_str()).collect();
    assert_eq!(jails, library_names().collect());
    for jail in &config.jails {
        match &jail.of {
            // The library has a filter of this name, for logs.
            Some(of) => assert_eq!((&*jail.name, of), ("recidive", &BansOf::All)),
            None => assert_eq!(jail.name, jail.filter_name),
        }
    }
}

/// Most lines have nothing to do with a filter; it must not be asked about each of them.
#[test]
fn no_filter_of_the_library_looks_at_every_line() {
    for (name, _, filter) in all() {
        let mut looked = 0;
        Sieve::new([&filter]).lines(b"nothing to see here\n", |_, _| looked += 1);
        assert_eq!(looked, 0, "{name}: a pattern without a literal");
    }
}
