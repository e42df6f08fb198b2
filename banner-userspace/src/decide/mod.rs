//! From offences to bans: ban times, prefixes, the never-ban list, several bans on one entry, expiry.
//!
//! Pure: it holds what should be in force, and says what an enforcer must change to get there.

mod bans;
mod decider;
mod rules;

pub use bans::{Cursor, Full};
pub use decider::{Decider, Decision, Outcome, Refusal, until};
pub use rules::Rules;
