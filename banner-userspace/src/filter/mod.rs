//! Filter text to compiled matchers: which lines are failures, of whom, and when.
//!
//! Pure: no clock, no I/O. Log bytes are bytes; nothing here assumes UTF-8.

mod engine;
mod host;
mod library;
mod prefix;
pub mod python;
mod samples;
mod spec;
mod stamp;

pub use engine::{Filter, Hit, Loose, Verdict};
pub use library::{library, library_names};
pub use prefix::BUILTIN_PREFIXES;
pub use samples::Mismatch;
pub use spec::{Dialect, Expect, FilterError, FilterSpec, Part, Prefixes, Sample, Stamps};
pub use stamp::{Detector, DetectorState, Found, Stamp, StampError, StampReader};
