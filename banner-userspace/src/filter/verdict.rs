//! What a filter is given, and what it says.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{fields::Fields, stamp::Stamp};
use crate::model::Wall;

/// One line of a log, without its line break.
#[derive(Clone, Copy, Debug)]
pub struct Line<'l> {
    /// Its bytes, in any encoding.
    pub bytes: &'l [u8],
    /// The line went on: nothing may be concluded from where it ends.
    pub cut: bool,
    /// When it was written, where the source knows without reading the line.
    pub at: Option<Wall>,
}

impl<'l> Line<'l> {
    /// A whole line of a file.
    pub fn whole(bytes: &'l [u8]) -> Self {
        Self {
            bytes,
            cut: false,
            at: None,
        }
    }
}

/// What a filter says of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not a failure, or none as long as no further line of its session says so.
    Miss,
    /// It would be one, but for an ignore pattern.
    Ignored,
    /// A failure.
    Fail(Hit),
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of the pattern in `fail`.
    pub pattern: usize,
    /// What is counted.
    pub key: Key,
    /// The address beside it, where the key is an id.
    pub address: Option<IpAddr>,
    /// When, as the log says; none: it does not, or nobody can read it.
    pub at: Option<Wall>,
    /// What that is worth now.
    pub stamp: Stamp,
    /// Every named part of the line and of its session; only for a state that
    /// [keeps them](super::FilterState::keep_fields).
    pub fields: Option<Box<Fields>>,
}

/// Who or what failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A host. An IPv4-mapped IPv6 address is the IPv4 address.
    Address(IpAddr),
    /// A prefix, without host bits.
    Prefix(IpNet),
    /// A host by its DNS name, or by a text in the shape of an address that is none. No
    /// filter looks it up.
    Name(Box<str>),
    /// Something that is no address: a mailbox, a session.
    Id(Box<str>),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Prefix(net) => net.fmt(f),
            Self::Name(text) | Self::Id(text) => f.write_str(text),
        }
    }
}
