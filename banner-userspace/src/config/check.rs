//! The second stage: what was written in all files together becomes the checked configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ipnet::IpNet;

use super::bans_of;
use super::filters::Filters;
use super::notify::{self, Routes};
use super::ports::{RawPort, RawPorts};
use super::raw::{
    FilterRef, Policy, RawAround, RawIncluded, RawJail, RawJournal, RawLog, alternatives,
};
use super::report::Report;
use super::section::{Setting, join};
use super::services::Services;
use super::settings;
use super::shape::Count;
use super::source::Source;
use super::ways::Ways;
use super::yaml::{Located, Spot};
use super::{Config, Jail};
use crate::filter::Filter;
use crate::model::{JournalLog, Log, LogId, PortSets, Ports, PortsId, Way};

/// `None` when something was reported on the way that leaves no configuration at all.
pub(crate) fn check(source: &mut Source<'_>, report: &mut Report) -> Option<Config> {
    let (main, included) = source.load(report)?;
    let spot_of_jails = main.shared.spot;
    let defaults = main.defaults;

    let (mut ignore, mut ignore_names) = (Vec::new(), BTreeSet::new());
    let mut enabled = Vec::new();
    let mut names = BTreeMap::<String, Spot>::new();
    let mut of = bans_of::Known::default();
    for file in std::iter::once(main.shared).chain(included) {
        let RawIncluded {
            ignore: networks,
            ignore_names: of_hosts,
            jails,
            ..
        } = file;
        ignore.extend(networks_of(networks, settings::IGNORE.name(), report));
        ignore_names.extend(of_hosts.into_iter().map(|name| name.value));
        for jail in jails {
            if let Some(first) = names.get(&jail.name.value) {
                let message = "a jail of this name was given before, at";
                report.error_see(jail.name.spot, &jail.path, message, *first);
                continue;
            }
            names.insert(jail.name.value.clone(), jail.name.spot);
            of.add(&jail.name.value, jail.enabled, &jail.path, jail.of.clone());
            if jail.enabled {
                enabled.push(jail);
            }
        }
    }
    if enabled.is_empty() {
        let message = "no jail is enabled, so nothing is watched";
        report.warn(spot_of_jails, settings::JAILS.name(), message);
    }

    of.check(report);
    let spots: Vec<_> = (enabled.iter())
        .map(|jail| (jail.of.as_ref().map(|of| of.spot), jail.path.clone()))
        .collect();

    let names = main.notify.iter().map(|target| target.name.value.clone());
    let names = names.collect();
    let targets = notify::targets(main.notify, source, report);
    let routes = Routes::new(&targets, names, defaults.notify.as_ref(), report);
    let mut scopes = Scopes::new(source);
    let mut ways = Ways::new(&main.enforce);
    let mut logs = Logs::default();
    let mut filters = Filters::new(source, report);
    let jails: Vec<Option<Jail>> = enabled
        .into_iter()
        .enumerate()
        .map(|(index, mut jail)| {
            if u16::try_from(index).is_err() {
                report.error(jail.name.spot, &jail.path, "too many jails: at most 65536");
                return None;
            }
            let enforce = ways.of_jail(jail.enforce.take(), &jail.path, report);
            let (spot, path) = (jail.name.spot, join(&jail.path, settings::RENEW.name()));
            let jail = checked(
                jail,
                &defaults,
                &routes,
                &mut logs,
                &mut scopes,
                &mut filters,
                report,
            )?;
            let jail = Jail { enforce, ..jail };
            if let Some(message) = not_renewed(&jail) {
                report.warn(spot, &path, message);
            }
            Some(jail)
        })
        .collect();
    let jails = jails.into_iter().collect::<Option<Vec<Jail>>>()?;
    for (jail, (spot, path)) in jails.iter().zip(spots) {
        if let Some(spot) = spot {
            bans_of::warn_of_prefixes(jail, &jails, spot, &path, report);
        }
    }
    Some(Config {
        interfaces: main.interfaces,
        enforce: main.enforce,
        notify: targets,
        ignore,
        ignore_names: ignore_names.into_iter().collect(),
        limits: main.limits,
        store: main.store,
        jails,
        ports: scopes.sets,
        logs: logs.all,
        prefixes: filters.into_prefixes(),
        files: source.read.clone(),
        warnings: Vec::new(),
    })
}

