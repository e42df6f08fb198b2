//! `cargo xtask lint`: everything that can be judged without running banner.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{
    command, places,
    setup::{self, Voice},
    tidy,
};

pub(crate) fn run() -> Result<()> {
    let deny = setup::lint(Voice::Changes)?;
    let workspace = places::workspace();
    let mut failed = Vec::new();
    let mut step = |name: &'static str, outcome: Result<()>| {
        if let Err(error) = outcome {
            eprintln!("{name}: {error:#}");
            failed.push(name);
        }
    };
    let cargo = |args: &[&str]| {
        let mut cargo = command::cargo();
        command::run(cargo.args(args).current_dir(&workspace))
    };

    step("fmt", cargo(&["fmt", "--all", "--check"]));
    step(
        "clippy",
        cargo(&[
            "clippy",
            "--workspace",
            "--exclude",
            "banner-ebpf",
            "--all-targets",
            "--locked",
            "--",
            "-Dwarnings",
        ]),
    );
    // Not among all targets, because `cargo test` must not start it.
    step(
        "clippy for the tests in virtual machines",
        cargo(&[
            "clippy",
            "--package",
            "banner-tests",
            "--test",
            "vm",
            "--locked",
            "--",
            "-Dwarnings",
        ]),
    );
    // Checked for the host, on stable, with what it has in common with BPF: no unwinding. In a
    // target folder of its own, because that setting would rebuild everything else.
    step(
        "clippy for banner-ebpf",
        cargo(&[
            "clippy",
            "--package",
            "banner-ebpf",
            "--locked",
            "--config",
            "profile.dev.panic=\"abort\"",
            "--target-dir",
            "target/lint",
            "--",
            "-Dwarnings",
        ]),
    );
    step("tidy", tidy::run());

    let check = |checks: &[&str]| {
        let mut command = Command::new(&deny);
        command
            .args(["--locked", "check", "--hide-inclusion-graph"])
            .args(checks)
            .current_dir(&workspace);
        command::run(&mut command)
    };
    step("deny", check(&["licenses", "bans", "sources"]));
    let mut fetch = Command::new(&deny);
    match command::read(fetch.args(["fetch", "db"]).current_dir(&workspace)) {
        Ok(_) => step("advisories", check(&["--disable-fetch", "advisories"])),
        Err(error) => {
            let reason = format!("{error:#}");
            let last = reason.lines().rev().find(|line| !line.trim().is_empty());
            eprintln!(
                "advisories: NOT checked, because their database cannot be fetched here: {}",
                last.unwrap_or_default().trim()
            );
        }
    }

    if !failed.is_empty() {
        bail!("lint: failed: {}", failed.join(", "));
    }
    eprintln!("lint: all good");
    Ok(())
}
