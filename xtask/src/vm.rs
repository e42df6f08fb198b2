//! `cargo xtask vm`: the tests that touch the kernel, on other kernels.

mod boot;
mod download;
mod image;
mod kernels;
mod modules;
mod report;
mod selection;

use std::{
    env,
    fmt::Write as _,
    fs,
    num::NonZero,
    panic::resume_unwind,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use self::{
    boot::{Ended, Start},
    download::Files,
    image::Image,
    kernels::{Choice, Kernel},
    selection::Selection,
};
use crate::{
    command,
    committed::Committed,
    places,
    setup::{self, Voice},
    summary::Summary,
    test,
};

/// Options of `vm`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// 5.10, 6.1, 6.12, 7.2, or `all` of them
    #[arg(required = true, value_name = "KERNEL", value_parser = Choice::parse)]
    kernels: Vec<Choice>,
    /// Only tests whose name contains this; can be given several times
    #[arg(long = "filter", value_name = "TEXT")]
    filters: Vec<String>,
}

/// Programs of this machine that the tests start.
const PROGRAMS: [&str; 14] = [
    "bpftool", "cat", "ethtool", "ip", "mount", "nsenter", "setarch", "setpriv", "setsid", "sh",
    "sleep", "tc", "true", "umount",
];

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    ensure!(
        env::consts::ARCH == "x86_64",
        "the kernels of the matrix are for x86_64, and tests built here are for {}",
        env::consts::ARCH
    );
    setup::vm(Voice::Changes)?;
    let kernels = kernels::chosen(&args.kernels);
    let files = kernels
        .iter()
        .map(|kernel| Ok((*kernel, download::kernel(kernel)?)))
        .collect::<Result<Vec<_>>>()?;
    let tests = Tests::build(&args.filters)?;
    let outcomes = all(&files, &tests);
    let mut summary = Summary::default();
    let mut all_well = true;
    for ((kernel, files), outcome) in files.iter().zip(outcomes) {
        println!("Linux {}", kernel.version);
        match outcome {
            Ok(ended) => {
                print!("{}", row(files, &ended));
                summary.add(&ended.report.summary);
                all_well &= ended.report.summary.is_good();
            }
            Err(error) => {
                println!("  NOT to its end: {error:#}");
                all_well = false;
            }
        }
    }
    for line in tests.selection.omissions() {
        println!("{line}");
    }
    println!("{summary}");
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the tests on every kernel, on as many at once as this machine has processors: qemu emulates
/// a machine on one. The outcomes are in the order of `kernels`.
fn all(kernels: &[(Kernel, Files)], tests: &Tests) -> Vec<Result<Ended>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((kernel, files)) = kernels.get(index) else {
                return outcomes;
            };
            outcomes.push((index, one(kernel, files, tests)));
        }
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let mut outcomes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        threads.into_iter().flat_map(join).collect()
    });
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What runs in every machine.
struct Tests {
    selection: Selection,
    /// The first process.
    init: PathBuf,
    banner: PathBuf,
}

impl Tests {
    fn build(filters: &[String]) -> Result<Self> {
        let program = |package, program| {
            test::built(&["build", "--package", package, "--bin", program])?
                .pop()
                .context("cargo built no program")
        };
        Ok(Self {
            selection: Selection::build(filters)?,
            init: program("banner-tests", "vminit")?,
            banner: program("banner-userspace", "banner")?,
        })
    }

    /// The initramfs for a kernel with `modules`.
    fn image(&self, modules: Vec<modules::Module>) -> Result<Image> {
        let mut image = Image::default();
        let mut orders = String::new();
        let object = Committed::AGENTS.path();
        image.file(
            "/init",
            fs::read(&self.init).context("reading the init")?,
            true,
        );
        // For its libraries.
        image.program(&self.init)?;
        image.program(&self.banner)?;
        image.copy(&object)?;
        for program in PROGRAMS {
            let path = command::find(program)
                .with_context(|| format!("this machine lacks {program}, which tests start"))?;
            image.program(&path)?;
        }
        // For programs that look up who they are.
        let nobody = "nobody:x:65534:65534::/:/bin/false\n";
        image.file(
            "/etc/passwd",
            format!("root:x:0:0::/:/bin/sh\n{nobody}").into(),
            false,
        );
        image.file("/etc/group", b"root:x:0:\nnogroup:x:65534:\n".into(), false);
        for folder in ["/dev", "/proc", "/sys", "/run", "/tmp", "/var/log"] {
            image.folder(folder);
        }
        for module in modules {
            let path = format!("/modules/{}.ko", module.name);
            writeln!(orders, "module\t{path}\t{}", module.parameters)?;
            image.file(&path, module.bytes, false);
        }
        let mut settings = vec![
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin".into()),
            ("HOME", "/".into()),
            ("BANNER_BIN", self.banner.display().to_string()),
            ("BANNER_BPF_OBJECT", object.display().to_string()),
        ];
        settings.extend(env::var("RUST_BACKTRACE").map(|value| ("RUST_BACKTRACE", value)));
        for (name, value) in settings {
            writeln!(orders, "env\t{name}={value}")?;
        }
        for selected in &self.selection.selected {
            image.program(&selected.program)?;
            // By exact names, so that what runs is what is expected to.
            writeln!(
                orders,
                "run\t{}\t--show-output\t--exact\t{}",
                selected.program.display(),
                selected.tests.join("\t")
            )?;
        }
        image.file("/vm", orders.into(), false);
        Ok(image)
    }
}

fn one(kernel: &Kernel, files: &Files, tests: &Tests) -> Result<Ended> {
    let folder = places::workspace().join("target/vm").join(kernel.version);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let initramfs = folder.join("initramfs");
    let begin = Instant::now();
    let size = tests
        .image(modules::wanted(&files.modules)?)?
        .write(&initramfs)?;
    eprintln!(
        "Linux {}: initramfs of {} MB in {:.1} s",
        kernel.version,
        size / 1_000_000,
        begin.elapsed().as_secs_f32()
    );
    let start = Start {
        name: kernel.version,
        kernel: &files.image,
        initramfs: &initramfs,
        console: &folder.join("console"),
    };
    let outcome = start.run().and_then(|ended| {
        let expected = tests
            .selection
            .selected
            .iter()
            .map(|selected| Ok((selected.file_name()?, selected.tests.len())))
            .collect::<Result<Vec<_>>>()?;
        ended.report.check(&expected)?;
        Ok(ended)
    });
    if !matches!(&outcome, Ok(ended) if ended.report.summary.is_good()) {
        eprintln!(
            "---- the last messages of Linux {} ({})\n{}",
            kernel.version,
            start.console.display(),
            start.last_messages()
        );
    }
    outcome
}

/// What is said of a kernel at the end.
fn row(files: &Files, ended: &Ended) -> String {
    let report = &ended.report;
    let seconds = |time: Duration| time.as_secs_f32();
    let mut row = format!(
        "  {} (Debian {}): {}; first process after {:.1} s, off after {:.1} s\n",
        report.release.as_deref().unwrap_or_default(),
        files.version,
        report.summary,
        seconds(ended.boot),
        seconds(ended.total)
    );
    for difference in &report.differences {
        let _never_fails = writeln!(row, "  differs: {difference}");
    }
    row
}
