//! Every source: failing lines in it become bans, IPv4 and IPv6.

mod containers;
mod journal;
mod pipes;
mod scene;
mod syslog;
