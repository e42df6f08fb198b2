//! fail2ban's configuration.

mod addresses;
mod ban_actions;
mod convert;
mod database;
mod deeds;
mod definition;
mod duration;
mod filter;
mod growth;
mod jail;
mod logs;
mod mails;
mod our_filters;
mod paths;
mod policy;
mod ports;
mod report;
#[cfg(test)]
mod tests;
mod ways;
mod yaml;

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{
    error::{ImportError, Place, Why},
    ini,
};

pub use convert::Converted;
pub use database::{Bans, Left, bans};
pub use filter::Imported;
pub use jail::{Jail, Jails, Which};
pub use report::{Remark, Report};

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

impl FilterRef {
    /// Reads a name with options that stands there.
    fn read(text: &str, place: &Place) -> Result<Self, ImportError> {
        let (name, options) = ini::named(text, place)?;
        let options = options.iter();
        Ok(Self {
            name: name.to_owned(),
            options: options
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
        })
    }

    /// The value of one of its options.
    pub fn option(&self, name: &str) -> Option<&str> {
        let mut options = self.options.iter();
        options
            .find(|(option, _)| option == name)
            .map(|(_, value)| value.as_str())
    }
}

impl FromStr for FilterRef {
    type Err = ImportError;

    /// Reads a name with options, as on a command line.
    fn from_str(text: &str) -> Result<Self, ImportError> {
        let text = text.strip_prefix("fail2ban:").unwrap_or(text);
        Self::read(text, &Place::whole("filter"))
    }
}
