use ipnet::IpNet;

use super::*;
use crate::{
    filter::{FilterSpec, Prefixes},
    model::{Mono, Origin, Shown, Wall},
};

const NOON: i64 = 1_795_176_000; // 2026-11-20T12:00:00Z

fn filter(pattern: &str) -> Arc<Filter> {
    let spec = FilterSpec {
        prefix: Some("syslog".into()),
        fail: vec![pattern.into()],
        ignore: vec!["nagios".into()],
        ..FilterSpec::default()
    };
    Arc::new(Filter::compile(&spec, &Prefixes::default()).unwrap())
}

fn pipeline(jails: Vec<(Arc<Filter>, &[u16])>) -> Pipeline {
    let jails = jails.into_iter().map(|(filter, logs)| JailSetup {
        filter: Some(filter),
        of: Counted::default(),
        logs: logs.iter().map(|&log| LogId(log)).collect(),
        max_retry: 2,
        find_time: Duration::from_mins(10),
        together: Together::default(),
        names: OnNames::Ignore,
    });
    Pipeline::new(jails.collect(), 100, TimeZone::UTC)
}

fn feed(pipeline: &mut Pipeline, log: u16, text: &str) -> Vec<(u16, String)> {
    let now = Now {
        wall: Wall::from_secs(NOON),
        mono: Mono(0),
    };
    let mut offences = Vec::new();
    let logs = [LogId(log)];
    let chunk = Chunk::new(&logs, text.as_bytes());
    pipeline.chunk(&chunk, now, &mut offences);
    offences
        .iter()
        .map(|offence| (offence.jail.0, Shown(offence.who).to_string()))
        .collect()
}

#[test]
fn what_nobody_can_be_banned_for_and_what_a_pattern_gave_up_on_are_counted() {
    let mut pipeline = pipeline(vec![
        (filter("^user (?P<id>\\w+)$"), &[0]),
        (filter(r"^bad (\w+) \1 <HOST>$"), &[1]),
    ]);
    assert_eq!(feed(&mut pipeline, 0, "user eve\nuser eve\n"), []);
    assert_eq!(pipeline.counts(JailId(0)).unwrap().0.unbannable, 2);
    let long = format!("bad {} 192.0.2.7\n", "a".repeat(9000));
    assert_eq!(feed(&mut pipeline, 1, &long), []);
    assert_eq!([0, 1].map(|jail| pipeline.exhausted(JailId(jail))), [0, 1]);
}

#[test]
fn a_prefix_counts_for_itself_unless_it_is_too_wide() {
    let mut pipeline = pipeline(vec![(filter("^bad <PREFIX>$"), &[0])]);
    let wide = "bad 0.0.0.0/0\nbad 10.0.0.0/15\nbad ::/0\nbad 2001:db8::/31\n";
    assert_eq!(feed(&mut pipeline, 0, &wide.repeat(2)), []);
    assert_eq!(pipeline.counts(JailId(0)).unwrap().0.unbannable, 8);
    let text = "bad 192.0.2.0/24\nbad 192.0.2.0\nbad 192.0.2.0/25\nbad 192.0.2.9/24\n\
                bad 2001:db8::/32\nbad 2001:db8::/33\nbad 2001:db8::1/32\n\
                bad 10.0.0.0/16\nbad 10.0.9.9/16\nbad 192.0.2.0/32\n";
    let expected = [
        (0, "192.0.2.0/24"),
        (0, "2001:db8::/32"),
        (0, "10.0.0.0/16"),
        (0, "192.0.2.0"),
    ];
    let expected = expected.map(|(jail, who)| (jail, who.to_owned()));
    assert_eq!(feed(&mut pipeline, 0, text), expected);
    let count = |net: &str| {
        let now = Now {
            wall: Wall::from_secs(NOON),
            mono: Mono(0),
        };
        pipeline.counted(JailId(0), net.parse::<IpNet>().unwrap(), now)
    };
    assert_eq!(["192.0.2.0/25", "192.0.2.0/26"].map(count), [1, 0]);
}

