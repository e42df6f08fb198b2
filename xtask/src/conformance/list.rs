//! fail2ban's filters with their options and samples, for programs that need no Python.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::peer::{Peer, Sample};
use crate::{
    fail2ban,
    setup::{self, Voice},
};

/// Writes a list of all filters of Debian's package to a file, one object of JSON for each filter and
/// set of options. What of the samples is no UTF-8 is replaced.
pub(crate) fn list(file: &Path) -> Result<()> {
    setup::conformance(Voice::Changes)?;
    let mut peer = Peer::start(&fail2ban::folder()?)?;
    let mut text = String::new();
    for filter in peer.filters()? {
        for case in peer.cases(&filter)? {
            let lines: Vec<_> = (case.rows.iter().map(Sample::bytes))
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .collect();
            let entry = json!({
                "filter": filter.name,
                "config": filter.config,
                "options": case.options,
                "journal": case.journal,
                "lines": lines,
            });
            text += &entry.to_string();
            text.push('\n');
        }
    }
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}
