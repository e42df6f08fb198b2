//! A log entry of the configuration: an absolute path, any component of which may be a glob.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::glob::{self, Glob, Parsed};

/// Why a text is no log entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    #[error("the log `{0}` is not an absolute path")]
    Relative(String),
    #[error("the log `{0}` ends in `/`; it has to name files, as in `{0}*.log`")]
    Folder(String),
    #[error("the log `{0:?}` has a NUL byte in it")]
    Nul(String),
}

/// One component of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// This name.
    Name(OsString),
    /// Any name that matches.
    Glob(Glob),
}

impl Part {
    /// Whether a name in a folder is meant.
    pub(super) fn matches(&self, name: &OsStr) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Glob(glob) => glob.matches(name.as_bytes()),
        }
    }
}

/// A checked log entry.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// The components after the root; at least one.
    pub(super) parts: Vec<Part>,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(PatternError::Relative(text.to_owned()));
        };
        if text.contains('\0') {
            return Err(PatternError::Nul(text.to_owned()));
        }
        if rest.is_empty() || rest.ends_with('/') {
            return Err(PatternError::Folder(text.to_owned()));
        }
        let parts = rest
            .split('/')
            .filter(|component| !matches!(*component, "" | "."))
            .map(|component| match glob::parse(component) {
                Parsed::Literal(name) => Part::Name(name.into()),
                Parsed::Glob(glob) => Part::Glob(glob),
            })
            .collect();
        Ok(Self { parts })
    }

    /// Whether a path, as the walk through this or another pattern spells it, is meant.
    pub(super) fn matches(&self, path: &Path) -> bool {
        let mut names = path.iter().skip(1);
        self.parts
            .iter()
            .all(|part| names.next().is_some_and(|name| part.matches(name)))
            && names.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_an_absolute_path_of_files() {
        for (text, fits) in [
            ("/var/log/auth.log", true),
            ("/x", true),
            ("var/log/auth.log", false),
            ("", false),
            ("/", false),
            ("/var/log/", false),
            ("/var/\0log", false),
        ] {
            assert_eq!(Pattern::parse(text).is_ok(), fits, "{text:?}");
        }
    }

    #[test]
    fn a_glob_stays_within_its_component() {
        for (pattern, path, expected) in [
            ("/var/log/*.log", "/var/log/auth.log", true),
            ("/var/log/*.log", "/var/log/nginx/access.log", false),
            ("/var/log/*/*.log", "/var/log/nginx/access.log", true),
            ("/var/log/*/*.log", "/var/log/.hidden/access.log", false),
            ("/var/log/*", "/var/log/.hidden", false),
            ("/var/log/.*", "/var/log/.hidden", true),
            ("/var//log/./a.log", "/var/log/a.log", true),
            ("/var/log", "/var/log/a.log", false),
            ("/var/log/a[b/c]d", "/var/log/abd", false),
        ] {
            let parsed = Pattern::parse(pattern).expect(pattern);
            assert_eq!(
                parsed.matches(Path::new(path)),
                expected,
                "{pattern} {path}"
            );
        }
    }
}
