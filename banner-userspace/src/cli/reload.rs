//! `banner reload` and `banner stop`.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::bail;

use super::{
    ask,
    output::say,
    table::{self, escaped, escaped_lines},
};
use crate::{agent, control::ClientError};

/// How long an agent may take to stop.
const STOP: Duration = Duration::from_secs(10);

/// How often it is asked whether it has.
const AGAIN: Duration = Duration::from_millis(20);

pub(super) fn reload(socket: &Path, json: bool) -> anyhow::Result<ExitCode> {
    match ask(async |client| client.reload().await, socket)? {
        Ok(reloaded) => {
            for warning in &reloaded.warnings {
                eprintln!("{}", escaped(warning));
            }
            if json {
                say!("{}", table::json(&reloaded)?);
            } else {
                say!("{}", escaped(&reloaded.summary()));
            }
            Ok(ExitCode::SUCCESS)
        }
        // Every line begins with its place, where editors look for it.
        Err(ClientError::Refused { status, message }) if status == 422 => {
            eprintln!("{}", escaped_lines(&message));
            eprintln!("banner: not reloaded; the configuration that was in force goes on");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn stop(socket: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let stopping = ask(async |client| client.stop().await, socket)??;
    let begun = agent::now().mono;
    while socket.exists() {
        if agent::now().mono.since(begun) > STOP {
            bail!(
                "process {} was asked to stop, and has not for {} s",
                stopping.pid,
                STOP.as_secs()
            );
        }
        std::thread::sleep(AGAIN);
    }
    if json {
        say!("{}", table::json(&stopping)?);
    } else {
        say!(
            "process {} stopped; {} bans stay in force (banner detach ends them)",
            stopping.pid,
            stopping.bans
        );
    }
    Ok(ExitCode::SUCCESS)
}
