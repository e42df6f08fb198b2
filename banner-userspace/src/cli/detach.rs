//! `banner detach`.

use std::{path::Path, process::ExitCode};

use super::table::escaped;
use crate::enforce::xdp;

pub(super) fn detach(pin_dir: &Path) -> anyhow::Result<ExitCode> {
    let detached = xdp::detach(pin_dir)?;
    if detached.interfaces.is_empty() && detached.maps == 0 {
        println!("nothing of banner is pinned in {}", pin_dir.display());
    }
    for interface in &detached.interfaces {
        println!("{}: XDP program off", escaped(interface));
    }
    if detached.maps > 0 {
        println!("{} maps removed from {}", detached.maps, pin_dir.display());
    }
    for path in &detached.left {
        let path = path.display().to_string();
        println!("left {}: it is not banner's", escaped(&path));
    }
    if let Some(agent) = detached.agent {
        println!(
            "the agent (process {agent}) still runs, but drops nothing now: stop it, or start it \
             again to attach anew"
        );
    }
    Ok(ExitCode::SUCCESS)
}
