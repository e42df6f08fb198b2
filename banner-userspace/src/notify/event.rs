//! What is told.

use std::{net::IpAddr, sync::Arc, time::Duration};

use crate::model::Wall;

/// Something that happened, as far as somebody may want to hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Wall,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody is banned, and the kernel has it, or would be, or could not be.
    Ban(Banned),
    /// A ban is over.
    Unban(Unbanned),
    /// The agent is ready.
    Start {
        /// Jails.
        jails: usize,
        /// Bans in force.
        bans: usize,
    },
    /// The agent stops; bans stay in force.
    Stop {
        /// What made it stop, as in `SIGTERM`.
        why: String,
        /// Bans that stay in force.
        bans: usize,
    },
    /// Something does not work as it should, in words of `banner status`.
    Problem(String),
    /// It does again.
    Solved(String),
    /// Many of these at once.
    Digest(Box<super::Digest>),
}

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banned {
    /// The jail; none for a ban that somebody asked for in no jail's name.
    pub jail: Option<Arc<str>>,
    /// The address or prefix.
    pub net: String,
    /// Which host offended, where that is known: it may have been a prefix.
    pub host: Option<IpAddr>,
    /// As in `tcp/22`, or `all`.
    pub ports: String,
    /// The failures that led to it; 0 for a ban that somebody asked for.
    pub failures: u32,
    /// How long from now; `None`: permanent.
    pub lasts: Option<Duration>,
    /// What has become of it.
    pub standing: Standing,
    /// There was a ban already; it now lasts longer.
    pub again: bool,
    /// The lines of logs that led to it, as they were read.
    pub lines: Vec<String>,
}

/// What has become of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is in force.
    InForce,
    /// It could not be put into force, and will be tried again.
    Pending,
    /// Nothing is dropped: its jail only observes.
    Observed,
    /// Nobody is banned: this is what a ban would look like.
    Sample,
}

impl Standing {
    /// The word for it in messages.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Pending => "pending",
            Self::Observed => "observed",
            Self::Sample => "sample",
        }
    }
}

/// The end of a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbanned {
    /// As in [`Banned`].
    pub jail: Option<Arc<str>>,
    /// The address or prefix.
    pub net: String,
    /// As in [`Banned`].
    pub ports: String,
    /// `over`, `lifted`, `displaced`.
    pub why: &'static str,
    /// Nothing was dropped.
    pub observed: bool,
}

/// What a target may want to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`What::Ban`].
    Ban,
    /// [`What::Unban`].
    Unban,
    /// [`What::Start`].
    Start,
    /// [`What::Stop`].
    Stop,
    /// [`What::Problem`] and [`What::Solved`].
    Problem,
}

impl Kind {
    /// All of them, with the words of configuration and messages.
    pub const ALL: [(&'static str, Self); 5] = [
        ("ban", Self::Ban),
        ("unban", Self::Unban),
        ("start", Self::Start),
        ("stop", Self::Stop),
        ("problem", Self::Problem),
    ];
}

impl Event {
    /// How many events it tells of.
    pub(super) fn weight(&self) -> u64 {
        match &self.what {
            What::Digest(digest) => digest.count(),
            _ => 1,
        }
    }
}

impl What {
    /// Its kind; none for a digest, which is made for a target alone.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Ban(_) => Some(Kind::Ban),
            Self::Unban(_) => Some(Kind::Unban),
            Self::Start { .. } => Some(Kind::Start),
            Self::Stop { .. } => Some(Kind::Stop),
            Self::Problem(_) | Self::Solved(_) => Some(Kind::Problem),
            Self::Digest(_) => None,
        }
    }

    /// The word for it in messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ban(_) => "ban",
            Self::Unban(_) => "unban",
            Self::Start { .. } => "start",
            Self::Stop { .. } => "stop",
            Self::Problem(_) => "problem",
            Self::Solved(_) => "solved",
            Self::Digest(_) => "digest",
        }
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// 2026-11-20T12:00:00Z.
    pub(in crate::notify) const NOON: Wall = Wall::from_secs(1_795_176_000);

    pub(in crate::notify) fn banned(net: &str, lines: &[&str]) -> Banned {
        Banned {
            jail: Some("sshd".into()),
            net: net.to_owned(),
            host: net.parse().ok(),
            ports: "all".into(),
            failures: 5,
            lasts: Some(Duration::from_hours(1)),
            standing: Standing::InForce,
            again: false,
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
        }
    }

    pub(in crate::notify) fn ban(net: &str) -> Event {
        Event {
            at: NOON,
            what: What::Ban(banned(net, &["a line"])),
        }
    }
}
