//! OpenSSH's client, as the attacker and the friend use it.

use std::{net::SocketAddr, process::Command};

use anyhow::{Result, bail};

use crate::{
    account::{Login, PASSWORD, USER},
    lab::Lab,
    netns::Namespace,
    process::Process,
    wait::{PATIENCE, wait_until},
};

/// Where and with whose account to log in.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// Holds the output.
    pub lab: &'a Lab,
    /// Where the client runs.
    pub from: &'a Namespace,
    /// Where sshd listens.
    pub server: SocketAddr,
}

impl Client<'_> {
    /// Logs in with the right password.
    pub fn log_in(&self) -> Result<Login> {
        self.try_password(USER, PASSWORD)
    }

    /// Logs in with a wrong password.
    pub fn fail(&self) -> Result<Login> {
        self.try_password(USER, "wrong")
    }

    /// Tries one password. Fails when sshd does not answer.
    pub fn try_password(&self, user: &str, password: &str) -> Result<Login> {
        let mut command = self.command(user, password, "true");
        let process = self.from.inside(|| self.lab.spawn("ssh", &mut command))??;
        let finished = process.finish(PATIENCE)?;
        if finished.status.success() {
            return Ok(Login::Accepted);
        }
        if finished.stderr.contains("Permission denied") {
            return Ok(Login::Refused);
        }
        bail!(
            "ssh from {}: {}: {}",
            self.from.name(),
            finished.status,
            finished.stderr
        );
    }

    /// Opens a session that echoes, and waits for its first echo.
    pub fn open_session(&self) -> Result<Session> {
        let mut command = self.command(USER, PASSWORD, "cat");
        let process = self
            .from
            .inside(|| self.lab.spawn_with_input("ssh-session", &mut command))??;
        let mut session = Session { process };
        session.say("hello")?;
        session.wait_to_hear("hello")?;
        Ok(session)
    }

    fn command(&self, user: &str, password: &str, remote: &str) -> Command {
        let mut command = Command::new("sshpass");
        command.args(["-p", password, "ssh", "-F", "/dev/null"]);
        for option in [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=/dev/null",
            "PreferredAuthentications=password",
            "NumberOfPasswordPrompts=1",
            "IdentityAgent=none",
            "LogLevel=ERROR",
            "ConnectTimeout=50",
        ] {
            command.args(["-o", option]);
        }
        let (address, port) = (self.server.ip().to_string(), self.server.port().to_string());
        command.args(["-p", &port, "-l", user, &address, remote]);
        command
    }
}

/// A logged-in connection that gives back what it is told.
#[derive(Debug)]
pub struct Session {
    process: Process,
}

impl Session {
    /// Sends a line.
    pub fn say(&mut self, line: &str) -> Result<()> {
        self.process.write(&format!("{line}\n"))
    }

    /// Whether `line` has come back.
    pub fn hears(&self, line: &str) -> Result<bool> {
        Ok(self.process.stdout()?.lines().any(|heard| heard == line))
    }

    /// Waits until `line` has come back.
    pub fn wait_to_hear(&mut self, line: &str) -> Result<()> {
        wait_until(&format!("{line:?} to come back"), PATIENCE, || {
            if let Some(status) = self.process.ended()? {
                bail!("the session ended ({status}): {}", self.process.stderr()?);
            }
            self.hears(line)
        })
    }
}
