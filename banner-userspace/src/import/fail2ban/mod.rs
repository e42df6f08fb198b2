//! fail2ban's configuration.

mod definition;
mod filter;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{
    error::{ImportError, Place, Why},
    ini,
};

pub use filter::Imported;

/// How a filter's lines begin, which fail2ban decides by where they come from. Filters that know
/// several forms look at it; `short` and `rfc5424` are never decided, only given as `logtype`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogType {
    /// Lines of a file, with a time stamp.
    #[default]
    File,
    /// Lines of the systemd journal, without one.
    Journal,
    /// Nobody decides, and the filter's own default holds.
    Undecided,
}

/// A configuration directory of fail2ban's, such as /etc/fail2ban.
#[derive(Clone, Debug)]
pub struct Fail2ban {
    dir: PathBuf,
    logtype: LogType,
}

/// A filter with options: `NAME[key=value, …]`, maybe with `fail2ban:` before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRef {
    /// Name of a filter, or path to a file.
    pub name: String,
    /// Its options.
    pub options: Vec<(String, String)>,
}

impl Fail2ban {
    /// Looks whether there is such a directory.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, ImportError> {
        let dir = dir.into();
        let place = Place::file(&dir);
        let metadata = dir
            .metadata()
            .map_err(|error| Why::Unreadable(error.to_string()).at(&place))?;
        if !metadata.is_dir() {
            return Err(Why::NotADirectory.at(&place));
        }
        Ok(Self {
            dir,
            logtype: LogType::default(),
        })
    }

    /// Where filters' lines come from, where they do not say it themselves.
    #[must_use]
    pub fn with_logtype(mut self, logtype: LogType) -> Self {
        self.logtype = logtype;
        self
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl FromStr for FilterRef {
    type Err = ImportError;

    /// Reads a name with options.
    fn from_str(text: &str) -> Result<Self, ImportError> {
        let text = text.strip_prefix("fail2ban:").unwrap_or(text);
        let (name, options) = ini::named(text, &Place::whole("filter"))?;
        Ok(Self {
            name: name.to_owned(),
            options: options
                .iter()
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
        })
    }
}
