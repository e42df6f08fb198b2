//! Bans a second of other daemons, and of banner by the same way: a set of nftables, the same log.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    lab::Lab,
    process::Process,
    topology::Topology,
    wait::{PATIENCE, wait_until},
};

use super::{
    attack::{lines_v4, stamp},
    seat,
};
use crate::table::{Table, short};

const ATTACKERS: u32 = 20_000;
const FIRST: u32 = 0x0d00_0000;

/// What their addresses begin with.
const PREFIX: &str = "13.0.";

/// How long who does not come to an end is watched.
const TIME: Duration = Duration::from_secs(15);

/// How often the set is looked at.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn measure(
    lab: &Lab,
    topology: &Topology,
    disk: &Path,
    table: &mut Table,
) -> Result<()> {
    let log = lab.log("others.log");
    for (name, daemon) in [
        ("banner, enforce: [nftables]", banner as Daemon),
        ("fail2ban-rs", fail2ban_rs),
        ("fail2ban", fail2ban),
    ] {
        File::create(&log)?;
        topology
            .server
            .inside(|| command("nft", "flush ruleset").status())??;
        let found = match daemon(lab, topology, &log, disk) {
            Ok(mut process) => {
                let found = watch(&mut process, topology, &log);
                found.with_context(|| name.to_owned())?
            }
            Err(error) => format!("NOT MEASURED: {error:#}"),
        };
        table.row([
            format!("{ATTACKERS} attackers at once into nftables: {name}"),
            found,
            "-".into(),
        ]);
    }
    Ok(())
}

/// Starts a daemon that is to follow a log, and waits until it does.
type Daemon = fn(&Lab, &Topology, &Path, &Path) -> Result<Process>;

fn watch(process: &mut Process, topology: &Topology, log: &Path) -> Result<String> {
    let mut text = String::new();
    lines_v4(&mut text, &stamp()?, FIRST, 0..ATTACKERS);
    let mut log = OpenOptions::new().append(true).open(log)?;
    let start = Instant::now();
    log.write_all(text.as_bytes())?;
    loop {
        let look = Instant::now();
        // Before the set: whoever has said so later than it is looked at may not be in it.
        let said = said(process)?;
        let asked = start.elapsed();
        let banned = in_set(topology)?;
        ensure!(
            process.ended()?.is_none(),
            "it has ended: {}",
            process.stderr()?
        );
        if banned >= ATTACKERS as usize || start.elapsed() > TIME {
            let rate = f64::from(u32::try_from(banned)?) / asked.as_secs_f64();
            let ahead = said.saturating_sub(banned);
            let ahead = match ahead {
                0 => "none said before it was in".into(),
                ahead => format!("{ahead} said to be banned and not in the set"),
            };
            return Ok(format!(
                "{rate:.0} bans/s: {banned} in {}; {ahead}",
                short(asked)
            ));
        }
        while look.elapsed() < LOOK {
            std::thread::park_timeout(LOOK);
        }
    }
}

/// How many it says that it has banned.
fn said(process: &Process) -> Result<usize> {
    let text = process.stdout()? + &process.stderr()?;
    let about = |line: &str| {
        let line = line.to_lowercase();
        line.contains(PREFIX) && (line.contains(" ban ") || line.contains("banned"))
    };
    Ok(text.lines().filter(|line| about(line)).count())
}

fn in_set(topology: &Topology) -> Result<usize> {
    let listed = (topology.server).inside(|| command("nft", "list ruleset").output())??;
    let listed = String::from_utf8_lossy(&listed.stdout);
    Ok(listed.matches(PREFIX).count())
}

fn command(program: &str, arguments: &str) -> Command {
    let mut command = Command::new(program);
    command.args(arguments.split(' '));
    command
}

