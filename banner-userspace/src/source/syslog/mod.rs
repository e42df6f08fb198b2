//! Syslog over UDP, TCP and Unix sockets.
//!
//! Who sends over a connection waits when nobody reads; so does who sends datagrams to a Unix socket. UDP
//! knows no waiting: what the kernel had no room for is counted.

pub mod frame;
mod listen;
pub mod message;
mod out;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSliceMut, Read as _};
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use ipnet::IpNet;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

use self::frame::Frames;
use self::listen::Door;
use self::out::Out;
use super::state::Problem;
use super::stream::{Poller, Stream, StreamState, Turn};
use crate::model::{Chunk, Listen, Log, LogId, Mono, Now, SyslogLog, Wall};

/// Connections at one address; one more is refused, unless one of them has been silent for long.
const CONNECTIONS: usize = 256;

/// For so long, where another one wants in. Where none does, a sender may have nothing to say for days.
const SILENT: Duration = Duration::from_mins(1);

/// The largest datagram, in bytes.
const DATAGRAM: usize = 64 * 1024;

/// What is read from one connection before the next has its turn, in bytes.
const SLICE: usize = 16 * 1024;

/// What may stand before the text of a message, in bytes.
const HEADER: usize = 2048;

/// One address at which messages are taken.
#[derive(Debug)]
pub(super) struct Syslog {
    listen: Listen,
    /// The entries of the configuration, and from whom each takes messages; none: from all.
    wants: Vec<(LogId, Vec<IpNet>)>,
    poller: Poller,
    number: u32,
    door: Option<Door>,
    /// Somebody may be at the door.
    knocked: bool,
    /// By their tokens; that of the door is 0.
    connections: BTreeMap<u32, Connection>,
    last_token: u32,
    /// Whose turn was last.
    turn: u32,
    limit: usize,
    buffer: Vec<u8>,
    out: Out,
    problem: Option<Problem>,
}

#[derive(Debug)]
struct Connection {
    stream: File,
    frames: Frames,
    logs: Vec<LogId>,
    ready: bool,
    /// When it last said something.
    heard: Mono,
}

impl Syslog {
    /// The stream of this number. Lines of more than `limit` bytes are cut.
    pub(super) fn new(
        id: LogId,
        log: &SyslogLog,
        poller: Poller,
        number: u32,
        limit: usize,
    ) -> Self {
        Self {
            listen: log.listen.clone(),
            wants: vec![(id, log.from.clone())],
            poller,
            number,
            door: None,
            knocked: false,
            connections: BTreeMap::new(),
            last_token: 0,
            turn: 0,
            limit,
            buffer: vec![0; DATAGRAM],
            out: Out::default(),
            problem: None,
        }
    }

    fn open(&mut self, now: Mono) {
        let opened = Door::open(&self.listen).and_then(|door| {
            self.poller.add(&door, self.number, 0)?;
            Ok(door)
        });
        match opened {
            Ok(door) => {
                self.door = Some(door);
                self.knocked = true;
                self.problem = None;
            }
            Err(error) => {
                let error = format!("cannot listen: {error}");
                match &mut self.problem {
                    Some(problem) => problem.error = error,
                    None => self.problem = Some(Problem::passing(error, now)),
                }
            }
        }
    }

    /// The entries that take messages from somebody; over a Unix socket that is nobody.
    fn logs_of(&self, sender: Option<IpAddr>) -> Vec<LogId> {
        let takes = |from: &[IpNet]| {
            from.is_empty()
                || sender.is_none_or(|sender| from.iter().any(|net| net.contains(&sender)))
        };
        let wants = self.wants.iter().filter(|(_, from)| takes(from));
        wants.map(|(id, _)| *id).collect()
    }

    fn datagrams(&mut self, now: Wall, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> usize {
        let mut used = 0;
        while used < budget {
            let Some(Door::Datagrams(socket)) = &self.door else {
                break;
            };
            let mut space = nix::cmsg_space!(u32);
            let mut room = [IoSliceMut::new(&mut self.buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let got =
                recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut room, Some(&mut space), flags);
            let (length, cut, sender) = match got {
                Ok(got) => {
                    for control in got.cmsgs().into_iter().flatten() {
                        if let ControlMessageOwned::RxqOvfl(lost) = control {
                            self.out.tally.lost = u64::from(lost);
                        }
                    }
                    let cut = got.flags.contains(MsgFlags::MSG_TRUNC);
                    (got.bytes, cut, got.address.as_ref().and_then(address))
                }
                Err(Errno::EINTR) => continue,
                Err(_) => {
                    self.knocked = false;
                    break;
                }
            };
            // Also an empty one is work.
            used += length.max(64);
            self.out.tally.bytes += length as u64;
            let logs = self.logs_of(sender);
            if logs.is_empty() {
                self.out.tally.refused += 1;
            } else {
                self.out
                    .take(&self.buffer[..length], cut, &logs, now, self.limit, sink);
            }
        }
        used
    }

    fn accept(&mut self, now: Mono) {
        while self.knocked {
            let Some(door) = &self.door else { return };
            let (socket, sender) = match door.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    self.knocked = false;
                    return;
                }
            };
            let logs = self.logs_of(sender);
            if logs.is_empty() || !self.has_room(now) || !self.connect(socket, logs, now) {
                self.out.tally.refused += 1;
            }
        }
    }

