//! `banner ban`.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader},
    net::IpAddr,
    num::NonZeroU32,
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use ipnet::IpNet;
use serde::Serialize;

use super::{
    ask,
    ban_list::{Bad, Listed, read},
    output::say,
    table::{self, escaped},
};
use crate::{
    agent,
    config::{self, BanTime},
    control::{self, BanRequest, Client, ClientError, MOST, Time, Wanted, shown},
};

/// Who is to be banned, and how.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the command line, each for itself"
)]
pub(super) struct Ban {
    /// IPv4 or IPv6 address, or a prefix: IPv4 from /8 on, IPv6 from /16 on.
    #[arg(value_name = "ADDRESS|PREFIX", value_parser = control::net, required_unless_present = "from")]
    nets: Vec<IpNet>,
    /// A list: an address or prefix on each line, and a time behind it if it has one of its own; what
    /// follows a # is not read. `-`: standard input.
    #[arg(long, value_name = "FILE")]
    from: Option<std::path::PathBuf>,
    /// How long: 10m, 1h30m, 1d, 2w or permanent. Without it as long as the jail's bans, or 1h.
    #[arg(long, value_parser = BanTime::from_text)]
    time: Option<BanTime>,
    /// For which ports: all, or a list such as ssh,8000-8100,udp/53,icmp. Without it those of the
    /// jail, or all.
    #[arg(long, value_name = "LIST")]
    ports: Option<String>,
    /// In the name of this jail: its time, its ports, its mode.
    #[arg(long, value_name = "NAME")]
    jail: Option<String>,
    /// Until it has been quiet for so long: each packet that is dropped begins the time anew (XDP).
    #[arg(long)]
    renew: bool,
    /// Drop nothing, only count what would be dropped.
    #[arg(long)]
    observe: bool,
    /// Even if `ignore` of the configuration protects it, which does so again when the ban ends. Addresses and
    /// gateways of this machine and where you are logged in from are not banned all the same.
    #[arg(long)]
    force: bool,
    /// Ban the others though some are refused or some lines of the list cannot be read.
    #[arg(long)]
    skip_bad: bool,
    /// As JSON: what became of each.
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Default)]
struct Sum {
    banned: usize,
    pending: usize,
    displaced: usize,
    bad: Vec<Bad>,
    /// Those that were asked for and not refused.
    accepted: Vec<Listed>,
    /// They were banned; else nobody was, because others were refused.
    done: bool,
}

/// What came of it, as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    banned: usize,
    pending: usize,
    displaced: usize,
    bans: Vec<Each<'a>>,
}

/// What became of one.
#[derive(Serialize)]
struct Each<'a> {
    /// Who; none: a line of a list that names nobody.
    net: Option<String>,
    /// Its line in the list.
    line: Option<NonZeroU32>,
    /// `banned`, `refused`, or `not banned` because others were refused.
    result: &'static str,
    /// Why it was refused.
    why: Option<&'a str>,
}

pub(super) fn ban(socket: &Path, ban: &Ban) -> anyhow::Result<ExitCode> {
    let (mut list, mut bad) = list(ban)?;
    let peer = agent::ssh_peer();
    list.retain(|listed| match locked_out(listed, peer) {
        None => true,
        Some(why) => {
            bad.push(listed.refused(why));
            false
        }
    });
    let request = BanRequest {
        bans: Vec::new(),
        time: ban.time.map(|time| Time::from(time.duration())),
        ports: ban.ports.as_deref().map(canonical).transpose()?,
        jail: ban.jail.clone(),
        renew: ban.renew.then_some(true),
        mode: ban.observe.then(|| "observe".to_owned()),
        check: true,
        force: ban.force,
    };
    let sum = ask(
        async |agent| put(&agent, list, bad, request, ban.skip_bad).await,
        socket,
    )??;
    if ban.json {
        say!("{}", table::json(&sum.answer())?);
    }
    Ok(sum.tell(ban))
}

/// Everybody who is named, and what in the list names nobody.
fn list(ban: &Ban) -> anyhow::Result<(Vec<Listed>, Vec<Bad>)> {
    let mut list: Vec<_> = ban.nets.iter().map(|&net| Listed::alone(net)).collect();
    let mut bad = Vec::new();
    if let Some(path) = &ban.from {
        if path.as_os_str() == "-" {
            read(io::stdin().lock(), &mut list, &mut bad).context("standard input")?;
        } else {
            let file = File::open(path).with_context(|| path.display().to_string())?;
            read(BufReader::new(file), &mut list, &mut bad)
                .with_context(|| path.display().to_string())?;
        }
    }
    Ok((list, bad))
}

