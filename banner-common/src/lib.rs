//! What the XDP program and the agent share: names and shapes of the maps, nothing else.
//!
//! No dependencies and no `unsafe`: the agent reads and writes map values as byte arrays, through
//! [`Ban::to_bytes`] and its like, so that one definition of each layout serves both sides.
#![no_std]

mod ban;
mod bytes;
mod clock;
mod counter;
mod in_use;
mod key;
mod maps;
mod quiet;
mod seen;

pub use ban::{ALL_PORTS, Ban, CHECKED, FOREVER, INHERITED, OBSERVE, SEVERAL, jail_key};
pub use clock::ClockReading;
pub use counter::{Reason, Tally};
pub use in_use::InUse;
pub use key::More;
pub use maps::{
    BANS4, BANS6, CLOCK_PROGRAM, COUNTERS, DEFAULT_MAX_BANS, ICMP_INDEX, IN_USE, LINEAR_PROGRAM,
    MAX_MORE, MAX_NEVER, MAX_PORTS, MAX_SCOPES, MAX_SHARED, MAX_TOP, MAX_WIDE, MORE, NEVER4,
    NEVER6, PORT_PROTOCOLS, PORTS, PROGRAM, TCX_PROGRAM, TOP, TRACE, TRACE_ADDRESS,
    TRACE_LATER_FRAGMENT, TRACE_OTHER, TRACE_UNREADABLE, WIDE4, WIDE6, port_index,
};
pub use quiet::{Quiet, RENEW_SLACK, RENEWS_BESIDE};
pub use seen::{EXACT, Pace, SAMPLE, Seen};
