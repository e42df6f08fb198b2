//! `banner check`.

mod attack;
mod slow;

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::bail;

use super::{output::say, table::escaped};
use crate::{
    agent,
    config::{self, Config, Jail},
    model::PortsId,
};

pub(super) fn check(path: &Path) -> anyhow::Result<ExitCode> {
    let config = config::load(path)?;
    for warning in &config.warnings {
        say!("{warning}");
    }
    let mut wrong = 0;
    let mut seen = Vec::new();
    let mut slowest = Duration::ZERO;
    for jail in &config.jails {
        let Some(filter) = &jail.filter else {
            continue;
        };
        if seen.iter().any(|known| Arc::ptr_eq(known, filter)) {
            continue;
        }
        seen.push(Arc::clone(filter));
        let (samples, mismatches) = filter.check_samples();
        let name = escaped(&jail.filter_name);
        say!(
            "filter {name}: {samples} samples, {} wrong",
            mismatches.len()
        );
        for loose in filter.loose() {
            say!("  warning: pattern {} {}", loose.pattern + 1, loose.why);
        }
        if filter.wants_every_line() {
            say!(
                "  warning: it looks at every line: some pattern has no three bytes that must stand \
                 in every match, or it looks back on lines"
            );
        }
        for attack in attack::attacks(filter, agent::now().wall) {
            say!(
                "  warning: pattern {} is fooled: this line is taken for a failure of {}:",
                attack.pattern + 1,
                attack.victim
            );
            say!("    {}", escaped(&attack.line));
        }
        let longest = usize::try_from(config.limits.line).unwrap_or(usize::MAX);
        match slow::slowest(filter, longest) {
            Some(slow) if slow.time > slow::SLOW => {
                say!("  warning: slow, {:.1?} for the line", slow.time);
                say!("    {}", escaped(&slow.line));
                slowest = slowest.max(slow.time);
            }
            Some(slow) => slowest = slowest.max(slow.time),
            None => say!(
                "  not tried for slow lines: it has no samples, and no line could be made of its patterns"
            ),
        }
        for mismatch in &mismatches {
            say!("  sample {}: {mismatch}", mismatch.sample + 1);
            say!("    {}", escaped(filter.sample_line(mismatch.sample)));
        }
        wrong += mismatches.len();
    }
    for jail in &config.jails {
        let logs = jail
            .logs
            .iter()
            .filter_map(|log| config.logs.get(usize::from(log.0)));
        let mut logs: Vec<_> = logs.map(|log| escaped(&log.to_string())).collect();
        logs.extend(jail.of.as_ref().map(|of| format!("bans of {of}")));
        say!(
            "jail {}: {} mode{}, {}",
            jail.name,
            jail.mode.name(),
            limits(&config, jail),
            logs.join(", ")
        );
    }
    say!("slowest line that was found, of any filter: {slowest:.1?}");
    if wrong > 0 {
        bail!("{wrong} samples did not get their verdict");
    }
    say!("{}: in order", path.display());
    Ok(ExitCode::SUCCESS)
}

/// What a jail bans, where that is not one host for all its ports.
fn limits(config: &Config, jail: &Jail) -> String {
    let mut text = String::new();
    if jail.ports != PortsId::ALL {
        text.extend([", ports ", &config.ports.name(jail.ports)]);
    }
    if (jail.ipv4_length, jail.ipv6_length) != (32, 128) {
        text.extend([format!(
            ", prefix /{} and /{}",
            jail.ipv4_length, jail.ipv6_length
        )]);
    }
    text
}
