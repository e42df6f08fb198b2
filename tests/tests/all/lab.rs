//! The labs keep what they promise: nothing gets in, out, or left behind.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use banner_tests::{
    lab,
    sniffer::Knocker,
    topology::{Family, Topology},
    wait::{PATIENCE, wait_until},
};

#[test]
fn two_labs_at_once_use_the_same_names_and_do_not_meet() -> Result<()> {
    let built = AtomicU32::new(0);
    let looked = AtomicU32::new(0);
    // Neither goes on before the other has come as far, so both live at the same time.
    let meet = |arrived: &AtomicU32| {
        arrived.fetch_add(1, Ordering::SeqCst);
        wait_until("the other lab", PATIENCE, || {
            Ok(arrived.load(Ordering::SeqCst) == 2)
        })
    };
    let one = |mark: &str| {
        lab::run(|lab| {
            let _topology = Topology::build()?;
            fs::write(lab.dir().join(mark), "")?;
            meet(&built)?;
            let mut names = Vec::new();
            for dir in [lab.dir(), Path::new("/run/netns")] {
                for entry in fs::read_dir(dir)? {
                    names.push(entry?.file_name().into_string().unwrap_or_default());
                }
            }
            meet(&looked)?;
            names.sort();
            Ok(names)
        })
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| one("second"));
        let first = one("first")?;
        let second = other.join().expect("the thread does not panic")?;
        assert_eq!(first, ["attacker", "first", "friend", "log", "server"]);
        assert_eq!(second, ["attacker", "friend", "log", "second", "server"]);
        Ok(())
    })
}

#[test]
fn the_machine_sees_nothing_of_a_lab() -> Result<()> {
    let before = fs::read_to_string("/proc/self/mountinfo")?;
    lab::run(|_lab| {
        let _topology = Topology::build()?;
        Ok(())
    })?;
    let after = fs::read_to_string("/proc/self/mountinfo")?;
    for line in after.lines().filter(|line| !before.contains(line)) {
        ensure!(
            !line.contains("/run/netns") && !line.contains(" lab "),
            "left behind: {line}"
        );
    }
    Ok(())
}

#[test]
fn what_a_process_of_the_lab_started_dies_with_the_lab() -> Result<()> {
    // The grandchild is an orphan in a session of its own: only the PID namespace holds it.
    let mark = format!("{}", 86_400 + std::process::id() % 1000);
    lab::run(|lab| {
        let mut command = Command::new("setsid");
        command.args(["--fork", "sleep", &mark]);
        lab.run("orphan", &mut command)?.succeeded()?;
        wait_until("the orphan to run", PATIENCE, || runs(&mark))
    })?;
    ensure!(!runs(&mark)?, "sleep {mark} outlived its lab");
    Ok(())
}

fn runs(argument: &str) -> Result<bool> {
    let wanted = format!("sleep\0{argument}\0");
    for entry in fs::read_dir("/proc")? {
        // Processes may vanish while they are looked at.
        let command = fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        if command == wanted.as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[test]
fn a_failure_in_a_lab_is_a_failure_of_the_test() {
    let outcome = lab::run(|_lab| -> Result<()> { bail!("as it should") });
    assert_eq!(
        outcome.expect_err("the test failed").to_string(),
        "as it should"
    );
}

#[test]
fn a_closed_port_is_not_taken_for_silence() -> Result<()> {
    lab::run(|_lab| {
        let topology = Topology::build()?;
        for family in [Family::V4, Family::V6] {
            for peer in [&topology.attacker, &topology.friend] {
                let mut knocker = Knocker::new(peer.namespace(), peer.server(family, 9))?;
                let begin = Instant::now();
                let refused = knocker.connects(Duration::from_secs(20));
                let error = refused.err().context("nobody listens there")?;
                ensure!(format!("{error:#}").contains("refused"), "{error:#}");
                ensure!(
                    begin.elapsed() < Duration::from_secs(20),
                    "refused too late"
                );
                ensure!((knocker.sent, knocker.answered) == (1, 0), "{knocker:?}");
            }
        }
        Ok(())
    })
}
