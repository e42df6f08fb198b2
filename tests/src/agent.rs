//! The agent under test: its configuration, its life, what it says.

use std::{
    env, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::{
    lab::Lab,
    netns::Namespace,
    pinned::Pinned,
    process::{Finished, Process, died_by},
    wait::{PATIENCE, wait_until},
};

/// Name of the one jail.
pub const JAIL: &str = "sshd";

/// The configuration of one jail that watches sshd.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that sshd writes.
    pub log: PathBuf,
    /// Failures that make a ban.
    pub max_retry: u32,
    /// As the configuration writes it: `3s`, `1h`.
    pub ban_time: &'static str,
    /// Whether the jail only reports.
    pub observe: bool,
    /// Addresses and prefixes that are never banned.
    pub ignore: Vec<String>,
}

impl Config {
    /// The configuration file.
    pub fn text(&self) -> String {
        let ignore: Vec<_> = self
            .ignore
            .iter()
            .map(|entry| format!("{entry:?}"))
            .collect();
        format!(
            "enforce: [xdp]\n\
             ignore: [{}]\n\
             defaults: {{ max_retry: {}, find_time: 10m, ban_time: {}, mode: {} }}\n\
             jails:\n  {JAIL}:\n    filter: sshd\n    logs: [{}]\n",
            ignore.join(", "),
            self.max_retry,
            self.ban_time,
            if self.observe { "observe" } else { "enforce" },
            self.log.display()
        )
    }
}

/// Something the agent reports about an address, as one line of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// `ban ADDRESS … jail=NAME`
    Ban,
    /// `would ban ADDRESS … jail=NAME`
    WouldBan,
    /// `unban ADDRESS`
    Unban,
}

impl Event {
    fn is_in(self, line: &str, address: IpAddr) -> bool {
        let address = address.to_string();
        let words: Vec<_> = line.split_whitespace().collect();
        let at = |verb: &str| words.windows(2).position(|pair| pair == [verb, &address]);
        let jail = format!("jail={JAIL}");
        let would = |at: usize| at > 0 && words[at - 1] == "would";
        match self {
            Self::Ban => at("ban").is_some_and(|at| !would(at)) && words.contains(&&*jail),
            Self::WouldBan => at("ban").is_some_and(would) && words.contains(&&*jail),
            Self::Unban => at("unban").is_some(),
        }
    }
}

/// Where one agent keeps its things; outlives the process, so that another can take over.
#[derive(Clone, Debug)]
pub struct Seat<'a> {
    lab: &'a Lab,
    server: &'a Namespace,
    /// The `banner` binary.
    pub program: PathBuf,
    /// What `--interface` names.
    pub interfaces: Vec<&'static str>,
    /// `--config`.
    pub config: PathBuf,
    /// `--pin-dir`.
    pub pins: PathBuf,
    /// `--state-dir`.
    pub state: PathBuf,
    /// `--socket`.
    pub socket: PathBuf,
    /// A command with arguments that runs the agent in some special way, such as `setarch`; empty
    /// for none.
    pub through: Vec<String>,
}

