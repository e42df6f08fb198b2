//! `banner unban`, with an agent and without one.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use ipnet::IpNet;
use serde::Serialize;

use super::{
    Places, ask,
    output::say,
    table::{self, escaped},
};
use crate::{
    agent,
    control::{self, ClientError, Unbanned, shown},
    enforce::{left, xdp},
};

/// Who is to be banned no more.
#[derive(Debug, Args)]
pub(super) struct Unban {
    /// IPv4 or IPv6 address, or prefix.
    #[arg(value_name = "ADDRESS|PREFIX", value_parser = control::net, required_unless_present = "all")]
    nets: Vec<IpNet>,
    /// End all bans. Earlier bans still count where ban times grow.
    #[arg(long, conflicts_with = "nets")]
    all: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What came of it, as JSON.
#[derive(Serialize)]
struct Answer {
    /// An agent did it; else it was done in what it left behind.
    agent: bool,
    /// Of each that was named.
    unbanned: Vec<Unbanned>,
}

/// What came of ending all bans, as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Ended {
    /// As in [`Answer`].
    agent: bool,
    /// How many there were.
    ended: usize,
}

pub(super) fn unban(places: &Places, unban: &Unban) -> anyhow::Result<ExitCode> {
    if unban.all {
        return all(places, unban.json);
    }
    let mut answer = Answer {
        agent: true,
        unbanned: Vec::new(),
    };
    for &net in &unban.nets {
        let unbanned = match ask(async |agent| agent.unban(net).await, &places.socket)? {
            Ok(unbanned) => unbanned,
            Err(ClientError::NoAgent { .. }) => {
                answer.agent = false;
                without_agent(places, net)?
            }
            Err(error) => return Err(error.into()),
        };
        if !unban.json {
            tell(net, &unbanned);
        }
        answer.unbanned.push(unbanned);
    }
    if unban.json {
        say!("{}", table::json(&answer)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(net: IpNet, unbanned: &Unbanned) {
    let net = shown(net);
    if unbanned.was_banned {
        say!("{net}: no longer banned");
    } else {
        say!("{net}: was not banned");
    }
    for prefix in &unbanned.within {
        say!(
            "{net}: lies in {0}, which is banned; banner unban {0}",
            escaped(prefix)
        );
    }
}

/// Ends the bans of one prefix in what an agent has left.
fn without_agent(places: &Places, net: IpNet) -> anyhow::Result<Unbanned> {
    let mut was_banned = xdp::unban_pinned(&places.pin_dir, net)?;
    for (way, ended) in left::unban(&places.state_dir, net, agent::now()) {
        ended.map_err(|why| anyhow::anyhow!("{way}: still banned: {why}"))?;
        was_banned = true;
    }
    let kept = agent::forget(&places.clone().into(), Some(net));
    was_banned |= kept.map_err(|why| still_kept(&why))? > 0;
    Ok(Unbanned {
        net: shown(net),
        was_banned,
        within: Vec::new(),
    })
}

fn all(places: &Places, json: bool) -> anyhow::Result<ExitCode> {
    let ended = match end_all(&places.socket) {
        Ok(ended) => Ended { agent: true, ended },
        Err(error) => match error.downcast_ref() {
            Some(ClientError::NoAgent { .. }) => Ended {
                agent: false,
                ended: all_without_agent(places)?,
            },
            _ => return Err(error),
        },
    };
    match ended {
        _ if json => say!("{}", table::json(&ended)?),
        Ended { agent: true, ended } => say!("{ended} bans ended"),
        Ended { ended, .. } => say!("no agent is running; {ended} bans that it left ended"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends all bans that an agent has left: in the pinned maps, in other ways, and on the disk, so that the
/// next agent does not put them back. How many there were.
fn all_without_agent(places: &Places) -> anyhow::Result<usize> {
    let pinned = xdp::unban_all_pinned(&places.pin_dir)?;
    for (way, removed) in left::remove_all(&places.state_dir) {
        removed.with_context(|| format!("{way}: bans are still in force"))?;
    }
    let kept = agent::forget(&places.clone().into(), None).map_err(|why| still_kept(&why))?;
    Ok(pinned.max(kept))
}

fn still_kept(why: &str) -> anyhow::Error {
    anyhow::anyhow!("bans are still kept on disk, and the next agent puts them back: {why}")
}

/// Asks the agent to end all bans; how many there were.
pub(super) fn end_all(socket: &Path) -> anyhow::Result<usize> {
    let ended = ask(
        async |agent| {
            let mut ended = 0;
            loop {
                let some = agent.unban_some().await?;
                ended += some.unbanned;
                if !some.more {
                    return Ok::<_, ClientError>(ended);
                }
            }
        },
        socket,
    )?;
    Ok(ended?)
}
