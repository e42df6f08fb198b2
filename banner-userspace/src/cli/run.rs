//! `banner run`.

use std::process::ExitCode;

use super::{Places, log};
use crate::agent;

pub(super) fn run(places: Places) -> anyhow::Result<ExitCode> {
    let _log = log::to_stderr();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Boxed, because all that an agent has is part of the future.
    runtime.block_on(async { Box::pin(agent::run(agent::start(&places.into())?)).await })?;
    Ok(ExitCode::SUCCESS)
}
