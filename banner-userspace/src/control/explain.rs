//! The shape of what is answered to who asks why somebody is banned, or is not.

use serde::{Deserialize, Serialize};

use super::BanStatus;

/// Everything that is known of a host or prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Who.
    pub net: String,
    /// Why no ban can be about it, if none can.
    pub never: Option<String>,
    /// Bans of it, and of prefixes around it.
    pub bans: Vec<Explained>,
    /// Why it was banned before, the latest first, as far as that is remembered.
    pub past: Vec<Reason>,
    /// What each jail has to say of it; none: no jail has seen it.
    pub jails: Vec<Counted>,
}

/// A ban and why it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// The ban.
    pub ban: BanStatus,
    /// Why; none where that is not remembered.
    pub reason: Option<Reason>,
}

/// Why somebody was banned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The jail; none: by hand, without one.
    pub jail: Option<String>,
    /// Who offended: the ban may be of the prefix around it. None: it was by hand.
    pub host: Option<String>,
    /// How long ago.
    pub seconds_ago: u64,
    /// The failures that it took.
    pub failures: u32,
    /// Which ban it was of those that make ban times grow, from 1.
    pub count: u32,
    /// How long it was for; none: without an end.
    pub time_seconds: Option<u64>,
    /// The lines, the latest last, as far as they are kept.
    pub lines: Vec<LineStatus>,
}

/// A line of a log that was a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineStatus {
    /// When, in seconds since 1970.
    pub at: i64,
    /// The line; what is no UTF-8 in it is replaced. Whoever was logged may have written it.
    pub line: String,
    /// It was longer.
    pub cut: bool,
    /// The container that wrote it, as in `shop/web-1/nginx`; none: no container did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The pattern of the filter that matched it.
    pub pattern: Option<String>,
}

/// What a jail knows of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The jail.
    pub jail: String,
    /// Failures that count now.
    pub failures: usize,
    /// How many make a ban…
    pub max_retry: u32,
    /// …within so many seconds.
    pub find_seconds: u64,
    /// The jail never bans it.
    pub ignored: bool,
    /// How often the jail has banned it, where ban times grow.
    pub banned_before: u32,
}
