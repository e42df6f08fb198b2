//! Finding and reading time stamps.
//!
//! [`Detector`] finds the stamp of a line wherever it stands, by patterns in fail2ban's notation or
//! all the forms that are known, with exactly fail2ban's verdict. [`StampReader`] reads the stamp
//! that stands in banner's own prefixes.

mod calendar;
mod detector;
mod form;
mod known;
mod native;
mod notation;
mod order;
mod pattern;
#[cfg(test)]
mod peer;
mod reading;
mod recall;
mod template;
#[cfg(test)]
mod tests;
mod zone;

pub use detector::{Detector, Found, StampError};
pub use native::{Stamp, StampReader};
pub use order::DetectorState;

pub(super) use form::PATTERN;
