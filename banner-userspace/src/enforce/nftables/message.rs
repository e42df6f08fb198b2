//! The bytes of nfnetlink messages (linux/netfilter/nfnetlink.h, `nf_tables.h`).

/// `struct nlmsghdr` and `struct nfgenmsg`.
const HEADER: usize = 20;
const NESTED: u16 = 0x8000;
/// The subsystem `nf_tables`, in the upper byte of a type.
const NF_TABLES: u16 = 10 << 8;

/// linux/netlink.h
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
pub(super) const DUMP: u16 = 0x300;
pub(super) const CREATE: u16 = 0x400;
pub(super) const EXCLUSIVE: u16 = 0x200;
const INTERRUPTED: u16 = 0x10;
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// `linux/netfilter/nf_tables.h`, `enum nf_tables_msg_types`, `enum nft_set_elem_list_attributes`,
/// `enum nft_set_elem_attributes`.
pub(super) const NEW_ELEMENT: u16 = NF_TABLES | 0xc;
pub(super) const GET_ELEMENT: u16 = NF_TABLES | 0xd;
pub(super) const DELETE_ELEMENT: u16 = NF_TABLES | 0xe;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const LIST_TABLE: u16 = 1;
const LIST_SET: u16 = 2;
const LIST_ELEMENTS: u16 = 3;
const ELEMENT: u16 = 1;
const KEY: u16 = 1;
const TIMEOUT: u16 = 4;
const EXPIRATION: u16 = 5;
const USER_DATA: u16 = 6;
const VALUE: u16 = 1;
/// libnftnl, `enum nftnl_udata_set_elem_types`: what `nft` shows as comment.
const COMMENT: u8 = 0;

/// `NFPROTO_INET`.
const INET: u8 = 1;

/// Messages one behind the other.
#[derive(Debug, Default)]
pub(super) struct Messages {
    pub(super) bytes: Vec<u8>,
    /// Of the last one.
    pub(super) sequence: u32,
    /// Where that begins.
    last: usize,
}

/// An element of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// The address, in network byte order.
    pub(super) key: Vec<u8>,
    /// In ms; none: for ever.
    pub(super) timeout: Option<u64>,
    /// How many ms are left of it; only in what the kernel tells.
    pub(super) left: Option<u64>,
    /// The name of the jail.
    pub(super) comment: Option<String>,
}

impl Messages {
    /// None yet; the first one gets the number behind this one.
    pub(super) fn after(sequence: u32) -> Self {
        Self {
            sequence,
            ..Self::default()
        }
    }

    /// Begins a transaction.
    pub(super) fn begin(sequence: u32) -> Self {
        let mut messages = Self::after(sequence);
        messages.control(BATCH_BEGIN);
        messages
    }

    /// Ends a transaction.
    pub(super) fn end(&mut self) {
        self.control(BATCH_END);
    }

    fn control(&mut self, kind: u16) {
        let start = self.open(kind, 0, 0, 10);
        self.close(start);
    }

    /// Asks for an answer to the last message: its number.
    pub(super) fn ask_for_answer(&mut self) -> u32 {
        let at = self.last + 6;
        if let Some([low, high]) = self.bytes.get(at..at + 2) {
            let flags = u16::from_ne_bytes([*low, *high]) | ACK;
            self.bytes[at..at + 2].copy_from_slice(&flags.to_ne_bytes());
        }
        self.sequence
    }

    /// A message about elements of a set of a table.
    pub(super) fn elements<'e>(
        &mut self,
        kind: u16,
        flags: u16,
        (table, set): (&str, &str),
        elements: impl Iterator<Item = &'e Element>,
    ) {
        let start = self.open(kind, flags, INET, 0);
        self.text(LIST_TABLE, table);
        self.text(LIST_SET, set);
        let mut elements = elements.peekable();
        if elements.peek().is_some() {
            let list = self.nest(LIST_ELEMENTS);
            for element in elements {
                self.element(element);
            }
            self.unnest(list);
        }
        self.close(start);
    }

    fn element(&mut self, element: &Element) {
        let outer = self.nest(ELEMENT);
        let key = self.nest(KEY);
        self.attribute(VALUE, &element.key);
        self.unnest(key);
        if let Some(timeout) = element.timeout {
            self.attribute(TIMEOUT, &timeout.to_be_bytes());
        }
        if let Some(comment) = &element.comment {
            let length = u8::try_from(comment.len() + 1).unwrap_or(u8::MAX);
            let mut data = vec![COMMENT, length];
            data.extend(comment.bytes().take(usize::from(length) - 1));
            data.push(0);
            self.attribute(USER_DATA, &data);
        }
        self.unnest(outer);
    }

    fn open(&mut self, kind: u16, flags: u16, family: u8, resource: u16) -> usize {
        self.sequence = self.sequence.wrapping_add(1);
        let start = self.bytes.len();
        self.last = start;
        self.bytes.extend([0; 4]);
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((REQUEST | flags).to_ne_bytes());
        self.bytes.extend(self.sequence.to_ne_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend([family, 0]);
        self.bytes.extend(resource.to_be_bytes());
        start
    }

    fn close(&mut self, start: usize) {
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    fn attribute(&mut self, kind: u16, data: &[u8]) {
        let length = u16::try_from(data.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(data);
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
    }

    fn text(&mut self, kind: u16, text: &str) {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        self.attribute(kind, &bytes);
    }

    fn nest(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.attribute(kind | NESTED, &[]);
        start
    }

    fn unnest(&mut self, start: usize) {
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    }
}

/// What one message from the kernel is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The request of this number was done, or failed with this errno.
    Done(u32, i32),
    /// The end of a listing.
    End,
    /// Elements.
    Elements(Vec<Element>),
    /// The listing is not of one moment.
    Interrupted,
    /// Anything else.
    Other,
}

/// A message from the kernel, without what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received<'a> {
    bytes: &'a [u8],
}

