//! The table as a whole: looked at, and told whose it is.

use std::{collections::BTreeSet, time::Duration};

use nix::errno::Errno;

use super::{
    Made,
    message::Element,
    script::{Listing, NEVER, TABLE},
    sets::{Scopes, SetKey},
    socket::Netlink,
};
use crate::enforce::{ChildError, EnforceError, Found, Held, child::Child};

/// How long `nft` may take. It waits for nobody but the kernel.
const WITHIN: Duration = Duration::from_secs(20);

pub(super) fn survey(
    made: Option<&Made>,
    scopes: &Scopes,
    sets: &BTreeSet<SetKey>,
) -> Result<Found, EnforceError> {
    let mut found = Found::default();
    let Some(listing) = ours()? else {
        found.broken = Some("the table inet banner was gone".into());
        return Ok(found);
    };
    let netlink = Netlink::open().map_err(|error| EnforceError::Kernel {
        operation: "talk to nf_tables",
        why: error.to_string(),
    })?;
    let never = never(&netlink).unwrap_or_default();
    if made.is_none_or(|made| made.text != listing.text) {
        found.broken = Some("chains, rules or sets of the table inet banner were changed".into());
    } else if made.is_none_or(|made| made.never != never) {
        found.broken = Some("the never-ban list of the table inet banner was changed".into());
    }
    for &set in sets {
        let elements = match netlink.list(TABLE, &set.name()) {
            Ok(elements) => elements,
            Err(Errno::ENOENT) => continue,
            Err(errno) => return Err(kernel("read the table inet banner", errno)),
        };
        for element in elements {
            match scopes.entry(set, &element.key) {
                Some(entry) => found.held.push(Held {
                    entry,
                    left: element_left(&element),
                }),
                None => found.strange += 1,
            }
        }
    }
    found.held.sort_unstable_by_key(|held| held.entry);
    found.held.dedup_by_key(|held| held.entry);
    Ok(found)
}

/// What is in the sets of prefixes that are never dropped.
pub(super) fn never(netlink: &Netlink) -> Result<Vec<Vec<u8>>, Errno> {
    let mut all = Vec::new();
    for (name, _) in NEVER {
        let mut elements: Vec<_> = netlink.list(TABLE, name)?;
        elements.sort_by(|one, other| one.key.cmp(&other.key));
        all.extend(elements.into_iter().map(|element| element.key));
    }
    Ok(all)
}

pub(super) fn nft() -> Result<Child, ChildError> {
    Child::new("nft", "nftables", WITHIN)
}

/// The table as it is; none: there is none.
pub(super) fn list() -> Result<Option<Listing>, EnforceError> {
    let arguments = ["-s", "-n", "-t", "list", "table", "inet", TABLE];
    match nft()?.args(arguments).run(&[]) {
        Ok(finished) => Ok(Some(Listing::read(&String::from_utf8_lossy(
            &finished.stdout,
        )))),
        Err(ChildError::Failed { said, .. }) if said.contains("No such file or directory") => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The same; refused when it is somebody else's.
pub(super) fn ours() -> Result<Option<Listing>, EnforceError> {
    let found = list()?;
    if found.as_ref().is_some_and(|listing| !listing.is_ours) {
        return Err(EnforceError::Foreign {
            what: format!("a table inet {TABLE}"),
            advice: format!(
                "look at it (nft list table inet {TABLE}), and remove or rename it if it is not \
                 needed"
            ),
        });
    }
    Ok(found)
}

pub(super) fn kernel(operation: &'static str, errno: Errno) -> EnforceError {
    let advice = match errno {
        Errno::EPERM | Errno::EACCES => "; run as root, or grant CAP_NET_ADMIN",
        Errno::ENOENT => "; somebody has removed it",
        _ => "",
    };
    EnforceError::Kernel {
        operation,
        why: format!("{}{advice}", errno.desc()),
    }
}

/// How much is left of an element; none: it has no end.
pub(super) fn element_left(element: &Element) -> Option<Duration> {
    element.timeout?;
    Some(Duration::from_millis(element.left.unwrap_or(0)))
}
