//! `cargo xtask test`: every test there is, and one line that counts them.

use std::{
    env,
    ffi::OsString,
    io::{BufRead as _, BufReader, Write, stdout},
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::{
    command, places,
    setup::{self, Voice},
    summary::Summary,
};

/// Options of `test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests that need root: those on the kernel and with real daemons
    #[arg(long)]
    no_e2e: bool,
    /// Only tests whose name contains this
    filter: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let start = Instant::now();
    let mut summary = Summary::default();
    let mut cargo = command::cargo();
    cargo
        .args(["test", "--no-fail-fast"])
        .args(&args.filter)
        .current_dir(places::workspace());
    observe(&mut cargo, &mut summary)?;
    let mut cargo = command::cargo();
    cargo
        .args(["test", "--no-fail-fast", "--package", "banner-fuzz"])
        .args(&args.filter)
        .current_dir(places::workspace());
    observe(&mut cargo, &mut summary)?;
    if !args.no_e2e {
        let kernel = Kernel {
            filter: args.filter.clone(),
            object: None,
        };
        kernel_tests_into(&kernel, &mut summary)?;
    }
    if summary.passed + summary.failed == 0 {
        eprintln!("no test has run");
    }
    eprintln!("cargo xtask test: {} s", start.elapsed().as_secs());
    println!("{summary}");
    Ok(if summary.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Variables that the tests on the kernel know. Of random frames they try a million, or what they can in
/// a minute; `BANNER_FUZZ_FRAMES` says how many, `BANNER_FUZZ_SEED` repeats a run that printed it.
const HANDED_ON: [&str; 3] = ["RUST_BACKTRACE", "BANNER_FUZZ_FRAMES", "BANNER_FUZZ_SEED"];

/// How the tests on the kernel are run.
pub(crate) struct Kernel {
    /// Only tests whose name contains this.
    pub(crate) filter: Option<String>,
    /// An eBPF object to test instead of the committed one, and the setting that names it.
    pub(crate) object: Option<(&'static str, PathBuf)>,
}

/// Runs package `banner-tests` as root, building it as the user who called.
pub(crate) fn kernel_tests(kernel: &Kernel) -> Result<Summary> {
    let mut summary = Summary::default();
    kernel_tests_into(kernel, &mut summary)?;
    Ok(summary)
}

fn kernel_tests_into(kernel: &Kernel, summary: &mut Summary) -> Result<()> {
    let programs = setup::tests(Voice::Changes)?;
    let [banner] = <[PathBuf; 1]>::try_from(built(&[
        "build",
        "--package",
        "banner-userspace",
        "--bin",
        "banner",
    ])?)
    .map_err(|found| anyhow::anyhow!("cargo built {} programs, not one", found.len()))?;
    let tests = built(&["test", "--package", "banner-tests", "--no-run"])?;
    if tests.is_empty() {
        bail!("package banner-tests has no test program");
    }
    let mut settings: Vec<(OsString, OsString)> = vec![
        ("BANNER_BIN".into(), banner.into()),
        ("PATH".into(), path_with_sbin()?),
    ];
    settings.extend(programs.settings());
    if let Some((setting, object)) = &kernel.object {
        settings.push((setting.into(), object.into()));
    }
    let handed_on = HANDED_ON
        .into_iter()
        .filter_map(|name| Some((name.into(), env::var_os(name)?)));
    settings.extend(handed_on);
    for test in tests {
        let mut command = command::as_root(&test, settings.clone())?;
        command
            // Printed output of passing tests too: it says which tests skipped themselves.
            .arg("--show-output")
            .args(&kernel.filter)
            .current_dir(places::workspace().join("tests"));
        observe(&mut command, summary)?;
    }
    Ok(())
}

/// sudo and cron hand on a `PATH` without the administrator's programs.
pub(crate) fn path_with_sbin() -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    env::join_paths(folders).context("extending PATH")
}

/// Runs a test program or a cargo that runs some: its output goes on to ours line by line, and its
/// counts into `summary`.
fn observe(command: &mut Command, summary: &mut Summary) -> Result<()> {
    observe_to(&mut stdout(), command, summary)
}

fn observe_to(
    terminal: &mut impl Write,
    command: &mut Command,
    summary: &mut Summary,
) -> Result<()> {
    let line = command::line(command);
    eprintln!("+ {line}");
    let failed_before = summary.failed;
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {line}"))?;
    let output = child.stdout.take().context("no pipe to read from")?;
    let mut reader = BufReader::new(output);
    let mut bytes = Vec::new();
    while reader
        .read_until(b'\n', &mut bytes)
        .with_context(|| format!("reading from {line}"))?
        > 0
    {
        terminal
            .write_all(&bytes)
            .context("passing on the output of tests")?;
        summary.read(String::from_utf8_lossy(&bytes).trim_end());
        bytes.clear();
    }
    let status = child
        .wait()
        .with_context(|| format!("waiting for {line}"))?;
    if !status.success() && summary.failed == failed_before {
        eprintln!("{line} ended with {status}");
        summary.ended_badly();
    }
    Ok(())
}

/// A line of cargo's `--message-format=json`, as far as it matters.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    /// Whether it is a test program: cargo builds the package's other programs along with it.
    test: bool,
}

/// Runs cargo and returns the programs that it built: for `cargo test` those with tests.
pub(crate) fn built(args: &[&str]) -> Result<Vec<PathBuf>> {
    let mut cargo = command::cargo();
    cargo
        .args(args)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(places::workspace());
    let line = command::line(&cargo);
    eprintln!("+ {line}");
    let output = cargo
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {line}"))?;
    ensure!(
        output.status.success(),
        "{line} ended with {}",
        output.status
    );
    let tests = args.first() == Some(&"test");
    executables(&String::from_utf8_lossy(&output.stdout), tests)
        .with_context(|| format!("reading the output of {line}"))
}

/// The programs in cargo's `messages`: those with tests, or those without.
fn executables(messages: &str, tests: bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Message = serde_json::from_str(line)?;
        if message.profile.is_some_and(|profile| profile.test == tests) {
            found.extend(message.executable);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_are_told_from_other_programs_in_what_cargo_prints() {
        let messages = r#"
{"reason":"compiler-artifact","profile":{"test":false},"executable":null}
{"reason":"compiler-artifact","profile":{"test":false},"executable":"/x/debug/bench"}
{"reason":"compiler-artifact","profile":{"test":true},"executable":"/x/debug/deps/all-1"}
{"reason":"build-script-executed","package_id":"x"}
{"reason":"build-finished","success":true}
"#;
        let found = |tests| executables(messages, tests).unwrap();
        assert_eq!(found(false), [PathBuf::from("/x/debug/bench")]);
        assert_eq!(found(true), [PathBuf::from("/x/debug/deps/all-1")]);
    }

    #[test]
    fn counts_are_read_while_a_program_runs_and_a_bad_end_is_not_lost() {
        let mut summary = Summary::default();
        let mut terminal = Vec::new();
        let mut run = |script: &str| {
            let mut command = Command::new("sh");
            observe_to(&mut terminal, command.args(["-c", script]), &mut summary).unwrap();
            (summary.passed, summary.is_good())
        };
        let result = "test result: ok. 2 passed; 0 failed; 0 ignored";
        assert_eq!(run(&format!("echo '{result}'")), (2, true));
        assert_eq!(run("printf 'half a line'; kill -9 $$"), (2, false));
        assert_eq!(
            String::from_utf8(terminal).unwrap(),
            format!("{result}\nhalf a line")
        );
    }
}