impl<'a> Received<'a> {
    fn u16(self, at: usize) -> u16 {
        u16::from_ne_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn u32(self, at: usize) -> u32 {
        let word = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        word.map_or(0, |word| u32::from_ne_bytes(*word))
    }

    /// The port of the socket whose request this comes of.
    pub(super) fn port(self) -> u32 {
        self.u32(12)
    }

    /// The table that a notice is about.
    pub(super) fn table(self) -> Option<&'a str> {
        let kind = self.u16(4);
        if kind & 0xff00 != NF_TABLES {
            return None;
        }
        let mut attributes = Attributes(self.bytes.get(HEADER..)?);
        let (_, name) = attributes.find(|(kind, _)| *kind == LIST_TABLE)?;
        std::str::from_utf8(name.strip_suffix(&[0])?).ok()
    }

    /// What it says.
    pub(super) fn answer(self) -> Answer {
        match self.u16(4) {
            ERROR => Answer::Done(self.u32(8), self.u32(16).cast_signed()),
            DONE => Answer::End,
            _ if self.u16(6) & INTERRUPTED != 0 => Answer::Interrupted,
            NEW_ELEMENT => Answer::Elements(self.elements().unwrap_or_default()),
            _ => Answer::Other,
        }
    }

    fn elements(self) -> Option<Vec<Element>> {
        let attributes = Attributes(self.bytes.get(HEADER..)?);
        let lists = attributes.filter(|(kind, _)| *kind == LIST_ELEMENTS);
        let elements = lists.flat_map(|(_, list)| Attributes(list));
        Some(elements.filter_map(|(_, bytes)| element(bytes)).collect())
    }
}

fn element(bytes: &[u8]) -> Option<Element> {
    let mut element = Element {
        key: Vec::new(),
        timeout: None,
        left: None,
        comment: None,
    };
    for (kind, data) in Attributes(bytes) {
        let number = || data.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        match kind {
            KEY => {
                let (_, value) = Attributes(data).next()?;
                element.key = value.to_vec();
            }
            TIMEOUT => element.timeout = number(),
            EXPIRATION => element.left = number(),
            USER_DATA if data.first() == Some(&COMMENT) => {
                let text = data.get(2..)?.split(|byte| *byte == 0).next()?;
                element.comment = Some(String::from_utf8_lossy(text).into_owned());
            }
            _ => {}
        }
    }
    Some(element)
}

/// Type and data of each attribute.
struct Attributes<'a>(&'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header: [u8; 4] = *self.0.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & 0x3fff;
        let data = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, data))
    }
}

/// The messages of one datagram.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = Received<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*rest.first_chunk()?) as usize;
        let bytes = rest.get(..length).filter(|bytes| bytes.len() >= 16)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Received { bytes })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(key: &[u8], timeout: Option<u64>, comment: Option<&str>) -> Element {
        Element {
            key: key.to_vec(),
            timeout,
            left: None,
            comment: comment.map(str::to_owned),
        }
    }

    #[test]
    fn elements_are_read_as_they_were_written() {
        let all = [
            element(&[192, 0, 2, 7], Some(3_600_000), Some("sshd")),
            element(&[0x20; 16], None, None),
        ];
        let mut written = Messages::begin(6);
        written.elements(NEW_ELEMENT, CREATE, ("banner", "v4_32"), all.iter());
        written.end();
        let read: Vec<_> = messages(&written.bytes).collect();
        assert_eq!(read.len(), 3);
        assert_eq!(read[1].table(), Some("banner"));
        assert_eq!(read[1].answer(), Answer::Elements(all.to_vec()));
        assert_eq!((read[0].answer(), read[0].table()), (Answer::Other, None));
        assert_eq!(written.sequence, 9);
    }

    #[test]
    fn what_nft_1_0_6_sends_for_the_same_element_is_the_same() {
        let mut written = Messages::default();
        let one = [element(&[192, 0, 2, 9], Some(3_600_000), Some("ssd"))];
        written.elements(NEW_ELEMENT, CREATE, ("banner", "v4_32"), one.iter());
        let list = &written.bytes[HEADER + 12 + 12..];
        let expected = [
            &[0x2c, 0, 3, 0x80, 0x28, 0, 1, 0x80][..],
            &[0x0c, 0, 1, 0x80, 8, 0, 1, 0, 0xc0, 0, 2, 9],
            &[0x0c, 0, 4, 0, 0, 0, 0, 0, 0, 0x36, 0xee, 0x80],
            &[0x0a, 0, 6, 0, 0, 4, b's', b's', b'd', 0, 0, 0],
        ]
        .concat();
        assert_eq!(list, expected);
    }

    #[test]
    fn what_is_cut_or_empty_is_the_end() {
        let mut written = Messages::default();
        let one = [element(&[192, 0, 2, 9], None, None)];
        written.elements(NEW_ELEMENT, ACK, ("banner", "v4_32"), one.iter());
        for length in 0..written.bytes.len() {
            assert_eq!(messages(&written.bytes[..length]).count(), 0, "{length}");
        }
        assert_eq!(messages(&[0; 64]).count(), 0);
        assert_eq!(Attributes(&[2, 0, 1, 0, 9, 9, 9, 9]).count(), 0);
    }
}
