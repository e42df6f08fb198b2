//! The shapes of the answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the agent says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of banner.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// For how many seconds it has been running.
    pub uptime_seconds: u64,
    /// What does not work as it should, in words.
    pub problems: Vec<String>,
    /// How bans are put into force.
    pub enforcer: String,
    /// The ways to drop packets that the configuration names.
    #[serde(default)]
    pub enforcers: Vec<EnforcerStatus>,
    /// Where.
    pub interfaces: Vec<InterfaceStatus>,
    /// IPv4 hosts and prefixes that are banned, counted once for each set of ports.
    pub banned_ipv4: usize,
    /// The same for IPv6.
    pub banned_ipv6: usize,
    /// Those of both that are prefixes.
    #[serde(default)]
    pub banned_prefixes: usize,
    /// How many of each family there can be at once.
    pub max_bans: u32,
    /// Bans that could not be put into force yet, and are tried again.
    pub pending: usize,
    /// Bans that ended before their time, or never were, because there was no room.
    pub displaced: u64,
    /// Bans that were tested by what becomes of a packet, since the agent started.
    #[serde(default)]
    pub self_tests: u64,
    /// Tests of which what was seen is not as it should be.
    #[serde(default)]
    pub self_test_failures: u64,
    /// Packets by what became of them, since the counters were first pinned.
    pub packets: BTreeMap<String, PacketStatus>,
    /// Jails, in the order of the configuration.
    pub jails: Vec<JailStatus>,
    /// Log files.
    pub files: Vec<FileStatus>,
    /// What is read beside files.
    #[serde(default)]
    pub streams: Vec<StreamStatus>,
    /// Reading, over all files.
    pub source: SourceStatus,
    /// What is kept on disk.
    #[serde(default)]
    pub store: StoreStatus,
    /// Names of logs that are looked up; none where no jail does that.
    #[serde(default)]
    pub names: Option<NamesStatus>,
    /// Who is told of bans and troubles, in the order of the configuration.
    #[serde(default)]
    pub notify: Vec<NotifyStatus>,
}

/// Failures of names of logs that are looked up, since the agent started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesStatus {
    /// They wait for an answer.
    pub waiting: usize,
    /// Their names have addresses.
    pub resolved: u64,
    /// Their names have none.
    pub unresolved: u64,
    /// No answer came in time.
    pub unanswered: u64,
    /// Nobody was asked, because too many waited.
    pub dropped: u64,
}

/// Somebody who is told, since the agent started or the configuration of this target changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyStatus {
    /// Name.
    pub name: String,
    /// `mail`, `webhook` or `command`.
    pub way: String,
    /// Events that wait.
    pub queued: usize,
    /// Messages that arrived.
    pub sent: u64,
    /// Attempts after the first ones.
    pub retried: u64,
    /// Messages that were given up.
    pub dropped: u64,
    /// Events that went into digests.
    pub folded: u64,
    /// Why the last attempt failed; none: it did not.
    pub problem: Option<String>,
}

/// What is kept on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// The file.
    pub path: String,
    /// Its bytes, with those of its log of transactions.
    pub bytes: u64,
    /// Transactions since the agent started.
    pub commits: u64,
    /// How often it could not be written.
    pub failures: u64,
    /// Bans whose reasons are not kept, because too many came while it could not be written.
    pub reasons_lost: u64,
    /// Lines that led to bans and were overwritten before they did, because too many hosts failed.
    pub lines_lost: u64,
}

/// One way to drop packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcerStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Bans are in it.
    pub in_use: bool,
    /// And it sees all packets, so that no other is needed beside it.
    pub all: bool,
    /// Why it is not used, or not for all.
    pub problem: Option<String>,
    /// Bans in it that the one before it has no room for.
    pub spilled: usize,
    /// Bans that were missing, and were put back.
    pub restored: u64,
    /// Bans that others had made, and that were taken away.
    pub strange: u64,
    /// How often something beside bans was missing, and was put back.
    pub rebuilt: u64,
}