#[test]
fn a_prefix_is_counted_with_the_hosts_around_it_where_the_jail_counts_those_together() {
    let together = Together { ipv4: 12, ipv6: 64 };
    let setup = JailSetup {
        filter: Some(filter("^bad <PREFIX>$")),
        of: Counted::default(),
        logs: vec![LogId(0)],
        max_retry: 2,
        find_time: Duration::from_mins(10),
        together,
        names: OnNames::Ignore,
    };
    let mut pipeline = Pipeline::new(vec![setup], 100, TimeZone::UTC);
    let text = "bad 10.1.0.0/16\nbad 10.2.3.4\nbad 10.16.0.0/12\nbad 10.17.0.0/13\n\
                bad 10.0.0.0/11\nbad 10.0.0.0/11\n\
                bad 2001:db8::/48\nbad 2001:db8::/64\nbad 2001:db8::/48\n";
    assert_eq!(
        feed(&mut pipeline, 0, text),
        ["10.2.3.4", "10.16.0.0/13", "2001:db8::/48"].map(|who| (0, who.to_owned()))
    );
    assert_eq!(pipeline.counts(JailId(0)).unwrap().0.unbannable, 2);
}

#[test]
fn every_jail_that_reads_the_log_counts_for_itself() {
    let bad = filter("^bad <HOST>$");
    let mut pipeline = pipeline(vec![
        (bad.clone(), &[0, 1]),
        (bad, &[1]),
        (filter("^<HOST>$"), &[1]),
    ]);
    assert_eq!(feed(&mut pipeline, 0, "bad 192.0.2.7\nbad 192.0.2.8\n"), []);
    let offences = feed(
        &mut pipeline,
        1,
        "x\nbad 192.0.2.7\r\nbad 2001:db8::1\n2001:db8::1\n",
    );
    assert_eq!(offences, [(0, "192.0.2.7".into())]);
    assert_eq!(
        feed(&mut pipeline, 1, "2001:db8::1\n"),
        [(2, "2001:db8::1".into())]
    );
    assert_eq!(
        feed(&mut pipeline, 9, "bad 192.0.2.8\n"),
        [],
        "nobody reads it"
    );
}

#[test]
fn the_stamp_of_the_line_decides_and_those_not_trusted_are_counted() {
    let mut pipeline = pipeline(vec![(filter("^bad <HOST>$"), &[0])]);
    let offences = feed(
        &mut pipeline,
        0,
        "Nov 20 11:49:59 h x: bad 192.0.2.7\n\
         Nov 20 11:59:59 h x: bad 192.0.2.7\n\
         Nov 20 13:00:00 h x: bad 192.0.2.8\n\
         2026-99-20T10:00:00Z h x: bad 192.0.2.9\n\
         bad 192.0.2.10\n\
         Nov 20 11:59:59 h x: bad nagios 192.0.2.7\n",
    );
    assert_eq!(offences, []);
    let (counts, tracker) = pipeline.counts(JailId(0)).unwrap();
    assert_eq!((tracker.stale(), tracker.hosts()), (1, 4));
    let trust = (
        counts.stamp_missing,
        counts.stamp_unreadable,
        counts.stamp_future,
    );
    assert_eq!((counts.failures, trust), (5, (1, 1, 1)));
}

#[test]
fn a_reload_goes_on_with_what_was_counted() {
    let bad = filter("^bad <HOST>$");
    let mut pipeline = pipeline(vec![
        (bad.clone(), &[0]),
        (filter("^x <HOST>$"), &[0]),
        (bad.clone(), &[0]),
    ]);
    assert_eq!(feed(&mut pipeline, 0, "bad 192.0.2.7\nx 192.0.2.7\n"), []);
    let setup = |filter: &Arc<Filter>, log, max_retry| JailSetup {
        filter: Some(filter.clone()),
        of: Counted::default(),
        logs: vec![LogId(log)],
        max_retry,
        find_time: Duration::from_mins(10),
        together: Together::default(),
        names: OnNames::Ignore,
    };
    let good = filter("^x <HOST>$");
    pipeline.reload(
        vec![
            (setup(&bad, 0, 3), true),
            (setup(&good, 1, 2), true),
            (setup(&bad, 0, 2), false),
            (setup(&good, 0, 1), false),
        ],
        100,
        &mut Vec::new(),
    );
    assert_eq!(
        feed(&mut pipeline, 0, "bad 192.0.2.7\n"),
        [],
        "one more is to come"
    );
    assert_eq!(
        feed(&mut pipeline, 0, "bad 192.0.2.7\n"),
        [(0, "192.0.2.7".into()), (2, "192.0.2.7".into())]
    );
    assert_eq!(
        feed(&mut pipeline, 1, "x 192.0.2.7\n"),
        [(1, "192.0.2.7".into())],
        "another filter and another log, and the failure before counts"
    );
    let failures = |jail| pipeline.counts(JailId(jail)).unwrap().0.failures;
    assert_eq!([0, 1, 2].map(failures), [3, 2, 2]);
}

