//! `banner detach`.

use std::{path::Path, process::ExitCode};

use super::{output::say, table::escaped};
use crate::enforce::{left, xdp};

pub(super) fn detach(
    pin_dir: &Path,
    state_dir: &Path,
    interfaces: &[String],
) -> anyhow::Result<ExitCode> {
    // Ways other than XDP are on no interface in particular.
    let others = if interfaces.is_empty() {
        left::remove_all(state_dir)
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
    Ok(code)
}
