//! From the write of the line that decides to the first packet that is dropped.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{ErrorKind, Write as _},
    net::{IpAddr, SocketAddr, UdpSocket},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    lab::Lab,
    topology::{Family, Topology},
    wait::{PATIENCE, wait_until},
};

use super::{
    seat,
    table::{Samples, Table},
};

const BANS: u16 = 200;
const PORT: u16 = 9;

/// A packet that has not come after this time is given up, and only then.
const LOST: Duration = Duration::from_millis(20);

pub(crate) fn measure(lab: &Lab, topology: &Topology, table: &mut Table) -> Result<()> {
    for family in [Family::V4, Family::V6] {
        route(topology, family)?;
        let floor = floor(lab, topology, family)?;
        let banner = banner(lab, topology, family)?;
        let ratio = banner.percentile(50).as_secs_f64() / floor.percentile(50).as_secs_f64();
        table.row([
            format!("ban, {family:?}: write to first drop"),
            format!("{banner}, {ratio:.2} × the floor"),
            floor.to_string(),
            "median 1 ms, p99 5 ms".into(),
        ]);
    }
    Ok(())
}

fn banner(lab: &Lab, topology: &Topology, family: Family) -> Result<Samples> {
    let log = lab.log("bench.log");
    File::create(&log)?;
    let config = format!(
        "jails: {{ sshd: {{ filter: sshd, logs: [{}], max_retry: 3, ban_time: 1h }} }}\n",
        log.display()
    );
    let seat = seat(lab, topology, &config)?;
    let agent = seat.start()?;
    let samples = bans(topology, family, &log)?;
    agent.terminate()?;
    seat.run("detach")?.succeeded()?;
    Ok(samples)
}

fn floor(lab: &Lab, topology: &Topology, family: Family) -> Result<Samples> {
    let log = lab.log("floor.log");
    File::create(&log)?;
    let mut command = Command::new(env::current_exe()?);
    command
        .arg("floor-latency")
        .arg(&log)
        .arg(topology.attacker.server_interface());
    let process = topology
        .server
        .inside(|| lab.spawn("floor", &mut command))??;
    wait_until("the floor to be ready", PATIENCE, || {
        Ok(process.stderr()?.contains("ready"))
    })?;
    bans(topology, family, &log)
}

/// The attacker's machine sends from any address of a prefix for benchmarks (RFC 2544, RFC 5180).
fn route(topology: &Topology, family: Family) -> Result<()> {
    let prefix = match family {
        Family::V4 => "198.18.0.0/16",
        Family::V6 => "2001:2:0:1::/64",
    };
    topology
        .attacker
        .namespace()
        .ip(&format!("route replace local {prefix} dev lo\n"))?;
    if family == Family::V6 {
        // For IPv4 a route of type local is enough.
        topology
            .attacker
            .namespace()
            .sysctl("net/ipv6/ip_nonlocal_bind", "1")?;
    }
    let gateway = topology.attacker.address(family);
    topology
        .server
        .ip(&format!("route replace {prefix} via {gateway}\n"))
}

fn victim(family: Family, n: u16) -> IpAddr {
    let [high, low] = n.to_be_bytes();
    match family {
        Family::V4 => [198, 18, high, low].into(),
        Family::V6 => [0x2001, 2, 0, 1, 0, 0, 0, n].into(),
    }
}

/// Each ban is one of another address.
fn bans(topology: &Topology, family: Family, log: &Path) -> Result<Samples> {
    let server = topology.attacker.server(family, PORT);
    let receiver = topology.server.inside(|| UdpSocket::bind(server))??;
    receiver.set_nonblocking(true)?;
    let mut log = OpenOptions::new()
        .append(true)
        .open(log)
        .context("open the log")?;
    let samples: Result<Vec<_>> = (1..=BANS)
        .map(|n| {
            let host = victim(family, n);
            let socket = topology
                .attacker
                .namespace()
                .inside(|| UdpSocket::bind(SocketAddr::new(host, 0)))??;
            socket.connect(server)?;
            ban(&mut log, &socket, &receiver, host).with_context(|| format!("ban of {host}"))
        })
        .collect();
    Ok(Samples::new(samples?))
}

fn ban(log: &mut File, socket: &UdpSocket, receiver: &UdpSocket, host: IpAddr) -> Result<Duration> {
    let line = format!("Failed password for root from {host} port 4242 ssh2\n");
    log.write_all(line.as_bytes())?;
    log.write_all(line.as_bytes())?;
    // The two are read and counted, the agent sleeps again.
    pass(Duration::from_millis(3));
    ensure!(
        arrives(socket, receiver, 0)?,
        "it is dropped before it is banned"
    );
    let written = Instant::now();
    log.write_all(line.as_bytes())?;
    for sequence in 1_u32.. {
        let sent = Instant::now();
        if !arrives(socket, receiver, sequence)? {
            return Ok(sent - written);
        }
        ensure!(written.elapsed() < PATIENCE, "it is not dropped");
    }
    unreachable!("the patience ends before the numbers")
}

/// Sends one packet and looks whether it gets there.
fn arrives(socket: &UdpSocket, receiver: &UdpSocket, sequence: u32) -> Result<bool> {
    let sent = Instant::now();
    socket.send(&sequence.to_be_bytes()).context("send")?;
    let mut packet = [0; 4];
    while sent.elapsed() < LOST {
        match receiver.recv(&mut packet) {
            Ok(_) if u32::from_be_bytes(packet) == sequence => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("receive"),
        }
    }
    Ok(false)
}

/// Lets time pass without sleeping, so that this processor stays awake.
fn pass(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