#[test]
fn hosts_of_a_prefix_are_counted_together_where_the_jail_wants_it() {
    let setup = JailSetup {
        filter: Some(filter("^bad <HOST>$")),
        of: Counted::default(),
        logs: vec![LogId(0)],
        max_retry: 3,
        find_time: Duration::from_mins(10),
        together: Together { ipv4: 24, ipv6: 64 },
        names: OnNames::Ignore,
    };
    let mut pipeline = Pipeline::new(vec![setup], 100, TimeZone::UTC);
    pipeline.keep(Lines::new(1 << 16, 10));
    let text = "bad 2001:db8:0:1::1\nbad 192.0.2.1\nbad 2001:db8:0:2::1\nbad 2001:db8:0:1::2\n\
                bad 192.0.3.1\nbad 2001:db8:0:1:ffff::\nbad 192.0.2.255\nbad 192.0.2.0\n";
    let now = Now {
        wall: Wall::from_secs(NOON),
        mono: Mono(0),
    };
    let mut offences = Vec::new();
    pipeline.chunk(
        &Chunk::new(&[LogId(0)], text.as_bytes()),
        now,
        &mut offences,
    );
    let found: Vec<_> = offences
        .iter()
        .map(|offence| {
            let lines = offence.evidence.iter().map(|line| line.bytes.len());
            (
                Shown(offence.who).to_string(),
                offence.failures,
                lines.count(),
            )
        })
        .collect();
    let expected = [("2001:db8:0:1:ffff::", 3, 3), ("192.0.2.0", 3, 3)];
    assert_eq!(
        found,
        expected.map(|(host, failures, lines)| (host.to_owned(), failures, lines))
    );
    let (_, tracker) = pipeline.counts(JailId(0)).unwrap();
    assert_eq!(tracker.hosts(), 2, "a /64 and a /24 that failed once");
}

#[test]
fn a_name_counts_for_the_addresses_that_it_is_found_to_have() {
    let setup = |names| JailSetup {
        filter: Some(filter("^bad (?:<HOST>|<NAME>)$")),
        of: Counted::default(),
        logs: vec![LogId(0)],
        max_retry: 2,
        find_time: Duration::from_mins(10),
        together: Together::default(),
        names,
    };
    let jails = vec![setup(OnNames::Resolve), setup(OnNames::Ignore)];
    let mut pipeline = Pipeline::new(jails, 100, TimeZone::UTC);
    pipeline.keep(Lines::new(1 << 16, 10));
    let line = "Nov 20 11:58:00 h x: bad Host.example\n";
    let origin = Origin {
        container: "web".into(),
        ..Origin::default()
    };
    let chunk = Chunk {
        origin: Some(&origin),
        ..Chunk::new(&[LogId(0)], line.as_bytes())
    };
    let noon = Now {
        wall: Wall::from_secs(NOON),
        mono: Mono(0),
    };
    pipeline.chunk(&chunk, noon, &mut Vec::new());
    let text = "bad 999.0.2.7\nbad 0x7f.1\nbad 192.0.2.7\nbad none.example\n";
    assert_eq!(feed(&mut pipeline, 0, text), []);
    let named = pipeline.take_named();
    let who: Vec<_> = named.iter().map(|named| named.name().as_ref()).collect();
    assert_eq!(who, ["host.example", "none.example"]);
    assert_eq!(pipeline.take_named(), []);

    let now = Now {
        wall: Wall::from_secs(NOON + 1),
        mono: Mono(0),
    };
    let mut offences = Vec::new();
    let found = ["192.0.2.7", "2001:db8::7"].map(|host| host.parse().unwrap());
    pipeline.named(&named[0], &found, now, &mut offences);
    pipeline.named(&named[1], &[], now, &mut offences);
    let [offence] = &offences[..] else {
        panic!("{offences:?}");
    };
    assert_eq!((offence.jail, offence.failures), (JailId(0), 2));
    assert_eq!(offence.who, found[0].into());
    let lines: Vec<_> = offence.evidence.iter().map(|line| &*line.bytes).collect();
    assert_eq!(lines, [b"bad 192.0.2.7", line.trim_end().as_bytes()]);
    let origins: Vec<_> = offence
        .evidence
        .iter()
        .map(|line| line.origin.as_deref())
        .collect();
    assert_eq!(origins, [None, Some("web")]);
    // As of when the line was written.
    let later = |secs| Now {
        wall: Wall::from_secs(NOON - 120 + secs),
        mono: Mono(0),
    };
    let counted = |secs| pipeline.counted(JailId(0), found[1], later(secs));
    assert_eq!([counted(599), counted(600)], [1, 0]);
    let unbannable = |jail| pipeline.counts(JailId(jail)).unwrap().0.unbannable;
    // In the library's patterns what looks like an address and is none is nobody's failure.
    let failures = |jail| pipeline.counts(JailId(jail)).unwrap().0.failures;
    assert_eq!(
        [unbannable(0), unbannable(1)],
        [failures(0) - 2, failures(1) - 1]
    );
}

