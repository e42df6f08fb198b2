//! When a ban comes, and how long it holds.

use std::time::Duration;

use super::{duration, growth::escalation};

/// Longer bans are permanent ones to banner.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// When a jail bans, in keys of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    /// Keys and their values.
    entries: Vec<(&'static str, String)>,
    /// What means something else.
    pub(super) changed: Vec<String>,
    /// What is not carried over.
    pub(super) left_out: Vec<String>,
}

/// What holds in banner where nothing is said.
const SILENT: (&str, &str) = ("escalation", "false");

/// The same of names that logs have.
const SILENT_NAMES: (&str, &str) = ("names", "ignore");

/// What banner does with names of logs where this is `usedns`.
pub(super) fn names_of(usedns: &str) -> &'static str {
    match usedns.trim().to_ascii_lowercase().as_str() {
        "yes" | "warn" => "resolve",
        _ => SILENT_NAMES.1,
    }
}

impl Policy {
    /// What these options of theirs say.
    pub(super) fn of(option: impl Fn(&str) -> Option<String>) -> Self {
        let (mut changed, mut left_out) = (Vec::new(), Vec::new());
        let mut entries = times(&option, |text| changed.push(text));
        if let Some(names) = option("usedns") {
            entries.push((SILENT_NAMES.0, names_of(&names).to_owned()));
        }
        let escalation = escalation(option, |text| left_out.push(text));
        if escalation != SILENT.1 {
            changed.push(
                "bans that grow: earlier ones count until they have been over for 4w (`forget`), \
                 which fail2ban's dbpurgeage says there"
                    .to_owned(),
            );
        }
        entries.push((SILENT.0, escalation));
        Self {
            entries,
            changed,
            left_out,
        }
    }

    /// What has to be said.
    pub(super) fn said(self) -> Vec<(&'static str, String)> {
        let mut entries = self.entries;
        entries.retain(|(key, value)| ![SILENT, SILENT_NAMES].contains(&(*key, value.as_str())));
        entries
    }

    /// What has to be said where these are the defaults.
    pub(super) fn beside(self, defaults: &Self) -> Vec<(&'static str, String)> {
        let mut entries = self.entries;
        entries.retain(|entry| !defaults.entries.contains(entry));
        entries
    }
}

fn times(
    option: impl Fn(&str) -> Option<String>,
    mut changed: impl FnMut(String),
) -> Vec<(&'static str, String)> {
    let mut policy = Vec::new();
    if let Some(text) = option("maxretry") {
        if let Ok(retry) = text.trim().parse::<i64>() {
            let ours = retry.clamp(1, 1000);
            if ours != retry {
                changed(format!("maxretry is {ours}, which was {retry}"));
            }
            policy.push(("max_retry", ours.to_string()));
        } else {
            // As fail2ban has it.
            changed(format!("maxretry = {text} is no number: 3 holds"));
            policy.push(("max_retry", "3".to_owned()));
        }
    }
    for (theirs, ours) in [("findtime", "find_time"), ("bantime", "ban_time")] {
        let Some(text) = option(theirs) else {
            continue;
        };
        let value = match duration::seconds(&text) {
            Some(seconds) if ours == "ban_time" && seconds < 0.0 => "permanent".to_owned(),
            Some(seconds) if seconds > LONGEST => {
                if ours == "find_time" {
                    changed(format!("{theirs} is ten years, which was {text}"));
                    "3650d".to_owned()
                } else {
                    changed(format!("{theirs} is permanent, which was {text}"));
                    "permanent".to_owned()
                }
            }
            Some(seconds) if seconds >= 1.0 => {
                let time = Duration::from_secs_f64(seconds);
                if time.subsec_nanos() != 0 {
                    changed(format!("{theirs} is whole seconds, which was {text}"));
                }
                duration::written(time)
            }
            _ => {
                changed(format!(
                    "{theirs} = {text} is no time that banner has: the default holds"
                ));
                continue;
            }
        };
        policy.push((ours, value));
    }
    policy
}
