//! More changes of the network than the kernel queues, or the program's maps hold.

use std::{
    fmt::Write as _,
    fs::File,
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    agent::{Agent, Config, Event, Seat},
    lab,
    topology::Topology,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// More than fit into the socket's buffer, and more than `MAX_NEVER`.
const MANY: u32 = 5_000;

/// Every other address from 10.0.0.1 on, so that no two make a prefix, put on `lo` or taken off it.
fn addresses(verb: &str, numbers: std::ops::Range<u32>) -> String {
    numbers.fold(String::new(), |mut batch, n| {
        let address = Ipv4Addr::from_bits(0x0a00_0001 + 2 * n);
        let _ = writeln!(batch, "address {verb} {address}/32 dev lo");
        batch
    })
}

/// Gives `work` a running agent that bans what fails thrice, a way to make an address fail, and the
/// place of both.
fn with_agent(
    work: impl FnOnce(&Topology, &Seat<'_>, Agent, &dyn Fn(&str) -> Result<IpAddr>) -> Result<()> + Send,
) -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let config = Config {
            log: lab.dir().join("auth.log"),
            max_retry: 3,
            ban_time: "1h",
            observe: false,
            ignore: Vec::new(),
        };
        File::create(&config.log)?;
        let seat = Seat::new(lab, &topology.server, &["to-attacker"], &config)?;
        let agent = seat.start()?;
        let fail = |host: &str| {
            let failure = format!("Failed password for root from {host} port 4242 ssh2\n");
            let mut log = File::options().append(true).open(&config.log)?;
            log.write_all(failure.repeat(3).as_bytes())?;
            Ok(host.parse()?)
        };
        work(&topology, &seat, agent, &fail)
    })
}

#[test]
fn after_a_burst_that_overflows_its_socket_the_agent_still_hears_of_changes() -> Result<()> {
    with_agent(|topology, _, mut agent, fail| {
        let server = &topology.server;
        let [within, after] = ["192.0.2.77", "192.0.2.78"];
        for host in [within, after] {
            let host = fail(host)?;
            agent.wait_for(Event::Ban, host)?;
        }
        let pid = Pid::from_raw(i32::try_from(agent.pid())?);
        kill(pid, Signal::SIGSTOP)?;
        let mut batch = addresses("add", 0..MANY);
        batch += &addresses("delete", 0..MANY);
        writeln!(batch, "address add {within}/24 dev to-attacker")?;
        server.ip(&batch)?;
        kill(pid, Signal::SIGCONT)?;
        // The agent has looked since the burst, which had ended before it went on.
        agent.wait_for(Event::Unban, within.parse()?)?;
        server.ip(&format!("address add {after}/24 dev to-attacker\n"))?;
        agent.wait_for(Event::Unban, after.parse()?)?;
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn own_addresses_that_the_kernels_list_cannot_hold_are_told_once_and_tried_again() -> Result<()> {
    with_agent(|topology, seat, mut agent, fail| {
        let server = &topology.server;
        let host = fail("192.0.2.77")?;
        agent.wait_for(Event::Ban, host)?;
        let problem = "the kernel's never-ban list could not follow the network";
        server.ip(&addresses("add", 0..MANY))?;
        agent.wait_to_say(&["ERROR", problem])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        let shown = |line: &str| line.starts_with("PROBLEM") && line.contains(problem);
        ensure!(status.lines().any(shown), "{status}");

        // One comes and one goes: the same problem, and a look that shows itself.
        let swap = format!(
            "address add {host}/32 dev lo\n{}",
            addresses("delete", 0..1)
        );
        server.ip(&swap)?;
        agent.wait_for(Event::Unban, host)?;
        let lines = agent.lines()?;
        let told: Vec<_> = lines.iter().filter(|line| line.contains(problem)).collect();
        let mut distinct: Vec<_> = told.iter().map(|line| line.split_once(problem)).collect();
        distinct.dedup_by_key(|halves| halves.map(|(_, why)| why));
        ensure!(told.len() == distinct.len(), "{told:#?}");

        server.ip(&addresses("delete", 1..MANY))?;
        agent.wait_to_say(&["the network is followed again"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.lines().any(shown), "{status}");
        let pinned = seat.pinned();
        ensure!(pinned.is_never(host).context("look up the own address")?);
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}
