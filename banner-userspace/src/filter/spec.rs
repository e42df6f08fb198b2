//! What a filter file says, before it is compiled.

use std::{collections::BTreeMap, net::IpAddr};

/// A filter as it is written: one YAML file, or a mapping in place of a filter's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterSpec {
    /// Its name: the file's, or the jail's where it is written in place.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Name of the shared prefix that stands before the message; none: the message is the line.
    pub prefix: Option<String>,
    /// Regular expression for the program's name, where the prefix has a `<PROGRAM>`.
    pub program: Option<String>,
    /// A message that matches one of these is a failure. Each has one `<HOST>`.
    pub fail: Vec<String>,
    /// A message that matches one of these is not, whatever `fail` says.
    pub ignore: Vec<String>,
    /// Lines and the verdict that each must get.
    pub samples: Vec<Sample>,
}

/// A line and the verdict it must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The line as it stands in the log, prefix included.
    pub line: String,
    /// What the filter must say of it.
    pub expect: Expect,
}

/// The verdict that a sample must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A failure of this host.
    Fail(IpAddr),
    /// No failure.
    Pass,
}

/// Which part of a filter an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
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
        Self(super::BUILTIN_PREFIXES.iter().map(own).collect())
    }
}
