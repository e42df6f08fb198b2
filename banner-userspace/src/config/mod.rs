//! From YAML to a checked configuration, or to the list of all that is wrong with it.
//!
//! The way of a load: [`source`] reads files, [`yaml`] makes trees with positions of them, [`raw`]
//! reads the shape of each file by the tables in [`settings`], [`check`] makes one [`Config`] of
//! all of them. Problems are collected in a [`report`] on the way; none ends the load, so that a
//! user sees all at once.

mod address;
mod bans_of;
mod check;
mod duration;
mod expand;
mod files;
mod filters;
mod glob;
mod host_name;
mod interfaces;
mod log_keys;
mod lone;
mod name;
mod nearest;
mod notify;
mod ports;
mod problem;
mod raw;
mod reference;
mod report;
mod section;
mod sections;
mod services;
mod settings;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod way_settings;
mod ways;
mod yaml;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::dns::Name;
use crate::filter::{Filter, FilterSpec, Prefixes};
use crate::model::{Escalation, Log, LogId, Mode, OnNames, PortSets, Ports, PortsId, Way};
use crate::notify::{Route, Target};

pub use duration::BanTime;
pub use files::{Disk, Files, InMemory};
pub use interfaces::{InterfaceChoice, Interfaces};
pub use lone::{LoneFilter, filter_in, filter_named, line_limit};
pub(crate) use nearest::nearest;
pub use problem::{Problem, Problems};
pub use raw::{Limits, Storage};
pub use reference::reference;

/// A configuration that holds together: every filter compiled, every default filled in.
#[derive(Debug)]
pub struct Config {
    /// Which interfaces to protect.
    pub interfaces: Interfaces,
    /// How to drop packets, in order of preference; at least one, none twice.
    pub enforce: Vec<Way>,
    /// Who is told of what.
    pub notify: Vec<Target>,
    /// Never banned by any jail. Without bits beyond the prefix, IPv4-mapped ones as IPv4.
    pub ignore: Vec<IpNet>,
    /// The same by their DNS names. None twice.
    pub ignore_names: Vec<Name>,
    /// Bounds on memory.
    pub limits: Limits,
    /// What is kept on disk.
    pub store: Storage,
    /// The enabled jails; the index is the [`JailId`](crate::model::JailId). Names are unique.
    pub jails: Vec<Jail>,
    /// The sets of ports that jails ban for.
    pub ports: PortSets,
    /// What is read, each once; the index is the [`LogId`].
    pub logs: Vec<Log>,
    /// The patterns that filters may name as their prefix, built in or not.
    pub prefixes: Prefixes,
    /// Every file that was read, the main one first.
    pub files: Vec<PathBuf>,
    /// Worth showing to the user, but no reason to refuse.
    pub warnings: Vec<Problem>,
}

/// What to watch, what a failure is, and when and for how long to ban.
#[derive(Debug)]
pub struct Jail {
    /// Letters, digits, `.`, `_` and `-`; at most 64.
    pub name: String,
    /// Recognises failures. Shared by jails that name the same filter. None: see [`Self::of`].
    pub filter: Option<Arc<Filter>>,
    /// The filter's name; that of the jail for a filter in place; empty without one.
    pub filter_name: String,
    /// In place of a filter and logs: its failures are the bans of other jails.
    pub of: Option<BansOf>,
    /// What to follow; at least one where there is a filter.
    pub logs: Vec<LogId>,
    /// The number of failures at which a host is banned, from 1 to 1000.
    pub max_retry: u32,
    /// How long a failure counts; at least a second.
    pub find_time: Duration,
    /// How long a ban holds.
    pub ban_time: BanTime,
    /// How that grows with earlier bans, if it does.
    pub escalation: Option<Escalation>,
    /// A ban ends when who is banned has been quiet for as long as it holds.
    pub renew: bool,
    /// Drop, or only report.
    pub mode: Mode,
    /// For which ports of [`Config::ports`].
    pub ports: PortsId,
    /// What becomes of failures of hosts that stand in logs by their names.
    pub names: OnNames,
    /// How long the prefixes of IPv4 are whose hosts are counted as one, 8 to 32.
    pub count_ipv4_length: u8,
    /// The same for IPv6, 16 to 128.
    pub count_ipv6_length: u8,
    /// How long the prefix is that is banned for an IPv4 offender, 8 to 32; never longer than
    /// [`Self::count_ipv4_length`].
    pub ipv4_length: u8,
    /// The same for IPv6, 16 to 128.
    pub ipv6_length: u8,
    /// Who is told of its bans, by their places in [`Config::notify`].
    pub notify: Vec<Route>,
    /// Never banned by this jail, in addition to [`Config::ignore`].
    pub ignore: Vec<IpNet>,
    /// How packets of those whom it bans are dropped, as [`Config::enforce`]. There is one way of each
    /// name in a configuration.
    pub enforce: Vec<Way>,
    /// It is in the configuration no more since a reload, reads nothing, and has its place for the
    /// sake of the bans that it gave. Never so in what [`load`] returns.
    pub retired: bool,
}

/// The jails whose bans a jail counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BansOf {
    /// All that have a filter.
    All,
    /// Those of these names; not itself, and none that counts what follows from its bans.
    Jails(Vec<String>),
}

impl BansOf {
    /// Whether `jail`, which says this, counts the bans of `other`.
    pub fn counts(&self, jail: &Jail, other: &Jail) -> bool {
        let named = match self {
            Self::All => other.of.is_none(),
            Self::Jails(names) => names.contains(&other.name),
        };
        named && !other.retired && other.name != jail.name
    }
}

/// `all`, or the names.
impl fmt::Display for BansOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Jails(names) => f.write_str(&names.join(", ")),
        }
    }
}

/// Reads the configuration whose main file is at `path`.
///
/// # Errors
/// All that is wrong with it, in every file that belongs to it.
pub fn load(path: &Path) -> Result<Config, Problems> {
    load_from(path, &Disk)
}

/// As [`load`], from other files than those on disk.
pub fn load_from(path: &Path, files: &dyn Files) -> Result<Config, Problems> {
    let mut report = report::Report::default();
    let mut source = source::Source::new(files, path);
    let config = check::check(&mut source, &mut report);
    let warnings = report.finish()?;
    let config = config.unwrap_or_else(|| unreachable!("no configuration and no problem"));
    Ok(Config { warnings, ..config })
}

/// The filter in a text such as those of `filters.d`, as written, with the defaults of its
/// parameters: its patterns are not compiled. `path` is for messages.
///
/// # Errors
/// All that is wrong with it.
pub fn read_filter(name: &str, path: &Path, text: &[u8]) -> Result<FilterSpec, Problems> {
    read_filter_with(name, path, text, &[])
}

/// As [`read_filter`], with these values for its parameters.
///
/// # Errors
/// All that is wrong with it, parameters that it does not have included.
pub fn read_filter_with(
    name: &str,
    path: &Path,
    text: &[u8],
    parameters: &[(&str, &str)],
) -> Result<FilterSpec, Problems> {
    let mut report = report::Report::default();
    let spec = filters::spec(name, path, text, parameters, &mut report);
    report.finish()?;
    Ok(spec.unwrap_or_else(|| unreachable!("no filter and no problem")))
}

/// The ports that a command line lists, as in `ssh,8000-8100,udp/53`, or `None` for `all`.
///
/// # Errors
/// Which part is wrong, and what to do.
pub fn listed_ports(text: &str) -> Result<Option<Ports>, String> {
    ports::listed(text, &services::Services::read(&Disk))
}
