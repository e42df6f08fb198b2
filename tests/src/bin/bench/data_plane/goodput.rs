//! What a flood leaves of a server for those who are welcome.

use std::{
    any::Any,
    fs,
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use banner_tests::{
    flood::Fate,
    lab::{self, Lab},
    process::Process,
    topology::Family,
    wait::{PATIENCE, wait_for, wait_until},
};

use super::{
    Pace, cpus,
    figures::{Spread, digits},
    generator::Order,
    paced::Paced,
    peers,
    receiver::{Bans, Way},
    requests::{self, Answers},
    scene::{Sender, Server},
};
use crate::table::{Table, short};

const FAMILY: Family = Family::V4;

/// Banned sources that flood.
const SOURCES: u32 = 10_000;

/// Floods in packets per second; `None` for no flood.
const FLOODS: [Option<u32>; 3] = [None, Some(1_000_000), Some(200_000)];

const IPERF_PORT: u16 = 5201;
const HTTP_PORT: u16 = 80;

/// A stream that has not come to its end after this time has stalled.
const STALLED: Duration = Duration::from_secs(10);

/// A way with the daemons behind it, and what it came to, flood by flood.
struct Stand {
    way: Way,
    server: Server,
    bans: Bans,
    held: Result<Box<dyn Any>, String>,
    nginx: Option<Process>,
    figures: [Figures; FLOODS.len()],
}

/// What was measured under one flood, round by round.
#[derive(Default)]
struct Figures {
    /// Packets per second that came.
    floods: Vec<f64>,
    /// Bits per second.
    goodputs: Vec<f64>,
    answers: Vec<Answers>,
}

pub(crate) fn measure(pace: Pace) -> Result<()> {
    lab::run(|lab| {
        // One queue, so that welcome packets and those of the flood wait in the same line.
        let sender = Sender::with_queues(1)?;
        let mut stands = Way::ALL
            .into_iter()
            // All the same here as the way that they are a variation of.
            .filter(|way| !matches!(way, Way::LastRuleLegacy | Way::LastRuleNft))
            .map(|way| stand(lab, &sender, way))
            .collect::<Result<Vec<_>>>()?;
        let floods = pace.pick(FLOODS.len(), 2);
        for _ in 0..pace.pick(3, 1) {
            for n in 0..floods {
                for stand in stands.iter_mut().filter(|stand| stand.held.is_ok()) {
                    stand
                        .round(lab, pace, &sender, n)
                        .with_context(|| stand.way.title())?;
                }
            }
        }
        print(&stands, &FLOODS[..floods]);
        Ok(())
    })
}

fn stand(lab: &Lab, sender: &Sender, way: Way) -> Result<Stand> {
    let server = sender.server(lab, way.id())?;
    // As on a wire, every packet comes by itself: veth would hand over 64 KiB in one piece, but not to
    // native XDP.
    let mut one_by_one = Command::new("ethtool");
    one_by_one.args(["-K", server.link(), "tso", "off", "gso", "off"]);
    // And as on a wire, a sender waits for a full queue rather than lose to it (Linux 6.16).
    let mut queue = Command::new("tc");
    queue.args(["qdisc", "add", "dev", server.link(), "root", "pfifo"]);
    sender.namespace.inside(|| {
        peers::run(lab, "ethtool", &mut one_by_one)?;
        peers::run(lab, "tc", &mut queue)
    })??;
    let bans = Bans {
        family: FAMILY,
        count: way.bans(SOURCES),
    };
    let held = if way.passes_others() {
        way.set_up(lab, &server, bans)?
    } else {
        Err("lets nobody in".to_owned())
    };
    let nginx = match peers::NGINX.path() {
        Some(_) if held.is_ok() => Some(nginx(lab, sender, &server)?),
        _ => None,
    };
    Ok(Stand {
        way,
        server,
        bans,
        held,
        nginx,
        figures: Default::default(),
    })
}

/// A command on the CPU that floods come in on: what they take, it lacks.
fn flooded(program: &Command) -> Result<Command> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &cpus::flooded()?.to_string()]);
    command.arg(program.get_program());
    command.args(program.get_args());
    Ok(command)
}

/// One process that answers `ok`, with nothing to log and nothing to look up.
fn nginx(lab: &Lab, sender: &Sender, server: &Server) -> Result<Process> {
    let dir = lab.dir().join(format!("nginx-{}", server.link()));
    fs::create_dir(&dir)?;
    let path = dir.join("nginx.conf");
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", dir.display()))
        .concat();
    fs::write(
        &path,
        format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log stderr;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\naccess_log off;\n{temporary}\
             server {{ listen {HTTP_PORT} backlog=1024; location / {{ return 200 ok; }} }}\n}}\n",
            dir.display()
        ),
    )?;
    let mut command = peers::NGINX.command()?;
    command.arg("-c").arg(&path).arg("-p").arg(&dir);
    command.args(["-e", "stderr"]);
    let mut command = flooded(&command)?;
    let mut process = server
        .namespace
        .inside(|| lab.spawn("nginx", &mut command))??;
    let address = SocketAddr::new(server.address(FAMILY), HTTP_PORT);
    wait_until("nginx to answer", PATIENCE, || {
        if let Some(status) = process.ended()? {
            anyhow::bail!("it ended ({status}): {}", process.stderr()?);
        }
        let attempt = || TcpStream::connect_timeout(&address, Duration::from_millis(100));
        Ok(sender.namespace.inside(attempt)?.is_ok())
    })?;
    Ok(process)
}

