//! OpenSSH's server on a configuration of its own, with an account that only the lab knows.

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    lab::Lab,
    netns::Namespace,
    process::Process,
    wait::{PATIENCE, wait_until},
};

/// The account that can log in.
pub const USER: &str = "tester";
/// Its password.
pub const PASSWORD: &str = "correct-horse-battery";

/// A uid that no package of a distribution takes; it owns nothing but its home.
const UID: u32 = 61_337;

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
        add_accounts(lab)?;
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

/// Adds the account, and the one that sshd drops its privileges to where the machine has none, to
/// copies of the account files that are bound over the machine's within the lab.
fn add_accounts(lab: &Lab) -> Result<()> {
    let passwd = lab.replace("/etc/passwd")?;
    let shadow = lab.replace("/etc/shadow")?;
    let home = lab.dir().join("home");
    fs::create_dir(&home).context("make the account's home")?;
    let mut accounts = format!("{USER}:x:{UID}:{UID}::{}:/bin/sh\n", home.display());
    if !fs::read_to_string(&passwd)?
        .lines()
        .any(|line| line.starts_with("sshd:"))
    {
        accounts += "sshd:x:61338:65534::/run/sshd:/usr/sbin/nologin\n";
    }
    append(&passwd, &accounts)?;
    let hash = Command::new("openssl")
        .args(["passwd", "-6", "-salt", "banner", PASSWORD])
        .output()
        .context("run openssl to hash the password")?;
    let hash = String::from_utf8(hash.stdout).context("a hash is ASCII")?;
    ensure!(hash.starts_with("$6$"), "openssl gave no hash");
    append(
        &shadow,
        &format!("{USER}:{}:20000:0:99999:7:::\n", hash.trim_end()),
    )
}

fn append(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("open {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("write {}", path.display()))
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
