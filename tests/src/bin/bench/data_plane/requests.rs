//! The process that asks a web server for one page after the other, and what it reports.

use std::{
    env,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use banner_tests::{lab::Lab, wait::PATIENCE};

use super::scene::Sender;
use crate::table::Samples;

/// The word that makes the bench this process.
pub(crate) const WORD: &str = "request";

/// A request without an answer after this time has failed.
const GIVEN_UP: Duration = Duration::from_secs(2);

/// How requests went.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// The time of each, from the first SYN to the end of the answer; failed ones too.
    pub(crate) times: Vec<Duration>,
    pub(crate) failed: usize,
}

impl Answers {
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        Samples::new(self.times.clone()).percentile(percent)
    }
}

/// Sends requests to `server` from one CPU for `time`, each over a connection of its own.
pub(crate) fn send(
    lab: &Lab,
    sender: &Sender,
    cpu: usize,
    server: SocketAddr,
    time: Duration,
) -> Result<Answers> {
    let mut command = Command::new("taskset");
    command
        .args(["--cpu-list", &cpu.to_string()])
        .arg(env::current_exe()?)
        .args([WORD, &server.to_string(), &time.as_millis().to_string()]);
    let process = sender
        .namespace
        .inside(|| lab.spawn(WORD, &mut command))??;
    let text = process.finish(PATIENCE)?.succeeded()?.stdout;
    let mut answers = Answers {
        times: Vec::new(),
        failed: 0,
    };
    for line in text.lines() {
        let (took, how) = line.split_once(' ').context("a time and how it went")?;
        answers
            .times
            .push(Duration::from_nanos(u64::from_str(took)?));
        answers.failed += usize::from(how != "answered");
    }
    ensure!(!answers.times.is_empty(), "no request was made");
    Ok(answers)
}

/// The process itself.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let &[server, milliseconds] = words else {
        bail!("a client is told two things, not {words:?}");
    };
    let server = server.parse()?;
    let time = Duration::from_millis(milliseconds.parse()?);
    let begin = Instant::now();
    let mut lines = Vec::new();
    while begin.elapsed() < time {
        let start = Instant::now();
        let how = match ask(server) {
            Ok(()) => "answered",
            Err(_) => "failed",
        };
        writeln!(lines, "{} {how}", start.elapsed().as_nanos())?;
    }
    io::stdout().write_all(&lines)?;
    Ok(())
}

fn ask(server: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&server, GIVEN_UP)?;
    stream.set_read_timeout(Some(GIVEN_UP))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    ensure!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "the server answered something else"
    );
    Ok(())
}
