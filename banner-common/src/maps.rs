/// Hash map: IPv4 source address (`[u8; 4]`) to [`Ban`](crate::Ban).
pub const BANS4: &str = "BANS4";
/// Hash map: IPv6 source address (`[u8; 16]`) to [`Ban`](crate::Ban).
pub const BANS6: &str = "BANS6";
/// Longest-prefix-match trie of IPv4 sources that no ban can drop; the value is unused.
pub const NEVER4: &str = "NEVER4";
/// Longest-prefix-match trie of IPv6 sources that no ban can drop; the value is unused.
pub const NEVER6: &str = "NEVER6";
/// Per-CPU array of [`Tally`](crate::Tally), indexed by [`Reason`](crate::Reason).
pub const COUNTERS: &str = "COUNTERS";

/// The XDP program that decides.
pub const PROGRAM: &str = "banner";
/// The XDP program that is never attached: test-run, it tells the time.
pub const CLOCK_PROGRAM: &str = "banner_clock";

/// Entries of each ban map, where the configuration says nothing else.
pub const DEFAULT_MAX_BANS: u32 = 65_536;
/// Prefixes of each family that the never-ban list may have. The tries hold twice as many, so that
/// a new list can be put in before the old one is taken out.
pub const MAX_NEVER: u32 = 4_096;
