//! Bans by programs of the administrator's: argument vectors and environment, never a shell's text.

use std::{collections::BTreeMap, time::Duration};

use super::{
    EnforceError, Enforcer, Failed, Found, Held, Inquiry, child::Child, last_of_each, left,
};
use crate::model::{Ban, Change, CommandLines as Options, Entry, Mode, Now, PortSets, PrefixSet};

/// From so many changes on the commands for many are run.
const MANY: usize = 2;

/// Where the commands for many find their list: what they are given as standard input is a file in
/// memory, which can be opened by this name.
const LIST: &str = "/dev/stdin";

/// The programs, and what they were told.
#[derive(Debug)]
pub struct CommandLines {
    options: Options,
    jails: Vec<String>,
    ports: PortSets,
    never: PrefixSet,
    /// They cannot be asked for what they have, so that it is remembered.
    told: BTreeMap<Entry, Ban>,
    started: bool,
}

/// What stands for placeholders.
#[derive(Debug, Default)]
struct Values {
    net: String,
    family: &'static str,
    seconds: String,
    ports: String,
    jail: String,
    file: String,
}

impl Values {
    fn pairs(&self) -> [(&'static str, &'static str, &str); 6] {
        [
            ("%{net}", "BANNER_NET", &self.net),
            ("%{family}", "BANNER_FAMILY", self.family),
            ("%{seconds}", "BANNER_SECONDS", &self.seconds),
            ("%{ports}", "BANNER_PORTS", &self.ports),
            ("%{jail}", "BANNER_JAIL", &self.jail),
            ("%{file}", "BANNER_FILE", &self.file),
        ]
    }

    /// An argument with its placeholders filled in, each once: what is filled in is not looked at again.
    fn fill(&self, argument: &str) -> String {
        let mut filled = String::new();
        let mut rest = argument;
        while let Some(at) = rest.find("%{") {
            let (before, from) = rest.split_at(at);
            filled += before;
            let pairs = self.pairs();
            let known = pairs.iter().find(|(name, ..)| from.starts_with(name));
            if let Some((name, _, value)) = known {
                filled += value;
                rest = &from[name.len()..];
            } else {
                filled += "%{";
                rest = &from[2..];
            }
        }
        filled + rest
    }
}

impl CommandLines {
    /// Nothing is run yet.
    pub fn new(options: Options, jails: Vec<String>) -> Self {
        Self {
            options,
            jails,
            ports: PortSets::default(),
            never: PrefixSet::default(),
            told: BTreeMap::new(),
            started: false,
        }
    }

    fn run(&self, words: &[String], values: &Values) -> Result<(), EnforceError> {
        run(words, values, &[], self.options.within)
    }

    fn values(&self, change: &Change, now: Now) -> Values {
        let entry = change.entry();
        let jail = match change {
            Change::Set(ban) => ban
                .jail
                .and_then(|jail| self.jails.get(usize::from(jail.0))),
            Change::Clear { .. } => None,
        };
        let left = match change {
            Change::Set(ban) => left(ban.until, now),
            Change::Clear { .. } => None,
        };
        Values {
            net: crate::model::Shown(entry.net).to_string(),
            family: if entry.net.addr().is_ipv4() {
                "inet"
            } else {
                "inet6"
            },
            seconds: left.map_or(0, |left| left.as_secs() + 1).to_string(),
            ports: self.ports.name(entry.ports),
            jail: jail.cloned().unwrap_or_else(|| "-".into()),
            file: String::new(),
        }
    }

    fn change(&mut self, changes: &[Change], now: Now) -> Result<(), (usize, EnforceError)> {
        let mut done = 0;
        for part in changes.chunk_by(|one, other| is_ban(one) == is_ban(other)) {
            let bans = part.first().is_some_and(is_ban);
            let many = if bans {
                &self.options.ban_many
            } else {
                &self.options.unban_many
            };
            if part.len() >= MANY && !many.is_empty() {
                self.many(many, part, now).map_err(|error| (done, error))?;
                done += part.len();
                self.remember(part);
                continue;
            }
            let one = if bans {
                self.options.ban.clone()
            } else {
                self.options.unban.clone()
            };
            for change in part {
                let values = self.values(change, now);
                self.run(&one, &values).map_err(|error| (done, error))?;
                done += 1;
                self.remember(std::slice::from_ref(change));
            }
        }
        Ok(())
    }

    fn many(&self, words: &[String], changes: &[Change], now: Now) -> Result<(), EnforceError> {
        let mut list = String::new();
        for change in changes {
            let values = self.values(change, now);
            let fields = [&*values.net, &values.seconds, &values.ports, &values.jail];
            list += &(fields.join(" ") + "\n");
        }
        let values = Values {
            file: LIST.to_owned(),
            ..Values::default()
        };
        run(words, &values, list.as_bytes(), self.options.within)
    }

