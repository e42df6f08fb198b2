//! What the XDP program and the agent share: names and shapes of the maps, nothing else.
//!
//! No dependencies and no `unsafe`: the agent reads and writes map values as byte arrays, through
//! [`Ban::to_bytes`] and its like, so that one definition of each layout serves both sides.
#![no_std]

mod ban;
mod bytes;
mod clock;
mod counter;
mod maps;

pub use ban::{Ban, FOREVER, OBSERVE, jail_key};
pub use clock::ClockReading;
pub use counter::{Reason, Tally};
pub use maps::{
    BANS4, BANS6, CLOCK_PROGRAM, COUNTERS, DEFAULT_MAX_BANS, MAX_NEVER, NEVER4, NEVER6, PROGRAM,
};
