//! The dialect of configuration files that fail2ban reads: sections of `name = value`, values over
//! several lines, `%(name)s`, includes, and `<tag>` on top.
//!
//! What it makes of a file is checked against fail2ban itself. Where fail2ban would take any amount
//! of time or memory, this stops with an error.

mod files;
mod interpolate;
mod options;
mod parse;
mod python;
mod table;
mod tags;

pub(crate) use files::{Files, Merged, read};
pub(crate) use interpolate::Vars;
pub(crate) use options::{named, split_named};
pub(crate) use python::{is_space, lines_and_blanks, words};
pub(crate) use table::Table;
pub(crate) use tags::substitute;

use super::error::Place;

#[cfg(test)]
mod tests;

/// Longest value once everything in it is replaced.
pub(crate) const LONGEST_VALUE: usize = 256 << 10;

/// Bytes looked at to replace references of each kind in one configuration before it is given up.
pub(crate) const MOST_WORK: usize = 16 << 20;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) place: Place,
}

impl Text {
    pub(crate) fn new(text: impl Into<String>, place: &Place) -> Self {
        Self {
            text: text.into(),
            place: place.clone(),
        }
    }
}

/// The options of one section.
pub(crate) type Section = Table<Text>;

/// What a file says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sections {
    /// `[DEFAULT]`: what every section has, too.
    pub(crate) defaults: Section,
    pub(crate) sections: Table<Section>,
}
