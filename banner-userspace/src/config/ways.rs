//! The ways of jails, of which those of the main file are known.

use super::raw::{RawWay, plain_way};
use super::report::Report;
use super::section::join;
use super::way_settings as settings;
use super::yaml::{Located, Spot};
use crate::model::Way;

/// Every way with its options, by its name: there is one of each in force.
pub(super) struct Ways {
    main: Vec<Way>,
    /// Given with options by a jail, and where.
    given: Vec<(Way, Spot)>,
}

impl Ways {
    pub(super) fn new(main: &[Way]) -> Self {
        Self {
            main: main.to_vec(),
            given: Vec::new(),
        }
    }

    /// The ways of a jail at this place; what cannot be is reported and left out.
    pub(super) fn of_jail(
        &mut self,
        ways: Option<Located<Vec<Located<RawWay>>>>,
        jail: &str,
        report: &mut Report,
    ) -> Vec<Way> {
        let Some(ways) = ways else {
            return self.main.clone();
        };
        let path = join(jail, settings::JAIL_ENFORCE.name());
        let each = ways.value.into_iter().enumerate();
        let ways = each.filter_map(|(index, Located { value, spot })| {
            let path = format!("{path}[{index}]");
            self.resolve(value, spot, &path, report)
        });
        ways.collect()
    }

    fn resolve(&mut self, way: RawWay, spot: Spot, path: &str, report: &mut Report) -> Option<Way> {
        let known = |name: &str| {
            let main = self.main.iter().find(|way| way.name() == name).cloned();
            let given = self.given.iter().find(|(way, _)| way.name() == name);
            (main, given.cloned())
        };
        let way = match way {
            RawWay::Named(name) => match (known(&name), plain_way(&name)) {
                ((Some(way), _) | (None, Some((way, _))), _) => return Some(way),
                ((None, None), Some(way)) => way,
                ((None, None), None) => {
                    let message = format!(
                        "no way to drop packets is named {name}: there are xdp, nftables, iptables, \
                         hosts-deny, and the commands of the main file's enforce"
                    );
                    report.error(spot, path, message);
                    return None;
                }
            },
            RawWay::Given(way) => *way,
        };
        match known(way.name()) {
            (Some(main), _) if main != way => {
                let message = format!(
                    "{} has other options in the main file; there can be one of each name: name it \
                     here without options",
                    way.name()
                );
                report.error(spot, path, message);
                None
            }
            (None, Some((given, first))) if given != way => {
                let message = "was given with other options before, at";
                report.error_see(spot, path, message, first);
                None
            }
            (None, None) => {
                self.given.push((way.clone(), spot));
                Some(way)
            }
            _ => Some(way),
        }
    }
}
