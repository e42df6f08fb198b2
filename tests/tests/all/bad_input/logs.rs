//! Logs that cannot be read.

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::agent::Event;
use nix::{sys::stat::Mode, unistd::mkfifo};

use super::site::{MAX_RETRY, assert_has, assert_printable, failure, site, yaml};

/// What stands where a log should be, how the agent calls it, and whether time may help.
const OBSTACLES: [(&str, &str, bool); 4] = [
    ("folder", "a folder", false),
    ("pipe", "a named pipe", false),
    ("loop", "Too many levels of symbolic links", true),
    ("under-a-file/log", "Not a directory", true),
];

fn put(path: &Path, name: &str) -> Result<()> {
    let folder = path.parent().context("a log is in a folder")?;
    match name {
        "folder" => fs::create_dir(path)?,
        "pipe" => mkfifo(path, Mode::S_IRWXU)?,
        "loop" => symlink(path, path)?,
        "under-a-file/log" => fs::write(folder, "")?,
        _ => {}
    }
    Ok(())
}

fn take_away(path: &Path, name: &str) -> Result<()> {
    let folder = path.parent().context("a log is in a folder")?;
    match name {
        "folder" => fs::remove_dir(path)?,
        "missing" => {}
        "under-a-file/log" => {
            fs::remove_file(folder)?;
            fs::create_dir(folder)?;
        }
        _ => fs::remove_file(path)?,
    }
    Ok(())
}

#[test]
fn a_log_that_cannot_be_read_is_named_and_shown_and_read_when_it_can_be() -> Result<()> {
    site(|site| {
        let path = |name: &str| site.lab.dir().join("logs").join(name);
        fs::create_dir(path(""))?;
        let mut logs = vec![site.log.clone()];
        for (name, ..) in OBSTACLES {
            put(&path(name), name)?;
            logs.push(path(name));
        }
        // Waited for, which is no problem.
        logs.push(path("missing"));
        let logs: Vec<&Path> = logs.iter().map(PathBuf::as_path).collect();
        let seat = site.seat_with(&yaml(&logs, ""))?;
        let mut agent = seat.start()?;
        let missing = path("missing").display().to_string();
        agent.wait_to_say(&["INFO", &format!("{missing}: no such file yet")])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(status.contains("no such file yet"), "{status}");
        ensure!(!status.contains(&format!("PROBLEM  {missing}")), "{status}");
        for (name, why, passing) in OBSTACLES {
            let path = path(name).display().to_string();
            let said = agent.wait_to_say(&["WARN", &format!("{path}: not read: "), why])?;
            ensure!(said.contains("it is tried again") == passing, "{said}");
            let shown = status
                .lines()
                .find(|line| line.starts_with(&format!("PROBLEM  {path}: ")) && line.contains(why));
            ensure!(shown.is_some(), "no problem with {path} in:\n{status}");
            ensure!(status.contains("UNREADABLE"), "{status}");
        }
        // The others are read meanwhile.
        site.prove_alive(&mut agent)?;

        let names = OBSTACLES.into_iter().map(|(name, ..)| name);
        for (number, name) in (1..).zip(names.chain(["missing"])) {
            let path = path(name);
            take_away(&path, name)?;
            let host = IpAddr::from([198, 18, 0, number]);
            fs::write(&path, failure("root", host).repeat(MAX_RETRY))?;
            agent.wait_for(Event::Ban, host)?;
            agent.wait_to_say(&["INFO", &format!("{}: is read now", path.display())])?;
        }
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "{status}");
        let warnings = agent.lines()?.join("\n").matches("not read: ").count();
        ensure!(warnings == OBSTACLES.len(), "each is told once");
        Ok(())
    })
}

#[test]
fn the_name_of_a_log_neither_forges_a_line_nor_commands_a_terminal() -> Result<()> {
    const NAME: &str = "\u{1b}[2J\u{9b}2J\u{e}\r\n2026-11-20T10:00:00Z  INFO ban 203.0.113.200 \
                        jail=sshd failures=2 time=3600s\n\u{7f}";
    site(|site| {
        let dir = site.lab.dir().join("logs");
        fs::create_dir(&dir)?;
        mkfifo(&dir.join(format!("{NAME}.log")), Mode::S_IRWXU)?;
        let host = IpAddr::from([198, 18, 0, 1]);
        let pattern = dir.join("*.log");
        let seat = site.seat_with(&yaml(&[&site.log, &pattern], ""))?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["WARN", "203.0.113.200", "a named pipe"])?;
        // One that is read.
        let text = failure("root", host).repeat(MAX_RETRY);
        fs::write(dir.join(format!("{NAME}2.log")), text)?;
        agent.wait_for(Event::Ban, host)?;
        site.prove_alive(&mut agent)?;

        let said = agent.lines()?;
        let forged = |line: &String| line.contains("203.0.113.200") && !line.contains(" WARN ");
        ensure!(!said.iter().any(forged), "{said:#?}");
        let said = said.join("\n");
        let shown = ["status", "status --json", "check", "bans", "bans --json"];
        for text in shown.map(|subcommand| Ok(seat.run(subcommand)?.succeeded()?.stdout)) {
            let text: Result<String> = text;
            assert_printable(&text?)?;
        }
        assert_printable(&said)?;
        assert_has(&said, &["\\u{1b}[2J\\u{9b}2J\\u{e}\\r\\n2026"])
    })
}
