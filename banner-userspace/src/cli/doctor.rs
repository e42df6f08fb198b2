//! `banner doctor`.

use std::process::ExitCode;

use super::{
    Places,
    output::say,
    table::{self, aligned, escaped},
};
use crate::{
    config::{self, Interfaces},
    enforce::xdp::doctor::{self, Finding, InterfaceReport, Report, Verdict, Wanted},
};

pub(super) fn doctor(places: &Places, json: bool) -> anyhow::Result<ExitCode> {
    let wanted = wanted(places);
    let report = doctor::examine(&places.pin_dir, &wanted, !places.interfaces.is_empty());
    if json {
        say!("{}", table::json(&report)?);
    } else {
        say!("{}", text(&report).trim_end());
    }
    Ok(match report.verdict {
        Verdict::Native => ExitCode::SUCCESS,
        Verdict::Limited => ExitCode::from(1),
        Verdict::Unusable => ExitCode::from(2),
    })
}

/// Those that the command line names, else those of the configuration where there is a good one.
fn wanted(places: &Places) -> Wanted {
    if !places.interfaces.is_empty() {
        return Wanted::Named(places.interfaces.clone());
    }
    match config::load(&places.config).map(|config| config.interfaces) {
        Ok(Interfaces::Named(choices)) => {
            Wanted::Named(choices.into_iter().map(|choice| choice.name).collect())
        }
        Ok(Interfaces::Auto) | Err(_) => Wanted::Default,
    }
}

fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    for check in &report.checks {
        let finding = match check.finding {
            Finding::Good => "ok",
            Finding::Limit => "LIMIT",
            Finding::Missing => "MISSING",
            Finding::Unknown => "unknown",
        };
        lines.push(vec![
            finding.into(),
            check.what.into(),
            escaped(&check.detail),
        ]);
    }
    let mut text = aligned(&lines);
    for interface in &report.interfaces {
        text.push('\n');
        text.push_str(&interface_text(interface));
    }
    text.push('\n');
    text.push_str(&pinned_text(report));
    text.push('\n');
    let verdict = match report.verdict {
        Verdict::Native => "usable natively",
        Verdict::Limited => "usable with limits",
        Verdict::Unusable => "UNUSABLE as it is",
    };
    text.extend([verdict, "\n"]);
    for reason in &report.reasons {
        text.extend(["  ", &escaped(reason), "\n"]);
    }
    text
}

fn interface_text(interface: &InterfaceReport) -> String {
    let driver = interface.driver.as_deref();
    let driver = driver.map_or_else(String::new, |driver| format!(", driver {driver}"));
    let mut text = format!(
        "interface {} ({}{}), MTU {}\n",
        escaped(&interface.name),
        escaped(&interface.kind),
        escaped(&driver),
        interface.mtu
    );
    let wanted = if interface.wanted {
        "would be used"
    } else {
        "not wanted; could be used"
    };
    let (place, why) = (interface.place, escaped(&interface.why));
    text.extend(["  ", wanted, ": ", place, " (", &why, ")\n"]);
    if let Some(program) = &interface.program {
        text.extend(["  XDP program there: ", &escaped(program), "\n"]);
    }
    for advice in &interface.advice {
        text.extend(["  note: ", &escaped(advice), "\n"]);
    }
    text
}

fn pinned_text(report: &Report) -> String {
    let pinned = &report.pinned;
    let agent = pinned.agent.map_or_else(
        || "no agent is running".to_owned(),
        |agent| format!("in use by the agent (process {agent})"),
    );
    let mut text = format!("pins in {}: {agent}\n", escaped(&pinned.directory));
    for (name, shape) in &pinned.maps {
        text.extend(["  map ", &escaped(name), ": ", &escaped(shape), "\n"]);
    }
    if !pinned.links.is_empty() {
        text.extend(["  links: ", &escaped(&pinned.links.join(", ")), "\n"]);
    }
    if let Some([v4, v6]) = pinned.bans {
        let counts = format!("{v4} IPv4, {v6} IPv6");
        text.extend(["  bans, over or not: ", &counts, "\n"]);
    }
    if let Some(problem) = &pinned.problem {
        text.extend(["  ", &escaped(problem), "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enforce::xdp::doctor::{Check, PinnedReport};

    #[test]
    fn all_that_was_found_is_said_and_nothing_reaches_the_terminal_raw() {
        let report = Report {
            verdict: Verdict::Limited,
            kernel: "6.1".into(),
            checks: vec![Check {
                what: "tcx",
                finding: Finding::Limit,
                detail: "came with 6.6".into(),
            }],
            interfaces: vec![InterfaceReport {
                name: "eth\u{1b}".into(),
                kind: "device".into(),
                driver: Some("virtio_net".into()),
                mtu: 1500,
                wanted: true,
                program: Some("native: program 7".into()),
                place: "generic",
                why: "no native XDP".into(),
                advice: vec!["a note".into()],
                ..InterfaceReport::default()
            }],
            pinned: PinnedReport {
                directory: "/p".into(),
                agent: Some(12),
                maps: vec![("BANS4".into(), "a map".into())],
                links: vec!["eth0".into()],
                bans: Some([3, 4]),
                problem: None,
            },
            reasons: vec!["eth0: slow".into()],
        };
        let text = text(&report);
        for part in [
            "LIMIT  tcx  came with 6.6",
            "interface eth\\u{1b} (device, driver virtio_net), MTU 1500",
            "would be used: generic (no native XDP)",
            "XDP program there: native: program 7",
            "note: a note",
            "process 12",
            "map BANS4: a map",
            "bans, over or not: 3 IPv4, 4 IPv6",
            "usable with limits\n  eth0: slow",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}
