//! `cargo xtask bench`: measures, and prints each figure beside its floor.

use std::ffi::OsString;

use anyhow::{Context as _, Result};

use crate::{command, setup, test};

pub(crate) fn run() -> Result<()> {
    setup::tests(setup::Voice::Changes)?;
    let build = |package, program| {
        test::built(&["build", "--release", "--package", package, "--bin", program])?
            .pop()
            .context("cargo built no program")
    };
    let banner = build("banner-userspace", "banner")?;
    let bench = build("banner-tests", "bench")?;
    command::run(&mut command::as_root(
        &bench,
        [(OsString::from("BANNER_BIN"), banner.into_os_string())],
    )?)
}
