//! `cargo xtask conformance`: the real fail2ban and banner on the same lines, verdict by verdict.

mod banner;
mod compare;
mod list;
mod mutate;
mod peer;
mod report;
mod row;

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};

pub(crate) use self::list::list;
use self::{
    banner::Banner,
    compare::{Comparison, Job},
    peer::Peer,
    report::Report,
};
use crate::{
    command, fail2ban, places,
    setup::{self, Voice},
};

/// Options of `conformance`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only filters with one of these in their name
    filters: Vec<String>,
    /// Lines to make from the samples by random changes, over all filters
    #[arg(long, value_name = "N", default_value_t = 0)]
    mutations: usize,
    /// What the random changes begin with
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also say where fail2ban's own tests, which try every pattern, see another verdict than its
    /// daemon, which stops at the first
    #[arg(long)]
    every_pattern: bool,
    /// How many disagreements of a filter and a set of options to print
    #[arg(long, value_name = "N", default_value_t = 3)]
    show: usize,
    /// Optimise banner; worth it from about a million lines
    #[arg(long)]
    release: bool,
    /// An unpacked package of fail2ban, instead of Debian's from the cache
    #[arg(long, value_name = "DIR")]
    package: Option<PathBuf>,
    /// A program to ask, instead of one built from these sources
    #[arg(long, value_name = "FILE")]
    banner: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    setup::conformance(Voice::Changes)?;
    let package = match &args.package {
        Some(package) => {
            fs::canonicalize(package).with_context(|| format!("finding {}", package.display()))?
        }
        None => fail2ban::folder()?,
    };
    let banner = Banner::find(args.banner.as_deref(), args.release)?;
    let logs = places::workspace().join("target/conformance");
    if logs.exists() {
        fs::remove_dir_all(&logs).with_context(|| format!("removing {}", logs.display()))?;
    }
    fs::create_dir_all(&logs).with_context(|| format!("making {}", logs.display()))?;

    let start = Instant::now();
    let jobs = jobs(args, &mut Peer::start(&package)?)?;
    let setting = compare::Setting {
        banner,
        logs,
        seed: args.seed,
        every_pattern: args.every_pattern,
    };
    let comparisons = in_parallel(&jobs, &setting, &package)?;

    let mut report = Report::new(args.show);
    for (job, comparison) in jobs.iter().zip(&comparisons) {
        report.add(job, comparison);
    }
    println!(
        "{} ({}), seed {}, {} s",
        fail2ban::version(&package)?,
        peer::python()?,
        args.seed,
        start.elapsed().as_secs()
    );
    print!("{report}");
    if args.filters.is_empty() {
        // How filters and jails are read and stamps are found, part by part.
        let mut tests = command::cargo();
        tests
            .args(["test", "--package", "banner-userspace", "--", "--ignored"])
            .env("BANNER_FAIL2BAN", &package)
            .current_dir(places::workspace());
        command::run(&mut tests)?;
    }
    Ok(if report.all_agree() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What there is to compare, with the mutations shared out evenly.
fn jobs(args: &Args, peer: &mut Peer) -> Result<Vec<Job>> {
    let wanted = |name: &str| {
        args.filters.is_empty() || args.filters.iter().any(|part| name.contains(&**part))
    };
    let mut jobs = Vec::new();
    for filter in peer.filters()? {
        if wanted(&filter.name) {
            let cases = peer.cases(&filter).with_context(|| filter.name.clone())?;
            ensure!(!cases.is_empty(), "{} has no sample lines", filter.name);
            jobs.extend(cases.into_iter().map(|case| Job {
                filter: filter.clone(),
                case,
                mutations: 0,
            }));
        }
    }
    ensure!(!jobs.is_empty(), "no filter is named like that");
    let count = jobs.len();
    for (n, job) in jobs.iter_mut().enumerate() {
        job.mutations = args.mutations * (n + 1) / count - args.mutations * n / count;
    }
    Ok(jobs)
}

/// As many jobs at once as there are CPUs; each worker has a Python of its own. What comes out is
/// in the order of `jobs`.
fn in_parallel(
    jobs: &[Job],
    setting: &compare::Setting,
    package: &std::path::Path,
) -> Result<Vec<Comparison>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let worker = || -> Result<()> {
        let mut peer = Peer::start(package)?;
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(n) else {
                return Ok(());
            };
            let comparison =
                compare::compare(job, setting, &mut peer).with_context(|| job.to_string())?;
            if let Ok(mut done) = done.lock() {
                done.push((n, comparison));
            }
        }
    };
    let workers = thread::available_parallelism().map_or(1, Into::into);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let ended = workers.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .map(|end| end.expect("a worker panicked"))
            .collect::<Result<Vec<()>>>()
    })?;
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(n, _)| *n);
    Ok(done.into_iter().map(|(_, comparison)| comparison).collect())
}