    /// Whether there is room for a connection, which the one that has been silent for longest may have
    /// to make. One of which something is to be read is not silent.
    fn has_room(&mut self, now: Mono) -> bool {
        if self.connections.len() < CONNECTIONS {
            return true;
        }
        let silent = (self.connections.iter())
            .filter(|(_, one)| !one.ready && now.since(one.heard) >= SILENT)
            .min_by_key(|(_, one)| one.heard);
        let Some((&token, _)) = silent else {
            return false;
        };
        self.connections.remove(&token);
        self.out.tally.refused += 1;
        true
    }

    fn connect(&mut self, socket: OwnedFd, logs: Vec<LogId>, now: Mono) -> bool {
        self.last_token = self.last_token.checked_add(1).unwrap_or(1);
        let token = self.last_token;
        if self.poller.add(&socket, self.number, token).is_err() {
            return false;
        }
        let connection = Connection {
            stream: File::from(socket),
            frames: Frames::default(),
            logs,
            ready: true,
            heard: now,
        };
        self.connections.insert(token, connection);
        true
    }

    /// Reads the connections by turns.
    fn connections(&mut self, now: Now, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> usize {
        let mut used = 0;
        while used < budget {
            let mut ready = self.connections.iter().filter(|(_, one)| one.ready);
            let first = ready.clone().next().map(|(token, _)| *token);
            let next = ready
                .find(|(token, _)| **token > self.turn)
                .map(|(token, _)| *token);
            let Some(token) = next.or(first) else { break };
            self.turn = token;
            used += self.read(token, now, budget - used, sink);
        }
        used
    }

    fn read(
        &mut self,
        token: u32,
        now: Now,
        budget: usize,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> usize {
        let Self {
            connections,
            buffer,
            out,
            limit,
            ..
        } = self;
        let Some(connection) = connections.get_mut(&token) else {
            return 0;
        };
        let Connection {
            stream,
            frames,
            logs,
            ready,
            heard,
        } = connection;
        let mut give = |bytes: &[u8], cut| out.take(bytes, cut, logs, now.wall, *limit, sink);
        let read = stream.read(&mut buffer[..SLICE.min(budget)]);
        let (used, over) = match read {
            Ok(0) => (0, true),
            Ok(count) => {
                *heard = now.mono;
                frames.take(&buffer[..count], *limit + HEADER, &mut give);
                (count, false)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *ready = false;
                (0, false)
            }
            Err(error) => (0, error.kind() != io::ErrorKind::Interrupted),
        };
        if over {
            frames.finish(&mut give);
            connections.remove(&token);
        }
        self.out.tally.bytes += used as u64;
        used
    }
}

fn address(from: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = from.as_sockaddr_in().map(|from| IpAddr::V4(from.ip()));
    v4.or_else(|| {
        from.as_sockaddr_in6()
            .map(|from| IpAddr::V6(from.ip()).to_canonical())
    })
}

impl Stream for Syslog {
    fn wake(&mut self, token: u32) {
        match self.connections.get_mut(&token) {
            Some(connection) => connection.ready = true,
            None => self.knocked = true,
        }
    }

    fn poll(&mut self, now: Now, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> Turn {
        let due = (self.problem.as_mut()).is_none_or(|problem| problem.is_due(now.mono));
        if self.door.is_none() && due {
            self.open(now.mono);
        }
        let bytes = match &self.door {
            Some(Door::Datagrams(_)) if self.knocked => self.datagrams(now.wall, budget, sink),
            Some(Door::Tcp(_) | Door::Unix(_)) => {
                self.accept(now.mono);
                self.connections(now, budget, sink)
            }
            _ => 0,
        };
        self.out.batch.give(&self.out.logs, None, sink);
        // One that is no more may have said that it is ready: see `tests/stale.rs`.
        self.knocked &= self.door.is_some();
        Turn {
            bytes,
            more: self.knocked || self.connections.values().any(|one| one.ready),
        }
    }

    fn retry(&self) -> Option<Mono> {
        match (&self.door, &self.problem) {
            (Some(_), _) => None,
            (None, Some(problem)) => problem.retry,
            (None, None) => Some(Mono(0)),
        }
    }

    fn want(&mut self, id: LogId, log: &Log) -> bool {
        match log {
            Log::Syslog(log) if log.listen == self.listen => {
                self.wants.push((id, log.from.clone()));
                self.wants.sort();
                // Who is connected may be somebody's whom nobody wanted before: the peer connects again.
                self.connections.clear();
                true
            }
            _ => false,
        }
    }

    fn unwant(&mut self, id: LogId) -> bool {
        let before = self.wants.len();
        self.wants.retain(|(own, _)| *own != id);
        for connection in self.connections.values_mut() {
            connection.logs.retain(|own| *own != id);
        }
        before > 0 && self.wants.is_empty()
    }

    fn state(&self) -> StreamState {
        let note = match self.connections.len() {
            0 => None,
            1 => Some("1 connection".to_owned()),
            count => Some(format!("{count} connections")),
        };
        StreamState {
            name: format!("syslog {}", self.listen),
            logs: self.wants.iter().map(|(id, _)| *id).collect(),
            tally: self.out.tally,
            note,
            problem: self.problem.clone(),
        }
    }
}
