//! How fast lines become decisions. `cargo xtask bench matching` builds and starts it.
//!
//! The logs are made here, the same in every run. What is timed goes from bytes in memory to
//! decisions: lines, patterns, stamps, counting, bans. `rg -c` with the filter's own expressions
//! reads the same file beside it. All times are processor time, so that neighbours count for little.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};

use banner_userspace::{
    agent::pipeline::{JailSetup, Pipeline},
    config,
    decide::{Decider, Outcome, Rules},
    filter::{self, Filter, FilterSpec, Prefixes},
    model::{Chunk, JailId, LogId, Mono, Now, PrefixSet, Wall},
};
use jiff::tz::TimeZone;
use nix::sys::resource::{UsageWho, getrusage};

/// 2026-11-20T12:00:00Z.
const NOW: Wall = Wall::from_secs(1_795_176_000);

/// What a reader gives out at a time.
const CHUNK: usize = 256 << 10;

fn main() -> ExitCode {
    let quick = env::args().any(|argument| argument == "--quick");
    let lines = if quick { 100_000 } else { 1_000_000 };
    let rounds = if quick { 1 } else { 5 };
    let sshd = filter_of("sshd");
    let failures = log(lines, 20, 5_000);
    let innocent = log(lines, 0, 1);
    println!(
        "{:<34} {:>12} {:>8} {:>9} {:>9}",
        "", "lines/s", "GB/s", "decisions", "of rg -c"
    );
    for (name, text) in [
        ("sshd, 20 % failures", &failures),
        ("sshd, no failures", &innocent),
    ] {
        let one = measure(&[Arc::clone(&sshd)], text, rounds, 5_000);
        report(name, text, lines, &one, ripgrep(sshd.spec(), text, rounds));
    }
    let library: Vec<Arc<Filter>> = filter::library_names().map(filter_of).collect();
    let all = measure(&library, &failures, rounds, 5_000);
    report(
        &format!("all {} filters, 20 % failures", library.len()),
        &failures,
        lines,
        &all,
        None,
    );
    if !quick {
        let many = log(1_000_000, 100, 1_000_000);
        let before = resident();
        let run = measure(&[sshd], &many, 1, 1_000_000);
        report("sshd, 1 M attackers", &many, 1_000_000, &run, None);
        println!(
            "memory of counting 1 M attackers: {} MB",
            run.resident.saturating_sub(before) >> 10
        );
    }
    ExitCode::SUCCESS
}

/// An hour for one host and all its ports.
fn rules() -> Rules {
    Rules::default()
}

/// What was used of processors: on a machine with nothing else to do, the time that one core takes.
fn cpu_time(who: UsageWho) -> Duration {
    let usage = getrusage(who).expect("the usage of this process");
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| {
            let seconds = Duration::from_secs(time.tv_sec().unsigned_abs());
            seconds + Duration::from_micros(time.tv_usec().unsigned_abs())
        })
        .sum()
}

struct Run {
    time: Duration,
    decisions: usize,
    /// Memory at the end, in KiB.
    resident: u64,
}

/// The best of several runs over `text`.
fn measure(filters: &[Arc<Filter>], text: &str, rounds: usize, tracked: usize) -> Run {
    let run = || {
        let jails = filters.iter().map(|filter| JailSetup {
            filter: Arc::clone(filter),
            logs: vec![LogId(0)],
            max_retry: 5,
            find_time: Duration::from_hours(24),
        });
        let rules = filters.iter().map(|_| rules()).collect();
        let mut decider = Decider::new(rules, PrefixSet::default(), 1 << 20);
        let mut pipeline = Pipeline::new(jails.collect(), tracked, TimeZone::UTC);
        let now = Now {
            wall: NOW,
            mono: Mono(0),
        };
        let (mut offences, mut out) = (Vec::new(), Outcome::default());
        let start = cpu_time(UsageWho::RUSAGE_SELF);
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let most = rest.len().min(CHUNK);
            let end = rest[..most].iter().rposition(|&byte| byte == b'\n');
            let (bytes, behind) = rest.split_at(end.map_or(most, |end| end + 1));
            let chunk = Chunk::new(&[LogId(0)], bytes);
            pipeline.chunk(&chunk, now, &mut offences);
            for offence in offences.drain(..) {
                decider.offence(&offence, now, &mut out);
            }
            rest = behind;
        }
        let time = cpu_time(UsageWho::RUSAGE_SELF).saturating_sub(start);
        assert!(pipeline.counts(JailId(0)).is_some(), "the first jail");
        Run {
            time,
            decisions: out.decisions.len(),
            resident: resident(),
        }
    };
    let mut best = run();
    for _ in 1..rounds {
        let next = run();
        if next.time < best.time {
            best = next;
        }
    }
    best
}

