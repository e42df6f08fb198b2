//! What this machine can do, and what banner would use. Looks and asks; attaches nothing, pins
//! nothing, changes nothing.

mod interfaces;
mod machine;
mod pinned;

use std::path::Path;

use serde::Serialize;

pub use interfaces::InterfaceReport;
pub use machine::{Check, Finding};
pub use pinned::PinnedReport;

use crate::netlink::Network;

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How it would go, all in all.
    pub verdict: Verdict,
    /// The kernel's release.
    pub kernel: String,
    /// What the machine and this process have, one by one.
    pub checks: Vec<Check>,
    /// The interfaces.
    pub interfaces: Vec<InterfaceReport>,
    /// What is pinned.
    pub pinned: PinnedReport,
    /// Why the verdict is not better, in words.
    pub reasons: Vec<String>,
}

/// How it would go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every interface that would be protected would be so natively.
    Native,
    /// Bans would be in force, with limits.
    Limited,
    /// Bans would not be in force.
    Unusable,
}

/// Which interfaces are looked at, and which of them would be protected.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Those that carry a default route.
    Default,
    /// These.
    Named(Vec<String>),
}

/// Looks at the machine. With `only_wanted` no other interfaces are shown.
pub fn examine(pin_dir: &Path, wanted: &Wanted, only_wanted: bool) -> Report {
    let machine::Machine { kernel, checks } = machine::look(pin_dir);
    let mut reasons = Vec::new();
    let mut verdict = Verdict::Native;
    for check in &checks {
        let worst = match check.finding {
            Finding::Missing => Verdict::Unusable,
            Finding::Limit => Verdict::Limited,
            Finding::Good | Finding::Unknown => continue,
        };
        verdict = verdict.max(worst);
        reasons.push(format!("{}: {}", check.what, check.detail));
    }
    let mut reports = Vec::new();
    match Network::read() {
        Ok(network) => {
            let tcx = checks.iter().any(Check::is_tcx);
            reports = interfaces::look(&network, pin_dir, wanted, tcx);
            let (worst, more) = interfaces::judge(&reports, wanted);
            verdict = verdict.max(worst);
            reasons.extend(more);
        }
        Err(error) => {
            verdict = Verdict::Unusable;
            reasons.push(format!("cannot ask the kernel for its interfaces: {error}"));
        }
    }
    if only_wanted {
        reports.retain(|report| report.wanted);
    }
    Report {
        verdict,
        kernel,
        checks,
        interfaces: reports,
        pinned: pinned::look(pin_dir),
        reasons,
    }
}
