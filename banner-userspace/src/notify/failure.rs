use std::fmt;

use super::text::shown;

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// To try again would change nothing.
    pub permanent: bool,
    /// In words, fit for a terminal.
    pub why: String,
}

impl Failure {
    /// What may pass.
    pub(super) fn passing(why: impl fmt::Display) -> Self {
        Self {
            permanent: false,
            why: shown(&why.to_string(), 300),
        }
    }

    /// What will not.
    pub(super) fn permanent(why: impl fmt::Display) -> Self {
        Self {
            permanent: true,
            ..Self::passing(why)
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Failure {}
