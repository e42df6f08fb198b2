//! Filter text to compiled matchers: which lines are failures, of whom, and when.
//!
//! Pure: no clock, no I/O. Log bytes are bytes; only fail2ban's dialect makes text of them.

mod ascii;
mod choice;
mod compile;
mod decode;
mod engine;
mod engines;
mod example;
mod fail2ban;
mod fields;
mod groups;
mod identity;
mod library;
mod linear;
mod long;
mod loose;
mod matcher;
mod native;
pub mod python;
mod samples;
mod session;
mod sieve;
mod slowest;
mod spec;
mod splits;
mod stamp;
mod stretch;
#[cfg(test)]
mod tests;
mod verdict;

pub use engine::{Filter, FilterState};
pub use engines::{Engine, Engines};
pub use example::Example;
pub use fields::{Fields, Value};
pub use library::{library, library_names};
pub use loose::Loose;
pub use native::BUILTIN_PREFIXES;
pub use samples::{Expect, Mismatch, Sample};
pub use session::{SESSION_TIME, SESSIONS};
pub use sieve::{Sieve, Wanted};
pub use slowest::Slowest;
pub use spec::{Dialect, FilterError, FilterSpec, Part, Prefixes, Stamps};
pub use splits::{Shared, Splits};
pub use stamp::{Detector, DetectorState, Found, Stamp, StampError, StampForms, StampReader};
pub use stretch::Stretched;
pub use verdict::{Hit, Key, Line, Verdict};
