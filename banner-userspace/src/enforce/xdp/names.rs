//! The names of pinned links, which tell of which interface each is.

use std::path::{Path, PathBuf};

/// Of an XDP link.
pub(super) const LINK_PREFIX: &str = "link-";
/// Of a tcx link.
pub(super) const TCX_PREFIX: &str = "tcx-";

/// `link-eth0`; a dot, as VLAN interfaces have it in their names, is `%2E`.
pub(super) fn link_name(prefix: &str, interface: &str) -> String {
    format!(
        "{prefix}{}",
        interface.replace('%', "%25").replace('.', "%2E")
    )
}

/// Where a link is pinned while another one has taken its place. An interface name has no colon.
pub(super) fn link_aside(path: &Path, link: u32) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(":{link}"));
    aside.into()
}

/// The inverse of [`link_name`], with or without a link's number as [`link_aside`] adds it.
pub(super) fn linked_interface(file: &str) -> Option<String> {
    hooked_interface(file).map(interface_in)
}

/// The rest of the name of a link's file.
pub(super) fn hooked_interface(file: &str) -> Option<&str> {
    let xdp = file.strip_prefix(LINK_PREFIX);
    xdp.or_else(|| file.strip_prefix(TCX_PREFIX))
}

/// The interface of which that is the rest of a name.
pub(super) fn interface_in(name: &str) -> String {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    name.replace("%2E", ".").replace("%25", "%")
}
