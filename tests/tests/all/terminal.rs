//! SIGHUP means two things: the terminal is gone, or the configuration is to be read again.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    agent::Event,
    topology::Family,
    wait::{PATIENCE, wait_until},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::bad_input::site::{assert_dropped, site};

/// Runs a command on a terminal of its own. Not from `PATH`, where another one may be.
const ON_A_TERMINAL: [&str; 3] = [
    "/usr/bin/python3",
    "-c",
    "import os, pty, sys; os.dup2(2, 1); pty.spawn(sys.argv[1:])",
];

#[test]
fn a_closed_terminal_ends_the_agent_and_an_open_one_has_it_read_its_configuration() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let mut seat = site.seat()?;
        seat.through = ON_A_TERMINAL.map(str::to_owned).to_vec();
        let mut terminal = seat.start()?;
        seat.through.clear();
        for family in [Family::V4, Family::V6] {
            let host = attacker.address(family);
            site.fail(host)?;
            terminal.wait_for(Event::Ban, host)?;
        }
        // Its only child, as the machine numbers it.
        let pid = terminal.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let agent = children.trim().parse().context("one child")?;
        kill(Pid::from_raw(agent), Signal::SIGHUP)?;
        terminal.wait_to_say(&["reloaded"])?;
        ensure!(seat.run("status")?.status.success(), "it runs on");

        terminal.kill()?;
        wait_until("the agent to end", PATIENCE, || {
            Ok(!seat.run("status")?.status.success())
        })?;
        assert_dropped(attacker, &seat.pinned())?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["2 bans in force"])?;
        Ok(())
    })
}
