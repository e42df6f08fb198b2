//! From offences to bans: ban times that grow, prefixes, the never-ban list, several bans on one
//! entry, expiry.
//!
//! Pure: it holds what should be in force, and says what an enforcer must change to get there.

mod bans;
mod decider;
mod decision;
mod escalation;
mod history;
mod recall;
mod rules;

pub use bans::{Cursor, Full};
pub use decider::{Decider, until};
pub use decision::{Decision, Outcome, Refusal};
pub use history::{History, Past};
pub use recall::Known;
pub use rules::Rules;
