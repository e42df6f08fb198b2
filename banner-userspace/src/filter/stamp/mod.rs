//! Finding and reading time stamps.
//!
//! [`Detector`] finds the stamp of a line wherever it stands, by patterns in fail2ban's notation or
//! all the forms that are known, with exactly fail2ban's verdict. [`StampReader`] reads the stamp
//! that stands in banner's own prefixes, in the forms that are known or in those that a filter
//! names ([`StampForms`]).

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
mod strftime;
mod template;
#[cfg(test)]
mod tests;
mod zone;

pub use detector::{Detector, Found, StampError};
pub use native::{Stamp, StampReader};
pub use order::DetectorState;
pub use strftime::StampForms;

pub(super) use form::PATTERN;