fn banner(lab: &Lab, topology: &Topology, log: &Path, disk: &Path) -> Result<Process> {
    let config = format!(
        "enforce: [nftables]\n\
         jails: {{ sshd: {{ filter: sshd, logs: [{}], max_retry: 3, find_time: 1d, ban_time: 1d }} }}\n",
        log.display()
    );
    let mut seat = seat(lab, topology, &config)?;
    seat.state = disk.join("nftables");
    let mut process = seat.begin("run")?;
    process.wait_for_line("ready", PATIENCE, |line| line.contains(" ready after "))?;
    Ok(process)
}

/// With its own filter and action; its log goes to its standard output.
fn fail2ban(lab: &Lab, topology: &Topology, log: &Path, disk: &Path) -> Result<Process> {
    let package = env::var_os("BANNER_FAIL2BAN").map(PathBuf::from);
    let package = package.context("BANNER_FAIL2BAN names no unpacked package")?;
    let folder = lab.dir().join("fail2ban");
    fs::create_dir(&folder)?;
    for part in ["filter.d", "action.d"] {
        symlink(package.join("etc/fail2ban").join(part), folder.join(part))?;
    }
    let at = |name: &str| folder.join(name).display().to_string();
    let database = disk.join("fail2ban.sqlite3");
    fs::write(
        folder.join("fail2ban.conf"),
        format!(
            "[Definition]\nloglevel = INFO\nlogtarget = STDOUT\nsyslogsocket = auto\nsocket = {}\n\
             pidfile = {}\ndbfile = {}\ndbpurgeage = 1d\ndbmaxmatches = 10\nallowipv6 = auto\n",
            at("socket"),
            at("pid"),
            database.display()
        ),
    )?;
    fs::write(
        folder.join("jail.conf"),
        format!(
            "[sshd]\nenabled = true\nfilter = sshd\nbackend = polling\nlogpath = {}\nmaxretry = 3\n\
             findtime = 1d\nbantime = 1d\nusedns = no\nignoreself = false\n\
             action = nftables[type=allports, name=sshd]\n",
            log.display()
        ),
    )?;
    let mut command = Command::new("python3");
    command
        .arg(package.join("usr/bin/fail2ban-server"))
        .args(["-f", "-c"])
        .arg(&folder)
        .arg("start")
        .env("PYTHONPATH", package.join("usr/lib/python3/dist-packages"));
    let process = topology
        .server
        .inside(|| lab.spawn("fail2ban", &mut command))??;
    wait_until("fail2ban to be ready", PATIENCE, || {
        Ok((process.stdout()? + &process.stderr()?).contains("Jail 'sshd' started"))
    })?;
    Ok(process)
}

/// With the filter that its `gen-config sshd` gives for such lines.
fn fail2ban_rs(lab: &Lab, topology: &Topology, log: &Path, disk: &Path) -> Result<Process> {
    let program = env::var_os("BANNER_FAIL2BAN_RS").context("BANNER_FAIL2BAN_RS names nothing")?;
    let config = lab.dir().join("fail2ban-rs.toml");
    fs::write(
        &config,
        format!(
            "[global]\nstate_file = '{}'\nsocket_path = '{}'\n[jail.sshd]\nenabled = true\n\
             log_path = '{}'\ndate_format = 'syslog'\n\
             filter = ['sshd\\[\\d+\\]: Failed password for .* from <HOST> port \\d+']\n\
             port = ['22']\nprotocol = 'tcp'\nmax_retry = 3\nfind_time = '1d'\nban_time = '1d'\n\
             backend = 'nftables'\nignoreip = []\nignoreself = false\n",
            disk.join("fail2ban-rs.bin").display(),
            lab.dir().join("fail2ban-rs.sock").display(),
            log.display()
        ),
    )?;
    let mut command = Command::new(program);
    command.arg("--config").arg(&config).arg("run");
    let process = topology
        .server
        .inside(|| lab.spawn("fail2ban-rs", &mut command))??;
    wait_until("fail2ban-rs to be ready", PATIENCE, || {
        Ok((process.stdout()? + &process.stderr()?).contains("watcher started"))
    })?;
    Ok(process)
}
