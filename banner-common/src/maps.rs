/// Hash map: IPv4 source address (`[u8; 4]`) to [`Ban`](crate::Ban).
pub const BANS4: &str = "BANS4";
/// Hash map: IPv6 source address (`[u8; 16]`) to [`Ban`](crate::Ban).
pub const BANS6: &str = "BANS6";
/// Longest-prefix-match trie: IPv4 prefix to the group (`u32`) of its bans in `MORE`. The longest
/// prefix around a source alone is looked at: the agent gives it what the shorter ones around it say
/// too.
pub const WIDE4: &str = "WIDE4";
/// The same for IPv6.
pub const WIDE6: &str = "WIDE6";
/// Array of one [`InUse`](crate::InUse): what need not be looked up, because it is empty.
pub const IN_USE: &str = "IN_USE";
/// Hash map: [`More`](crate::More) to [`Ban`](crate::Ban): the bans of prefixes, and of addresses that
/// are banned in several scopes at once.
pub const MORE: &str = "MORE";
/// Array: destination port to the sets of ports that hold it, one bit (1 to 63) for each. The index
/// is a protocol's [`port_index`].
pub const PORTS: &str = "PORTS";
/// Longest-prefix-match trie of IPv4 sources that no ban can drop; the value is unused.
pub const NEVER4: &str = "NEVER4";
/// Longest-prefix-match trie of IPv6 sources that no ban can drop; the value is unused.
pub const NEVER6: &str = "NEVER6";
/// LRU hash map: source address (`[u8; 16]`, IPv4 as `::ffff:0:0/96`) to packets (`u64`) that bans were
/// applied to, counted as [`Pace`](crate::Pace) says: those who send most are among them.
pub const TOP: &str = "TOP";
/// Per-CPU array of [`Tally`](crate::Tally), indexed by [`Reason`](crate::Reason); one map for each
/// interface.
pub const COUNTERS: &str = "COUNTERS";

/// The XDP program that decides, for packets in one buffer or several (kernel 5.18).
pub const PROGRAM: &str = "banner";
/// The same for kernels that know packets in one buffer only.
pub const LINEAR_PROGRAM: &str = "banner_linear";
/// The same at the tcx ingress hook (kernel 6.6).
pub const TCX_PROGRAM: &str = "banner_tcx";
/// The XDP program that is never attached: test-run, it tells the time.
pub const CLOCK_PROGRAM: &str = "banner_clock";

/// Constant of the program (`u8`): not 0 when packets of [`TRACE_ADDRESS`] are logged.
pub const TRACE: &str = "TRACE";
/// Constant of the program (`[u16; 8]`, network byte order, IPv4 as `::ffff:0:0/96`): whose packets
/// are logged.
pub const TRACE_ADDRESS: &str = "TRACE_ADDRESS";

/// In the log of a traced packet, where the index in `PORTS` stands: a protocol without ports.
pub const TRACE_OTHER: u32 = u32::MAX;
/// The same: a later fragment.
pub const TRACE_LATER_FRAGMENT: u32 = u32::MAX - 1;
/// The same: the packet ends before its ports, or has too many extension headers before them.
pub const TRACE_UNREADABLE: u32 = u32::MAX - 2;

/// Entries of each map of single addresses, where the configuration says nothing else.
pub const DEFAULT_MAX_BANS: u32 = 65_536;
/// Entries of `WIDE4` and of `WIDE6`.
pub const MAX_WIDE: u32 = 131_072;
/// Entries of `MORE`: a prefix has two at least, so that the tries are never full before.
pub const MAX_MORE: u32 = 262_144;
/// Prefixes of each family that the never-ban list may have. The tries hold twice as many, so that
/// a new list can be put in before the old one is taken out.
pub const MAX_NEVER: u32 = 4_096;
/// Entries of `TOP`.
pub const MAX_TOP: u32 = 4_096;

/// Protocols with ports, as the IP header numbers them (IANA): TCP, UDP, SCTP, UDP-Lite.
pub const PORT_PROTOCOLS: [u8; 4] = [6, 17, 132, 136];
/// The index in `PORTS` of ICMP and `ICMPv6`, which have no ports.
pub const ICMP_INDEX: u32 = 4 << 16;
/// Entries of `PORTS`.
pub const MAX_PORTS: u32 = ICMP_INDEX + 1;
/// Sets of ports that there may be: bit 0 stands for all ports.
pub const MAX_SCOPES: u16 = 63;
/// Sets of ports that may have a port in common.
pub const MAX_SHARED: u32 = 16;

/// The index of a port in `PORTS`, where `protocol` is the position in [`PORT_PROTOCOLS`].
#[must_use]
#[inline]
pub const fn port_index(protocol: u32, port: u16) -> u32 {
    protocol << 16 | port as u32
}
