//! OpenSSH's server on a configuration of its own.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    account,
    lab::Lab,
    netns::Namespace,
    process::Process,
    wait::{PATIENCE, wait_until},
};

/// A running sshd. It logs to a file, each line bare of time and host, and ended by CR LF.
#[derive(Debug)]
pub struct Sshd {
    log: PathBuf,
    // Killed when this is dropped, and its sessions with the lab.
    _process: Process,
}

impl Sshd {
    /// Starts it in `server` on all addresses at `port`, and waits until it listens.
    pub fn start(lab: &Lab, server: &Namespace, port: u16) -> Result<Self> {
        let program = env::var_os("BANNER_SSHD").map_or("/usr/sbin/sshd".into(), PathBuf::from);
        ensure!(
            program.exists(),
            "no sshd at {}: `cargo xtask setup` installs it, $BANNER_SSHD says where else it is",
            program.display()
        );
        // The second is what sshd drops its privileges to.
        account::add(lab, &[("sshd", "/run/sshd")])?;
        let config = configure(lab, &program, port)?;
        let log = lab.log("sshd.log");
        let mut command = Command::new(&program);
        command.arg("-D").arg("-f").arg(&config).arg("-E").arg(&log);
        let mut process = server.inside(|| lab.spawn("sshd", &mut command))??;
        wait_until("sshd to listen", PATIENCE, || {
            ensure!(
                process.ended()?.is_none(),
                "sshd ended: {}",
                process.stderr()?
            );
            let said = read(&log)?;
            Ok(["0.0.0.0", "::"]
                .iter()
                .all(|address| said.contains(&format!("listening on {address} port {port}."))))
        })?;
        Ok(Self {
            log,
            _process: process,
        })
    }

    /// The file that it logs to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it has logged so far.
    pub fn logged(&self) -> Result<String> {
        read(&self.log)
    }
}

fn read(log: &Path) -> Result<String> {
    match fs::read(log) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).with_context(|| format!("read {}", log.display())),
    }
}

/// Writes the configuration and the host key.
fn configure(lab: &Lab, program: &Path, port: u16) -> Result<PathBuf> {
    fs::DirBuilder::new()
        .mode(0o755)
        .create("/run/sshd")
        .context("make /run/sshd")?;
    let key = lab.dir().join("host_key");
    let mut generate = Command::new("ssh-keygen");
    generate
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key);
    lab.run("ssh-keygen", &mut generate)?.succeeded()?;

    let config = lab.dir().join("sshd_config");
    let options = format!(
        "Port {port}\n\
         ListenAddress 0.0.0.0\n\
         ListenAddress ::\n\
         HostKey {}\n\
         PidFile none\n\
         UsePAM no\n\
         KbdInteractiveAuthentication no\n\
         MaxStartups 1000:100:1000\n\
         StrictModes no\n\
         UseDNS no\n",
        key.display()
    );
    // OpenSSH 9.8 punishes failing peers by itself, which would hide whether the ban does.
    for penalties in ["PerSourcePenalties no\n", ""] {
        fs::write(&config, format!("{options}{penalties}"))
            .context("write sshd's configuration")?;
        let mut check = Command::new(program);
        check.arg("-t").arg("-f").arg(&config);
        let checked = lab.run("sshd-check", &mut check)?;
        if checked.status.success() {
            return Ok(config);
        }
        ensure!(
            !penalties.is_empty(),
            "sshd refuses its configuration: {}",
            checked.stderr
        );
    }
    unreachable!("the last round returns or fails")
}
