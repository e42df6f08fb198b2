//! `banner detach`.

use std::{path::Path, process::ExitCode};

use super::{output::say, table::escaped};
use crate::enforce::xdp;

pub(super) fn detach(pin_dir: &Path, interfaces: &[String]) -> anyhow::Result<ExitCode> {
    let detached = xdp::detach(pin_dir, interfaces)?;
    if detached.interfaces.is_empty() && detached.maps == 0 {
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
    Ok(ExitCode::SUCCESS)
}
