//! The filters that come with banner.

/// The text of each built-in filter, by name, in alphabetical order.
const LIBRARY: &[(&str, &str)] = &[("sshd", include_str!("../../../config/filters.d/sshd.yaml"))];

/// The YAML of the built-in filter of this name.
pub fn library(name: &str) -> Option<&'static str> {
    LIBRARY
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// The names of the built-in filters.
pub fn library_names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|(name, _)| *name)
}
