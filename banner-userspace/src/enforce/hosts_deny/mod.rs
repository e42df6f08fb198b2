//! Bans in hosts.deny, which daemons with TCP wrappers ask at the beginning of a connection.
//!
//! The file is rewritten as a whole and renamed into its place: what stands between two marks is
//! banner's, every other line stays as it is. It has no ends of its own, so the end of each ban stands
//! beside it, for the next agent.

mod file;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;

use self::file::{BEGIN, END, failed, put, read, replaced, split};
use super::{EnforceError, Enforcer, Failed, Found, Held, Inquiry, last_of_each};
use crate::model::{
    Ban, Change, Entry, HostsDeny as Options, JailId, Mode, Mono, Now, PortSets, Ports, PortsId,
    PrefixSet, Until, Wall, is_host,
};

/// How bans are marked, with their ends in seconds since 1970 (0: none), jail and ports.
const MARK: &str = "# ban ";

/// The file.
#[derive(Debug)]
pub struct HostsDeny {
    options: Options,
    jails: Vec<String>,
    ports: PortSets,
    never: PrefixSet,
    bans: BTreeMap<Entry, Kept>,
    /// What was read and is not known by number yet.
    read: Vec<Line>,
}

/// A ban with its end on the wall clock, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    end: Option<i64>,
    jail: Option<JailId>,
}

/// A ban as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    net: IpNet,
    end: Option<i64>,
    jail: String,
    ports: String,
}

impl HostsDeny {
    /// Nothing is looked at yet.
    pub fn new(options: Options, jails: Vec<String>) -> Self {
        Self {
            options,
            jails,
            ports: PortSets::default(),
            never: PrefixSet::default(),
            bans: BTreeMap::new(),
            read: Vec::new(),
        }
    }

    /// The file, not what links to it: that is what a rename would replace.
    fn path(&self) -> PathBuf {
        fs::canonicalize(&self.options.file).unwrap_or_else(|_| self.options.file.clone())
    }

    /// What is banner's of the file.
    fn block(&self) -> String {
        if self.bans.is_empty() {
            return String::new();
        }
        let mut block = format!("{BEGIN}\n");
        let mut last = None;
        for (entry, kept) in &self.bans {
            let jail = kept
                .jail
                .and_then(|jail| self.jails.get(usize::from(jail.0)));
            let jail = jail.map_or("-", String::as_str);
            let (net, ports) = (entry.net, self.ports.name(entry.ports));
            let end = kept.end.unwrap_or(0);
            line_of(&mut block, format_args!("{MARK}{net} {end} {jail} {ports}"));
            // One line is enough for all ports that somebody is banned for.
            if last.replace(net) != Some(net) && !self.never.covers(net) {
                let spared = self.never.iter().filter(|never| net.contains(never));
                let spared: Vec<_> = spared.map(pattern).collect();
                let except = if spared.is_empty() {
                    String::new()
                } else {
                    format!(" EXCEPT {}", spared.join(" "))
                };
                let (daemons, whom) = (&self.options.daemons, pattern(net));
                line_of(&mut block, format_args!("{daemons}: {whom}{except}"));
            }
        }
        block + END + "\n"
    }

    fn write(&self) -> Result<(), EnforceError> {
        let path = self.path();
        let found = read(&path)?;
        let text = replaced(&found, &self.block()).map_err(|why| failed(&path, "read", &why))?;
        if text == found {
            return Ok(());
        }
        put(&path, &text).map_err(|error| failed(&path, "rewrite", &error))
    }

    /// What was read, by the numbers that sets of ports have.
    fn settle(&mut self) {
        for line in std::mem::take(&mut self.read) {
            let known = self
                .ports
                .iter()
                .find(|(_, set)| set.to_string() == line.ports);
            let ports = match known {
                _ if line.ports == "all" => PortsId::ALL,
                Some((id, _)) => id,
                None => continue,
            };
            let jail = self.jails.iter().position(|jail| *jail == line.jail);
            let kept = Kept {
                end: line.end,
                jail: jail.and_then(|jail| u16::try_from(jail).ok()).map(JailId),
            };
            self.bans.insert(
                Entry {
                    net: line.net,
                    ports,
                },
                kept,
            );
        }
    }
}

