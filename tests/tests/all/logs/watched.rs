use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use anyhow::{Context as _, Result};
use banner_tests::{
    agent::{Agent, Config, Event, Seat},
    lab,
    pinned::Pinned,
    topology::Topology,
    wait::{PATIENCE, wait_until},
};

/// Failures that make a ban.
pub(crate) const MAX_RETRY: u32 = 3;

/// A log file that an agent follows.
pub(crate) struct Watched<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) agent: Agent,
    pub(crate) pinned: Pinned,
    pub(crate) path: &'a Path,
    seat: &'a Seat<'a>,
    bystanders: u8,
}

/// Runs `test` with an agent that follows a log; `before` is what the log holds when it starts, if
/// it is there at all.
pub(crate) fn watched(
    before: Option<&str>,
    test: impl FnOnce(&mut Watched<'_>) -> Result<()> + Send,
) -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let path = lab.dir().join("auth.log");
        if let Some(before) = before {
            fs::write(&path, before)?;
        }
        let config = Config {
            log: path.clone(),
            max_retry: MAX_RETRY,
            ban_time: "1h",
            observe: false,
            ignore: Vec::new(),
        };
        let seat = Seat::new(lab, &topology.server, &["to-attacker"], &config)?;
        test(&mut Watched {
            topology: &topology,
            agent: seat.start()?,
            pinned: seat.pinned(),
            path: &path,
            seat: &seat,
            bystanders: 0,
        })
    })
}

/// A failed login, as sshd writes it.
pub(crate) fn failure(host: impl std::fmt::Display) -> String {
    format!("Failed password for root from {host} port 4242 ssh2\n")
}

impl Watched<'_> {
    /// Appends to the log, and creates it if it is not there, as a logging daemon does.
    pub(crate) fn write(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path)
            .with_context(|| format!("open {}", self.path.display()))?;
        file.write_all(bytes.as_ref()).context("write the log")
    }

    /// Waits until all that was written so far has been decided on. Lines are read in their order,
    /// so a ban that the last lines cause shows that those before have been read.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.bystanders += 1;
        let bystander = Ipv4Addr::new(203, 0, 113, self.bystanders);
        self.write(failure(bystander).repeat(MAX_RETRY as usize))?;
        self.agent.wait_for(Event::Ban, bystander.into())
    }

    /// Waits until the agent has read the log to its end, even if that is no end of a line.
    pub(crate) fn wait_until_read(&self) -> Result<()> {
        let read = format!(" {} bytes read, 0 to go", fs::metadata(self.path)?.len());
        wait_until("the log to be read", PATIENCE, || {
            let status = self.seat.run("status")?.succeeded()?.stdout;
            Ok(status.lines().any(|line| line.contains(&read)))
        })
    }

    /// Shows that just `failures` of `host` have been counted: one fewer than it takes, until now.
    pub(crate) fn assert_one_missing(&mut self, host: IpAddr) -> Result<()> {
        self.settle()?;
        assert!(
            !self.agent.has_reported(Event::Ban, host)?,
            "a line was counted twice"
        );
        self.write(failure(host))?;
        self.agent.wait_for(Event::Ban, host)?;
        assert!(self.pinned.ban(host)?.is_some());
        Ok(())
    }

    /// Where logrotate would put the old log.
    pub(crate) fn rename(&self) -> Result<()> {
        fs::rename(self.path, self.path.with_extension("log.1")).context("rename the log")
    }
}
