//! How fast lines become decisions. `cargo xtask bench matching` builds and starts it.
//!
//! The logs are made here, the same in every run. What is timed goes from bytes in memory to
//! decisions: lines, patterns, stamps, counting, bans. `rg -c` with the filter's own expressions,
//! fail2ban-rs and fail2ban-regex read the same log beside it. What one core does is given in
//! processor time, so that neighbours count for little; what several do, by the clock.

mod log;
mod peers;
mod run;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    thread,
    time::Duration,
};

use banner_userspace::{
    config,
    filter::{self, Filter, Prefixes},
};

use self::{
    log::log,
    run::{Manner, Run, measure},
};

/// The word with which this program starts itself, to see what memory it takes.
const MEMORY: &str = "read-for-memory";

/// Attackers of the test of memory: as many as are counted, and several times as many.
const ATTACKERS: [u32; 2] = [1_000_000, 4_000_000];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, log, ..] = &arguments[..]
        && word == MEMORY
    {
        read_for_memory(Path::new(log));
        return ExitCode::SUCCESS;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let (lines, rounds) = if quick { (100_000, 1) } else { (1_000_000, 7) };
    let failures = log(lines, 20, 5_000);
    println!(
        "{:<40} {:>12} {:>8} {:>9} {:>9}",
        "one core, processor time", "lines/s", "GB/s", "decisions", "of rg -c"
    );
    let one = one_core(&failures, lines, rounds);
    cores(&failures, lines, rounds);
    others(&failures, lines, rounds, &one);
    if !quick {
        memory();
    }
    ExitCode::SUCCESS
}

fn manner(rounds: usize) -> Manner {
    Manner {
        rounds,
        tracked: 100_000,
        evidence: true,
        threads: 1,
    }
}

/// What one core does; the first of it.
fn one_core(failures: &str, lines: u32, rounds: usize) -> Run {
    let sshd = filter_of("sshd");
    let innocent = log(lines, 0, 1);
    let mut first = None;
    for (name, text) in [
        ("sshd, 20 % failures", failures),
        ("sshd, no failures", &innocent),
    ] {
        let run = measure(&[Arc::clone(&sshd)], text, manner(rounds));
        let file = peers::File::new("rg.log", text);
        let rg = peers::ripgrep(sshd.spec(), file.path(), rounds);
        report(name, text, lines, &run, rg.map(|took| took.cpu));
        first.get_or_insert(run);
    }
    let bare = Manner {
        evidence: false,
        ..manner(rounds)
    };
    let run = measure(&[Arc::clone(&sshd)], failures, bare);
    report("sshd, no lines kept", failures, lines, &run, None);
    let library: Vec<Arc<Filter>> = filter::library_names().map(filter_of).collect();
    let run = measure(&library, failures, manner(rounds));
    let name = format!("all {} filters, 20 % failures", library.len());
    report(&name, failures, lines, &run, None);
    let many = log(lines, 100, lines);
    let counted = Manner {
        tracked: 1_000_000,
        ..manner(rounds.min(3))
    };
    let run = measure(&[sshd], &many, counted);
    report("sshd, as many attackers as lines", &many, lines, &run, None);
    first.expect("a first row")
}

/// What several cores do.
fn cores(failures: &str, lines: u32, rounds: usize) {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let sshd = [filter_of("sshd")];
    let library: Vec<Arc<Filter>> = filter::library_names().map(filter_of).collect();
    println!("\n{:<40} {:>12} {:>9}", "by the clock", "lines/s", "× one");
    for (name, filters) in [("sshd", &sshd[..]), ("all filters", &library)] {
        let mut one = None;
        for threads in [1, 2, 4] {
            let run = measure(
                filters,
                failures,
                Manner {
                    threads,
                    ..manner(rounds)
                },
            );
            let seconds = run.elapsed.as_secs_f64();
            let one = *one.get_or_insert(seconds);
            println!(
                "{:<40} {:>12.0} {:>9.2}",
                format!("{name}, 20 % failures, {threads} threads"),
                f64::from(lines) / seconds,
                one / seconds
            );
            if threads >= processors {
                break;
            }
        }
    }
}

/// Other programs on the same log.
fn others(failures: &str, lines: u32, rounds: usize, banner: &Run) {
    println!(
        "\n{:<40} {:>12} {:>12} {:>9}",
        "others, the file read by themselves", "lines/s CPU", "by the clock", "× slower"
    );
    let row = |name: &str, lines: u32, took: peers::Took, all: u32, says: &str| {
        let speed = |time: Duration| f64::from(lines) / time.as_secs_f64();
        let banner = f64::from(all) / banner.cpu.as_secs_f64();
        println!(
            "{name:<40} {:>12.0} {:>12.0} {:>9.1}  {says}",
            speed(took.cpu),
            speed(took.elapsed),
            banner / speed(took.cpu)
        );
    };
    let file = peers::File::new("all.log", failures);
    if let Some((took, says)) = peers::fail2ban_rs(file.path(), rounds) {
        row("fail2ban-rs dry-run, its sshd", lines, took, lines, &says);
    }
    let few = 20_000.min(lines);
    let part: String = failures
        .split_inclusive('\n')
        .take(usize::try_from(few).unwrap_or(0))
        .collect();
    let file = peers::File::new("part.log", &part);
    if let Some((took, says)) = peers::fail2ban_regex(file.path(), rounds.min(2)) {
        row("fail2ban-regex, its sshd", few, took, lines, &says);
    }
}

/// The memory of a whole process that reads a log of very many attackers.
fn memory() {
    println!("\nmemory of a process that reads a file, 1 000 000 hosts counted at a time");
    for attackers in ATTACKERS {
        let file = peers::File::new("many.log", &log(attackers, 100, attackers));
        let program = env::current_exe().expect("this program");
        let output = Command::new(program)
            .arg(MEMORY)
            .arg(file.path())
            .output()
            .expect("this program starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        println!("{attackers:>9} attackers: {}", said.trim());
    }
}

fn read_for_memory(log: &Path) {
    let counted = Manner {
        tracked: 1_000_000,
        threads: thread::available_parallelism().map_or(1, usize::from),
        ..manner(1)
    };
    let decisions = run::read(&[filter_of("sshd")], log, counted);
    let status = fs::read_to_string(PathBuf::from("/proc/self/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak = line.and_then(|line| line.split_whitespace().nth(1));
    let peak: u64 = peak.and_then(|peak| peak.parse().ok()).unwrap_or_default();
    println!(
        "{} MB at the most, {decisions} decisions",
        peak * 1024 / 1_000_000
    );
}

fn report(name: &str, text: &str, lines: u32, run: &Run, rg: Option<Duration>) {
    let seconds = run.cpu.as_secs_f64();
    let ratio = rg.map_or("-".into(), |rg| {
        format!("{:.2}", seconds / rg.as_secs_f64())
    });
    println!(
        "{name:<40} {:>12.0} {:>8.2} {:>9} {ratio:>9}",
        f64::from(lines) / seconds,
        byte_count(text) / seconds / 1e9,
        run.decisions,
    );
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn byte_count(text: &str) -> f64 {
    text.len() as f64
}

fn filter_of(name: &str) -> Arc<Filter> {
    let text = filter::library(name).expect("a filter of the library");
    let spec = config::read_filter(name, Path::new(name), text.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    Arc::new(Filter::compile(&spec, &Prefixes::default()).expect("it compiles"))
}
