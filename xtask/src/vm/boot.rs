//! One start of a virtual machine, from power-on to power-off.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::report::Report;
use crate::command;

/// How long a machine may take. An emulated processor is ten times slower than a real one.
const LIMIT: Duration = Duration::from_mins(20);

/// How many lines of the kernel's messages are shown when something went wrong.
const SHOWN_LINES: usize = 60;

/// The two network cards are on one cable. The tests know them by their addresses
/// (tests/tests/vm/cards.rs).
const CARDS: [&str; 2] = ["02:00:00:00:0a:01", "02:00:00:00:0a:02"];

/// What a start needs.
pub(super) struct Start<'a> {
    /// Stands before each line of the report on the terminal, as several machines may run.
    pub(super) name: &'a str,
    pub(super) kernel: &'a Path,
    pub(super) initramfs: &'a Path,
    /// Where the kernel's messages go.
    pub(super) console: &'a Path,
}

/// What came of it.
pub(super) struct Ended {
    pub(super) report: Report,
    /// From power-on to the first process.
    pub(super) boot: Duration,
    /// From power-on to power-off.
    pub(super) total: Duration,
}

impl Start<'_> {
    /// Runs the machine to its end, its report on the terminal.
    pub(super) fn run(&self) -> Result<Ended> {
        let mut qemu = self.qemu();
        eprintln!("+ {}", command::line(&qemu));
        let begin = Instant::now();
        let mut child = qemu
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting qemu-system-x86_64")?;
        let outcome = watch(self.name, &mut child, begin);
        if outcome.is_err() {
            // Fails only when it has ended by itself.
            let _gone = child.kill();
        }
        let status = child.wait().context("waiting for qemu")?;
        let (report, boot) = outcome?;
        ensure!(status.success(), "qemu ended with {status}");
        Ok(Ended {
            report,
            boot,
            total: begin.elapsed(),
        })
    }

    fn qemu(&self) -> Command {
        // So that no machine outlives this program, however it ends.
        let mut qemu = Command::new("setpriv");
        qemu.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
        // One thread for both processors: with a thread each, qemu 7.2 lets a processor go on with
        // code that the other has just patched, and Linux 5.10, which patches the call of XDP
        // programs whenever one is loaded, hangs in `bpf_dispatcher_xdp_func`.
        qemu.args(["-accel", "tcg,thread=single", "-cpu", "max"]);
        qemu.args(["-smp", "2", "-m", "2048"]);
        qemu.args(["-nodefaults", "-display", "none", "-no-reboot"]);
        qemu.arg("-kernel").arg(self.kernel);
        qemu.arg("-initrd").arg(self.initramfs);
        // A panic is a restart, which is an end.
        qemu.args(["-append", "console=ttyS0 panic=-1"]);
        qemu.arg("-serial")
            .arg(format!("file:{}", self.console.display()));
        qemu.args(["-serial", "stdio"]);
        for (number, address) in CARDS.iter().enumerate() {
            qemu.args(["-netdev", &format!("hubport,hubid=0,id=card{number}")]);
            let device = format!("virtio-net-pci,netdev=card{number},mac={address},romfile=");
            qemu.args(["-device", &device]);
        }
        qemu
    }

    /// The last of what the kernel said.
    pub(super) fn last_messages(&self) -> String {
        let bytes = fs::read(self.console).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }
}

/// Reads the report to its end, and when the first process spoke.
fn watch(name: &str, child: &mut Child, begin: Instant) -> Result<(Report, Duration)> {
    let output = child.stdout.take().context("no pipe to read from")?;
    let (sender, lines) = mpsc::channel();
    // Ends with the machine, which closes the pipe.
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n') {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let mut report = Report::default();
    let mut boot = None;
    loop {
        let line = match lines.recv_timeout(LIMIT.saturating_sub(begin.elapsed())) {
            Ok(line) => line.context("reading the report")?,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                bail!("the machine has not ended after {} s", LIMIT.as_secs())
            }
        };
        boot.get_or_insert_with(|| begin.elapsed());
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        writeln!(stdout(), "{name}: {line}").context("passing on the report")?;
        report.read(line);
    }
    Ok((report, boot.unwrap_or_default()))
}
