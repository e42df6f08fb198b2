//! A conversation with `nf_tables`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use netlink_sys::{Socket, protocols::NETLINK_NETFILTER};
use nix::{
    errno::Errno,
    libc::MSG_DONTWAIT,
    sys::socket::{
        setsockopt,
        sockopt::{RcvBufForce, SndBufForce},
    },
};

use super::message::{
    Answer, CREATE, DELETE_ELEMENT, DUMP, EXCLUSIVE, Element, GET_ELEMENT, Messages, NEW_ELEMENT,
    messages,
};

/// Bytes that the kernel may take from a socket, and queue in it, at once. A transaction is one
/// datagram.
const BUFFER: usize = 16 << 20;

/// Bytes of elements in one message: the length of their list has 16 bits.
const LIST: usize = 60_000;

/// About how many bytes a transaction has: the kernel has to find so many in one piece.
const BATCH: usize = 2 << 20;

/// How often a listing is begun again because the set changed meanwhile.
const LISTINGS: u32 = 8;

/// What is done to one element.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) set: Arc<str>,
    pub(super) element: Element,
    /// It is put in, whether or not it was there; else it is taken out, whether or not it was.
    pub(super) put: bool,
}

/// A socket for requests.
pub(super) struct Netlink {
    socket: Socket,
    sequence: AtomicU32,
    /// By what the kernel knows it.
    pub(super) port: u32,
}

impl std::fmt::Debug for Netlink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Netlink")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        let port = socket.bind_auto()?.port_number();
        // Without the privilege for it small batches work all the same.
        let _ = setsockopt(&socket, SndBufForce, &BUFFER);
        let _ = setsockopt(&socket, RcvBufForce, &BUFFER);
        Ok(Self {
            socket,
            sequence: AtomicU32::new(0),
            port,
        })
    }

    /// Takes elements out and puts others in, each at most once, in transactions of many: of what is
    /// refused, nothing is done. How many steps were done, and why not the next.
    pub(super) fn change(&self, table: &str, steps: &[Step]) -> Result<(), (usize, Errno)> {
        let mut done = 0;
        let mut rest = steps;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(fitting(rest, BATCH));
            self.batch(table, batch).map_err(|errno| (done, errno))?;
            done += batch.len();
            rest = later;
        }
        Ok(())
    }

    fn batch(&self, table: &str, steps: &[Step]) -> Result<(), Errno> {
        // Mostly all is new. What is there already is not given another timeout by being put in once
        // more: it has to go first, which can only be asked for of what is surely there.
        match self.try_batch(table, steps, false) {
            Err(Errno::EEXIST) => self.try_batch(table, steps, true),
            outcome => outcome,
        }
    }

    fn try_batch(&self, table: &str, steps: &[Step], anew: bool) -> Result<(), Errno> {
        let mut messages = Messages::begin(self.sequence.load(Ordering::Relaxed));
        let goes = |step: &&Step| anew || !step.put;
        for (kind, flags, steps) in [
            (
                NEW_ELEMENT,
                CREATE,
                steps.iter().filter(goes).collect::<Vec<_>>(),
            ),
            (DELETE_ELEMENT, 0, steps.iter().filter(goes).collect()),
            (
                NEW_ELEMENT,
                CREATE | EXCLUSIVE,
                steps.iter().filter(|step| step.put).collect(),
            ),
        ] {
            for of_set in steps.chunk_by(|one, other| one.set == other.set) {
                let mut rest = of_set;
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(fitting(rest, LIST));
                    let elements = now.iter().map(|step| &step.element);
                    messages.elements(kind, flags, (table, &now[0].set), elements);
                    rest = later;
                }
            }
        }
        self.transact(messages)
    }

    fn transact(&self, mut messages: Messages) -> Result<(), Errno> {
        // One answer for all; those that fail are told of unasked.
        let last = messages.ask_for_answer();
        messages.end();
        self.sequence.store(messages.sequence, Ordering::Relaxed);
        self.send(&messages.bytes)?;
        let mut failure = None;
        let mut answered = false;
        while self.receive(|answer| {
            if let Answer::Done(sequence, errno) = answer {
                answered |= sequence == last;
                if errno != 0 {
                    failure.get_or_insert(Errno::from_raw(-errno));
                }
            }
        })? {}
        match failure {
            Some(errno) => Err(errno),
            None if answered => Ok(()),
            None => Err(Errno::EPROTO),
        }
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Errno> {
        let sent = self.socket.send(bytes, 0).map_err(|error| errno(&error))?;
        if sent == bytes.len() {
            Ok(())
        } else {
            Err(Errno::EMSGSIZE)
        }
    }

    /// Reads one datagram; false: there is none. The kernel has answered when a request returns.
    fn receive(&self, mut each: impl FnMut(Answer)) -> Result<bool, Errno> {
        let mut buffer = vec![0; 64 << 10];
        match self.socket.recv(&mut &mut buffer[..], MSG_DONTWAIT) {
            Ok(length) => {
                for message in messages(&buffer[..length.min(buffer.len())]) {
                    each(message.answer());
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(errno(&error)),
        }
    }

    /// Every element of a set, as of one moment.
    pub(super) fn list(&self, table: &str, set: &str) -> Result<Vec<Element>, Errno> {
        for _ in 0..LISTINGS {
            if let Some(found) = self.try_list(table, set)? {
                return Ok(found);
            }
        }
        Err(Errno::EINTR)
    }

    fn try_list(&self, table: &str, set: &str) -> Result<Option<Vec<Element>>, Errno> {
        let mut messages = Messages::after(self.sequence.load(Ordering::Relaxed));
        messages.elements(GET_ELEMENT, DUMP, (table, set), std::iter::empty());
        self.sequence.store(messages.sequence, Ordering::Relaxed);
        self.send(&messages.bytes)?;
        let mut found = Vec::new();
        let (mut ended, mut torn, mut failure) = (false, false, None);
        while !ended {
            let any = self.receive(|answer| match answer {
                Answer::Elements(elements) => found.extend(elements),
                Answer::Interrupted => torn = true,
                Answer::Done(_, errno) => {
                    failure = (errno != 0).then(|| Errno::from_raw(-errno));
                    ended = true;
                }
                Answer::End => ended = true,
                Answer::Other => {}
            })?;
            if !any && !ended {
                return Err(Errno::EPROTO);
            }
        }
        match failure {
            Some(errno) => Err(errno),
            None => Ok((!torn).then_some(found)),
        }
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32))
}

/// How many steps have elements of so many bytes; one at least.
fn fitting<S: std::borrow::Borrow<Step>>(steps: &[S], most: usize) -> usize {
    let mut bytes = 0;
    let fits = steps.iter().take_while(|step| {
        bytes += size(&(*step).borrow().element);
        bytes <= most
    });
    fits.count().max(1)
}

/// At least as many bytes as an element takes in a message.
fn size(element: &Element) -> usize {
    let comment = element.comment.as_ref().map_or(0, String::len);
    4 + 8 + element.key.len() + 12 + 12 + comment
}
