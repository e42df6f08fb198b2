//! The systemd journal: journalctl reads what `systemd-journal-remote` writes.

use std::{fs, net::IpAddr, path::PathBuf, process::Command};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Event,
    journal::{Entry, Writer},
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::scene::{MAX_RETRY, Scene, failure, scene};

/// A jail that reads a folder of journals by what its filter says.
fn logs(dir: &str) -> String {
    format!("{{ journal: {{ directory: {dir}/journal }} }}")
}

fn writer(scene: &Scene<'_>) -> Result<Writer> {
    let folder = scene.lab.dir().join("journal");
    fs::create_dir_all(&folder)?;
    Writer::new(folder.join("test.journal"))
}

fn sshd(message: &str) -> Entry<'_> {
    Entry {
        program: "sshd",
        unit: Some("ssh.service"),
        message: message.as_bytes(),
    }
}

fn failures(host: IpAddr, count: usize) -> Vec<String> {
    vec![failure(host); count]
}

fn write(writer: &Writer, messages: &[String]) -> Result<()> {
    let entries: Vec<_> = messages.iter().map(|message| sshd(message)).collect();
    writer.write(&entries)
}

#[test]
fn entries_of_sshd_and_of_nobody_else() -> Result<()> {
    scene(logs, |scene| {
        let writer = writer(scene)?;
        let [v4, v6] = [Family::V4, Family::V6].map(|family| scene.attacker(family));
        // Before the agent begins.
        write(&writer, &failures(v4, MAX_RETRY))?;
        let mut agent = scene.seat.start()?;
        let other = failure(v6);
        let other = Entry {
            program: "logger",
            unit: None,
            message: other.as_bytes(),
        };
        writer.write(&[other, other, other])?;
        scene.bans_by(&mut agent, |messages| write(&writer, messages))?;
        let status = scene.status_of("journal in ")?;
        ensure!(status.contains(" 6 lines, "), "{status}");
        Ok(())
    })
}

#[test]
fn a_message_of_bytes_and_one_of_two_lines() -> Result<()> {
    scene(logs, |scene| {
        let writer = writer(scene)?;
        writer.write(&[sshd("begin")])?;
        let mut agent = scene.seat.start()?;
        let [v4, v6] = [Family::V4, Family::V6].map(|family| scene.attacker(family));
        // Who can write a line break cannot write a line.
        let forged = format!("Invalid user x\n{}", failure(v6));
        let bytes = [
            b"Failed password for \xff\x01 from ".as_slice(),
            v4.to_string().as_bytes(),
            b" port 1 ssh2",
        ]
        .concat();
        for _ in 0..MAX_RETRY {
            let bytes = Entry {
                message: &bytes,
                ..sshd("")
            };
            writer.write(&[sshd(&forged), bytes])?;
        }
        agent.wait_for(Event::Ban, v4)?;
        ensure!(!agent.has_reported(Event::Ban, v6)?, "a line was forged");
        Ok(())
    })
}

#[test]
fn journalctl_dies_and_nothing_is_lost_or_read_twice() -> Result<()> {
    scene(logs, |scene| {
        let writer = writer(scene)?;
        writer.write(&[sshd("begin")])?;
        let mut agent = scene.seat.start()?;
        let host = scene.attacker(Family::V4);
        write(&writer, &failures(host, 1))?;
        let mut child = String::new();
        wait_until("the entry to be read", PATIENCE, || {
            let status = scene.status_of("journal in ")?;
            let id = status.rsplit_once("journalctl is process ");
            child = id.map_or_else(String::new, |(_, id)| id.trim().to_owned());
            Ok(!child.is_empty() && status.contains(" 1 lines, "))
        })?;
        // There, where that is its number.
        let mut kill = Command::new("kill");
        scene
            .seat
            .run_command(kill.args(["-KILL", &child]))?
            .succeeded()?;
        agent.wait_to_say(&["journal in ", "not read: journalctl ended (signal: 9"])?;
        write(&writer, &failures(host, 1))?;
        wait_until("the next entry to be read", PATIENCE, || {
            Ok(scene.status_of("journal in ")?.contains(" 2 lines, "))
        })?;
        ensure!(
            !agent.has_reported(Event::Ban, host)?,
            "an entry was read twice"
        );
        write(&writer, &failures(host, 1))?;
        agent.wait_for(Event::Ban, host)
    })
}

#[test]
fn what_comes_while_no_agent_runs_is_read_by_the_next() -> Result<()> {
    scene(logs, |scene| {
        let writer = writer(scene)?;
        let host = scene.attacker(Family::V6);
        let agent = scene.seat.start()?;
        writer.write(&[sshd("begin")])?;
        wait_until("the entry to be read", PATIENCE, || {
            Ok(scene.status_of("journal in ")?.contains(" 1 lines, "))
        })?;
        ensure!(agent.terminate()?.success());
        write(&writer, &failures(host, MAX_RETRY))?;
        let mut agent = scene.seat.start()?;
        agent.wait_for(Event::Ban, host)?;
        let status = scene.status_of("journal in ")?;
        ensure!(
            status.contains(&format!(" {MAX_RETRY} lines, ")),
            "{status}"
        );
        Ok(())
    })
}

#[test]
fn without_journalctl_it_is_said_and_the_files_are_read() -> Result<()> {
    let logs = |dir: &str| format!("journal, {dir}/auth.log");
    scene(logs, |scene| {
        let log: PathBuf = scene.lab.dir().join("auth.log");
        fs::write(&log, "")?;
        scene.seat.through = vec!["env".into(), "PATH=/nowhere".into()];
        let mut agent = scene.seat.start()?;
        agent.wait_to_say(&["journal: not read: cannot start journalctl"])?;
        scene.seat.through.clear();
        scene.bans_by(&mut agent, |messages| {
            let before = fs::read_to_string(&log)?;
            Ok(fs::write(&log, before + &messages.join("\n") + "\n")?)
        })
    })
}

#[test]
fn check_says_what_is_read() -> Result<()> {
    scene(
        |_| "journal".into(),
        |scene| {
            let said = scene.seat.run("check")?.succeeded()?.stdout;
            ensure!(
                said.contains("journal: _SYSTEMD_UNIT=ssh.service + "),
                "{said}"
            );
            // What journalctl takes, too.
            let journalctl = Command::new("journalctl").arg("--version").output()?;
            ensure!(journalctl.status.success());
            Ok(())
        },
    )
}