/// Where bans of a jail end at their time though they should renew.
fn not_renewed(jail: &Jail) -> Option<String> {
    if !jail.renew {
        return None;
    }
    if jail.ban_time.duration().is_none() {
        return Some("does nothing where ban_time is permanent".into());
    }
    let others = jail.enforce.iter().filter(|way| **way != Way::Xdp);
    let others: Vec<&str> = others.map(Way::name).collect();
    (!others.is_empty()).then(|| {
        format!(
            "bans that are in {} end at their time: only xdp puts off the end while packets come",
            others.join(", ")
        )
    })
}

/// `None` when the jail has nothing to count or no place in the list of logs, which is reported.
fn checked(
    raw: RawJail,
    defaults: &Policy,
    routes: &Routes<'_>,
    logs: &mut Logs,
    scopes: &mut Scopes,
    filters: &mut Filters<'_, '_>,
    report: &mut Report,
) -> Option<Jail> {
    let name = raw.name.value;
    let found = (raw.filter).and_then(|found| filter(found, &name, &raw.path, filters, report));
    let own = found.as_ref().map(|(filter, _)| &**filter);
    let logs: Vec<Option<LogId>> = raw
        .logs
        .into_iter()
        .map(|log| logs.id(log, own, &raw.path, report))
        .collect();
    let of = raw.of.as_ref().map(bans_of::checked);
    let (filter, filter_name) = match (found, &of) {
        (Some((filter, name)), None) => (Some(filter), name),
        (None, Some(_)) => (None, String::new()),
        _ => return None,
    };
    let ignore_path = join(&raw.path, settings::JAIL_IGNORE.name());
    let policy = raw.policy;
    let ports = scopes.id(&policy, defaults, &raw.path, report);
    let around = |family: fn(&RawAround) -> Option<u8>, setting: &Setting<Count<u8>>| {
        family(&policy.around)
            .or(family(&defaults.around))
            .unwrap_or_else(|| setting.default_value())
    };
    let count_by = |family: fn(&RawAround) -> Option<u8>, setting: &Setting<Count<u8>>| {
        family(&policy.count_by)
            .or(family(&defaults.count_by))
            .unwrap_or_else(|| setting.default_value())
    };
    let count_ipv4 = count_by(|around| around.ipv4, &settings::COUNT_IPV4);
    let count_ipv6 = count_by(|around| around.ipv6, &settings::COUNT_IPV6);
    Some(Jail {
        filter,
        filter_name,
        of,
        logs: logs.into_iter().collect::<Option<_>>()?,
        max_retry: (policy.max_retry)
            .or(defaults.max_retry)
            .unwrap_or_else(|| settings::MAX_RETRY.default_value()),
        find_time: (policy.find_time)
            .or(defaults.find_time)
            .unwrap_or_else(|| settings::FIND_TIME.default_value()),
        ban_time: (policy.ban_time)
            .or(defaults.ban_time)
            .unwrap_or_else(|| settings::BAN_TIME.default_value()),
        escalation: (policy.escalation)
            .or_else(|| defaults.escalation.clone())
            .map_or_else(
                || settings::ESCALATION.default_value(),
                |escalation| escalation.value,
            ),
        renew: (policy.renew)
            .or(defaults.renew)
            .unwrap_or_else(|| settings::RENEW.default_value()),
        mode: (policy.mode)
            .or(defaults.mode)
            .unwrap_or_else(|| settings::MODE.default_value()),
        ports: ports?,
        names: (policy.names)
            .or(defaults.names)
            .unwrap_or_else(|| settings::NAMES.default_value()),
        notify: routes.of(policy.notify.as_ref(), &raw.path, report),
        count_ipv4_length: count_ipv4,
        count_ipv6_length: count_ipv6,
        // Of those who are counted together none is the one who did it.
        ipv4_length: around(|around| around.ipv4, &settings::AROUND_IPV4).min(count_ipv4),
        ipv6_length: around(|around| around.ipv6, &settings::AROUND_IPV6).min(count_ipv6),
        ignore: networks_of(raw.ignore, &ignore_path, report),
        enforce: Vec::new(),
        retired: false,
        name,
    })
}

/// The filter of a jail and its name: that of the jail when it stands in place.
fn filter(
    filter: Located<FilterRef>,
    jail: &str,
    path: &str,
    filters: &mut Filters<'_, '_>,
    report: &mut Report,
) -> Option<(Arc<Filter>, String)> {
    let key = join(path, settings::FILTER.name());
    match filter.value {
        FilterRef::Named(name, arguments) => {
            let filter = filters.named(&name, &arguments, filter.spot, &key, report)?;
            Some((filter, name))
        }
        FilterRef::InPlace(raw) => {
            let filter = filters.compile(jail, &raw, &[], &key, report)?;
            Some((filter, jail.to_owned()))
        }
    }
}

