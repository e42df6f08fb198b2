//! Where lines come from. [`Sources`] is all of it; [`Tail`] follows log files: which files the entries
//! mean, rotation, and how far each was read.
//!
//! [`Tail`] has no thread, no clock and no runtime. Its owner waits for its descriptor and calls
//! [`Tail::poll`] with the time. While all is well it needs no wake-up but for writes to the files
//! that it follows and for changes of names on the way to them.
//!
//! # What is read
//!
//! - A file that is there at the start: from its end, or from its [`Mark`](crate::model::Mark). A last line that is not
//!   finished then is seen whole when it is.
//!   Where it could not be opened then, what it had by then is past too, if it could be looked at.
//! - A file that comes later, by whatever way, even if folders on its way come with it: from its
//!   beginning. NUL bytes before its first line are passed over.
//! - A log that was read before the restart (it has a mark) and is another file now or was
//!   truncated: from its beginning, after the rest of the file that it was, if that still is in
//!   the same folder under any name.
//! - A file with several names (hard or symbolic links, several entries): once, for all of them.
//!
//! Only regular files are read. A folder that a glob matches is passed over in silence.
//!
//! # Rotation
//!
//! A file that lost its name by being renamed, replaced or deleted is read on. It is given up one
//! minute after its last write, once it has no name at all or its successor has been written to;
//! and when it is the ninth that its name has lost. The successor is read after it, as far as it
//! was written when the rotation was noticed.
//!
//! A log that is renamed several times between two looks is followed by the events of the renames,
//! as long as it stays in folders that are watched.
//!
//! # What is lost, or seen late or twice
//!
//! - What is written and then truncated (logrotate's `copytruncate`) between two looks. Nobody can
//!   see it any more; [`Stats::lost`] has the part of it that was seen to be there.
//! - A truncation is seen by the 256 bytes before the position, which are compared with every read.
//!   When the file has grown beyond the position again with the same 256 bytes in that place, it
//!   goes unseen. Lines that bear a stamp do not do that.
//! - A file that is created and deleted, or moved out of the watched folders, between two looks:
//!   [`Stats::missed`].
//! - A file that got a log's name and lost it again while nobody was running, or while the kernel's
//!   event queue was full.
//! - A file whose entry is `name*` and that is copied to another matching name is another file:
//!   its lines are seen twice. Such entries should name what is written to.
//! - What no event tells of is seen with the next one: writes through `mmap`, and a filesystem that
//!   is mounted over a folder on the way.

mod batch;
mod change;
mod container;
mod events;
mod file;
mod glob;
mod journal;
mod lines;
mod mark;
mod moves;
mod names;
mod pattern;
mod pipe;
mod remote;
mod resume;
mod scan;
mod settle;
mod sources;
mod state;
mod stream;
mod syslog;
mod tail;
mod turns;
mod walk;
mod watch;

#[cfg(test)]
mod tests;

pub use container::record;
pub use journal::entry;
pub use lines::{End, Lines};
pub use sources::{Options, Sources};
pub use state::{FileState, Problem, Progress, Stats};
pub use stream::{StreamState, Tally};
pub use syslog::{frame, message};
pub use tail::{Options as TailOptions, Tail};
