//! The shape of what is answered about one jail.

use serde::{Deserialize, Serialize};

use super::{FileStatus, JailStatus, StreamStatus};

/// Everything about one jail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailDetail {
    /// What `banner status` has of it.
    #[serde(flatten)]
    pub status: JailStatus,
    /// Failures that make an offence…
    pub max_retry: u32,
    /// …within so many seconds.
    pub find_seconds: u64,
    /// How long a ban lasts; none: without an end.
    pub ban_seconds: Option<u64>,
    /// Ban times grow for those who come back.
    pub escalates: bool,
    /// For which ports it bans: `all`, or a list such as `tcp/22,udp/53`.
    pub ports: String,
    /// How much around an offender is banned: the length of the prefix for IPv4 and IPv6.
    pub prefix: [u8; 2],
    /// How long the prefixes are whose hosts are counted as one.
    pub count_by: [u8; 2],
    /// Whom it never bans, beside those whom no jail bans.
    pub ignore: Vec<String>,
    /// The ways to drop packets that its bans go to, in order of preference.
    pub enforce: Vec<String>,
    /// Targets that are told of its bans.
    pub notify: Vec<String>,
    /// Bans that it gave since the agent started, prolonged ones counted once.
    pub bans: u64,
    /// Its last failure since the agent started.
    pub last_failure: Option<LastFailure>,
    /// Hosts with most failures that count now, and how many; a few.
    pub counted: Vec<(String, usize)>,
    /// The files that it reads.
    pub files: Vec<FileStatus>,
    /// What it reads beside files.
    pub streams: Vec<StreamStatus>,
}

/// A failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// Whose.
    pub host: String,
    /// When, by its stamp if that can be trusted.
    pub seconds_ago: u64,
}

/// A text that can be the name of a jail.
pub fn jail_name(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("names of jails have 1 to 64 letters, digits, dots, underscores and hyphens".to_owned())
    }
}