/// The networks without their places; warns of those that leave nobody to ban.
fn networks_of(list: Vec<Located<IpNet>>, path: &str, report: &mut Report) -> Vec<IpNet> {
    list.into_iter()
        .map(|network| {
            if network.value.prefix_len() == 0 {
                let family = if network.value.addr().is_ipv4() {
                    "IPv4"
                } else {
                    "IPv6"
                };
                let message = format!("{} is all of {family}: none of it is banned", network.value);
                report.warn(network.spot, path, message);
            }
            network.value
        })
        .collect()
}

/// Every log once.
#[derive(Default)]
struct Logs {
    all: Vec<Log>,
    ids: BTreeMap<Log, LogId>,
}

impl Logs {
    fn id(
        &mut self,
        log: Located<RawLog>,
        filter: Option<&Filter>,
        jail: &str,
        report: &mut Report,
    ) -> Option<LogId> {
        let Located { value, spot } = log;
        let log = match value {
            RawLog::Known(log) => log,
            RawLog::Journal(raw) => match journal(raw, filter?) {
                Ok(journal) => Log::Journal(journal),
                Err(message) => {
                    report.error(spot, &join(jail, settings::LOGS.name()), message);
                    return None;
                }
            },
        };
        if let Some(id) = self.ids.get(&log) {
            return Some(*id);
        }
        let Ok(index) = u16::try_from(self.all.len()) else {
            let path = join(jail, settings::LOGS.name());
            report.error(spot, &path, "too many different logs: at most 65536");
            return None;
        };
        let id = LogId(index);
        self.all.push(log.clone());
        self.ids.insert(log, id);
        Some(id)
    }
}

/// What of the journal a jail reads, or why that cannot be said.
fn journal(raw: RawJournal, filter: &Filter) -> Result<JournalLog, String> {
    let RawJournal { matches, directory } = raw;
    let matches = match matches {
        Some(matches) => matches,
        None if filter.spec().journal.is_empty() => {
            return Err(
                "its filter does not say what of the journal it is about; write it here, as in \
                 {journal: [_SYSTEMD_UNIT=ssh.service]}"
                    .to_owned(),
            );
        }
        None => {
            let mut all = Vec::new();
            for text in &filter.spec().journal {
                all.extend(
                    alternatives(text)
                        .map_err(|why| format!("in `journal` of its filter: {why}"))?,
                );
            }
            all
        }
    };
    Ok(JournalLog { matches, directory })
}

/// Every set of ports once.
struct Scopes {
    sets: PortSets,
    services: Services,
    /// By where they were given; `None`: wrong, and reported.
    known: BTreeMap<Spot, Option<PortsId>>,
}

impl Scopes {
    fn new(source: &Source<'_>) -> Self {
        Self {
            sets: PortSets::default(),
            services: Services::read(source.files()),
            known: BTreeMap::new(),
        }
    }

    /// The ports of a jail; `path` is where it stands.
    fn id(
        &mut self,
        own: &Policy,
        defaults: &Policy,
        path: &str,
        report: &mut Report,
    ) -> Option<PortsId> {
        let (raw, at) = match (&own.ports, &defaults.ports) {
            (Some(raw), _) => (raw, path),
            (None, Some(raw)) => (raw, settings::DEFAULTS.name()),
            (None, None) => return Some(PortsId::ALL),
        };
        let RawPorts::Of(entries) = &raw.value else {
            return Some(PortsId::ALL);
        };
        if let Some(known) = self.known.get(&raw.spot) {
            return *known;
        }
        let at = join(at, settings::PORTS.name());
        let ports = self.resolve(entries, &at, report);
        let id = ports.and_then(|ports| match self.sets.intern(&ports) {
            Ok(id) => Some(id),
            Err(too_many) => {
                let message = format!("{too_many}; give jails the same ports where they can");
                report.error(raw.spot, &at, message);
                None
            }
        });
        self.known.insert(raw.spot, id);
        id
    }

    /// The ports of all entries.
    fn resolve(
        &self,
        entries: &[Located<RawPort>],
        path: &str,
        report: &mut Report,
    ) -> Option<Ports> {
        let before = report.errors();
        let mut ranges = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match entry.value.ports(&self.services) {
                Ok(ports) => ranges.extend(ports.ranges()),
                Err(why) => report.error(entry.spot, &format!("{path}[{index}]"), why),
            }
        }
        (report.errors() == before).then(|| Ports::new(ranges))
    }
}
