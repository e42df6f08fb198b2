//! Jails whose failures are the bans of other jails: that those are there, and that none counts what
//! follows from its own bans.

use std::collections::BTreeMap;

use super::nearest::nearest;
use super::raw::RawBansOf;
use super::report::Report;
use super::section::join;
use super::settings;
use super::yaml::{Located, Spot};
use super::{BansOf, Jail};

/// What every jail says of whose bans it counts, those that are not enabled among them.
#[derive(Default)]
pub(crate) struct Known {
    jails: BTreeMap<String, Said>,
}

struct Said {
    enabled: bool,
    path: String,
    of: Option<Located<RawBansOf>>,
}

impl Known {
    /// Takes note of a jail.
    pub(crate) fn add(
        &mut self,
        name: &str,
        enabled: bool,
        path: &str,
        of: Option<Located<RawBansOf>>,
    ) {
        let path = join(path, settings::OF.name());
        self.jails
            .insert(name.to_owned(), Said { enabled, path, of });
    }

    /// Reports what is wrong with whose bans enabled jails count.
    pub(crate) fn check(&self, report: &mut Report) {
        for (name, said) in self.jails.iter().filter(|(_, said)| said.enabled) {
            for (index, counted) in said.names().iter().enumerate() {
                let path = format!("{}[{index}]", said.path);
                match self.jails.get(&counted.value) {
                    None => report.error(counted.spot, &path, self.unknown(&counted.value)),
                    Some(_) if counted.value == *name => {
                        report.error(counted.spot, &path, "a jail does not count its own bans");
                    }
                    Some(other) if !other.enabled => {
                        let message =
                            format!("jail {} is not enabled, so it bans nobody", counted.value);
                        report.warn(counted.spot, &path, message);
                    }
                    Some(_) => {
                        if let Some(circle) = self.circle(name, &counted.value) {
                            let message = format!(
                                "these jails would count what follows from their own bans: {circle}; take one \
                                 of them out of an `of`"
                            );
                            report.error(counted.spot, &path, message);
                        }
                    }
                }
            }
        }
    }

    fn unknown(&self, name: &str) -> String {
        match nearest(name, self.jails.keys().map(String::as_str)) {
            Some(meant) => format!("there is no jail {name}; did you mean {meant}?"),
            None => format!("there is no jail {name}"),
        }
    }

    /// The way on which the bans of `name` come back to it when it counts those of `counted`.
    fn circle(&self, name: &str, counted: &str) -> Option<String> {
        let mut ways = vec![vec![counted]];
        let mut seen = vec![counted];
        while let Some(way) = ways.pop() {
            let last = way.last().and_then(|last| self.jails.get(*last));
            for next in last.iter().flat_map(|said| said.names()) {
                if next.value == name {
                    let names = std::iter::once(name).chain(way).chain([name]);
                    return Some(names.collect::<Vec<_>>().join(" counts "));
                }
                if !seen.contains(&next.value.as_str()) {
                    seen.push(&next.value);
                    let mut longer = way.clone();
                    longer.push(&next.value);
                    ways.push(longer);
                }
            }
        }
        None
    }
}

impl Said {
    fn names(&self) -> &[Located<String>] {
        match &self.of {
            Some(Located {
                value: RawBansOf::Jails(names),
                ..
            }) => names,
            _ => &[],
        }
    }
}

/// What is said of it, without places.
pub(crate) fn checked(of: &Located<RawBansOf>) -> BansOf {
    match &of.value {
        RawBansOf::All => BansOf::All,
        RawBansOf::Jails(names) => {
            BansOf::Jails(names.iter().map(|name| name.value.clone()).collect())
        }
    }
}

/// Warns of a jail that counts each host for itself where those whose bans it counts ban prefixes:
/// who moves about in a prefix would be somebody else each time. `spot`: where its `of` stands.
pub(crate) fn warn_of_prefixes(
    jail: &Jail,
    jails: &[Jail],
    spot: Spot,
    path: &str,
    report: &mut Report,
) {
    let Some(of) = &jail.of else { return };
    for (family, own, banned) in [
        (
            "ipv4",
            jail.count_ipv4_length,
            (|jail| jail.ipv4_length) as fn(&Jail) -> u8,
        ),
        ("ipv6", jail.count_ipv6_length, |jail| jail.ipv6_length),
    ] {
        let counted = jails.iter().filter(|other| of.counts(jail, other));
        let Some(widest) = counted.min_by_key(|other| banned(other)) else {
            continue;
        };
        let length = banned(widest);
        if length < own {
            let message = format!(
                "jail {} bans prefixes of length {length}, whose hosts this one counts apart; \
                 `count_by: {{ {family}: {length} }}` counts them together",
                widest.name
            );
            report.warn(spot, &join(path, settings::OF.name()), message);
        }
    }
}
