//! `banner bans` and `banner unban`.

use std::{net::IpAddr, path::Path, process::ExitCode};

use super::{Places, ask, output::say, table};
use crate::{control::ClientError, enforce::xdp};

pub(super) fn bans(socket: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let bans = ask(async |agent| agent.bans().await, socket)??;
    if json {
        say!("{}", table::json(&bans)?);
        return Ok(ExitCode::SUCCESS);
    }
    if bans.is_empty() {
        say!("nobody is banned");
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = vec![
        ["HOST", "JAIL", "MODE", "REMAINING"]
            .map(String::from)
            .to_vec(),
    ];
    for ban in bans {
        lines.push(vec![
            ban.host.to_string(),
            table::escaped(ban.jail.as_deref().unwrap_or("-")),
            ban.mode,
            ban.remaining_seconds
                .map_or_else(|| "permanent".into(), table::duration),
        ]);
    }
    say!("{}", table::aligned(&lines).trim_end());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn unban(places: &Places, host: IpAddr) -> anyhow::Result<ExitCode> {
    let was_banned = match ask(async |agent| agent.unban(host).await, &places.socket)? {
        Ok(unbanned) => unbanned.was_banned,
        Err(ClientError::NoAgent { .. }) => xdp::unban_pinned(&places.pin_dir, host.into())?,
        Err(error) => return Err(error.into()),
    };
    if was_banned {
        say!("{host}: no longer banned");
    } else {
        say!("{host}: was not banned");
    }
    Ok(ExitCode::SUCCESS)
}
