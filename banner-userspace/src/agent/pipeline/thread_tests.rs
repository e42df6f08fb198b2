//! However many threads judge, the decisions are the same.

use proptest::prelude::*;

use super::*;
use crate::{
    config,
    filter::{Dialect, FilterSpec, Prefixes, library},
    model::{Mono, Wall},
};

const NOON: i64 = 1_795_176_000; // 2026-11-20T12:00:00Z

fn compiled(spec: &FilterSpec) -> Arc<Filter> {
    Arc::new(Filter::compile(spec, &Prefixes::default()).unwrap())
}

/// Filters of all kinds: some know other lines, some do not.
fn filters() -> Vec<Arc<Filter>> {
    let own = |fail: &[&str]| FilterSpec {
        prefix: Some("syslog".into()),
        fail: fail.iter().map(|&text| text.into()).collect(),
        ..FilterSpec::default()
    };
    let sshd = library("sshd").unwrap();
    let sshd = config::read_filter("sshd", "sshd".as_ref(), sshd.as_bytes()).unwrap();
    let specs = [
        sshd,
        own(&["^bad <HOST>$"]),
        own(&[r"^bad (\w+) \1 <HOST>$"]),
        own(&[
            r"^(?P<session>\d+): (?P<pending>)from <HOST>$",
            r"^(?P<session>\d+): failed$",
            r"^(?P<forget>)(?P<session>\d+): done$",
        ]),
        FilterSpec {
            lines: 2,
            ..own(&[r"^from <HOST>\nfailed$"])
        },
        FilterSpec {
            dialect: Dialect::Fail2ban,
            fail: vec![r"^\s*\S+ \S+ bad <HOST>$".into()],
            ..FilterSpec::default()
        },
    ];
    specs.iter().map(compiled).collect()
}

/// One thing to do.
#[derive(Clone, Debug)]
enum Step {
    Chunk {
        log: u16,
        text: String,
        cut: bool,
        pass: i64,
    },
    Finish,
}

fn line() -> impl Strategy<Value = String> {
    let message = prop_oneof![
        "bad 192\\.0\\.2\\.[0-9]",
        "bad (a{3000}|x x|y y) 192\\.0\\.2\\.[0-9]",
        "[12]: (from 192\\.0\\.2\\.[0-9]|failed|done)",
        "(from 192\\.0\\.2\\.[0-9]|failed)",
        "Invalid user (x|y) from 192\\.0\\.2\\.[0-9] port 1",
        "Failed password for root from (192\\.0\\.2\\.[0-9]|2001:db8::[12]) port 1 ssh2",
        "[ -~]{0,20}",
    ];
    // One that is not there, one that has gone by, one that has not come yet.
    let stamp = prop_oneof![
        4 => "Nov 20 11:(58|59):0[0-9] ",
        1 => Just(String::new()),
        1 => Just("Nov 20 11:00:00 ".into()),
        1 => "Nov 20 12:00:0[0-9] ",
    ];
    (stamp, message).prop_map(|(stamp, message)| format!("{stamp}host sshd[1]: {message}\n"))
}

fn step() -> impl Strategy<Value = Step> {
    let lines = prop::collection::vec(line(), 1..20);
    let chunk = (0u16..3, lines, prop::bool::weighted(0.1), 0i64..5);
    prop_oneof![
        6 => chunk.prop_map(|(log, lines, cut, pass)| Step::Chunk {
            log,
            text: if cut { lines[0].clone() } else { lines.concat() },
            cut,
            pass,
        }),
        1 => Just(Step::Finish),
    ]
}

/// Everything that can be seen of a run.
fn run(
    filters: &[Arc<Filter>],
    steps: &[Step],
    threads: usize,
) -> impl PartialEq + std::fmt::Debug {
    let jails = filters.iter().enumerate().map(|(n, filter)| JailSetup {
        filter: Some(Arc::clone(filter)),
        of: Counted::default(),
        logs: if n % 2 == 0 {
            vec![LogId(0), LogId(1)]
        } else {
            vec![LogId(1)]
        },
        max_retry: 2,
        find_time: Duration::from_mins(10),
        together: Together::default(),
        names: OnNames::Ignore,
    });
    let mut pipeline = Pipeline::new(jails.collect(), 5, TimeZone::UTC).with_threads(threads);
    pipeline.keep(Lines::new(1 << 16, 3));
    pipeline.big = 100;
    let mut offences = Vec::new();
    let mut wall = NOON;
    for step in steps {
        match step {
            Step::Chunk {
                log,
                text,
                cut,
                pass,
            } => {
                wall += pass;
                let now = Now {
                    wall: Wall::from_secs(wall),
                    mono: Mono(0),
                };
                let logs = [LogId(*log)];
                let chunk = Chunk {
                    cut: *cut,
                    ..Chunk::new(&logs, text.as_bytes())
                };
                pipeline.feed(&chunk, now, &mut offences);
            }
            Step::Finish => pipeline.finish(&mut offences),
        }
    }
    pipeline.finish(&mut offences);
    let seen = (0..filters.len()).map(|n| {
        let jail = JailId(u16::try_from(n).unwrap());
        let (counts, tracker) = pipeline.counts(jail).unwrap();
        let hosts = (tracker.hosts(), tracker.forgotten(), tracker.stale());
        (counts, hosts, pipeline.exhausted(jail))
    });
    let seen: Vec<_> = seen.collect();
    (offences, seen)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn decisions_do_not_depend_on_the_number_of_threads(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let filters = filters();
        let alone = run(&filters, &steps, 1);
        for threads in [2, 3, 5] {
            prop_assert_eq!(&run(&filters, &steps, threads), &alone, "{} threads", threads);
        }
    }
}

#[test]
fn what_is_fed_is_found_in_its_order() {
    let filters = filters();
    let line = |n: u32| {
        let [_, b, c, d] = n.to_be_bytes();
        format!("Nov 20 11:59:00 host sshd[1]: bad 45.{b}.{c}.{d}\n")
    };
    let steps: Vec<Step> = (0..200)
        .map(|chunk| Step::Chunk {
            log: 1,
            text: (chunk * 100..chunk * 100 + 100)
                .flat_map(|n| [line(n), line(n)])
                .collect(),
            cut: false,
            pass: 0,
        })
        .collect();
    let alone = run(&filters, &steps, 1);
    assert_eq!(run(&filters, &steps, 4), alone);
}
