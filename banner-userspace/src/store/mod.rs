//! What outlives the agent on disk: bans and why, the past of those who were banned, where reading
//! stopped, and what was counted by then. SQLite in WAL mode, written by a thread of its own.
//!
//! # What is promised
//!
//! - A [`Batch`] is one transaction: bans, marks and windows of one moment. Whenever the agent or the
//!   machine dies, what is found is what was so at one moment: reading goes on behind the last line that
//!   is counted in the windows and the bans, so that none is counted twice and none is left out.
//! - A transaction with bans is on the disk, not only in the kernel's memory, when it is done.
//! - Nobody waits for the disk but the thread. While it is busy or cannot write, the agent collects,
//!   within bounds; when that is too much, it gives all bans that there are at once ([`Batch::all`]).
//! - A file that is corrupt is moved aside, and a new one begun. One of a newer version is left alone.
//!
//! # Time
//!
//! Ends of bans are kept on a clock of the store's own: it goes with `CLOCK_MONOTONIC` for as long as
//! the machine runs, and by as much as the wall clock says when it was off, never backward. To set the
//! wall clock while the machine runs changes nothing. It began as the wall clock, in ms.

mod batch;
mod clock;
mod database;
mod load;
mod marks;
mod pack;
mod pending;
mod row;
mod schema;
mod thread;
mod upkeep;
mod worker;
mod write;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Cause, Change, History, KeptBan, Loaded, Offences, Windows};
pub use thread::{Health, Options, Reply, Store, forget};
