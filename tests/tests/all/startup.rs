//! What an agent says when it cannot start, and what it leaves behind then: nothing.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};
use aya::programs::XdpMode;
use banner_common::CLOCK_PROGRAM;
use banner_tests::{
    agent::{Config, Event, Seat},
    bpf::Object,
    lab::{self, Lab},
    process::Finished,
    topology::{Family, Topology},
};

fn config(lab: &Lab) -> Config {
    Config {
        log: lab.dir().join("auth.log"),
        max_retry: 3,
        ban_time: "1h",
        observe: false,
        ignore: Vec::new(),
    }
}

/// It ended by itself, not by a signal or a panic, and said all of `wanted`.
fn assert_refused(finished: &Finished, wanted: &[&str]) {
    let Finished { status, stderr, .. } = finished;
    assert_eq!(status.code(), Some(1), "{stderr}");
    for part in wanted {
        assert!(stderr.contains(part), "no {part:?} in: {stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// Runs an agent on `interfaces` that has to refuse, saying all of `wanted`.
fn refused(interfaces: &[&'static str], wanted: &[&str]) -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let seat = Seat::new(lab, &topology.server, interfaces, &config(lab))?;
        assert_refused(&seat.run("run")?, wanted);
        assert_eq!(seat.pinned().names()?, [""; 0]);
        assert!(!topology.server.has_xdp("to-attacker")?);
        Ok(())
    })
}

#[test]
fn an_interface_that_is_not_there_is_named_beside_those_that_are() -> Result<()> {
    let wanted = ["nowhere0", "to-attacker", "to-friend", "lo"];
    refused(&["nowhere0"], &wanted)?;
    // Also when the others are right: a typing error must not leave half a host open.
    refused(&["to-attacker", "nowhere0"], &wanted)
}

#[test]
fn a_missing_capability_is_named() -> Result<()> {
    for (taken, wanted) in [
        ("-net_admin", &["CAP_NET_ADMIN"][..]),
        ("-bpf,-sys_admin", &["CAP_BPF"]),
        ("-all", &["CAP_BPF", "CAP_NET_ADMIN"]),
    ] {
        lab::run(|lab| {
            let topology = Topology::build()?;
            let seat = Seat::new(lab, &topology.server, &["to-attacker"], &config(lab))?;
            let agent = seat.command("run");
            let mut command = Command::new("setpriv");
            // Root gets by exec what the bounding set has.
            command.args(["--bounding-set", taken, "--inh-caps", "-all", "--"]);
            command.arg(agent.get_program()).args(agent.get_args());
            assert_refused(&seat.run_command(&mut command)?, wanted);
            assert!(!topology.server.has_xdp("to-attacker")?);
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn an_interface_with_another_program_is_refused_and_the_program_named() -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let mut object = Object::load()?;
        let attach = || object.attach_program(CLOCK_PROGRAM, "to-attacker", XdpMode::Driver);
        topology.server.inside(attach)??;
        // In any other mode the agent goes to tcx, where the kernel has it.
        let modes = "interfaces: [{name: to-attacker, mode: native}, {name: to-friend}]\n";
        let text = config(lab).text() + modes;
        let seat = Seat::with_text(lab, &topology.server, &["to-attacker"], &text)?;
        assert_refused(&seat.run("run")?, &["to-attacker", CLOCK_PROGRAM]);

        // Another interface is protected nevertheless, and the gap is told.
        let both = ["to-attacker", "to-friend"];
        let mut seat = Seat::with_text(lab, &topology.server, &both, &text)?;
        let agent = seat.start()?;
        assert!(
            agent
                .lines()?
                .iter()
                .any(|line| line.contains(CLOCK_PROGRAM))
        );
        assert!(topology.server.has_xdp("to-friend")?);
        assert!(
            seat.run("status")?.stdout.contains(CLOCK_PROGRAM),
            "status hides the gap"
        );

        // The other program is still there, and stays.
        assert!(agent.terminate()?.success());
        seat.interfaces.clear();
        seat.run("detach")?.succeeded()?;
        assert!(!topology.server.has_xdp("to-friend")?);
        assert!(topology.server.has_xdp("to-attacker")?);
        Ok(())
    })
}

#[test]
fn a_pin_folder_on_another_file_system_is_refused_with_advice() -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let elsewhere = lab.dir().join("pins");
        let seat = Seat::new(lab, &topology.server, &["to-attacker"], &config(lab))?
            .pinning_to(elsewhere.clone());
        let wanted = [
            elsewhere.to_str().expect("the path is ASCII"),
            "BPF file system",
        ];
        assert_refused(&seat.run("run")?, &wanted);
        assert!(!topology.server.has_xdp("to-attacker")?);
        Ok(())
    })
}

#[test]
fn a_second_agent_on_the_same_pins_is_refused() -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let seat = Seat::new(lab, &topology.server, &["to-attacker"], &config(lab))?;
        let agent = seat.start()?;
        assert_refused(&seat.run("run")?, &["in use by another banner agent"]);
        // The first one has not noticed.
        assert!(topology.server.has_xdp("to-attacker")?);
        assert!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn all_mistakes_in_the_configuration_are_told_at_once() -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let text = "enforce: [xdp]\n\
                    ignroe: [192.0.2.1]\n\
                    defaults: { ban_time: 1 fortnight }\n\
                    jails:\n  one:\n    filter: sshhd\n    logs: [/var/log/auth.log]\n    max_retry: 0\n";
        let seat = Seat::with_text(lab, &topology.server, &["to-attacker"], text)?;
        let wanted = [
            "banner.yaml:2",
            "ignore",
            "banner.yaml:3",
            "fortnight",
            "banner.yaml:6",
            "sshhd",
            "banner.yaml:8",
            "max_retry",
        ];
        assert_refused(&seat.run("run")?, &wanted);
        assert_refused(&seat.run("check")?, &wanted);
        assert!(!topology.server.has_xdp("to-attacker")?);
        Ok(())
    })
}

#[test]
fn a_log_that_cannot_be_read_is_named_and_read_when_it_can_be() -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let config = config(lab);
        // Root may read everything, but a folder is no log.
        fs::create_dir(&config.log)?;
        let seat = Seat::new(lab, &topology.server, &["to-attacker"], &config)?;
        let mut agent = seat.start()?;
        let path = config.log.to_str().context("the path is ASCII")?;
        let status = seat.run("status")?.succeeded()?.stdout;
        let problem = |line: &str| line.starts_with("PROBLEM") && line.contains(path);
        assert!(status.lines().any(problem), "{status}");

        fs::remove_dir(&config.log)?;
        let host = topology.attacker.address(Family::V4);
        let failure = format!("Failed password for root from {host} port 4242 ssh2\n");
        fs::write(&config.log, failure.repeat(3))?;
        agent.wait_for(Event::Ban, host)?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert!(!status.lines().any(problem), "{status}");
        Ok(())
    })
}
