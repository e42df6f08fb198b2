//! From offences to bans: ban times, the never-ban list, several jails on one host, expiry.
//!
//! Pure: it holds what should be in force, and says what an enforcer must change to get there.

mod bans;
mod decider;

pub use bans::Full;
pub use decider::{Decider, Decision, Outcome, Rules};
