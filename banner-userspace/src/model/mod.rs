//! The words that every room uses. Nothing here reads a clock or does I/O.

mod attach;
mod ban;
mod escalation;
mod evidence;
mod jail;
mod line;
mod log;
mod mark;
mod net;
mod offence;
mod ports;
mod prefixes;
mod time;
mod way;

pub use attach::AttachMode;
pub use ban::{Ban, Change, Entry, Mode, Quiet, Until};
pub use escalation::{Escalation, Growth};
pub use evidence::{Evidence, LineBytes, MatchedLine};
pub use jail::{JailId, LogId};
pub use line::{Chunk, LineTime, Origin};
pub use log::{ContainerLog, JournalLog, Listen, Log, NotATerm, Runtime, SyslogLog, Term};
pub use mark::{Fingerprint, Mark};
pub use net::{OnNames, Shown, TooWide, WIDEST_IPV4, WIDEST_IPV6, bannable, is_host};
pub use offence::Offence;
pub use ports::{NotPorts, PortSets, Ports, PortsId, Protocol, TooMany};
pub use prefixes::PrefixSet;
pub use time::{Mono, Now, Wall};
pub use way::{Answer, CommandLines, Hook, HostsDeny, Iptables, Nftables, Way};
