//! A new configuration with the numbers of the old one: jails and logs that stay keep theirs, so that
//! what is counted, banned and read for them goes on.

use std::{collections::HashMap, sync::Arc};

use crate::{
    config::{Config, Jail},
    filter::Filter,
    model::{Log, LogId, PortSets},
};

/// What is different, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
    /// Keys that were changed and take a restart.
    pub(super) restart: Vec<&'static str>,
}

/// What cannot change while the agent runs: the key, whether it did, and how it is left as it was.
///
/// Whoever adds a section to the configuration enters it here, or takes what is new of it over in
/// [`Running::take_over`](super::run::Running).
const NEEDS_RESTART: [(&str, Changed, Keep); 6] = [
    (
        "interfaces",
        |old, new| old.interfaces != new.interfaces,
        |old, new| new.interfaces.clone_from(&old.interfaces),
    ),
    (
        "enforce",
        |old, new| old.enforce != new.enforce,
        |old, new| new.enforce.clone_from(&old.enforce),
    ),
    (
        "store.path",
        |old, new| old.store.path != new.store.path,
        |old, new| new.store.path.clone_from(&old.store.path),
    ),
    (
        "store.lines",
        |old, new| old.store.lines != new.store.lines,
        |old, new| new.store.lines = old.store.lines,
    ),
    (
        "limits.bans",
        |old, new| old.limits.bans != new.limits.bans,
        |old, new| new.limits.bans = old.limits.bans,
    ),
    (
        "limits.line",
        |old, new| old.limits.line != new.limits.line,
        |old, new| new.limits.line = old.limits.line,
    ),
];

type Changed = fn(&Config, &Config) -> bool;
type Keep = fn(&Config, &mut Config);

/// More than this cannot be numbered.
const MOST: usize = 1 << 16;

/// Gives `new` the numbers of `old`, and jails that are in it no more a place that only their bans
/// need. `ports` gives a set of ports of `new` the number that it has for those who ban.
pub(super) fn merge(
    old: &Config,
    mut new: Config,
    ports: &PortSets,
) -> Result<(Config, Differences), String> {
    let mut differences = Differences::default();
    for (key, changed, keep) in NEEDS_RESTART {
        if changed(old, &new) {
            differences.restart.push(key);
            keep(old, &mut new);
        }
    }
    let ids = renumbered(&old.logs, &mut new.logs);
    let same_prefixes = old.prefixes == new.prefixes;
    let mut filters = HashMap::new();
    let mut by_name = HashMap::new();
    let mut order = Vec::new();
    for mut jail in std::mem::take(&mut new.jails) {
        for log in &mut jail.logs {
            *log = ids[usize::from(log.0)];
        }
        let set = new.ports.get(jail.ports).cloned().unwrap_or_default();
        if jail.ports != crate::model::PortsId::ALL {
            let known = ports.iter().find(|(_, known)| **known == set);
            jail.ports = known
                .map(|(id, _)| id)
                .ok_or("a set of ports has no number")?;
        }
        if same_prefixes {
            let filter = jail.filter.as_ref();
            jail.filter = filter.map(|filter| known_filter(old, filter, &mut filters));
        }
        // Ways are made at the start; what is not known is dropped as the others are.
        let had = old.jails.iter().find(|had| had.name == jail.name);
        let had = had.map_or(&old.enforce, |had| &had.enforce);
        if *had != jail.enforce {
            jail.enforce.clone_from(had);
            differences.restart.push("enforce of a jail");
        }
        order.push(jail.name.clone());
        by_name.insert(jail.name.clone(), jail);
    }
    for had in &old.jails {
        let jail = match by_name.remove(&had.name) {
            Some(jail) if had.retired => {
                differences.added.push(jail.name.clone());
                jail
            }
            Some(jail) => {
                if !is_same(had, &jail) {
                    differences.changed.push(jail.name.clone());
                }
                jail
            }
            None => {
                if !had.retired {
                    differences.removed.push(had.name.clone());
                }
                retired(had)
            }
        };
        new.jails.push(jail);
    }
    for name in order {
        if let Some(jail) = by_name.remove(&name) {
            differences.added.push(name);
            new.jails.push(jail);
        }
    }
    new.ports.clone_from(ports);
    differences.restart.dedup();
    if new.jails.len() > MOST || new.logs.len() > MOST {
        return Err("too many jails or logs have come and gone: it takes a restart".into());
    }
    Ok((new, differences))
}

/// Puts the logs into the places that they had, and those that are new behind them; by their numbers
/// in `new`, those that they have then.
fn renumbered(old: &[Log], new: &mut Vec<Log>) -> Vec<LogId> {
    let mut all = old.to_vec();
    let number = |log: &Log| {
        let known = all.iter().position(|had| had == log);
        let place = known.unwrap_or_else(|| {
            all.push(log.clone());
            all.len() - 1
        });
        LogId(u16::try_from(place).unwrap_or(u16::MAX))
    };
    let ids = new.iter().map(number).collect();
    *new = all;
    ids
}

/// The filter as it was, if it says the same: it has learnt of its logs.
fn known_filter(
    old: &Config,
    filter: &Arc<Filter>,
    known: &mut HashMap<*const Filter, Arc<Filter>>,
) -> Arc<Filter> {
    let same = |known: &&Arc<Filter>| known.spec() == filter.spec();
    let find = || {
        let known = old.jails.iter().filter_map(|jail| jail.filter.as_ref());
        known.into_iter().find(same).unwrap_or(filter)
    };
    known
        .entry(Arc::as_ptr(filter))
        .or_insert_with(|| Arc::clone(find()))
        .clone()
}

