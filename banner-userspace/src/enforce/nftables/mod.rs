//! Bans in nftables: a table of its own, a hash table of addresses for each length of prefix and set of
//! ports, with ends that the kernel keeps.
//!
//! The table, its chains and rules are made by `nft`, in one transaction. Elements are put in and read
//! over netlink, which takes a fraction of the time that a child for each ban would.

mod message;
mod notices;
mod script;
mod sets;
mod socket;
mod table;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use nix::errno::Errno;

pub use self::notices::{Noticed, Notices};
use self::{
    message::Element,
    script::{Listing, TABLE},
    sets::{Scopes, SetKey},
    socket::{Netlink, Step},
    table::{element_left, kernel, list, never, nft, ours, survey},
};
use super::{EnforceError, Enforcer, Failed, Inquiry, last_of_each, left};
use crate::model::{
    Ban, Change, JailId, Mode, Nftables as Options, Now, PortSets, PrefixSet, Until,
};

/// The table `inet banner`.
#[derive(Debug)]
pub struct Nftables {
    options: Options,
    /// Names of the jails by their [`JailId`].
    jails: Vec<String>,
    never: PrefixSet,
    ports: PortSets,
    scopes: Scopes,
    sets: BTreeSet<SetKey>,
    netlink: Option<Netlink>,
    /// The table as it was last made, and the sets of prefixes that are never dropped.
    made: Option<Made>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    text: String,
    never: Vec<Vec<u8>>,
}

impl Nftables {
    /// Nothing is looked at yet.
    pub fn new(options: Options, jails: Vec<String>) -> Self {
        Self {
            options,
            jails,
            never: PrefixSet::default(),
            ports: PortSets::default(),
            scopes: Scopes::default(),
            sets: BTreeSet::new(),
            netlink: None,
            made: None,
        }
    }

    fn netlink(&mut self) -> Result<&Netlink, EnforceError> {
        if self.netlink.is_none() {
            let netlink = Netlink::open().map_err(|error| EnforceError::Kernel {
                operation: "talk to nf_tables",
                why: error.to_string(),
            })?;
            self.netlink = Some(netlink);
        }
        self.netlink.as_ref().ok_or(EnforceError::Kernel {
            operation: "talk to nf_tables",
            why: "no socket".into(),
        })
    }

    /// Makes the table what it should be, and remembers it.
    fn build(&mut self, found: &Listing) -> Result<(), EnforceError> {
        let parts = (&self.scopes, &self.ports);
        let script = script::build(&self.options, found, &self.sets, parts, &self.never);
        nft()?.args(["-f", "-"]).run(script.as_bytes())?;
        let made = list()?.unwrap_or_default();
        // What others have taken away meanwhile must not pass for what was made: an inquiry finds nothing
        // that is like an empty text, and has it made anew.
        let is_whole = script::is_whole(&script, &made);
        let text = if is_whole { made.text } else { String::new() };
        let never = never(self.netlink()?).map_err(|errno| kernel("read the table", errno))?;
        self.made = Some(Made { text, never });
        Ok(())
    }

    /// The sets that there are, and what their ports are.
    fn learn(&mut self, found: &Listing) {
        for (name, comment) in &found.sets {
            if let Some(set) = SetKey::named(name) {
                self.sets.insert(set);
                if set.scope > 0 {
                    let text = comment.as_deref().unwrap_or_default();
                    self.scopes.found(set.scope, text);
                }
            }
        }
    }

    fn rebuild(&mut self) -> Result<(), EnforceError> {
        let found = ours()?;
        self.build(&found.unwrap_or_default())
    }

    fn step(&self, change: Change, now: Now) -> Option<(SetKey, Element, bool)> {
        let entry = change.entry();
        let set = SetKey::of(entry.net, self.scopes.scope(entry.ports)?);
        let mut element = Element {
            key: match entry.net.network() {
                std::net::IpAddr::V4(address) => address.octets().to_vec(),
                std::net::IpAddr::V6(address) => address.octets().to_vec(),
            },
            timeout: None,
            left: None,
            comment: None,
        };
        if let Change::Set(ban) = change {
            // The kernel takes 0 for the default of the set, which is for ever.
            let milliseconds = |left: Duration| u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            element.timeout = left(ban.until, now).map(|left| milliseconds(left).max(1));
            let jail = ban
                .jail
                .and_then(|jail| self.jails.get(usize::from(jail.0)));
            element.comment = jail.cloned();
        }
        Some((set, element, matches!(change, Change::Set(_))))
    }

