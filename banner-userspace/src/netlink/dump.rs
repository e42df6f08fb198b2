//! One question, all answers.

use std::io;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::message::messages;

/// How often a question is asked, if objects change each time while the kernel lists them.
const ATTEMPTS: u32 = 4;

/// What the kernel said.
#[derive(Debug)]
pub(super) struct Answer<T> {
    /// The objects that were wanted.
    pub(super) objects: Vec<T>,
    /// How many objects the parser does not understand.
    pub(super) not_understood: usize,
    /// Whether objects changed while they were listed, so that some may be missing.
    pub(super) interrupted: bool,
}

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Self {
            objects: Vec::new(),
            not_understood: 0,
            interrupted: false,
        }
    }
}

/// Asks for all objects of the kind that `question` names, and keeps what `keep` makes of each.
/// Specific routes, those to anywhere but everywhere, are left out.
pub(super) fn all<T>(
    question: &RouteNetlinkMessage,
    keep: impl Fn(RouteNetlinkMessage) -> Option<T>,
) -> io::Result<Answer<T>> {
    let mut attempt = 1;
    loop {
        let answer = ask(question.clone(), &keep)?;
        if !answer.interrupted || attempt == ATTEMPTS {
            return Ok(answer);
        }
        attempt += 1;
    }
}

fn ask<T>(
    question: RouteNetlinkMessage,
    keep: &impl Fn(RouteNetlinkMessage) -> Option<T>,
) -> io::Result<Answer<T>> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    header.sequence_number = 1;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(question));
    message.finalize();
    let mut request = vec![0; message.buffer_len()];
    message.serialize(&mut request);
    socket.send(&request, 0)?;
    let mut answer = Answer::default();
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        if answer.take(&datagram, keep)? {
            return Ok(answer);
        }
    }
}

impl<T> Answer<T> {
    /// Takes a part of the answer; whether it was the last.
    fn take(
        &mut self,
        datagram: &[u8],
        keep: &impl Fn(RouteNetlinkMessage) -> Option<T>,
    ) -> io::Result<bool> {
        for message in messages(datagram) {
            let message = message?;
            self.interrupted |= message.is_interrupted();
            if message.is_specific_route() {
                continue;
            }
            match NetlinkMessage::<RouteNetlinkMessage>::deserialize(message.0) {
                Ok(parsed) => match parsed.payload {
                    NetlinkPayload::Done(done) if done.code < 0 => {
                        return Err(io::Error::from_raw_os_error(-done.code));
                    }
                    NetlinkPayload::Done(_) => return Ok(true),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(object) => self.objects.extend(keep(object)),
                    _ => {}
                },
                // The others stay.
                Err(_) if message.is_object() => self.not_understood += 1,
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::NLM_F_DUMP_INTR;

    use super::{super::message::tests::message, *};

    const DONE: u16 = 3;
    const NEW_ADDRESS: u16 = 20;
    const NEW_ROUTE: u16 = 24;

    fn take(datagram: &[u8]) -> (io::Result<bool>, Answer<RouteNetlinkMessage>) {
        let mut answer = Answer::default();
        let last = answer.take(datagram, &Some);
        (last, answer)
    }

    #[test]
    fn what_the_parser_does_not_understand_is_counted_and_the_rest_stays() {
        // IFA_LOCAL, IPv4, of three bytes; and of four.
        let odd = [2, 24, 0, 0, 1, 0, 0, 0, 7, 0, 2, 0, 10, 0, 0, 0];
        let good = [2, 24, 0, 0, 1, 0, 0, 0, 8, 0, 2, 0, 10, 0, 0, 1];
        let default = [2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0];
        let mut specific = default;
        specific[1] = 8;
        let datagram = [
            message(NEW_ADDRESS, 0, &odd),
            message(NEW_ADDRESS, 0, &good),
            message(NEW_ROUTE, 0, &specific),
            message(NEW_ROUTE, 0, &default),
        ]
        .concat();
        let (last, answer) = take(&datagram);
        assert!(!last.unwrap());
        assert_eq!((answer.objects.len(), answer.not_understood), (2, 1));
        assert!(!answer.interrupted);
    }

    #[test]
    fn an_interrupted_answer_is_known_from_any_of_its_messages() {
        let done = 0_i32.to_ne_bytes();
        let (last, answer) = take(&message(DONE, NLM_F_DUMP_INTR, &done));
        assert!(last.unwrap() && answer.interrupted);
        let (_, answer) = take(&message(NEW_ROUTE, NLM_F_DUMP_INTR, &[2, 24, 0, 0]));
        assert!(answer.interrupted);
    }

    #[test]
    fn an_answer_that_ends_in_an_error_or_makes_no_sense_is_none() {
        let done = (-105_i32).to_ne_bytes();
        let (last, _) = take(&message(DONE, 0, &done));
        assert_eq!(last.unwrap_err().raw_os_error(), Some(105));
        let (last, _) = take(&message(DONE, 0, &done[..1]));
        assert_eq!(last.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert!(take(&[0; 20]).0.is_err());
    }
}
