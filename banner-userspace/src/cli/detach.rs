//! `banner detach`.

use std::process::ExitCode;

use super::{Places, output::say, table::escaped, unban};
use crate::{
    agent,
    enforce::{left, xdp},
};

pub(super) fn detach(places: Places) -> anyhow::Result<ExitCode> {
    let (pin_dir, interfaces) = (&places.pin_dir, &places.interfaces);
    // Ways other than XDP are on no interface in particular.
    let others = if interfaces.is_empty() {
        left::remove_all(&places.state_dir)
    } else {
        Vec::new()
    };
    let mut code = ExitCode::SUCCESS;
    for (name, removed) in &others {
        match removed {
            Ok(()) => say!(
                "{}: all bans and all else of banner taken away",
                escaped(name)
            ),
            Err(error) => {
                say!(
                    "{}: NOT taken away: {}",
                    escaped(name),
                    escaped(&error.to_string())
                );
                code = ExitCode::FAILURE;
            }
        }
    }
    let detached = xdp::detach(pin_dir, interfaces)?;
    if detached.interfaces.is_empty() && detached.maps == 0 && others.is_empty() {
        say!("nothing of banner is pinned in {}", pin_dir.display());
    }
    for interface in &detached.interfaces {
        say!("{}: XDP program off", escaped(interface));
    }
    if !detached.remaining.is_empty() {
        let remaining = escaped(&detached.remaining.join(", "));
        say!("still in force on {remaining}; bans stay for them");
    }
    if detached.maps > 0 {
        say!("{} maps removed from {}", detached.maps, pin_dir.display());
    }
    for path in &detached.left {
        let path = path.display().to_string();
        say!("left {}: it is not banner's", escaped(&path));
    }
    if let Some(agent) = detached.agent {
        let drops = if detached.remaining.is_empty() {
            "nothing now"
        } else {
            "nothing there now"
        };
        say!(
            "the agent (process {agent}) still runs, but drops {drops}: stop it, or start it \
             again to attach anew"
        );
    }
    if !detached.remaining.is_empty() {
        return Ok(code);
    }
    // The bans are over, also for the next agent.
    // An agent without XDP is not known by its pins.
    let ended = if detached.agent.is_some() || !others.is_empty() {
        unban::end_all(&places.socket).map_err(|error| format!("{error:#}"))
    } else {
        Err("no agent".into())
    };
    let forgotten = match ended {
        Err(_) if detached.agent.is_none() => agent::forget(&places.into(), None),
        ended => ended,
    };
    match forgotten {
        Ok(0) => {}
        Ok(count) => say!("{count} bans ended"),
        Err(why) => {
            say!("bans are still kept on disk, and the next agent puts them back: {why}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(code)
}