#[test]
fn an_answer_for_a_jail_that_looks_up_no_names_any_more_counts_for_nobody() {
    let setup = |names| JailSetup {
        filter: Some(filter("^bad <NAME>$")),
        of: Counted::default(),
        logs: vec![LogId(0)],
        max_retry: 1,
        find_time: Duration::from_mins(10),
        together: Together::default(),
        names,
    };
    let mut pipeline = Pipeline::new(vec![setup(OnNames::Resolve)], 100, TimeZone::UTC);
    assert_eq!(
        feed(&mut pipeline, 0, &"bad a.example\n".repeat(20_000)),
        []
    );
    assert_eq!(pipeline.counts(JailId(0)).unwrap().0.unbannable, 10_000);
    let named = pipeline.take_named();
    assert_eq!(named.len(), 10_000, "of a flood");
    let mut offences = Vec::new();
    pipeline.reload(vec![(setup(OnNames::Ignore), true)], 100, &mut offences);
    let now = Now {
        wall: Wall::from_secs(NOON),
        mono: Mono(0),
    };
    let host = "192.0.2.7".parse().unwrap();
    pipeline.named(&named[0], &[host], now, &mut offences);
    assert_eq!(offences, []);
    assert_eq!(pipeline.counts(JailId(0)).unwrap().0.unbannable, 10_001);
}

#[test]
fn names_and_prefixes_of_fail2bans_filters_count_as_those_of_ours() {
    let spec = FilterSpec {
        dialect: crate::filter::Dialect::Fail2ban,
        fail: vec!["^bad <HOST>$".into(), "^worse <SUBNET>$".into()],
        ..FilterSpec::default()
    };
    let setup = JailSetup {
        filter: Some(Arc::new(
            Filter::compile(&spec, &Prefixes::default()).unwrap(),
        )),
        of: Counted::default(),
        logs: vec![LogId(0)],
        max_retry: 2,
        find_time: Duration::from_mins(10),
        together: Together::default(),
        names: OnNames::Resolve,
    };
    let mut pipeline = Pipeline::new(vec![setup], 100, TimeZone::UTC);
    let text = "bad host.example\nworse 192.0.2.9/24\nworse 192.0.2.0/24\nworse 10.0.0.0/8\n\
                worse 2001:db8::/48\nworse 2001:db8::1/48\n";
    assert_eq!(
        feed(&mut pipeline, 0, text),
        ["192.0.2.0/24", "2001:db8::/48"].map(|who| (0, who.to_owned()))
    );
    let who: Vec<_> = pipeline.take_named();
    assert_eq!(who.len(), 1);
    assert_eq!(who[0].name().as_ref(), "host.example");
    assert_eq!(pipeline.counts(JailId(0)).unwrap().0.unbannable, 1);
}
