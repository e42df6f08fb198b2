use std::{
    cell::Cell,
    fs::{self, OpenOptions},
    io::Write as _,
    net::{IpAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use banner_common::Reason;
use banner_tests::{
    agent::{Agent, Event, JAIL, Seat},
    lab::{self, Lab},
    pinned::Pinned,
    sniffer::Knocker,
    topology::{Family, Peer, Topology},
    wait::{PATIENCE, wait_until},
};

/// Where somebody listens on the server.
pub(crate) const PORT: u16 = 7;

/// Failures that make a ban on a site.
pub(crate) const MAX_RETRY: usize = 2;

/// Longer than an answer takes that comes at all. The kernel repeats a SYN after 1 s.
const SOON: Duration = Duration::from_secs(20);

/// A server with a log that the test writes, an attacker, a friend.
pub(crate) struct Site<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) topology: Topology,
    /// The log of the one jail.
    pub(crate) log: PathBuf,
    witnesses: Cell<u8>,
    _listener: TcpListener,
}

/// Runs `test` on a site of its own.
pub(crate) fn site(test: impl FnOnce(&Site<'_>) -> Result<()> + Send) -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let listener = topology
            .server
            .inside(|| TcpListener::bind(("::", PORT)))??;
        let log = lab.dir().join("auth.log");
        fs::write(&log, "")?;
        test(&Site {
            lab,
            topology,
            log,
            witnesses: Cell::new(0),
            _listener: listener,
        })
    })
}

/// What sshd writes when `user` at `host` gives a wrong password.
pub(crate) fn failure(user: &str, host: impl std::fmt::Display) -> String {
    format!("sshd[7]: Failed password for invalid user {user} from {host} port 4242 ssh2\n")
}

/// A configuration whose one jail watches these logs; `more` are further top-level lines.
pub(crate) fn yaml(logs: &[&Path], more: &str) -> String {
    let logs: Vec<_> = logs
        .iter()
        .map(|log| format!("'{}'", log.display()))
        .collect();
    format!(
        "defaults: {{ max_retry: {MAX_RETRY}, find_time: 10m, ban_time: 1h }}\n\
         jails:\n  {JAIL}:\n    filter: sshd\n    logs: [{}]\n{more}",
        logs.join(", ")
    )
}

/// Knocks where somebody listens, over IPv4.
pub(crate) fn knocker(peer: &Peer) -> Result<Knocker<'_>> {
    Knocker::new(peer.namespace(), peer.server(Family::V4, PORT))
}

impl Site<'_> {
    /// A configuration whose one jail watches the site's log; `more` are further top-level lines.
    pub(crate) fn yaml(&self, more: &str) -> String {
        yaml(&[&self.log], more)
    }

    /// A place for agents on both of the server's interfaces.
    pub(crate) fn seat(&self) -> Result<Seat<'_>> {
        self.seat_with(&self.yaml(""))
    }

    /// The same with another configuration.
    pub(crate) fn seat_with(&self, yaml: &str) -> Result<Seat<'_>> {
        Seat::with_text(self.lab, &self.topology.server, &self.interfaces(), yaml)
    }

    /// The server's interfaces.
    pub(crate) fn interfaces(&self) -> [&'static str; 2] {
        [&self.topology.attacker, &self.topology.friend].map(Peer::server_interface)
    }

    /// Appends to the log in one write.
    pub(crate) fn write(&self, text: impl AsRef<[u8]>) -> Result<()> {
        append(&self.log, text)
    }

    /// Writes as many failures of `host` as make a ban.
    pub(crate) fn fail(&self, host: impl std::fmt::Display) -> Result<()> {
        self.write(failure("root", host).repeat(MAX_RETRY))
    }

    /// Has a host banned that was not before, so that everything written earlier has been read
    /// and decided on, and the agent is known to do its work still.
    pub(crate) fn prove_alive(&self, agent: &mut Agent) -> Result<()> {
        let number = self.witnesses.get() + 1;
        self.witnesses.set(number);
        let witness = IpAddr::from([203, 0, 113, number]);
        self.fail(witness)?;
        agent.wait_for(Event::Ban, witness)
    }

    /// How many hosts [`Site::prove_alive`] has had banned.
    pub(crate) fn witnesses(&self) -> usize {
        self.witnesses.get().into()
    }

    /// Neither pins nor programs were left behind.
    pub(crate) fn assert_untouched(&self, seat: &Seat<'_>) -> Result<()> {
        ensure!(!seat.pins.exists(), "{:?}", seat.pinned().names());
        for interface in self.interfaces() {
            ensure!(!self.topology.server.has_xdp(interface)?, "{interface}");
        }
        ensure!(!seat.socket.exists(), "a socket");
        ensure!(!seat.state.exists(), "a state directory");
        Ok(())
    }
}

/// SYNs leave, the program drops each of them, and no answer comes.
pub(crate) fn assert_dropped(peer: &Peer, pinned: &Pinned) -> Result<()> {
    const SYNS: u32 = 3;
    let mut knocker = knocker(peer)?;
    let before = pinned.counters()?[Reason::Drop].packets;
    // A link that is new does not carry every one of them.
    wait_until("the SYNs to be dropped", PATIENCE, || {
        knocker.knock()?;
        Ok(pinned.counters()?[Reason::Drop].packets >= before + u64::from(SYNS))
    })?;
    // One more look at what came back.
    knocker.knock()?;
    ensure!(
        knocker.sent >= SYNS && knocker.answered == 0,
        "{peer}: {knocker:?}"
    );
    Ok(())
}

/// A connection comes about.
pub(crate) fn assert_connects(peer: &Peer) -> Result<()> {
    let connected = knocker(peer)?.connects(SOON)?;
    ensure!(connected, "{peer} gets no answer");
    Ok(())
}

/// Appends to a file in one write.
pub(crate) fn append(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_ref()))
        .with_context(|| format!("append to {}", path.display()))
}

/// Fails when `text` has something in it that a terminal would obey.
pub(crate) fn assert_printable(text: &str) -> Result<()> {
    let control = |line: &str| line.chars().any(char::is_control);
    ensure!(!text.lines().any(control), "{text:?}");
    Ok(())
}

/// Fails unless `text` has all of `parts`.
pub(crate) fn assert_has(text: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(text.contains(part), "no {part:?} in:\n{text}");
    }
    Ok(())
}