impl Enforcer for HostsDeny {
    fn name(&self) -> &'static str {
        "hosts-deny"
    }

    fn look(&mut self) -> Result<bool, EnforceError> {
        let path = self.path();
        let text = read(&path)?;
        let (_, block, _) = split(&text).map_err(|why| failed(&path, "read", &why))?;
        self.read = block.lines().filter_map(line).collect();
        self.bans.clear();
        self.settle_known();
        Ok(!block.is_empty())
    }

    fn open(&mut self) -> Result<(), EnforceError> {
        let path = self.path();
        // It says now what it would say of the first ban.
        let text = read(&path)?;
        split(&text).map_err(|why| failed(&path, "read", &why))?;
        if !self.read.is_empty() {
            self.settle();
        }
        put(
            &path,
            &replaced(&text, &self.block()).map_err(|why| failed(&path, "read", &why))?,
        )
        .map_err(|error| failed(&path, "rewrite", &error))
    }

    fn set_never(&mut self, never: &PrefixSet) -> Result<(), EnforceError> {
        if self.never == *never {
            return Ok(());
        }
        self.never = never.clone();
        if self.bans.is_empty() {
            Ok(())
        } else {
            self.write()
        }
    }

    fn set_jails(&mut self, jails: &[String]) {
        self.jails = jails.to_vec();
    }

    fn set_ports(&mut self, ports: &mut PortSets) -> Result<(), EnforceError> {
        for line in &self.read {
            if let Ok(stranger) = line.ports.parse::<Ports>() {
                // Where there is no number left, its bans are ended.
                let _ = ports.intern(&stranger);
            }
        }
        self.ports = ports.clone();
        self.settle();
        Ok(())
    }

    fn apply(&mut self, changes: &[Change], now: Now) -> Result<(), Vec<Failed>> {
        let before = self.bans.clone();
        for change in last_of_each(changes, now) {
            match change {
                Change::Set(ban) => {
                    let end = match ban.until {
                        Until::Forever => None,
                        Until::At(end) => Some(seconds(end, now)),
                    };
                    let kept = Kept {
                        end,
                        jail: ban.jail,
                    };
                    self.bans.insert(ban.entry(), kept);
                }
                change @ Change::Clear { .. } => {
                    self.bans.remove(&change.entry());
                }
            }
        }
        if self.bans == before {
            return Ok(());
        }
        self.write().map_err(|error| {
            self.bans = before;
            let why = error.to_string();
            let failed = |&change| Failed {
                change,
                why: why.clone(),
            };
            changes.iter().map(failed).collect()
        })
    }

    fn in_force(&mut self, now: Now) -> anyhow::Result<Vec<Ban>> {
        let bans = self.bans.iter().map(|(entry, kept)| Ban {
            net: entry.net,
            ports: entry.ports,
            jail: kept.jail,
            mode: Mode::Enforce,
            until: match kept.end {
                None => Until::Forever,
                Some(end) => {
                    let left = u64::try_from(end - now.wall.as_secs()).unwrap_or(0);
                    Until::At(now.mono.after(Duration::from_secs(left)))
                }
            },
            quiet: None,
        });
        Ok(bans.collect())
    }

    fn inquire(&self) -> Inquiry {
        let path = self.path();
        let block = self.block();
        let entries: Vec<Entry> = self.bans.keys().copied().collect();
        Box::new(move || {
            let text = read(&path)?;
            let (_, found, _) = split(&text).map_err(|why| failed(&path, "read", &why))?;
            let as_it_was = |entry| Held { entry, left: None };
            Ok(Found {
                broken: (found != block).then(|| format!("{} was edited", path.display())),
                // The whole of it is put back at once.
                held: entries.into_iter().map(as_it_was).collect(),
                strange: 0,
            })
        })
    }

    fn has_ends(&self) -> bool {
        false
    }

    fn glance(&mut self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        let found = fs::metadata(self.path()).ok();
        let found = found.map(|found| {
            let changed = (
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
            );
            (found.dev(), found.ino(), found.size(), changed)
        });
        found.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn remove(&mut self) -> Result<(), EnforceError> {
        self.bans.clear();
        self.read.clear();
        self.write()
    }
}

impl HostsDeny {
    fn settle_known(&mut self) {
        let unknown = |line: &Line| {
            line.ports != "all"
                && !self
                    .ports
                    .iter()
                    .any(|(_, set)| set.to_string() == line.ports)
        };
        let later: Vec<Line> = self
            .read
            .iter()
            .filter(|line| unknown(line))
            .cloned()
            .collect();
        self.settle();
        self.read = later;
    }
}

fn line_of(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("a String takes all");
}

/// As the file has it: IPv6 in brackets.
fn pattern(net: IpNet) -> String {
    match net {
        IpNet::V4(net) if is_host(net.into()) => net.addr().to_string(),
        IpNet::V4(net) => format!("{}/{}", net.addr(), net.netmask()),
        IpNet::V6(net) if is_host(net.into()) => format!("[{}]", net.addr()),
        IpNet::V6(net) => format!("[{}]/{}", net.addr(), net.prefix_len()),
    }
}

fn line(line: &str) -> Option<Line> {
    let mut words = line.strip_prefix(MARK)?.split(' ');
    let net = words.next()?.parse().ok()?;
    let end = words.next()?.parse::<i64>().ok()?;
    let jail = words.next()?.to_owned();
    let ports = words.next()?.to_owned();
    let end = (end != 0).then_some(end);
    words.next().is_none().then_some(Line {
        net,
        end,
        jail,
        ports,
    })
}

/// The second after a point in time.
fn seconds(end: Mono, now: Now) -> i64 {
    let left = i64::try_from(end.since(now.mono).as_nanos()).unwrap_or(i64::MAX);
    Wall(now.wall.0.saturating_add(left))
        .as_secs()
        .saturating_add(1)
}

#[cfg(test)]
mod tests;
