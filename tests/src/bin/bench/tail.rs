//! A log that grows by very many lines a second, and a whole agent that follows it.
//!
//! Its lines are those of a server under attack: a fifth are failures of 5 000 addresses, which are
//! counted and, with a high `max_retry`, not banned. Between them stand lines of another jail, one each
//! 10 ms, that ban an address at once. A ban in the kernel's map shows that all lines before it were
//! read and counted, and the time since its line was written is the latency of all that.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::Write as _,
    net::Ipv4Addr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use banner_common::Ban;
use banner_tests::{lab::Lab, pinned::Pinned, topology::Topology, wait::PATIENCE};

use super::{
    seat,
    table::{Samples, Table, short},
};

/// Lines a second; 0: as fast as they can be written.
const RATES: [u32; 4] = [100_000, 1_000_000, 2_000_000, 0];

/// For how long.
const TIME: Duration = Duration::from_secs(4);

/// Between two writes.
const TICK: Duration = Duration::from_millis(1);

/// There is a line that bans in every so many writes.
const MARKED: u32 = 10;

/// Lines of a write where no rate is wanted.
const MANY: usize = 2_000;

pub(crate) fn measure(lab: &Lab, topology: &Topology, table: &mut Table) -> Result<()> {
    for rate in RATES {
        let wanted = match rate {
            0 => "as fast as possible".into(),
            rate => format!("{rate} lines/s"),
        };
        let found = follow(lab, topology, None, rate)?;
        table.row([
            format!("log that grows by {wanted}"),
            found,
            "-".into(),
            "1 000 000 lines/s".into(),
        ]);
    }
    Ok(())
}

/// The latency of a ban while the log takes 200 000 lines a second, with the store in `state`.
pub(crate) fn under_load(
    lab: &Lab,
    topology: &Topology,
    state: &Path,
    table: &mut Table,
) -> Result<()> {
    table.row([
        "a ban while the log grows by 200 000 lines/s: write to ban".into(),
        follow(lab, topology, Some(state), 200_000)?,
        "p99 50 ms".into(),
    ]);
    Ok(())
}

/// What came of a log that grows by so many lines a second.
fn follow(lab: &Lab, topology: &Topology, state: Option<&Path>, rate: u32) -> Result<String> {
    let log = lab.log("tail.log");
    let file = File::create(&log)?;
    drop(file);
    let path = log.display();
    let config = format!(
        "jails:\n  sshd: {{ filter: sshd, logs: [{path}], max_retry: 1000 }}\n  \
         mark: {{ filter: {{ fail: ['^mark <HOST>$'] }}, logs: [{path}], max_retry: 1, ban_time: 1h }}\n"
    );
    let mut seat = seat(lab, topology, &config)?;
    if let Some(state) = state {
        state.clone_into(&mut seat.state);
    }
    let agent = seat.start()?;
    let mut marks = Marks::new(&seat.pinned())?;
    let log = OpenOptions::new().append(true).open(&log)?;
    let (lines, took) = write(log, rate, &mut marks)?;
    marks.wait_for_all()?;
    let Marks { samples, last, .. } = marks;
    let per_second = f64::from(lines) / (took + last).as_secs_f64();
    agent.terminate()?;
    seat.run("detach")?.succeeded()?;
    Ok(format!(
        "{per_second:.0} lines/s to the last ban, {} after the last write; {}",
        short(last),
        Samples::new(samples)
    ))
}

/// Writes for [`TIME`]; how many lines, and for how long it was.
fn write(mut log: File, rate: u32, marks: &mut Marks) -> Result<(u32, Duration)> {
    let per_write = match usize::try_from(rate / 1_000)? {
        0 => MANY,
        lines => lines,
    };
    let pieces = pieces(per_write)?;
    let start = Instant::now();
    let mut lines = 0;
    for number in 0_u32.. {
        let due = start + TICK * number;
        while rate > 0 && Instant::now() < due {
            marks.look()?;
        }
        if start.elapsed() >= TIME {
            break;
        }
        let piece = &pieces[number as usize % pieces.len()];
        log.write_all(piece)?;
        lines += u32::try_from(per_write)?;
        if number % MARKED == 0 {
            let address = marks.next();
            let line = format!("mark {address}\n");
            // Before the write, in which the agent may have its turn on this processor.
            marks.write(address);
            log.write_all(line.as_bytes())?;
            lines += 1;
        }
        marks.look()?;
    }
    Ok((lines, start.elapsed()))
}

/// Some different writes of so many lines, with the time of now.
fn pieces(lines: usize) -> Result<Vec<Vec<u8>>> {
    let date = Command::new("date").arg("+%b %e %H:%M:%S").output()?;
    let stamp = String::from_utf8(date.stdout)?;
    let stamp = stamp.trim_end();
    let mut n = 0_u32;
    let pieces = (0..16).map(|_| {
        let mut text = String::new();
        for _ in 0..lines {
            n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (pid, port, kind) = (n >> 17, n >> 16, n >> 12 & 0xffff);
            write!(text, "{stamp} server sshd[{pid}]: ")?;
            let [_, _, c, d] = ((n >> 5) % 5_000).to_be_bytes();
            match kind % 10 {
                0 => writeln!(text, "Invalid user admin from 45.0.{c}.{d} port {port}")?,
                1 => writeln!(
                    text,
                    "Failed password for root from 45.0.{c}.{d} port {port} ssh2"
                )?,
                2..=5 => writeln!(
                    text,
                    "Connection closed by 192.0.2.{d} port {port} [preauth]"
                )?,
                _ => writeln!(
                    text,
                    "pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)"
                )?,
            }
        }
        Ok(text.into_bytes())
    });
    pieces.collect()
}

/// The lines that ban, and when they did.
struct Marks {
    bans: aya::maps::HashMap<aya::maps::MapData, [u8; 4], [u8; Ban::SIZE]>,
    count: u32,
    /// Those not seen in the map yet.
    out: VecDeque<(Ipv4Addr, Instant)>,
    samples: Vec<Duration>,
    /// When all were seen, after the last was written.
    last: Duration,
}

impl Marks {
    fn new(pinned: &Pinned) -> Result<Self> {
        Ok(Self {
            bans: pinned.bans4()?,
            count: 0,
            out: VecDeque::new(),
            samples: Vec::new(),
            last: Duration::ZERO,
        })
    }

    /// An address that was not banned yet (RFC 2544).
    fn next(&mut self) -> Ipv4Addr {
        self.count += 1;
        let [_, _, c, d] = self.count.to_be_bytes();
        Ipv4Addr::new(198, 18, c, d)
    }

    fn write(&mut self, address: Ipv4Addr) {
        self.out.push_back((address, Instant::now()));
    }

    /// Takes those that are banned by now; they are in order.
    fn look(&mut self) -> Result<()> {
        while let Some((address, written)) = self.out.front() {
            match self.bans.get(&address.octets(), 0) {
                Ok(_) => {
                    self.last = written.elapsed();
                    self.samples.push(self.last);
                    self.out.pop_front();
                }
                Err(aya::maps::MapError::KeyNotFound) => break,
                Err(error) => return Err(error).context("look into the map of bans"),
            }
        }
        Ok(())
    }

    fn wait_for_all(&mut self) -> Result<()> {
        let start = Instant::now();
        while !self.out.is_empty() {
            self.look()?;
            ensure!(start.elapsed() < PATIENCE, "the agent does not catch up");
        }
        Ok(())
    }
}