fn report(name: &str, text: &str, lines: u32, run: &Run, rg: Option<Duration>) {
    let seconds = run.time.as_secs_f64();
    let ratio = rg.map_or("-".into(), |rg| {
        format!("{:.2}", seconds / rg.as_secs_f64())
    });
    println!(
        "{name:<34} {:>12.0} {:>8.2} {:>9} {ratio:>9}",
        f64::from(lines) / seconds,
        byte_count(text) / seconds / 1e9,
        run.decisions,
    );
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn byte_count(text: &str) -> f64 {
    text.len() as f64
}

/// The best time of `rg -c` with all failure expressions on the same bytes in a file.
fn ripgrep(spec: &FilterSpec, text: &str, rounds: usize) -> Option<Duration> {
    let program = env::var_os("BANNER_RG").unwrap_or_else(|| "rg".into());
    let path = env::temp_dir().join(format!("banner-matching-{}.log", std::process::id()));
    fs::write(&path, text).ok()?;
    let address =
        r"\[?(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})\]?";
    let mut best = None;
    for _ in 0..rounds {
        let mut command = Command::new(&program);
        command.args(["-c", "--no-config", "--threads", "1"]);
        for pattern in &spec.fail {
            let pattern = pattern.trim_start_matches('^').replace("<HOST>", address);
            command.arg("-e").arg(pattern);
        }
        let start = cpu_time(UsageWho::RUSAGE_CHILDREN);
        let status = command.arg(&path).stdout(Stdio::null()).status();
        let time = cpu_time(UsageWho::RUSAGE_CHILDREN).saturating_sub(start);
        match status {
            Ok(_) => best = Some(best.map_or(time, |best: Duration| best.min(time))),
            Err(error) => {
                eprintln!(
                    "NOT COMPARED with rg: {}: {error}",
                    Path::new(&program).display()
                );
                break;
            }
        }
    }
    let _ = fs::remove_file(&path);
    best
}

fn filter_of(name: &str) -> Arc<Filter> {
    let text = filter::library(name).expect("a filter of the library");
    let spec = config::read_filter(name, Path::new(name), text.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    Arc::new(Filter::compile(&spec, &Prefixes::default()).expect("it compiles"))
}

/// An auth.log: `percent` of the lines are failures, of `attackers` addresses in turn.
fn log(lines: u32, percent: u32, attackers: u32) -> String {
    let mut text = String::new();
    // A generator with a fixed beginning (Knuth's MMIX constants).
    let mut state = 1u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 33).unwrap_or_default()
    };
    for n in 0..lines {
        let (hour, minute, second) = (n / 100_000 % 12, n / 1_700 % 60, n / 28 % 60);
        let pid = 1_000 + random() % 60_000;
        let port = 1_024 + random() % 60_000;
        let _ = write!(
            text,
            "Nov 20 {hour:02}:{minute:02}:{second:02} server sshd[{pid}]: "
        );
        let a = random() % attackers;
        let (b, c, d) = (a >> 16 & 255, a >> 8 & 255, a & 255);
        let address = format!("45.{b}.{c}.{d}");
        let _ = if random() % 100 < percent {
            match random() % 4 {
                0 => writeln!(text, "Invalid user admin{c} from {address} port {port}"),
                1 => writeln!(
                    text,
                    "Failed password for invalid user admin{c} from {address} port {port} ssh2"
                ),
                _ => writeln!(
                    text,
                    "Failed password for root from {address} port {port} ssh2"
                ),
            }
        } else {
            match random() % 6 {
                0 => writeln!(
                    text,
                    "Accepted publickey for deploy from 192.0.2.{d} port {port} ssh2: ED25519 \
                     SHA256:J97ZbDJ99JDXN0vAgFv+q7uXWQg7GY1cmVsHQR2AP7k"
                ),
                1 => writeln!(
                    text,
                    "pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)"
                ),
                2 => writeln!(
                    text,
                    "Received disconnect from 192.0.2.{d} port {port}:11: disconnected by user"
                ),
                3 => writeln!(
                    text,
                    "Disconnected from user deploy 192.0.2.{d} port {port}"
                ),
                4 => writeln!(
                    text,
                    "pam_unix(sshd:session): session closed for user deploy"
                ),
                _ => writeln!(
                    text,
                    "Connection closed by 192.0.2.{d} port {port} [preauth]"
                ),
            }
        };
    }
    text
}

/// Memory of this process, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}
