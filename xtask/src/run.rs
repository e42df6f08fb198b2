//! `cargo xtask run`: the agent as a user would start it.

use std::{ffi::OsString, os::unix::process::CommandExt as _, path::PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::{command, places, test};

/// Options of `run`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Interface to protect; can be given several times. Without it, those of the configuration
    #[arg(long = "iface", value_name = "IF")]
    interfaces: Vec<String>,
    /// Configuration; config/banner.yaml of this repository when not given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Further arguments for `banner run`
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // Before the build, which takes minutes the first time.
    let config = config(args)?;
    let mut programs = test::built(&[
        "build",
        "--release",
        "--package",
        "banner-userspace",
        "--bin",
        "banner",
    ])?;
    let banner = programs.pop().context("cargo built no program")?;
    let mut command = command::as_root::<&str>(&banner, [])?;
    command.args(arguments(args, config));
    let line = command::line(&command);
    eprintln!("+ {line}");
    Err(anyhow!(command.exec()).context(format!("starting {line}")))
}

/// The configuration to name on the command line; none when the arguments name one.
fn config(args: &Args) -> Result<Option<PathBuf>> {
    let names_one = |word: &OsString| {
        let word = word.as_encoded_bytes();
        word == b"--config" || word.starts_with(b"--config=")
    };
    if args.config.is_none() && args.arguments.iter().any(names_one) {
        return Ok(None);
    }
    let config = match &args.config {
        Some(config) => config.clone(),
        None => places::workspace().join("config/banner.yaml"),
    };
    ensure!(
        config.is_file(),
        "there is no configuration {}",
        config.display()
    );
    Ok(Some(config))
}

fn arguments(args: &Args, config: Option<PathBuf>) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["run".into()];
    for interface in &args.interfaces {
        words.extend(["--interface".into(), interface.into()]);
    }
    if let Some(config) = config {
        words.extend(["--config".into(), config.into()]);
    }
    words.extend(args.arguments.iter().cloned());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(interfaces: &[&str], arguments: &[&str]) -> Args {
        Args {
            interfaces: interfaces.iter().map(|&name| name.to_owned()).collect(),
            config: None,
            arguments: arguments.iter().map(OsString::from).collect(),
        }
    }

    #[test]
    fn every_interface_and_argument_reaches_banner_in_order() {
        let args = args(&["eth0", "eth1"], &["--socket", "/run/x"]);
        let words = arguments(&args, Some("c.yaml".into()));
        let expected = "run --interface eth0 --interface eth1 --config c.yaml --socket /run/x";
        assert_eq!(words.join(" ".as_ref()), *expected);
    }

    #[test]
    fn the_default_configuration_gives_way_to_one_among_the_arguments() {
        for words in [["--config", "x.yaml"], ["--socket", "--config=x.yaml"]] {
            assert_eq!(config(&args(&[], &words)).unwrap(), None);
        }
    }

    #[test]
    fn a_configuration_that_is_not_there_is_named() {
        let mut args = args(&[], &["--config", "other.yaml"]);
        args.config = Some("/nonexistent/x.yaml".into());
        let error = config(&args).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/x.yaml"), "{error}");
    }
}
