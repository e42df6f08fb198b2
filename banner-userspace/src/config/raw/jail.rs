use ipnet::IpNet;

use super::bans_of::RawBansOf;
use super::filter::FilterRef;
use super::list;
use super::log::RawLog;
use super::policy::Policy;
use super::ways::RawWay;
use crate::config::name::{NAME_RULE, distinct, is_name};
use crate::config::report::Report;
use crate::config::section::{Fields, join};
use crate::config::sections;
use crate::config::settings;
use crate::config::shape::{Shape, unexpected};
use crate::config::way_settings;
use crate::config::yaml::{Key, Kind, Located, Node};

/// A jail as it was written.
pub(crate) struct RawJail {
    pub(crate) name: Located<String>,
    /// The way to it, for messages.
    pub(crate) path: String,
    pub(crate) enabled: bool,
    pub(crate) filter: Option<Located<FilterRef>>,
    pub(crate) of: Option<Located<RawBansOf>>,
    /// None twice.
    pub(crate) logs: Vec<Located<RawLog>>,
    pub(crate) policy: Policy,
    pub(crate) ignore: Vec<Located<IpNet>>,
    pub(crate) enforce: Option<Located<Vec<Located<RawWay>>>>,
}

/// The value of `jails`, in the order of the text. A name may occur twice: that is for the check
/// that sees all files.
pub(crate) struct Jails;

impl Shape for Jails {
    type Value = Vec<RawJail>;

    fn noun(&self) -> String {
        "a mapping from the name of a jail to its keys".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Vec<RawJail>> {
        let Kind::Mapping(entries) = &node.kind else {
            unexpected(self, node, path, report);
            return None;
        };
        let jails = entries
            .iter()
            .filter_map(|(name, node)| RawJail::read(name, node, &join(path, &name.text), report));
        Some(jails.collect())
    }

    fn empty(&self) -> Option<Vec<RawJail>> {
        Some(Vec::new())
    }
}

impl RawJail {
    fn read(name: &Key, node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        if !is_name(&name.text) {
            let message = format!("not a name for a jail; it must have {NAME_RULE}");
            report.error(name.spot, path, message);
        }
        let fields = Fields::read(&sections::JAIL_SECTION, node, name.spot, path, report)?;
        let enabled = fields.get_or_default(&settings::ENABLED, report);
        // A jail that is not in use may be unfinished.
        let of = fields.get(&settings::OF, report);
        let counts_bans = fields.has(&settings::OF);
        if let Some(of) = &of
            && (fields.has(&settings::FILTER) || fields.has(&settings::LOGS))
        {
            let message = "a jail that counts the bans of others reads no logs: it has either `of`, or \
                           `filter` and `logs`";
            report.error(of.spot, &fields.path_of(&settings::OF), message);
        }
        let (filter, logs) = if enabled && !counts_bans {
            (
                fields.require(&settings::FILTER, report),
                fields.require(&settings::LOGS, report),
            )
        } else {
            (
                fields.get(&settings::FILTER, report),
                fields.get(&settings::LOGS, report),
            )
        };
        let logs_path = fields.path_of(&settings::LOGS);
        if let Some(logs) = &logs
            && logs.value.is_empty()
            && enabled
        {
            report.error(logs.spot, &logs_path, "needs at least one log");
        }
        Some(Self {
            name: Located {
                value: name.text.clone(),
                spot: name.spot,
            },
            path: path.to_owned(),
            enabled,
            filter,
            of,
            logs: logs.map_or_else(Vec::new, |logs| distinct(logs.value, &logs_path, report)),
            policy: Policy::from_fields(&fields, report),
            ignore: list(&fields, &settings::JAIL_IGNORE, report),
            enforce: fields.get(&way_settings::JAIL_ENFORCE, report),
        })
    }
}
