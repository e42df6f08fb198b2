//! The programs that are run.

use std::time::Duration;

use super::sets::Family;
use crate::enforce::{ChildError, EnforceError, child::Child};

/// How long a program may take, waiting for the lock of iptables included.
const WITHIN: Duration = Duration::from_secs(20);

pub(super) fn set_names() -> Result<Vec<String>, EnforceError> {
    let listed = ipset()?.args(["list", "-n"]).run(&[])?;
    let text = String::from_utf8_lossy(&listed.stdout);
    Ok(text.lines().map(str::to_owned).collect())
}

/// The sets that there are, with type and options, such as `hash:net family inet … timeout 0 comment`.
pub(super) fn set_kinds() -> Result<Vec<(String, String)>, EnforceError> {
    let listed = ipset()?.args(["list", "-t"]).run(&[])?;
    let text = String::from_utf8_lossy(&listed.stdout);
    let mut sets: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("Name: ") {
            sets.push((name.to_owned(), String::new()));
        } else if let Some((_, kind)) = sets.last_mut()
            && let Some(more) = (line.strip_prefix("Type: ")).or(line.strip_prefix("Header: "))
        {
            kind.extend([more, " "]);
        }
    }
    Ok(sets)
}

pub(super) fn ipset() -> Result<Child, ChildError> {
    Child::new("ipset", "ipset", WITHIN)
}

pub(super) fn ipset_restore(script: &str) -> Result<(), ChildError> {
    if script.is_empty() {
        return Ok(());
    }
    ipset()?
        .args(["-exist", "restore"])
        .run(script.as_bytes())?;
    Ok(())
}

pub(super) fn restore_command(family: Family) -> Result<Child, ChildError> {
    Child::new(&format!("{}-restore", family.program()), "iptables", WITHIN)
}

/// The rules of a chain; none: there is no such chain.
pub(super) fn listed(family: Family, chain: &str) -> Result<Option<Vec<String>>, EnforceError> {
    let list = Child::new(family.program(), "iptables", WITHIN)?;
    match list.args(["-w", "5", "-S", chain]).run(&[]) {
        Ok(finished) => {
            let text = String::from_utf8_lossy(&finished.stdout);
            Ok(Some(text.lines().map(str::to_owned).collect()))
        }
        Err(ChildError::Failed { said, .. }) if said.contains("No chain/target/match") => Ok(None),
        // What iptables over nftables says of a chain that is not there.
        Err(ChildError::Failed { said, .. })
            if said.contains("does not exist") || said.contains("is incompatible, use 'nft'") =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