    fn put(&mut self, changes: &[Change], now: Now) -> Result<(), (usize, EnforceError)> {
        let at_once = |error: EnforceError| (0, error);
        let steps = changes.iter().map(|&change| self.step(change, now));
        let steps: Vec<_> = steps.collect();
        let needed: BTreeSet<SetKey> = steps
            .iter()
            .flatten()
            .filter(|(set, _, put)| *put && !self.sets.contains(set))
            .map(|(set, ..)| *set)
            .collect();
        if self.made.is_none() || !needed.is_empty() {
            self.sets.extend(&needed);
            if let Err(error) = self.rebuild() {
                self.sets.retain(|set| !needed.contains(set));
                return Err(at_once(error));
            }
        }
        let names: std::collections::BTreeMap<SetKey, Arc<str>> = self
            .sets
            .iter()
            .map(|set| (*set, Arc::from(set.name())))
            .collect();
        let steps: Vec<Step> = steps
            .into_iter()
            .flatten()
            .filter_map(|(set, element, put)| {
                // What has no set is not there.
                let set = Arc::clone(names.get(&set)?);
                Some(Step { set, element, put })
            })
            .collect();
        let netlink = self.netlink().map_err(at_once)?;
        let failed = |(done, errno)| {
            (
                done,
                kernel("change elements of the table inet banner", errno),
            )
        };
        netlink.change(TABLE, &steps).map_err(failed)
    }
}

impl Enforcer for Nftables {
    fn name(&self) -> &'static str {
        "nftables"
    }

    fn look(&mut self) -> Result<bool, EnforceError> {
        let Some(found) = ours()? else {
            return Ok(false);
        };
        self.learn(&found);
        self.netlink()?;
        Ok(true)
    }

    fn open(&mut self) -> Result<(), EnforceError> {
        let found = ours()?.unwrap_or_default();
        self.learn(&found);
        self.scopes.follow(&self.ports);
        // The ones that there always are.
        for net in ["0.0.0.0/32", "::/128"] {
            self.sets.extend(net.parse().map(|net| SetKey::of(net, 0)));
        }
        self.build(&found)
    }

    fn set_never(&mut self, never: &PrefixSet) -> Result<(), EnforceError> {
        self.never = never.clone();
        if self.made.is_some() {
            self.rebuild()
        } else {
            Ok(())
        }
    }

    fn set_jails(&mut self, jails: &[String]) {
        self.jails = jails.to_vec();
    }

    fn set_ports(&mut self, ports: &mut PortSets) -> Result<(), EnforceError> {
        self.scopes.assign(ports);
        self.ports = ports.clone();
        // What is new gets its rules with its first set.
        Ok(())
    }

    fn apply(&mut self, changes: &[Change], now: Now) -> Result<(), Vec<Failed>> {
        let changes: Vec<Change> = last_of_each(changes, now).collect();
        let (mut known, unknown): (Vec<Change>, Vec<Change>) = (changes.into_iter())
            .partition(|change| self.scopes.scope(change.entry().ports).is_some());
        // Those of a set together.
        known.sort_by_key(|change| {
            (
                change.entry().ports,
                change.entry().net.max_prefix_len(),
                change.entry().net.prefix_len(),
            )
        });
        let mut failed: Vec<Failed> = (unknown.into_iter())
            .filter(|change| matches!(change, Change::Set(_)))
            .map(|change| Failed {
                change,
                why: "these ports are not known to nftables".into(),
            })
            .collect();
        if let Err((done, error)) = self.put(&known, now) {
            let why = error.to_string();
            // Steps of what has no set are left out, so that `done` may fall short: what is put in
            // once more is as it was.
            failed.extend(known.into_iter().skip(done).map(|change| Failed {
                change,
                why: why.clone(),
            }));
        }
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed)
        }
    }

    fn in_force(&mut self, now: Now) -> anyhow::Result<Vec<Ban>> {
        let Some(_) = ours()? else {
            return Ok(Vec::new());
        };
        let mut bans = Vec::new();
        for &set in &self.sets {
            let Some(netlink) = &self.netlink else { break };
            let elements = match netlink.list(TABLE, &set.name()) {
                Ok(elements) => elements,
                Err(Errno::ENOENT) => continue,
                Err(errno) => return Err(kernel("read the table inet banner", errno).into()),
            };
            for element in elements {
                let Some(entry) = self.scopes.entry(set, &element.key) else {
                    continue;
                };
                let named = |jail: &String| Some(jail) == element.comment.as_ref();
                let jail = self.jails.iter().position(named);
                bans.push(Ban {
                    net: entry.net,
                    ports: entry.ports,
                    jail: jail.and_then(|jail| u16::try_from(jail).ok()).map(JailId),
                    mode: Mode::Enforce,
                    until: match element_left(&element) {
                        Some(left) => Until::At(now.mono.after(left)),
                        None => Until::Forever,
                    },
                    quiet: None,
                });
            }
        }
        Ok(bans)
    }

    fn port(&self) -> Option<u32> {
        self.netlink.as_ref().map(|netlink| netlink.port)
    }

    fn inquire(&self) -> Inquiry {
        let (made, scopes, sets) = (self.made.clone(), self.scopes.clone(), self.sets.clone());
        Box::new(move || survey(made.as_ref(), &scopes, &sets))
    }

    fn remove(&mut self) -> Result<(), EnforceError> {
        self.made = None;
        self.sets.clear();
        self.scopes = Scopes::default();
        if ours()?.is_some() {
            // Somebody else may have been quicker.
            let table = format!("add table inet {TABLE}\ndelete table inet {TABLE}\n");
            nft()?.args(["-f", "-"]).run(table.as_bytes())?;
        }
        Ok(())
    }
}
