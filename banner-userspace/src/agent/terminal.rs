//! Whether the terminal that the agent was started from is still there: SIGHUP means both that it is
//! gone, and that the configuration is to be read again.

use std::fs::File;

/// The terminal of this process, if it had one at the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    had: bool,
}

impl Terminal {
    /// The one that controls this process.
    pub(super) fn controlling() -> Self {
        Self { had: is_there() }
    }

    /// It was there, and is not any more. The kernel takes it away before it says SIGHUP.
    pub(super) fn is_gone(self) -> bool {
        self.had && !is_there()
    }
}

/// A process without a terminal cannot open this (`ENXIO`).
fn is_there() -> bool {
    File::open("/dev/tty").is_ok()
}
