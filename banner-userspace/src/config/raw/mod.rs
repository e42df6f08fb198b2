//! The first stage: the shape of one file, value by value. Nothing is looked up and no file is
//! read; what values mean together is for [`super::check`].

mod around;
mod bans_of;
mod escalation;
mod filter;
mod jail;
mod journal;
mod log;
mod log_path;
mod pattern;
mod policy;
mod sample;
mod store;
mod syslog;
mod ways;

use ipnet::IpNet;

pub(crate) use around::{AroundOf, CountByOf, RawAround};
pub(crate) use bans_of::{BansOfJails, RawBansOf};
pub(crate) use escalation::{EscalationOf, GrowthOf};
pub(crate) use filter::{Argument, FilterOf, FilterRef, RawFilter};
pub(crate) use jail::{Jails, RawJail};
pub(crate) use journal::{Alternatives, FolderPath, JournalOf, RawJournal, alternatives};
pub(crate) use log::{LogOf, RawLog};
pub(crate) use log_path::{ContainerPart, CriOf, DockerOf, FifoPath, LogPath};
pub(crate) use pattern::{ParametersOf, PartsOf, PatternOf, StampsOf, WhenOf, Word};
pub use policy::Limits;
pub(crate) use policy::{LimitsOf, Policy, PolicyOf};
pub(crate) use sample::{KeyOf, SampleOf, TimeOf, True};
pub use store::Storage;
pub(crate) use store::StoreOf;
pub(crate) use syslog::{ListenOf, SyslogOf};
pub(crate) use ways::{
    CommandOf, HostsDenyOf, IptablesOf, JailsWays, NftablesOf, RawWay, Ways, plain as plain_way,
};

use super::interfaces::Interfaces;
use super::notify::{RawNotify, settings::NOTIFY};
use super::report::Report;
use super::section::{Fields, Setting};
use super::sections;
use super::settings;
use super::shape::List;
use super::way_settings;
use super::yaml::{Kind, Located, Node, Spot};
use crate::dns::Name;
use crate::model::Way;

/// The main file.
pub(crate) struct RawMain {
    pub(crate) interfaces: Interfaces,
    pub(crate) enforce: Vec<Way>,
    pub(crate) notify: Vec<RawNotify>,
    pub(crate) limits: Limits,
    pub(crate) store: Storage,
    pub(crate) defaults: Policy,
    pub(crate) include: Vec<Located<String>>,
    pub(crate) shared: RawIncluded,
}

/// What every file can hold.
pub(crate) struct RawIncluded {
    pub(crate) ignore: Vec<Located<IpNet>>,
    pub(crate) ignore_names: Vec<Located<Name>>,
    pub(crate) jails: Vec<RawJail>,
    /// Where the jails are, or would be.
    pub(crate) spot: Spot,
}

impl RawMain {
    pub(crate) fn read(node: &Node, report: &mut Report) -> Option<Self> {
        if node.kind == Kind::Null {
            report.file_error(
                node.spot.file,
                "the file is empty; it needs at least one jail under `jails`",
            );
            return None;
        }
        let fields = Fields::read(&sections::MAIN, node, node.spot, "", report)?;
        let limits = fields.get(&settings::LIMITS, report);
        let store = fields.get(&settings::STORE, report);
        let defaults = fields.get(&settings::DEFAULTS, report);
        Some(Self {
            interfaces: fields.get_or_default(&settings::INTERFACES, report),
            enforce: fields.get_or_default(&way_settings::ENFORCE, report),
            notify: fields
                .get(&NOTIFY, report)
                .map_or_else(Vec::new, |located| located.value),
            limits: limits.map_or_else(Limits::default, |located| located.value),
            store: store.map_or_else(Storage::default, |located| located.value),
            defaults: defaults.map_or_else(Policy::default, |located| located.value),
            include: list(&fields, &settings::INCLUDE, report),
            shared: RawIncluded::from_fields(&fields, node, report),
        })
    }
}

impl RawIncluded {
    pub(crate) fn read(node: &Node, report: &mut Report) -> Option<Self> {
        if node.kind == Kind::Null {
            report.file_warning(node.spot.file, "the file is empty");
        }
        let fields = Fields::read(&sections::INCLUDED, node, node.spot, "", report)?;
        Some(Self::from_fields(&fields, node, report))
    }

    fn from_fields(fields: &Fields<'_>, node: &Node, report: &mut Report) -> Self {
        let ignore = list(fields, &settings::IGNORE, report);
        let ignore_names = list(fields, &settings::IGNORE_NAMES, report);
        let jails = fields.get(&settings::JAILS, report);
        Self {
            ignore,
            ignore_names,
            spot: jails.as_ref().map_or(node.spot, |located| located.spot),
            jails: jails.map_or_else(Vec::new, |located| located.value),
        }
    }
}

fn list<S>(
    fields: &Fields<'_>,
    setting: &Setting<List<S>>,
    report: &mut Report,
) -> Vec<Located<S::Value>>
where
    S: super::shape::Shape,
{
    fields
        .get(setting, report)
        .map_or_else(Vec::new, |located| located.value)
}
