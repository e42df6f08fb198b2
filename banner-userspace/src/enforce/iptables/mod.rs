//! Bans in iptables and ip6tables, with sets of ipset.
//!
//! A chain of banner's own in the table `filter`, to which its parents jump first, and for each family
//! and set of ports a set `hash:net` with ends that the kernel keeps. Everything is changed by restore
//! commands: one child for however many bans.

mod glance;
mod programs;
mod restore;
mod sets;

use std::{collections::BTreeMap, time::Duration};

use ipnet::IpNet;

use self::{
    programs::{ipset, ipset_restore, listed, restore_command, set_kinds, set_names},
    restore::{COMMENT, Member},
    sets::{FAMILIES, Family, Sets},
};
use super::{EnforceError, Enforcer, Failed, Found, Held, Inquiry, last_of_each, left};
use crate::model::{
    Ban, Change, Entry, Iptables as Options, JailId, Mode, Now, PortSets, Ports, PrefixSet, Until,
};

/// The longest timeout of ipset, in seconds.
const LONGEST: u64 = 2_147_483;

/// The chain and its sets.
#[derive(Debug)]
pub struct Iptables {
    options: Options,
    jails: Vec<String>,
    never: PrefixSet,
    ports: PortSets,
    sets: Sets,
    /// Rules of both families as they were last made.
    made: Option<Made>,
}

type Made = [Vec<String>; 2];

impl Iptables {
    /// Nothing is looked at yet.
    pub fn new(options: Options, jails: Vec<String>) -> Self {
        let sets = Sets::new(&options.chain);
        Self {
            options,
            jails,
            never: PrefixSet::default(),
            ports: PortSets::default(),
            sets,
            made: None,
        }
    }

