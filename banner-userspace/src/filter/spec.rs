//! What a filter file says, before it is compiled.

use std::collections::BTreeMap;

use super::{samples::Sample, stamp::StampForms};

/// A filter as it is written: one YAML file, or a mapping in place of a filter's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterSpec {
    /// Its name: the file's, or the jail's where it is written in place.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// How lines and patterns are read.
    pub dialect: Dialect,
    /// Name of the shared prefix that stands before the message; none: the message is the line.
    pub prefix: Option<String>,
    /// Regular expression for the program's name, where the prefix has a `<PROGRAM>`.
    pub program: Option<String>,
    /// A line that does not match it is no failure; where it has a group `content`, that is what
    /// `fail` sees.
    pub prefilter: Option<String>,
    /// A message that matches one of these is a failure.
    pub fail: Vec<String>,
    /// A message that matches one of these is not, whatever `fail` says.
    pub ignore: Vec<String>,
    /// How many lines, the latest last, a pattern sees at once; 0 and 1: one.
    pub lines: usize,
    /// Where stamps stand and how they look.
    pub stamps: Stamps,
    /// Label of the encoding (WHATWG) of what it reads; none: UTF-8, or bytes.
    pub encoding: Option<String>,
    /// What the filter reads of the systemd journal: alternatives, each a list of FIELD=VALUE
    /// separated by spaces, with `+` between alternatives, as journalctl takes them.
    pub journal: Vec<String>,
    /// Lines and the verdict that each must get.
    pub samples: Vec<Sample>,
}

impl FilterSpec {
    /// The forms of stamps that it names itself, in banner's own dialect; none: it names none, or
    /// one of them is wrong.
    pub fn stamp_forms(&self) -> Option<StampForms> {
        match (&self.stamps, self.dialect) {
            (Stamps::Patterns(patterns), Dialect::Banner) => StampForms::new(patterns).ok(),
            _ => None,
        }
    }
}

/// How a filter reads lines, and in which language its patterns are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// banner's own: bytes, the syntax of the `regex` crate, a named prefix.
    #[default]
    Banner,
    /// fail2ban's: text, Python's `re` with fail2ban's tags; the stamp is cut out of the line
    /// wherever it stands, and a line break stands behind the rest.
    Fail2ban,
}

/// Where stamps stand and how they look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// Every form that is known.
    #[default]
    Known,
    /// These patterns: in strftime's notation, or in fail2ban's where the dialect is fail2ban's
    /// (`%d/%b/%Y`, `{^LN-BEG}`, `{EPOCH}`, …).
    Patterns(Vec<String>),
    /// Lines have none.
    None,
}

/// Which part of a filter an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `prefilter`.
    Prefilter,
    /// The entry of `stamps` with this index.
    Stamp(usize),
    /// `encoding`.
    Encoding,
    /// `prefix`.
    Prefix,
    /// `program`.
    Program,
    /// The entry of `fail` with this index.
    Fail(usize),
    /// The entry of `ignore` with this index.
    Ignore(usize),
    /// The entry of `samples` with this index.
    Sample(usize),
}

/// Why a filter cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// Where.
    pub part: Part,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Shared prefixes by name; the text of each is a regular expression with tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes(pub BTreeMap<String, String>);

impl Default for Prefixes {
    /// The built-in ones.
    fn default() -> Self {
        let own = |&(name, text): &(&str, &str)| (String::from(name), String::from(text));
        Self(super::native::BUILTIN_PREFIXES.iter().map(own).collect())
    }
}
