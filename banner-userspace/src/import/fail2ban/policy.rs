//! When a ban comes, and how long it holds.

use std::time::Duration;

use super::duration;

/// Longer bans are permanent ones to banner.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// The keys of ours for options of theirs, and their values.
pub(super) fn policy(
    option: impl Fn(&str) -> Option<String>,
    mut changed: impl FnMut(String),
) -> Vec<(&'static str, String)> {
    let mut policy = Vec::new();
    if let Some(retry) = option("maxretry").and_then(|retry| retry.trim().parse::<i64>().ok()) {
        let ours = retry.clamp(1, 1000);
        if ours != retry {
            changed(format!("maxretry is {ours}, which was {retry}"));
        }
        policy.push(("max_retry", ours.to_string()));
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