impl Stand {
    fn round(&mut self, lab: &Lab, pace: Pace, sender: &Sender, n: usize) -> Result<()> {
        let order = Order {
            family: FAMILY,
            first: 0,
            sources: self.bans.count,
            fate: Fate::Sent,
            cpu: cpus::flooded()?,
        };
        let flood = FLOODS[n]
            .map(|rate| Paced::start(lab, sender, &self.server, order, rate))
            .transpose()?;
        let client = cpus::usable()?[0];
        let goodput = match peers::IPERF3.path() {
            Some(_) => Some(iperf(lab, sender, &self.server, client)?),
            None => None,
        };
        let answers = match &self.nginx {
            Some(_) => {
                let address = SocketAddr::new(self.server.address(FAMILY), HTTP_PORT);
                let time = Duration::from_millis(pace.pick(500, 200));
                Some(requests::send(lab, sender, client, address, time)?)
            }
            None => None,
        };
        let figures = &mut self.figures[n];
        figures.goodputs.extend(goodput);
        figures.answers.extend(answers);
        if let Some(flood) = flood {
            figures.floods.push(flood.stop()?);
        }
        Ok(())
    }
}

/// Bits per second of one TCP stream that arrive within a second; 0 when it stalls.
fn iperf(lab: &Lab, sender: &Sender, server: &Server, client: usize) -> Result<f64> {
    let address = server.address(FAMILY).to_string();
    let port = IPERF_PORT.to_string();
    let mut listen = peers::IPERF3.command()?;
    listen.args(["--server", "--one-off", "--forceflush", "--port", &port]);
    let mut listen = flooded(&listen)?;
    let listening = server
        .namespace
        .inside(|| lab.spawn("iperf3-server", &mut listen))??;
    wait_until("iperf3 to listen", PATIENCE, || {
        Ok(listening.stdout()?.contains("listening"))
    })?;
    let mut send = Command::new("taskset");
    send.args(["--cpu-list", &client.to_string()])
        .arg(peers::IPERF3.path().context("iperf3 is here")?)
        .args(["--client", &address, "--port", &port, "--time", "1"])
        .args(["--format", "k"]);
    let mut sending = sender
        .namespace
        .inside(|| lab.spawn("iperf3-client", &mut send))??;
    let ended = wait_for("iperf3 to end", STALLED, || sending.ended());
    if ended.is_err() {
        return Ok(0.0);
    }
    let finished = sending.finish(PATIENCE)?;
    // [  5]   0.00-1.04   sec  1.02 GBytes  8400000 Kbits/sec                  receiver
    let kilobits = finished
        .stdout
        .lines()
        .find(|line| line.trim_end().ends_with("receiver"))
        .and_then(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let unit = words.iter().position(|&word| word == "Kbits/sec")?;
            words.get(unit.checked_sub(1)?)?.parse::<f64>().ok()
        });
    // It gives up by itself when the connection does.
    Ok(kilobits.unwrap_or(0.0) * 1e3)
}

fn print(stands: &[Stand], floods: &[Option<u32>]) {
    let mut table = Table::new([
        "flood received by",
        "flood came, kpps",
        "iperf3, Gbit/s",
        "of its own without a flood",
        "nginx p50",
        "p99",
        "failed",
    ]);
    for (n, rate) in floods.iter().enumerate() {
        let flood = match rate {
            None => "no flood".to_owned(),
            Some(rate) => format!("{} kpps", rate / 1_000),
        };
        table.row(["", "", "", "", "", "", ""].map(str::to_owned));
        for stand in stands {
            let title = format!("{flood}: {}", stand.way.title());
            let dash = || "-".to_owned();
            if let Err(reason) = &stand.held {
                let mut cells = [(); 7].map(|()| dash());
                [cells[0], cells[1]] = [title, reason.clone()];
                table.row(cells);
                continue;
            }
            let figures = &stand.figures[n];
            let spread = |figures: &[f64], unit: f64| {
                (!figures.is_empty())
                    .then(|| Spread::new(figures.iter().map(|figure| figure / unit).collect()))
            };
            let came = spread(&figures.floods, 1e3);
            let goodput = spread(&figures.goodputs, 1e9);
            let own = spread(&stand.figures[0].goodputs, 1e9);
            let kept = goodput.as_ref().zip(own).map(|(goodput, own)| {
                format!("{} %", digits(100.0 * goodput.median() / own.median()))
            });
            let percentile = |percent| {
                let times = figures
                    .answers
                    .iter()
                    .map(|answers| answers.percentile(percent).as_secs_f64());
                let times: Vec<_> = times.collect();
                (!times.is_empty())
                    .then(|| short(Duration::from_secs_f64(Spread::new(times).median())))
            };
            let failed: usize = figures.answers.iter().map(|answers| answers.failed).sum();
            let all: usize = figures
                .answers
                .iter()
                .map(|answers| answers.times.len())
                .sum();
            let missing = |peer: peers::Peer| peer.missing().unwrap_or_else(dash);
            table.row([
                title,
                came.map_or_else(dash, |came| came.to_string()),
                goodput.map_or_else(|| missing(peers::IPERF3), |goodput| goodput.to_string()),
                kept.unwrap_or_else(dash),
                percentile(50).unwrap_or_else(|| missing(peers::NGINX)),
                percentile(99).unwrap_or_else(dash),
                format!("{failed} of {all}"),
            ]);
        }
    }
    println!(
        "\n## Those who are welcome, {FAMILY:?}, during a flood from {SOURCES} banned sources\n\n{table}"
    );
}