    /// Makes sets, chain and jumps, or what is missing of them.
    fn build(&mut self) -> Result<(), EnforceError> {
        self.refuse_foreign()?;
        ipset_restore(&self.sets.create(&self.never))?;
        let mut wanted = [0; 2];
        for (family, wanted) in FAMILIES.into_iter().zip(&mut wanted) {
            let sets = self
                .sets
                .iter()
                .filter_map(|(scope, id)| Some((scope, self.ports.get(id)?)));
            let rules = restore::rules(&self.options, family, &self.sets, sets);
            // With the chain itself and the jumps to it.
            *wanted = 1 + rules.len() + self.options.parents.len();
            let jumps: Vec<String> = (self.options.parents.iter())
                .filter_map(|parent| match self.jumps(family, parent) {
                    Ok(true) => None,
                    Ok(false) => Some(Ok(parent.clone())),
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<_, EnforceError>>()?;
            let script = restore::table(&self.options, &rules, &jumps);
            (restore_command(family)?.args(["--noflush", "-w", "5"])).run(script.as_bytes())?;
        }
        let made = self.rules()?;
        // What others have taken away meanwhile must not pass for what was made: an inquiry finds nothing
        // that is like this, and has it made anew.
        let is_whole = (made.iter().zip(wanted)).all(|(rules, wanted)| rules.len() == wanted);
        self.made = Some(if is_whole { made } else { Made::default() });
        Ok(())
    }

    /// Whether a parent's first rule leads to the chain.
    fn jumps(&self, family: Family, parent: &str) -> Result<bool, EnforceError> {
        let Some(rules) = listed(family, parent)? else {
            return Err(EnforceError::Kernel {
                operation: "hook into iptables",
                why: format!("there is no chain {parent} of {}", family.program()),
            });
        };
        let jump = format!("-A {parent} -j {}", self.options.chain);
        Ok(rules.contains(&jump))
    }

    /// What is there now, of both families.
    fn rules(&self) -> Result<Made, EnforceError> {
        let mut made = Made::default();
        for (rules, family) in made.iter_mut().zip(FAMILIES) {
            *rules = listed(family, &self.options.chain)?.unwrap_or_default();
            for parent in &self.options.parents {
                if self.jumps(family, parent)? {
                    rules.push(format!("-A {parent} -j {}", self.options.chain));
                }
            }
        }
        Ok(made)
    }

    fn refuse_foreign(&self) -> Result<(), EnforceError> {
        let chain = &self.options.chain;
        for family in FAMILIES {
            let Some(rules) = listed(family, chain)? else {
                continue;
            };
            let ours = |rule: &String| rule.contains(COMMENT);
            if rules.len() > 1 && !rules.iter().any(ours) {
                return Err(EnforceError::Foreign {
                    what: format!("a chain {chain} of {}", family.program()),
                    advice: "give banner another one: {iptables: {chain: …}}".into(),
                });
            }
        }
        self.refuse_foreign_sets()
    }

    /// A set of banner's name that banner would not have made so.
    fn refuse_foreign_sets(&self) -> Result<(), EnforceError> {
        for (name, kind) in set_kinds()? {
            let has = |word: &str| kind.split(' ').any(|found| found == word);
            let ours =
                has("hash:net") && (self.sets.is_never(&name) || has("timeout") && has("comment"));
            if self.sets.is_own(&name) && !ours {
                return Err(EnforceError::Foreign {
                    what: format!("a set {name} of ipset ({})", kind.trim_end()),
                    advice: format!(
                        "look at it (ipset list {name}), and remove or rename it if it is not needed; or \
                         give banner another name for its chain and sets: {{iptables: {{chain: …}}}}"
                    ),
                });
            }
        }
        Ok(())
    }

    fn member(&self, entry: Entry) -> Option<(String, Member)> {
        let set = self
            .sets
            .name(Family::of(entry.net), self.sets.scope(entry.ports)?);
        let member = Member {
            net: entry.net,
            seconds: None,
            jail: None,
        };
        Some((set, member))
    }

    fn script(&self, changes: &[Change], now: Now) -> String {
        let mut script = String::new();
        for change in changes {
            let Some((set, mut member)) = self.member(change.entry()) else {
                continue;
            };
            if let Change::Set(ban) = change {
                // ipset takes 0 for no end.
                let seconds = |left: Duration| (left.as_secs() + 1).min(LONGEST);
                member.seconds = Some(left(ban.until, now).map_or(0, seconds));
                let jail = ban
                    .jail
                    .and_then(|jail| self.jails.get(usize::from(jail.0)));
                member.jail = jail.cloned();
                member.add(&set, &mut script);
            } else {
                member.delete(&set, &mut script);
            }
        }
        script
    }

    fn ban(&self, entry: Entry, member: &Member, now: Now) -> Ban {
        let jail = member.jail.as_ref();
        let jail = self.jails.iter().position(|known| Some(known) == jail);
        Ban {
            net: entry.net,
            ports: entry.ports,
            jail: jail.and_then(|jail| u16::try_from(jail).ok()).map(JailId),
            mode: Mode::Enforce,
            until: match held(member) {
                None => Until::Forever,
                Some(left) => Until::At(now.mono.after(left)),
            },
            quiet: None,
        }
    }
}

impl Enforcer for Iptables {
    fn name(&self) -> &'static str {
        "iptables"
    }

    fn look(&mut self) -> Result<bool, EnforceError> {
        let names = set_names()?;
        let own: Vec<_> = names.iter().filter(|name| self.sets.is_own(name)).collect();
        if own.is_empty() {
            return Ok(false);
        }
        self.refuse_foreign_sets()?;
        // What sets of ports there are, the rules say, in a comment.
        for family in FAMILIES {
            for rule in listed(family, &self.options.chain)?.unwrap_or_default() {
                if let Some((scope, ports)) = restore::ports_of(&rule) {
                    self.sets.found(scope, ports);
                }
            }
        }
        self.sets.follow(&self.ports);
        Ok(true)
    }

    fn open(&mut self) -> Result<(), EnforceError> {
        self.look()?;
        self.build()
    }

    fn set_never(&mut self, never: &PrefixSet) -> Result<(), EnforceError> {
        self.never = never.clone();
        if self.made.is_none() {
            return Ok(());
        }
        Ok(ipset_restore(&self.sets.create(&self.never))?)
    }

    fn set_jails(&mut self, jails: &[String]) {
        self.jails = jails.to_vec();
    }

    fn set_ports(&mut self, ports: &mut PortSets) -> Result<(), EnforceError> {
        for stranger in self.sets.texts() {
            if let Ok(stranger) = stranger.parse::<Ports>() {
                // Where there is no number left, its bans are ended.
                let _ = ports.intern(&stranger);
            }
        }
        self.ports = ports.clone();
        self.sets.follow(ports);
        if self.made.is_some() {
            self.build()
        } else {
            Ok(())
        }
    }

    fn apply(&mut self, changes: &[Change], now: Now) -> Result<(), Vec<Failed>> {
        let changes: Vec<Change> = last_of_each(changes, now).collect();
        let built = if self.made.is_some() {
            Ok(())
        } else {
            self.build()
        };
        let script = self.script(&changes, now);
        let done = built.and_then(|()| Ok(ipset_restore(&script)?));
        done.map_err(|error| {
            let why = error.to_string();
            let failed = |change| Failed {
                change,
                why: why.clone(),
            };
            changes.into_iter().map(failed).collect()
        })
    }

    fn in_force(&mut self, now: Now) -> anyhow::Result<Vec<Ban>> {
        let (members, _) = members(&self.sets)?;
        Ok(members
            .iter()
            .map(|(entry, member)| self.ban(*entry, member, now))
            .collect())
    }

    fn longest(&self) -> Option<Duration> {
        Some(Duration::from_secs(LONGEST))
    }

    fn glance(&mut self) -> Option<u64> {
        glance::at(&self.sets).ok()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn inquire(&self) -> Inquiry {
        let other = Self {
            options: self.options.clone(),
            jails: Vec::new(),
            never: self.never.clone(),
            ports: self.ports.clone(),
            sets: self.sets.clone(),
            made: self.made.clone(),
        };
        Box::new(move || other.found())
    }

    fn remove(&mut self) -> Result<(), EnforceError> {
        self.refuse_foreign()?;
        self.made = None;
        let chain = &self.options.chain;
        for family in FAMILIES {
            let mut script = "*filter\n".to_owned();
            for parent in &self.options.parents {
                if listed(family, parent)?.is_some() && self.jumps(family, parent)? {
                    script.extend(["-D ", parent, " -j ", chain, "\n"]);
                }
            }
            if listed(family, chain)?.is_some() {
                script.extend(["-F ", chain, "\n-X ", chain, "\n"]);
            }
            script += "COMMIT\n";
            (restore_command(family)?.args(["--noflush", "-w", "5"])).run(script.as_bytes())?;
        }
        let names = set_names()?;
        let own = names.iter().filter(|name| self.sets.is_own(name));
        let script: String = own.flat_map(|name| ["destroy ", name, "\n"]).collect();
        Ok(ipset_restore(&script)?)
    }
}

impl Iptables {
    fn found(&self) -> Result<Found, EnforceError> {
        let mut found = Found::default();
        let names = set_names()?;
        let all_there = self.sets.all().all(|name| names.contains(&name));
        if !all_there {
            found.broken = Some("sets of ipset were gone".into());
        } else if self.made != Some(self.rules()?) {
            found.broken = Some(format!(
                "rules around the chain {} were changed",
                self.options.chain
            ));
        } else if never(&self.sets)? != sets::wanted_never(&self.never) {
            found.broken = Some("the never-ban sets were changed".into());
        }
        let (members, strange) = members(&self.sets)?;
        found.strange = strange;
        found.held = members
            .into_iter()
            .map(|(entry, member)| Held {
                entry,
                left: held(&member),
            })
            .collect();
        Ok(found)
    }
}

fn held(member: &Member) -> Option<Duration> {
    let seconds = member.seconds.filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

/// What is in the sets of bans, and how much of it nobody can be meant by.
fn members(sets: &Sets) -> Result<(BTreeMap<Entry, Member>, usize), EnforceError> {
    let mut all = BTreeMap::new();
    let mut strange = 0;
    for (set, member) in saved(sets)? {
        let Some(scope) = sets.scope_of(&set) else {
            continue;
        };
        match sets.id(scope) {
            Some(ports) => {
                let net = member.net;
                all.insert(Entry { net, ports }, member);
            }
            None => strange += 1,
        }
    }
    Ok((all, strange))
}

fn never(sets: &Sets) -> Result<Vec<IpNet>, EnforceError> {
    let own = |(set, member): (String, Member)| sets.is_never(&set).then_some(member.net);
    let mut all: Vec<IpNet> = saved(sets)?.into_iter().filter_map(own).collect();
    all.sort_unstable();
    Ok(all)
}

/// The members of all of banner's sets.
fn saved(sets: &Sets) -> Result<Vec<(String, Member)>, EnforceError> {
    let saved = ipset()?.args(["save"]).run(&[])?;
    let text = String::from_utf8_lossy(&saved.stdout);
    let members = text.lines().filter_map(Member::read);
    Ok(members.filter(|(set, _)| sets.is_own(set)).collect())
}