/// What is left of a jail that is gone.
fn retired(jail: &Jail) -> Jail {
    Jail {
        name: jail.name.clone(),
        filter: jail.filter.clone(),
        filter_name: jail.filter_name.clone(),
        of: jail.of.clone(),
        logs: Vec::new(),
        escalation: jail.escalation.clone(),
        notify: jail.notify.clone(),
        ignore: jail.ignore.clone(),
        enforce: jail.enforce.clone(),
        retired: true,
        ..*jail
    }
}

fn is_same(old: &Jail, new: &Jail) -> bool {
    let Jail {
        name: _,
        filter,
        filter_name,
        of,
        logs,
        max_retry,
        find_time,
        ban_time,
        escalation,
        renew,
        mode,
        ports,
        names,
        count_ipv4_length,
        count_ipv6_length,
        ipv4_length,
        ipv6_length,
        notify,
        ignore,
        enforce,
        retired: _,
    } = old;
    let filters = (filter.as_ref(), new.filter.as_ref());
    filters.0.map(Arc::as_ptr) == filters.1.map(Arc::as_ptr)
        && *of == new.of
        && *filter_name == new.filter_name
        && *logs == new.logs
        && *max_retry == new.max_retry
        && *find_time == new.find_time
        && *ban_time == new.ban_time
        && *escalation == new.escalation
        && *renew == new.renew
        && *mode == new.mode
        && *names == new.names
        && *ports == new.ports
        && (*count_ipv4_length, *count_ipv6_length)
            == (new.count_ipv4_length, new.count_ipv6_length)
        && (*ipv4_length, *ipv6_length) == (new.ipv4_length, new.ipv6_length)
        && *notify == new.notify
        && *ignore == new.ignore
        && *enforce == new.enforce
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        config::{InMemory, load_from},
        model::PortsId,
    };

    fn config(text: &str) -> Config {
        let files: InMemory = [("banner.yaml", text)].into_iter().collect();
        load_from(Path::new("banner.yaml"), &files).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn jail(name: &str, log: &str, rest: &str) -> String {
        format!("  {name}: {{filter: sshd, logs: [{log}]{rest}}}\n")
    }

    fn merged(old: &Config, new: &str) -> (Config, Differences) {
        let new = config(new);
        let mut ports = old.ports.clone();
        for (_, set) in new.ports.iter() {
            ports.intern(set).unwrap();
        }
        merge(old, new, &ports).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn what_stays_keeps_its_number_and_what_comes_goes_behind() {
        let old = config(&format!(
            "jails:\n{}{}{}",
            jail("a", "/a", ", ports: [22]"),
            jail("b", "/b", ""),
            jail("c", "/a, /c", ", ports: [25]")
        ));
        let (new, differences) = merged(
            &old,
            &format!(
                "jails:\n{}{}{}",
                jail("d", "/d", ", ports: [80]"),
                jail("c", "/a, /c", ", ports: [25]"),
                jail("b", "/d", "")
            ),
        );
        assert_eq!(
            differences,
            Differences {
                added: names(&["d"]),
                changed: names(&["b"]),
                removed: names(&["a"]),
                restart: Vec::new(),
            }
        );
        let jails: Vec<_> = (new.jails.iter())
            .map(|jail| {
                let logs = jail
                    .logs
                    .iter()
                    .map(|log| new.logs[usize::from(log.0)].to_string());
                (
                    &*jail.name,
                    logs.collect::<Vec<_>>(),
                    jail.retired,
                    new.ports.name(jail.ports),
                )
            })
            .collect();
        let all = "all".to_owned();
        assert_eq!(
            jails,
            [
                ("a", vec![], true, "tcp/22".into()),
                ("b", vec!["/d".to_owned()], false, all),
                (
                    "c",
                    vec!["/a".to_owned(), "/c".to_owned()],
                    false,
                    "tcp/25".into()
                ),
                ("d", vec!["/d".to_owned()], false, "tcp/80".into()),
            ]
        );
        assert_eq!(new.logs[..3], old.logs[..]);
        let filter = |jail: &Jail| jail.filter.as_ref().map(Arc::as_ptr);
        assert_eq!(filter(&new.jails[2]), filter(&old.jails[2]));
        assert_eq!(new.jails[2].ports, old.jails[2].ports);
        assert_ne!(new.jails[3].ports, PortsId::ALL);

        let (again, differences) = merged(
            &new,
            &format!("jails:\n{}{}", jail("a", "/a", ""), jail("b", "/d", "")),
        );
        let retired: Vec<_> = again.jails.iter().map(|jail| jail.retired).collect();
        assert_eq!(retired, [false, false, true, true]);
        assert_eq!(
            (differences.added, differences.removed),
            (names(&["a"]), names(&["c", "d"]))
        );
        assert_eq!(differences.changed, names(&[]));
    }

    #[test]
    fn what_takes_a_restart_is_named_and_stays_as_it_was() {
        let old = config("jails:\n  a: {filter: sshd, logs: [/a]}\n");
        let (new, differences) = merged(
            &old,
            "interfaces: [eth7]\nlimits: {bans: 7, line: 300, tracked: 9}\n\
             jails:\n  a: {filter: sshd, logs: [/a]}\n",
        );
        assert_eq!(
            differences.restart,
            ["interfaces", "limits.bans", "limits.line"]
        );
        assert_eq!(new.interfaces, old.interfaces);
        assert_eq!((new.limits.bans, new.limits.tracked), (old.limits.bans, 9));
        let (_, differences) = merged(&new, "jails:\n  a: {filter: sshd, logs: [/a]}\n");
        assert_eq!(
            differences,
            Differences::default(),
            "it was never otherwise"
        );
    }
}
