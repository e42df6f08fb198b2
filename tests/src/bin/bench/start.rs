//! From exec to attached and reading.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use banner_tests::{lab::Lab, topology::Topology};

use super::{
    seat,
    table::{Samples, Table},
};

const STARTS: usize = 20;

pub(crate) fn measure(lab: &Lab, topology: &Topology, table: &mut Table) -> Result<()> {
    let log = lab.log("bench.log");
    std::fs::File::create(&log)?;
    let config = format!(
        "jails: {{ sshd: {{ filter: sshd, logs: [{}] }} }}\n",
        log.display()
    );
    let seat = seat(lab, topology, &config)?;
    let interface = topology.attacker.server_interface();
    let (mut fresh, mut again, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut bare = Command::new(env::current_exe()?);
        bare.args(["floor-start", interface]);
        floor.push(until_ready(topology, &mut bare)?);
        fresh.push(until_ready(topology, &mut seat.command("run"))?);
        again.push(until_ready(topology, &mut seat.command("run"))?);
        seat.run("detach")?.succeeded()?;
    }
    let floor = Samples::new(floor);
    for (what, samples) in [("start, first", fresh), ("start, over pinned maps", again)] {
        let samples = Samples::new(samples);
        let ratio = samples.percentile(50).as_secs_f64() / floor.percentile(50).as_secs_f64();
        table.row([
            format!("{what}: exec to reading"),
            format!("{samples}, {ratio:.2} × the floor"),
            floor.to_string(),
            "100 ms".into(),
        ]);
    }
    Ok(())
}

/// How long it takes until a process says that it is ready; it is killed then.
fn until_ready(topology: &Topology, command: &mut Command) -> Result<Duration> {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = topology.server.inside(|| command.spawn())??;
    let stderr = child.stderr.take().context("no pipe")?;
    let mut said = String::new();
    for line in BufReader::new(stderr).lines() {
        let line = line?;
        if line.split_whitespace().any(|word| word == "ready") {
            let took = start.elapsed();
            child.kill()?;
            child.wait()?;
            return Ok(took);
        }
        said.push_str(&line);
    }
    child.wait()?;
    bail!("it was never ready: {said}")
}