/// The program on one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceStatus {
    /// Name.
    pub name: String,
    /// `native`, `generic` or `tcx (XDP slot held by …)`; none: the program is not there.
    pub mode: Option<String>,
    /// What it is: `veth`, `device, slave of the bond bond0`.
    #[serde(default)]
    pub kind: String,
    /// What to know of XDP on an interface of its kind.
    #[serde(default)]
    pub advice: Option<String>,
    /// How often a program that had been forced off was put back.
    #[serde(default)]
    pub put_back: u64,
    /// There is none of this name yet; it is protected as soon as there is.
    #[serde(default)]
    pub awaited: bool,
    /// Why not natively, or not at all.
    pub problem: Option<String>,
    /// Packets there by what became of them, since the counters of the interface were first pinned.
    pub packets: BTreeMap<String, PacketStatus>,
}

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketStatus {
    /// Packets.
    pub packets: u64,
    /// Bytes, Ethernet header included.
    pub bytes: u64,
}

/// One jail since the agent started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailStatus {
    /// Name.
    pub name: String,
    /// `enforce` or `observe`.
    pub mode: String,
    /// Name of its filter; empty where it counts bans.
    pub filter: String,
    /// The jails whose bans it counts, or `all`; none: it reads logs.
    #[serde(default)]
    pub of: Option<String>,
    /// Paths and patterns of its logs.
    pub logs: Vec<String>,
    /// It is in the configuration no more since a reload, and reads nothing; its bans stay until they end.
    #[serde(default)]
    pub retired: bool,
    /// Bans that it has in force now; in observe mode, that it would have.
    pub banned: usize,
    /// Hosts that it is counting.
    pub counting: usize,
    /// Failures.
    pub failures: u64,
    /// Offences.
    pub offences: u64,
    /// Offences of hosts that are never banned.
    pub spared: u64,
    /// Lines that an ignore pattern made no failure.
    pub ignored: u64,
    /// Failures older than the find time when they were read.
    pub stale: u64,
    /// Failures that still counted, forgotten because too many hosts had some.
    pub forgotten: u64,
    /// Failures whose line had no stamp.
    pub stamp_missing: u64,
    /// Failures whose stamp was no time.
    pub stamp_unreadable: u64,
    /// Failures whose stamp lay ahead.
    pub stamp_future: u64,
    /// Failures of what nobody is banned for: names, ids, prefixes that are too wide.
    pub unbannable: u64,
    /// How often a pattern gave up on a line, which would have taken it long.
    pub exhausted: u64,
}

/// One log file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    /// Path.
    pub path: String,
    /// Bytes read.
    pub read: u64,
    /// Bytes not read yet.
    pub lag: u64,
    /// Nothing is there yet, and that is all that is wrong.
    #[serde(default)]
    pub awaited: bool,
    /// Why it is looked at once a second; none: the kernel tells of changes.
    #[serde(default)]
    pub polled: Option<String>,
    /// Why it is not read.
    pub problem: Option<String>,
}

/// A source that is no file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStatus {
    /// As the configuration names it.
    pub name: String,
    /// Lines.
    pub lines: u64,
    /// Bytes read.
    pub read: u64,
    /// Lines longer than the limit, or without an end.
    pub cut: u64,
    /// Messages that were sent and could not be read.
    pub lost: u64,
    /// Messages and connections that were not taken.
    pub refused: u64,
    /// What else there is to know.
    pub note: Option<String>,
    /// Nothing is there yet, and that is all that is wrong.
    pub awaited: bool,
    /// Why it is not read, or not as it should be.
    pub problem: Option<String>,
}

/// Reading, over all files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
    /// Lines longer than the limit.
    pub cut: u64,
    /// Files that were replaced by another of the same name.
    pub rotations: u64,
    /// Files that became shorter.
    pub truncations: u64,
    /// Times that the kernel's event queue overflowed and all files were looked at again.
    pub overflows: u64,
}
