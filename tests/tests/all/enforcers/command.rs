//! Bans by programs of an administrator's.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use banner_tests::lab::{self, Lab};
use banner_userspace::{
    enforce::{CommandLines, Enforcer},
    model::{CommandLines as Options, PortsId, Until},
};

use super::{clear, now, set};

/// A program that writes down how it is called; it hangs or fails where the test says so.
fn program(lab: &Lab) -> Result<PathBuf> {
    let path = lab.dir().join("fw");
    let dir = lab.dir().display();
    fs::write(
        &path,
        format!(
            "#!/bin/sh\n[ -e {dir}/hang ] && sleep 1000\n[ -e {dir}/fail ] && exit 3\n\
             echo \"$@ net=$BANNER_NET seconds=$BANNER_SECONDS jail=$BANNER_JAIL\" >> {dir}/calls\n\
             [ \"$1\" = many ] && cat \"$2\" >> {dir}/calls\nexit 0\n"
        ),
    )?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

fn command(lab: &Lab) -> Result<CommandLines> {
    let path = program(lab)?.display().to_string();
    let words = |words: &[&str]| -> Vec<String> {
        std::iter::once(&*path)
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect()
    };
    let options = Options {
        name: "fw".into(),
        start: words(&["start"]),
        stop: words(&["stop"]),
        check: words(&["check"]),
        ban: words(&["ban", "%{net}", "x;%{jail}"]),
        unban: words(&["unban", "%{net}"]),
        ban_many: words(&["many", "%{file}"]),
        unban_many: Vec::new(),
        flush: words(&["flush"]),
        within: Duration::from_millis(500),
    };
    Ok(CommandLines::new(options, vec!["sshd".into()]))
}

fn calls(lab: &Lab) -> Vec<String> {
    let path = lab.dir().join("calls");
    let text = fs::read_to_string(&path).unwrap_or_default();
    let _ = fs::remove_file(&path);
    text.lines().map(str::to_owned).collect()
}

#[test]
fn commands_are_run_with_arguments_environment_and_lists() -> Result<()> {
    lab::run(|lab| {
        let mut command = command(lab)?;
        let apply = |command: &mut CommandLines, changes: &[_]| -> Result<()> {
            command
                .apply(changes, now()?)
                .map_err(|failed| anyhow!("{}", failed[0]))
        };
        command.open()?;
        let one: std::net::IpAddr = "192.0.2.7".parse()?;
        let two: ipnet::IpNet = "2001:db8::/64".parse()?;
        apply(&mut command, &[set(one, PortsId::ALL, Until::Forever)])?;
        apply(&mut command, &[clear(one, PortsId::ALL)])?;
        let empty = "net= seconds= jail=";
        ensure!(
            calls(lab)
                == [
                    format!("start {empty}"),
                    format!("check {empty}"),
                    "ban 192.0.2.7 x;sshd net=192.0.2.7 seconds=0 jail=sshd".into(),
                    "unban 192.0.2.7 net=192.0.2.7 seconds=0 jail=-".into(),
                ]
        );
        let bans = [
            set(one, PortsId::ALL, Until::Forever),
            set(two, PortsId::ALL, Until::Forever),
        ];
        apply(&mut command, &bans)?;
        let expected = [
            &*format!("many /dev/stdin {empty}"),
            "192.0.2.7 0 all sshd",
            "2001:db8::/64 0 all sshd",
        ];
        let found = calls(lab);
        ensure!(found == expected, "{found:?}");
        command.remove()?;
        let found = calls(lab);
        ensure!(
            found == [format!("flush {empty}"), format!("stop {empty}")],
            "{found:?}"
        );
        Ok(())
    })
}

#[test]
fn one_that_hangs_is_killed_and_the_others_are_not_waited_for() -> Result<()> {
    lab::run(|lab| {
        let mut command = command(lab)?;
        command.open()?;
        fs::write(lab.dir().join("hang"), "")?;
        let hosts: Vec<std::net::IpAddr> = (1..=50).map(|n| [192, 0, 2, n].into()).collect();
        let begin = Instant::now();
        for changes in hosts.chunks(1).take(1).chain([&hosts[..]]) {
            let changes: Vec<_> = changes
                .iter()
                .map(|host| set(*host, PortsId::ALL, Until::Forever))
                .collect();
            let failed = command.apply(&changes, now()?).err().context("it hangs")?;
            ensure!(failed.len() == changes.len(), "{}", failed.len());
            ensure!(
                failed[0]
                    .why
                    .contains("killed, because it did not end within 500 ms"),
                "{}",
                failed[0]
            );
        }
        ensure!(
            begin.elapsed() < Duration::from_secs(20),
            "{:?}",
            begin.elapsed()
        );
        fs::remove_file(lab.dir().join("hang"))?;
        fs::write(lab.dir().join("fail"), "")?;
        ensure!(command.inquire()()?.broken.is_some());
        ensure!(command.open().is_err());
        fs::remove_file(lab.dir().join("fail"))?;
        command.open()?;
        Ok(())
    })
}
