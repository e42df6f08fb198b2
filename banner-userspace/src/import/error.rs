//! What is wrong with a configuration that is imported, and where.

use std::{fmt, path::Path, sync::Arc};

/// A line of a file, or a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file; text from elsewhere (a command line) bears a name of its own.
    pub file: Arc<str>,
    /// The line, from 1; 0: the file as a whole.
    pub line: u32,
}

impl Place {
    /// A file as a whole.
    pub fn file(path: &Path) -> Self {
        Self::whole(&path.display().to_string())
    }

    /// Something as a whole that has this name.
    pub fn whole(name: &str) -> Self {
        Self {
            file: name.into(),
            line: 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Something in a foreign configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct ImportError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a foreign configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// The operating system refuses to read it.
    #[error("cannot read: {0}")]
    Unreadable(String),
    /// A file where a folder should be.
    #[error("is not a directory")]
    NotADirectory,
    /// A device, a pipe, a folder.
    #[error("is not a regular file")]
    NotAFile,
    /// Nobody writes so much by hand.
    #[error("has more than {0} bytes")]
    TooLong(u64),
    /// One operation would read too much.
    #[error("with this file, more than {0} files or {1} bytes would have to be read")]
    TooMuch(usize, u64),
    /// Includes of includes of includes.
    #[error("includes {name}, {depth} files deep; is this a loop?")]
    TooDeep {
        /// The file that is included.
        name: String,
        /// How many files lead there.
        depth: usize,
    },
    /// Bytes that are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// Nothing has this name.
    #[error("there is no {what} {name:?} here: neither {name}.conf nor {name}.local")]
    Absent {
        /// Filter, action or jail.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A line before the first section.
    #[error("a section such as [Definition] must stand before this line")]
    NoSectionYet,
    /// A line without `=` or with nothing before it.
    #[error("expected `name = value` or a section, found {0:?}")]
    NotAnOption(String),
    /// A section twice in one file.
    #[error("the section [{0}] is given twice in this file")]
    SectionTwice(String),
    /// An option twice in one section of one file.
    #[error("{option} is given twice in the section [{section}] of this file")]
    OptionTwice {
        /// The section.
        section: String,
        /// The option.
        option: String,
    },
    /// What every file of this kind has.
    #[error("has no section [{0}]")]
    NoSection(String),
    /// A percent sign that is none of `%%` and `%(name)s`.
    #[error(
        "{option}: a % must stand before another % or before (name)s, and here stands {found:?}"
    )]
    BadPercent {
        /// The option.
        option: String,
        /// From the percent sign on.
        found: String,
    },
    /// `%(name)s` where nothing has this name.
    #[error("{option}: %({name})s is given nowhere")]
    NoSuchValue {
        /// The option.
        option: String,
        /// What it asks for.
        name: String,
    },
    /// `%(name)s` within `%(name)s` within …
    #[error("{option}: values refer to each other more than {0} deep", depth)]
    TooNested {
        /// The option.
        option: String,
        /// The limit.
        depth: usize,
    },
    /// What references stand for is too long.
    #[error(
        "{option}: becomes longer than {limit} bytes when all references are replaced, or takes too \
         many of them"
    )]
    Explodes {
        /// The option.
        option: String,
        /// The limit.
        limit: usize,
    },
    /// `<tag>` that contains itself.
    #[error("{option}: <{tag}> refers to itself, directly or through others")]
    TagLoop {
        /// The option.
        option: String,
        /// The tag.
        tag: String,
    },
    /// Not `name[key=value, …]`.
    #[error("expected name[key=value, …], found {0:?}")]
    BadOptions(String),
    /// Quotes that are not closed in a list of words.
    #[error("a quote or backslash is not closed in {0:?}")]
    Unclosed(String),
    /// More than anybody has.
    #[error("has more than {0} jails")]
    TooManyJails(usize),
    /// SQLite, or what is in its file.
    #[error("cannot read the database: {0}")]
    Database(String),
    /// More than can be banned.
    #[error("has more than {0} bans")]
    TooManyBans(usize),
    /// A number that is none.
    #[error("{option}: expected {expected}, found {found:?}")]
    BadValue {
        /// The option.
        option: String,
        /// What it takes.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
}

impl Why {
    /// The error that this is, there.
    pub(crate) fn at(self, place: &Place) -> ImportError {
        ImportError {
            place: place.clone(),
            why: self,
        }
    }
}
