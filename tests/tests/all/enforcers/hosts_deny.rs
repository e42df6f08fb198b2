//! Bans in hosts.deny, as tcpdmatch reads them.

use std::{net::IpAddr, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, ensure};
use banner_tests::lab::{self, Lab};
use banner_userspace::{
    enforce::{Enforcer, HostsDeny},
    model::{HostsDeny as Options, PortsId, PrefixSet, Until},
};

use super::{clear, now, set};

fn hosts_deny(file: &Path) -> HostsDeny {
    let options = Options {
        file: file.to_owned(),
        daemons: "ALL".into(),
    };
    HostsDeny::new(options, vec!["sshd".into()])
}

/// Whether TCP wrappers let a client in; `-i` has them use this inetd.conf rather than the machine's.
fn lets_in(lab: &Lab, client: &str) -> Result<bool> {
    let inetd = lab.dir().join("inetd.conf");
    std::fs::write(
        &inetd,
        "ssh stream tcp nowait root /usr/sbin/tcpd /usr/sbin/sshd -i\n",
    )?;
    let mut command = Command::new("tcpdmatch");
    command
        .arg("-d")
        .arg("-i")
        .arg(&inetd)
        .args(["sshd", client]);
    // `-d`: hosts.allow and hosts.deny of the current folder.
    command.current_dir(lab.dir());
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin"));
    let said = lab.run("tcpdmatch", &mut command)?.succeeded()?.stdout;
    let access = said.lines().find_map(|line| line.strip_prefix("access:"));
    match access.with_context(|| said.clone())?.trim() {
        "granted" => Ok(true),
        "denied" => Ok(false),
        other => anyhow::bail!("{other}: {said}"),
    }
}

#[test]
fn tcp_wrappers_refuse_who_is_banned() -> Result<()> {
    lab::run(|lab| {
        let file = lab.dir().join("hosts.deny");
        std::fs::write(lab.dir().join("hosts.allow"), "")?;
        std::fs::write(&file, "# mine\nALL: 203.0.113.200\n")?;
        let mut deny = hosts_deny(&file);
        deny.open()?;
        let clients = [
            "192.0.2.66",
            "198.51.100.9",
            "2001:db8:a::66",
            "2001:db8:b::9",
        ];
        for client in clients {
            ensure!(lets_in(lab, client)?, "{client}");
        }
        let end = Until::At(now()?.mono.after(Duration::from_mins(5)));
        let hosts = [clients[0], clients[2]].map(str::parse::<IpAddr>);
        let mut bans = Vec::new();
        for host in hosts {
            bans.push(set(host?, PortsId::ALL, end));
        }
        for prefix in ["198.51.100.0/24", "2001:db8:b::/64"] {
            bans.push(set(
                prefix.parse::<ipnet::IpNet>()?,
                PortsId::ALL,
                Until::Forever,
            ));
        }
        deny.apply(&bans, now()?)
            .map_err(|failed| anyhow::anyhow!("{}", failed[0]))?;
        for client in clients {
            ensure!(!lets_in(lab, client)?, "{client}");
        }
        for client in [
            "192.0.2.67",
            "198.51.101.9",
            "2001:db8:a::67",
            "2001:db8:c::9",
        ] {
            ensure!(lets_in(lab, client)?, "{client}");
        }
        ensure!(!lets_in(lab, "203.0.113.200")?, "another's line");
        // Who is never refused, in a prefix that is.
        deny.set_never(&PrefixSet::new(["198.51.100.9/32".parse()?]))?;
        ensure!(lets_in(lab, clients[1])? && !lets_in(lab, "198.51.100.10")?);
        let first: IpAddr = clients[0].parse()?;
        deny.apply(&[clear(first, PortsId::ALL)], now()?)
            .map_err(|failed| anyhow::anyhow!("{}", failed[0]))?;
        ensure!(lets_in(lab, clients[0])?);
        deny.remove()?;
        ensure!(std::fs::read_to_string(&file)? == "# mine\nALL: 203.0.113.200\n");
        Ok(())
    })
}
