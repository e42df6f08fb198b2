//! vsftpd, and a client of it.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    account::{self, Login, PASSWORD, USER},
    lab::Lab,
    netns::Namespace,
    process::Process,
    wait::{PATIENCE, wait_until},
};

/// Where Debian has vsftpd log.
const LOG: &str = "/var/log/vsftpd.log";

/// What asks for passwords of services that have no file of their own; the lab has its own copy.
const PAM: &str = "/etc/pam.d/other";

/// Starts it in `server`, on all addresses at `port`, and waits until it listens. One socket takes
/// both families, so clients that come over IPv4 stand in its log as IPv4-mapped IPv6.
pub fn start(lab: &Lab, server: &Namespace, port: u16) -> Result<Process> {
    let program = env::var_os("BANNER_VSFTPD").map_or("/usr/sbin/vsftpd".into(), PathBuf::from);
    ensure!(
        program.exists(),
        "no vsftpd at {}: `cargo xtask setup tests` unpacks it, $BANNER_VSFTPD says where it is",
        program.display()
    );
    account::add(lab, &[])?;
    let pam = lab.replace(PAM)?;
    fs::write(
        pam,
        "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
    )?;
    let empty = lab.dir().join("empty");
    fs::create_dir(&empty).with_context(|| format!("make {}", empty.display()))?;
    let config = lab.dir().join("vsftpd.conf");
    fs::write(
        &config,
        format!(
            "listen=NO\nlisten_ipv6=YES\nlisten_port={port}\nbackground=NO\n\
             anonymous_enable=NO\nlocal_enable=YES\npam_service_name=other\n\
             secure_chroot_dir={}\nisolate=NO\nisolate_network=NO\n\
             xferlog_enable=YES\nxferlog_std_format=NO\nvsftpd_log_file={LOG}\nuse_localtime=YES\n\
             delay_failed_login=0\ndelay_successful_login=0\n",
            empty.display()
        ),
    )?;
    let mut command = Command::new(&program);
    command.arg(&config);
    let mut process = server.inside(|| lab.spawn("vsftpd", &mut command))??;
    wait_until("vsftpd to listen", PATIENCE, || {
        if let Some(status) = process.ended()? {
            bail!(
                "vsftpd ended ({status}): {}{}",
                process.stdout()?,
                process.stderr()?
            );
        }
        server.listens(port)
    })?;
    Ok(process)
}

/// Logs in with the right password, or with a wrong one.
pub fn try_login(from: &Namespace, server: SocketAddr, right: bool) -> Result<Login> {
    let stream = from
        .inside(|| TcpStream::connect_timeout(&server, PATIENCE))?
        .with_context(|| format!("connect to vsftpd from {}", from.name()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut control = BufReader::new(stream);
    let mut answer = |command: Option<String>| -> Result<String> {
        if let Some(command) = command {
            // One write: vsftpd takes a line that comes in two segments for two.
            control
                .get_mut()
                .write_all(format!("{command}\r\n").as_bytes())?;
        }
        let mut line = String::new();
        control
            .read_line(&mut line)
            .context("read vsftpd's answer")?;
        Ok(line)
    };
    let greeting = answer(None)?;
    ensure!(greeting.starts_with("220"), "vsftpd greets: {greeting:?}");
    let asks = answer(Some(format!("USER {USER}")))?;
    ensure!(asks.starts_with("331"), "vsftpd to a user: {asks:?}");
    let password = if right { PASSWORD } else { "wrong" };
    let said = answer(Some(format!("PASS {password}")))?;
    match said.get(..3) {
        Some("230") => Ok(Login::Accepted),
        Some("530") => Ok(Login::Refused),
        _ => bail!("vsftpd to a password: {said:?}"),
    }
}