/// Why somebody must not be banned by who gives the command.
fn locked_out(listed: &Listed, peer: Option<IpAddr>) -> Option<String> {
    let peer = peer.filter(|peer| listed.net.contains(peer))?;
    Some(format!(
        "you are logged in from {peer}, and would lock yourself out; ban it from elsewhere, if it is meant"
    ))
}

fn canonical(ports: &str) -> anyhow::Result<String> {
    let ports = config::listed_ports(ports).map_err(anyhow::Error::msg);
    let ports = ports.context("--ports")?;
    Ok(ports.map_or_else(|| "all".to_owned(), |ports| ports.to_string()))
}

/// Asks whether all would be banned, and if so, or if the others are to be, has it done.
async fn put(
    agent: &Client,
    list: Vec<Listed>,
    bad: Vec<Bad>,
    mut request: BanRequest,
    skip_bad: bool,
) -> Result<Sum, ClientError> {
    let mut sum = Sum {
        bad,
        ..Sum::default()
    };
    let mut good = list;
    for check in [true, false] {
        request.check = check;
        let mut accepted = Vec::with_capacity(good.len());
        for chunk in good.chunks(MOST) {
            request.bans = chunk.iter().map(wanted).collect();
            let banned = agent.ban(&request).await?;
            if !check {
                sum.banned += banned.banned;
                sum.pending += banned.pending;
                sum.displaced += banned.displaced;
            }
            let mut refused = banned.refused.into_iter().peekable();
            for (index, listed) in chunk.iter().enumerate() {
                match refused.next_if(|refused| refused.index == index) {
                    Some(refused) => sum.bad.push(listed.refused(refused.why)),
                    None if check => accepted.push(*listed),
                    None => {}
                }
            }
        }
        if check && !sum.bad.is_empty() && !skip_bad {
            sum.accepted = accepted;
            break;
        }
        sum.done = !check;
        good = accepted;
        if check {
            sum.accepted.clone_from(&good);
        }
    }
    Ok(sum)
}

fn wanted(listed: &Listed) -> Wanted {
    Wanted {
        net: shown(listed.net),
        time: listed.time.map(|time| Time::from(time.duration())),
    }
}

impl Sum {
    fn answer(&self) -> Answer<'_> {
        let result = if self.done { "banned" } else { "not banned" };
        let refused: HashSet<_> = self.bad.iter().filter_map(|bad| bad.net).collect();
        let accepted = self.accepted.iter();
        // Some may have been refused since they were asked for.
        let accepted = accepted.filter(|listed| !refused.contains(&listed.net));
        let accepted = accepted.map(|listed| Each {
            net: Some(shown(listed.net)),
            line: listed.line,
            result,
            why: None,
        });
        let bad = self.bad.iter().map(|bad| Each {
            net: bad.net.map(shown),
            line: bad.line,
            result: "refused",
            why: Some(&bad.why),
        });
        Answer {
            banned: self.banned,
            pending: self.pending,
            displaced: self.displaced,
            bans: accepted.chain(bad).collect(),
        }
    }

    fn tell(mut self, ban: &Ban) -> ExitCode {
        // Those of the list first, in the order of its lines.
        self.bad.sort_by_key(|bad| bad.line);
        let from = ban.from.as_deref().map(|path| path.display().to_string());
        for bad in &self.bad {
            let place = match (bad.line, &from) {
                (Some(line), Some(from)) => format!("{from}:{line}: "),
                _ => String::new(),
            };
            eprintln!("{}{}", escaped(&place), escaped(&bad.why));
        }
        if self.banned > 0 {
            let observed = if ban.observe { ", observing only" } else { "" };
            match ban.nets[..] {
                _ if ban.json => {}
                [net] if ban.from.is_none() => say!("{}: banned{observed}", shown(net)),
                _ => say!("{} banned{observed}", self.banned),
            }
        } else if self.pending == 0 {
            eprintln!("banner: nobody was banned");
        }
        if self.pending > 0 {
            eprintln!(
                "banner: {} not in force yet: the agent tries again, and its log says why",
                self.pending
            );
        }
        if self.displaced > 0 {
            eprintln!(
                "banner: {} bans had to make room, those that would have ended first; raise \
                 limits.bans",
                self.displaced
            );
        }
        if self.banned == 0 && !self.bad.is_empty() && !ban.skip_bad && ban.from.is_some() {
            eprintln!("banner: --skip-bad bans the others");
        }
        if self.bad.is_empty() && self.pending + self.displaced == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
