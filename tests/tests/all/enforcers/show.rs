//! Failover, for people to see: a host that is banned goes on pinging the server, over both protocols,
//! while ways to drop its packets fail, come back, and change hands.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    agent::Seat,
    process::Process,
    wait::{PATIENCE, wait_until},
};
use nix::sys::signal::Signal;

use super::{FAMILIES, ban_attacker, failover::firewall};
use crate::bad_input::site::{Site, site};

/// Pings that are waited for in each phase: half a second of them.
const ENOUGH: u64 = 50;

/// `ping`, over both protocols, a hundred a second.
struct Ping([Process; 2]);

/// Pings of each protocol since the beginning, and answers.
type Count = [(u64, u64); 2];

impl Ping {
    fn begin(site: &Site<'_>) -> Result<Self> {
        let attacker = &site.topology.attacker;
        let start = |family| -> Result<Process> {
            let to = attacker.server(family, 0).ip().to_string();
            let mut ping = Command::new("ping");
            ping.args(["-n", "-O", "-i", "0.01", &to]);
            attacker
                .namespace()
                .inside(|| site.lab.spawn("ping", &mut ping))?
        };
        Ok(Self([start(FAMILIES[0])?, start(FAMILIES[1])?]))
    }

    fn count(&self) -> Result<Count> {
        let mut counts = [(0, 0); 2];
        for (count, process) in counts.iter_mut().zip(&self.0) {
            let said = process.stdout()?;
            let number = |line: &str| -> Option<u64> {
                let (_, number) = line.split_once("icmp_seq=")?;
                number.split(' ').next()?.trim().parse().ok()
            };
            let sent = said.lines().filter_map(number).max().unwrap_or(0);
            let answered = said.lines().filter(|line| line.contains("bytes from"));
            *count = (sent, answered.count() as u64);
        }
        Ok(counts)
    }
}

/// The phases, and what came of each.
struct Show<'s> {
    ping: Ping,
    before: Count,
    seat: &'s Seat<'s>,
}

impl Show<'_> {
    /// Goes on until enough was sent in this phase, and says how much of it was answered.
    fn phase(&mut self, what: &str) -> Result<u64> {
        let before = self.before;
        wait_until("ping to go on", PATIENCE, || {
            let now = self.ping.count()?;
            let enough = |(now, before): (&(u64, u64), &(u64, u64))| now.0 >= before.0 + ENOUGH;
            Ok(now.iter().zip(&before).all(enough))
        })?;
        let now = self.ping.count()?;
        let since = |at: usize| (now[at].0 - before[at].0, now[at].1 - before[at].1);
        let ((sent4, answered4), (sent6, answered6)) = (since(0), since(1));
        println!("{what:<60} {sent4:>6} {answered4:>9} {sent6:>6} {answered6:>9}");
        self.before = now;
        Ok(answered4 + answered6)
    }

    /// The same while nothing may be answered.
    fn silent(&mut self, what: &str) -> Result<()> {
        let answered = self.phase(what)?;
        ensure!(answered == 0, "{what}: {answered} answers");
        Ok(())
    }

    fn wait_for_way(&self, way: &str) -> Result<()> {
        wait_until(&format!("{way} to have the bans"), PATIENCE, || {
            let status = self.seat.run("status --json")?.succeeded()?.stdout;
            let status: serde_json::Value = serde_json::from_str(&status)?;
            Ok(status["enforcer"] == way)
        })
    }
}

#[test]
fn failover_with_a_running_ping_of_a_banned_host() -> Result<()> {
    site(|site| {
        let fw = firewall(site)?;
        let command = format!(
            "command: {{name: fw, start: [{fw}, start], check: [{fw}, check], ban: [{fw}, ban, \
             '%{{net}}'], unban: [{fw}, unban, '%{{net}}'], flush: [{fw}, flush]}}"
        );
        let with = |ways: &str| site.yaml(&format!("enforce: [{ways}]\n"));
        let seat = site.seat_with(&with(&format!("{{{command}}}, nftables")))?;
        let mut agent = seat.start()?;
        let mut show = Show {
            ping: Ping::begin(site)?,
            before: Count::default(),
            seat: &seat,
        };
        println!(
            "{:<60} {:>6} {:>9} {:>6} {:>9}",
            "", "IPv4", "answered", "IPv6", "answered"
        );
        ensure!(show.phase("nobody is banned")? > 0);
        ban_attacker(site, &mut agent)?;
        // Answers of before the ban are on their way.
        show.phase("the host is banned, by a command (enforce: [fw, nftables])")?;
        show.silent("it goes on")?;

        let broken = site.lab.dir().join("broken");
        fs::write(&broken, "")?;
        for _ in 0..4 {
            site.prove_alive(&mut agent)?;
        }
        show.wait_for_way("nftables")?;
        show.silent("the command fails: nftables has taken over")?;
        fs::remove_file(&broken)?;
        show.wait_for_way("fw")?;
        show.silent("the command works again, and has the bans")?;

        agent.kill()?;
        show.silent("kill -9 of the agent")?;
        seat.configure(&with("xdp, nftables"))?;
        agent = seat.start()?;
        show.silent("a new agent, with enforce: [xdp, nftables]: XDP has them")?;
        for map in ["BANS4", "BANS6"] {
            let mut freeze = Command::new("bpftool");
            freeze
                .args(["map", "freeze", "pinned"])
                .arg(seat.pins.join(map));
            seat.run_command(&mut freeze)?.succeeded()?;
        }
        for _ in 0..4 {
            site.prove_alive(&mut agent)?;
        }
        show.wait_for_way("xdp and nftables")?;
        show.silent("the maps of XDP take nothing more: nftables has taken over")?;
        seat.pinned().force_off("to-attacker")?;
        show.silent("bpftool link detach: XDP is off, nftables drops")?;
        super::failover::detach(&seat)?;
        wait_until("answers", PATIENCE, || {
            let now = show.ping.count()?;
            Ok(now
                .iter()
                .zip(&show.before)
                .all(|(now, before)| now.1 > before.1))
        })?;
        ensure!(show.phase("banner detach")? > 0);
        let Ping(pings) = show.ping;
        for ping in pings {
            ping.signal(Signal::SIGINT)?;
            ping.finish(PATIENCE).context("ping ends")?;
        }
        Ok(())
    })
}
