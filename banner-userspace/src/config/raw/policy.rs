use std::time::Duration;

use super::around::RawAround;
use crate::config::duration::BanTime;
use crate::config::notify::{RawRoute, settings::JAIL_NOTIFY};
use crate::config::ports::RawPorts;
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::sections;
use crate::config::settings;
use crate::config::shape::Shape;
use crate::config::yaml::{Located, Node};
use crate::model::{Escalation, Mode, OnNames};

/// When a host is banned and for how long, as far as it was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) max_retry: Option<u32>,
    pub(crate) find_time: Option<Duration>,
    pub(crate) ban_time: Option<BanTime>,
    pub(crate) renew: Option<bool>,
    pub(crate) mode: Option<Mode>,
    pub(crate) ports: Option<Located<RawPorts>>,
    pub(crate) around: RawAround,
    pub(crate) count_by: RawAround,
    pub(crate) names: Option<OnNames>,
    pub(crate) notify: Option<Vec<RawRoute>>,
    /// With `None` in it: bans do not grow.
    pub(crate) escalation: Option<Located<Option<Escalation>>>,
}

impl Policy {
    pub(super) fn from_fields(fields: &Fields<'_>, report: &mut Report) -> Self {
        Self {
            max_retry: fields.get(&settings::MAX_RETRY, report).map(|l| l.value),
            find_time: fields.get(&settings::FIND_TIME, report).map(|l| l.value),
            ban_time: fields.get(&settings::BAN_TIME, report).map(|l| l.value),
            renew: fields.get(&settings::RENEW, report).map(|l| l.value),
            mode: fields.get(&settings::MODE, report).map(|l| l.value),
            ports: fields.get(&settings::PORTS, report),
            around: fields
                .get(&settings::AROUND, report)
                .map_or_else(RawAround::default, |l| l.value),
            count_by: fields
                .get(&settings::COUNT_BY, report)
                .map_or_else(RawAround::default, |l| l.value),
            names: fields.get(&settings::NAMES, report).map(|l| l.value),
            notify: fields.get(&JAIL_NOTIFY, report).map(|l| l.value),
            escalation: fields.get(&settings::ESCALATION, report),
        }
    }
}

/// The value of `defaults`.
pub(crate) struct PolicyOf;

impl Shape for PolicyOf {
    type Value = Policy;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Policy> {
        let section = &sections::DEFAULTS_SECTION;
        let fields = Fields::read(section, node, node.spot, path, report)?;
        Some(Policy::from_fields(&fields, report))
    }

    fn empty(&self) -> Option<Policy> {
        Some(Policy::default())
    }
}

/// Bounds on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of the kernel's ban map, for each address family.
    pub bans: u32,
    /// Hosts whose failures a jail counts at a time.
    pub tracked: u32,
    /// Bytes of a log line; longer ones are cut.
    pub line: u32,
    /// Hosts and prefixes, for each jail, whose earlier bans are remembered.
    pub history: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bans: settings::BANS.default_value(),
            tracked: settings::TRACKED.default_value(),
            line: settings::LINE.default_value(),
            history: settings::HISTORY.default_value(),
        }
    }
}

/// The value of `limits`.
pub(crate) struct LimitsOf;

impl Shape for LimitsOf {
    type Value = Limits;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Limits> {
        let section = &sections::LIMITS_SECTION;
        let fields = Fields::read(section, node, node.spot, path, report)?;
        Some(Limits {
            bans: fields.get_or_default(&settings::BANS, report),
            tracked: fields.get_or_default(&settings::TRACKED, report),
            line: fields.get_or_default(&settings::LINE, report),
            history: fields.get_or_default(&settings::HISTORY, report),
        })
    }

    fn empty(&self) -> Option<Limits> {
        Some(Limits::default())
    }
}