    fn remember(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Set(ban) => {
                    self.told.insert(change.entry(), *ban);
                }
                Change::Clear { .. } => {
                    self.told.remove(&change.entry());
                }
            }
        }
    }
}

fn is_ban(change: &Change) -> bool {
    matches!(change, Change::Set(_))
}

fn run(
    words: &[String],
    values: &Values,
    input: &[u8],
    within: Duration,
) -> Result<(), EnforceError> {
    let [program, arguments @ ..] = words else {
        return Ok(());
    };
    let arguments: Vec<String> = arguments.iter().map(|word| values.fill(word)).collect();
    let mut child = Child::new(program, "", within)?.args(arguments.iter().map(String::as_str));
    for (_, name, value) in values.pairs() {
        child = child.env(name, value);
    }
    child.run(input)?;
    Ok(())
}

impl Enforcer for CommandLines {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn look(&mut self) -> Result<bool, EnforceError> {
        // What they have is not known, only that there may be something.
        Ok(true)
    }

    fn open(&mut self) -> Result<(), EnforceError> {
        if !self.started {
            self.run(&self.options.start, &Values::default())?;
            self.started = true;
        }
        let check = self.run(&self.options.check, &Values::default());
        if check.is_ok() {
            return Ok(());
        }
        self.run(&self.options.start, &Values::default())?;
        self.run(&self.options.check, &Values::default())?;
        self.told.clear();
        Ok(())
    }

    fn set_never(&mut self, never: &PrefixSet) -> Result<(), EnforceError> {
        self.never = never.clone();
        Ok(())
    }

    fn set_jails(&mut self, jails: &[String]) {
        self.jails = jails.to_vec();
    }

    fn set_ports(&mut self, ports: &mut PortSets) -> Result<(), EnforceError> {
        self.ports = ports.clone();
        Ok(())
    }

    fn apply(&mut self, changes: &[Change], now: Now) -> Result<(), Vec<Failed>> {
        let (bans, unbans): (Vec<Change>, Vec<Change>) =
            last_of_each(changes, now).partition(is_ban);
        let known = |change: &Change| self.told.contains_key(&change.entry());
        let unbans = unbans.into_iter().filter(known).collect::<Vec<_>>();
        let all: Vec<Change> = unbans.into_iter().chain(bans).collect();
        self.change(&all, now).map_err(|(done, error)| {
            let why = error.to_string();
            let failed = |&change| Failed {
                change,
                why: why.clone(),
            };
            // After one that hangs, the others are not waited for.
            all[done..].iter().map(failed).collect()
        })
    }

    fn in_force(&mut self, now: Now) -> anyhow::Result<Vec<Ban>> {
        let over = |ban: &&Ban| !ban.until.is_over(now.mono) && ban.mode == Mode::Enforce;
        Ok(self.told.values().filter(over).copied().collect())
    }

    fn has_ends(&self) -> bool {
        false
    }

    fn inquire(&self) -> Inquiry {
        let (check, within) = (self.options.check.clone(), self.options.within);
        let held = |entry: &Entry| Held {
            entry: *entry,
            left: None,
        };
        let held: Vec<Held> = self.told.keys().map(held).collect();
        Box::new(move || {
            let mut found = Found {
                held,
                ..Found::default()
            };
            if let Err(error) = run(&check, &Values::default(), &[], within) {
                found.broken = Some(format!("the check says no ({error})"));
                found.held.clear();
            }
            Ok(found)
        })
    }

    fn remove(&mut self) -> Result<(), EnforceError> {
        if self.options.flush.is_empty() {
            let told: Vec<Entry> = self.told.keys().copied().collect();
            for entry in told {
                let change = Change::from(entry);
                let now = Now {
                    wall: crate::model::Wall(0),
                    mono: crate::model::Mono(0),
                };
                self.change(&[change], now).map_err(|(_, error)| error)?;
            }
        } else {
            self.run(&self.options.flush, &Values::default())?;
        }
        self.told.clear();
        self.started = false;
        self.run(&self.options.stop, &Values::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_looked_at_again_and_the_rest_stays() {
        let values = Values {
            net: "192.0.2.7".into(),
            jail: "%{net}".into(),
            ..Values::default()
        };
        for (argument, filled) in [
            ("%{net}", "192.0.2.7"),
            ("--src=%{net}/%{jail}", "--src=192.0.2.7/%{net}"),
            ("%{other} %{ %", "%{other} %{ %"),
            ("$(reboot)", "$(reboot)"),
        ] {
            assert_eq!(values.fill(argument), filled);
        }
    }
}
