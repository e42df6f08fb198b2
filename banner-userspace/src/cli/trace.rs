//! `banner trace`.

use std::{io, process::ExitCode, time::Duration};

use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::sleep,
};

use super::{Places, ask, output::say, table::escaped};
use crate::{
    agent,
    config::BanTime,
    control::{Client, LONGEST_TRACE, TraceRequest, Tracing},
    enforce::xdp::{TraceLog, Traced},
};

/// Arguments.
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// Whose packets: an IPv4 or IPv6 address.
    #[arg(long, value_name = "ADDRESS")]
    address: std::net::IpAddr,
    /// For how long, at most 1h; Ctrl-C ends it sooner.
    #[arg(long, default_value = "1m", value_parser = BanTime::from_text)]
    time: BanTime,
    /// One JSON object per packet.
    #[arg(long)]
    json: bool,
}

pub(super) fn trace(places: &Places, trace: &Trace) -> anyhow::Result<ExitCode> {
    let time = trace.time.duration().unwrap_or(Duration::MAX);
    anyhow::ensure!(
        (1..=LONGEST_TRACE).contains(&time.as_secs()),
        "--time: packets are traced for 1s to 1h"
    );
    ask(
        async |agent| follow(&agent, time, trace).await,
        &places.socket,
    )?
}

async fn follow(agent: &Client, time: Duration, trace: &Trace) -> anyhow::Result<ExitCode> {
    let request = TraceRequest {
        address: trace.address,
        seconds: time.as_secs(),
    };
    let tracing = agent.trace(&request).await?;
    let shown = show(&tracing, time, trace).await;
    // Not left to its time: the agent may be asked for another one at once.
    agent.trace_no_more().await?;
    shown.map(|()| ExitCode::SUCCESS)
}

/// Writes a line for each packet, until the time has come or somebody has seen enough.
async fn show(tracing: &Tracing, time: Duration, trace: &Trace) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (sender, mut packets) = mpsc::channel(1024);
    for &program in &tracing.programs {
        tokio::spawn(hand_on(TraceLog::open(program)?, sender.clone()));
    }
    let count = tracing.programs.len();
    let plural = if count == 1 { "" } else { "s" };
    eprintln!("tracing {} on {count} interface{plural}", trace.address);
    let over = sleep(time);
    tokio::pin!(over);
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            () = &mut over => return Ok(()),
            Some(packet) = packets.recv() => line(&packet, tracing, trace),
        }
    }
}

/// Hands on what is logged, as long as somebody takes it.
async fn hand_on(mut log: TraceLog, packets: mpsc::Sender<Traced>) -> io::Result<()> {
    loop {
        for packet in log.read().await? {
            if packets.send(packet).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn line(packet: &Traced, tracing: &Tracing, trace: &Trace) {
    let Traced {
        reason,
        carries,
        bytes,
        interface,
    } = packet;
    let now = Timestamp::from_nanosecond(i128::from(agent::now().wall.0)).unwrap_or_default();
    let interface = tracing
        .interfaces
        .get(interface)
        .cloned()
        .unwrap_or_else(|| format!("#{interface}"));
    if trace.json {
        let packet = serde_json::json!({
            "time": now.to_string(),
            "interface": interface,
            "address": trace.address,
            "reason": reason.name(),
            "carries": carries,
            "bytes": bytes,
        });
        say!("{packet}");
    } else {
        say!(
            "{} {} {}: {} {carries}, {bytes} bytes",
            now.to_zoned(TimeZone::system()).strftime("%H:%M:%S%.3f"),
            escaped(&interface),
            trace.address,
            reason.name(),
        );
    }
}