impl<'a> Seat<'a> {
    /// Writes the configuration.
    pub fn new(
        lab: &'a Lab,
        server: &'a Namespace,
        interfaces: &[&'static str],
        config: &Config,
    ) -> Result<Self> {
        Self::with_text(lab, server, interfaces, &config.text())
    }

    /// Writes a configuration that is given as YAML, right or wrong.
    pub fn with_text(
        lab: &'a Lab,
        server: &'a Namespace,
        interfaces: &[&'static str],
        config: &str,
    ) -> Result<Self> {
        let path = lab.dir().join("banner.yaml");
        let seat = Self {
            lab,
            server,
            program: lab.expose(&program()?)?,
            interfaces: interfaces.to_vec(),
            config: path,
            pins: lab.bpffs().join("banner"),
            state: lab.dir().join("state"),
            socket: lab.dir().join("banner.sock"),
            through: Vec::new(),
        };
        seat.configure(config)?;
        Ok(seat)
    }

    /// Writes another configuration, for the next agent.
    pub fn configure(&self, config: &str) -> Result<()> {
        fs::write(&self.config, config).context("write the agent's configuration")
    }

    /// The same, but with its pins in another folder.
    #[must_use]
    pub fn pinning_to(mut self, pins: PathBuf) -> Self {
        self.pins = pins;
        self
    }

    /// What is pinned there.
    pub fn pinned(&self) -> Pinned {
        Pinned::new(&self.pins)
    }

    /// Starts an agent without waiting for anything.
    pub fn spawn(&self) -> Result<Agent> {
        let mut command = self.command("run");
        let process = self
            .server
            .inside(|| self.lab.spawn("banner-run", &mut command))??;
        Ok(Agent { process })
    }

    /// Starts an agent and waits until it says that it is ready.
    pub fn start(&self) -> Result<Agent> {
        let mut agent = self.spawn()?;
        wait_until("the agent to be ready", PATIENCE, || agent.is_ready())?;
        Ok(agent)
    }

    /// Starts an agent that must refuse to run, with exit code 1, and returns what it said.
    pub fn refusal(&self) -> Result<String> {
        let Finished { status, stderr, .. } = self.run("run")?;
        ensure!(status.code() == Some(1), "{status}: {stderr}");
        Ok(stderr)
    }

    /// Runs another subcommand, with its own options, to its end.
    pub fn run(&self, subcommand: &str) -> Result<Finished> {
        let name = format!("banner-{}", subcommand.replace([' ', '/'], "-"));
        let mut command = self.command(subcommand);
        self.server.inside(|| self.lab.run(&name, &mut command))?
    }

    /// Starts another subcommand, with its own options, and does not wait for its end.
    pub fn begin(&self, subcommand: &str) -> Result<Process> {
        let name = format!("banner-{}", subcommand.replace([' ', '/'], "-"));
        let mut command = self.command(subcommand);
        self.server.inside(|| self.lab.spawn(&name, &mut command))?
    }

    /// Runs any command where the agent runs, to its end.
    pub fn run_command(&self, command: &mut Command) -> Result<Finished> {
        self.server.inside(|| self.lab.run("banner", command))?
    }

    /// A command of the agent's. All options mean the same in every subcommand.
    pub fn command(&self, subcommand: &str) -> Command {
        let mut command = match &*self.through {
            [] => Command::new(&self.program),
            [through, arguments @ ..] => {
                let mut command = Command::new(through);
                command.args(arguments).arg(&self.program);
                command
            }
        };
        command.args(subcommand.split(' '));
        for interface in &self.interfaces {
            command.args(["--interface", interface]);
        }
        for (option, path) in [
            ("--config", &self.config),
            ("--state-dir", &self.state),
            ("--socket", &self.socket),
            ("--pin-dir", &self.pins),
        ] {
            command.arg(option).arg(path);
        }
        command
    }
}

/// A running agent; killed when dropped.
#[derive(Debug)]
pub struct Agent {
    process: Process,
}

impl Agent {
    /// Its process id, as this process sees it.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it has said that it is ready. Fails when it has ended.
    pub fn is_ready(&mut self) -> Result<bool> {
        let ended = self.process.ended()?;
        let ready = self
            .lines()?
            .iter()
            .any(|line| line.split_whitespace().any(|w| w == "ready"));
        match ended {
            Some(status) => bail!("the agent ended ({status}): {}", self.process.stderr()?),
            None => Ok(ready),
        }
    }

    /// Whether it has reported `event` for `address`.
    pub fn has_reported(&self, event: Event, address: IpAddr) -> Result<bool> {
        Ok(self.lines()?.iter().any(|line| event.is_in(line, address)))
    }

    /// Waits until it has reported `event` for `address`.
    pub fn wait_for(&mut self, event: Event, address: IpAddr) -> Result<()> {
        wait_until(&format!("{event:?} of {address}"), PATIENCE, || {
            let ended = self.process.ended()?;
            let reported = self.has_reported(event, address)?;
            ensure!(reported || ended.is_none(), "the agent ended ({ended:?})");
            Ok(reported)
        })
    }

    /// Waits until a line of its log has all of these texts in it, and returns the line.
    pub fn wait_to_say(&mut self, texts: &[&str]) -> Result<String> {
        let what = format!("a line with {texts:?}");
        self.process.wait_for_line(&what, PATIENCE, |line| {
            texts.iter().all(|text| line.contains(text))
        })
    }

    /// Its process, as the machine numbers it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// All complete lines of its log.
    pub fn lines(&self) -> Result<Vec<String>> {
        let text = self.process.stderr()?;
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        Ok(complete.lines().map(ToOwned::to_owned).collect())
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(self) -> Result<ExitStatus> {
        self.process.signal(Signal::SIGTERM)?;
        Ok(self.process.finish(PATIENCE)?.status)
    }

    /// The same, with all that it has said.
    pub fn finish(self) -> Result<Finished> {
        self.process.signal(Signal::SIGTERM)?;
        self.process.finish(PATIENCE)
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(self) -> Result<()> {
        self.process.signal(Signal::SIGKILL)?;
        let status = self.process.finish(PATIENCE)?.status;
        ensure!(
            died_by(status, Signal::SIGKILL),
            "it ended before it was killed: {status}"
        );
        Ok(())
    }
}

/// `$BANNER_BIN`, or else the binary that cargo built beside this test.
fn program() -> Result<PathBuf> {
    if let Some(path) = env::var_os("BANNER_BIN") {
        return Ok(path.into());
    }
    // target/PROFILE/deps/TEST
    let test = env::current_exe().context("find the test's own path")?;
    let target = test.ancestors().nth(3).unwrap_or(Path::new("target"));
    let found = ["debug", "release"]
        .map(|profile| target.join(profile).join("banner"))
        .into_iter()
        .find(|path| path.exists());
    found.with_context(|| {
        format!(
            "no banner in {}: run `cargo xtask test`, or `cargo build -p banner-userspace` first, \
             or say in $BANNER_BIN where it is",
            target.display()
        )
    })
}
