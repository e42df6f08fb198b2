//! A change in the numbers of the file, and as bytes.

use rusqlite::{Connection, params};

use super::pack::{Malformed, Rest};

/// What a change does to the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// There are no bans but those that follow.
    All,
    /// A ban, and why.
    Put(Ban, Option<Cause>),
    /// The end of a ban that is there is another: its prefix, ports, jail and end count.
    PutOff(Ban),
    /// A ban is over.
    Remove {
        net: Vec<u8>,
        ports: i64,
        whose: Whose,
    },
    /// The past of a prefix is forgotten.
    Forgive(Vec<u8>),
}

/// Whose ban it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of this jail.
    Jail(i64),
    /// Of none of these: it is in the file under the name that its jail had.
    Not(Vec<i64>),
}

/// A row of `bans`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ban {
    pub(super) net: Vec<u8>,
    pub(super) ports: i64,
    pub(super) jail: i64,
    pub(super) enforce: bool,
    pub(super) until: Option<i64>,
    pub(super) since: i64,
    pub(super) failures: u32,
    pub(super) quiet: Option<u32>,
}

/// Rows of `evidence` and `history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) host: Vec<u8>,
    /// Packed; empty: none.
    pub(super) lines: Vec<u8>,
    pub(super) past: Option<Past>,
}

/// A row of `history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) net: Vec<u8>,
    pub(super) jail: i64,
    pub(super) count: u32,
    pub(super) last: i64,
    pub(super) ends: Option<i64>,
}

impl Whose {
    pub(super) fn is(&self, jail: i64) -> bool {
        match self {
            Self::Jail(own) => *own == jail,
            Self::Not(others) => !others.contains(&jail),
        }
    }
}

impl Row {
    /// Changes the tables. How many bytes of lines came to them.
    pub(super) fn apply(&self, connection: &Connection) -> rusqlite::Result<usize> {
        match self {
            Self::All => connection.execute("DELETE FROM bans", []).map(|_| 0),
            Self::Put(ban, cause) => {
                ban.put(connection)?;
                cause
                    .as_ref()
                    .map_or(Ok(0), |cause| cause.put(connection, ban))
            }
            Self::PutOff(ban) => {
                connection
                    .prepare_cached(
                        "UPDATE bans SET until = ? WHERE net = ? AND ports = ? AND jail = ?",
                    )?
                    .execute(params![ban.until, ban.net, ban.ports, ban.jail])?;
                Ok(0)
            }
            Self::Remove {
                net,
                ports,
                whose: Whose::Jail(jail),
            } => {
                remove(connection, net, *ports, *jail)?;
                Ok(0)
            }
            Self::Remove { net, ports, whose } => {
                let found: Vec<i64> = connection
                    .prepare_cached("SELECT jail FROM bans WHERE net = ? AND ports = ?")?
                    .query_map(params![net, ports], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                for jail in found.into_iter().filter(|jail| whose.is(*jail)) {
                    remove(connection, net, *ports, jail)?;
                }
                Ok(0)
            }
            Self::Forgive(net) => {
                connection
                    .prepare_cached("DELETE FROM history WHERE net = ?")?
                    .execute([net])?;
                Ok(0)
            }
        }
    }

    /// Appends itself.
    pub(super) fn pack(&self, to: &mut Vec<u8>) {
        match self {
            Self::All => to.push(0),
            Self::Put(ban, cause) => {
                to.push(if ban.quiet.is_some() { 5 } else { 1 });
                ban.pack(to);
                to.push(u8::from(cause.is_some()));
                if let Some(cause) = cause {
                    cause.pack(to);
                }
            }
            Self::PutOff(ban) => {
                to.push(if ban.quiet.is_some() { 7 } else { 6 });
                ban.pack(to);
            }
            Self::Remove { net, ports, whose } => {
                let (kind, jails) = match whose {
                    Whose::Jail(jail) => (2, std::slice::from_ref(jail)),
                    Whose::Not(jails) => (3, &jails[..]),
                };
                to.push(kind);
                short(to, net);
                whole(to, *ports);
                length(to, jails.len());
                for jail in jails {
                    whole(to, *jail);
                }
            }
            Self::Forgive(net) => {
                to.push(4);
                short(to, net);
            }
        }
    }

    /// The next one.
    pub(super) fn take(from: &mut Rest<'_>) -> Result<Self, Malformed> {
        let [kind] = from.take()?;
        Ok(match kind {
            0 => Self::All,
            1 | 5 => {
                let ban = Ban::take(from, kind == 5)?;
                let [has_cause] = from.take()?;
                let cause = (has_cause != 0).then(|| Cause::take(from)).transpose()?;
                Self::Put(ban, cause)
            }
            2 | 3 => {
                let net = from.short()?;
                let ports = from.whole()?;
                let mut jails = Vec::new();
                for _ in 0..from.count()? {
                    jails.push(from.whole()?);
                }
                let whose = match (kind, &jails[..]) {
                    (2, &[jail]) => Whose::Jail(jail),
                    (2, _) => return Err(Malformed),
                    _ => Whose::Not(jails),
                };
                Self::Remove { net, ports, whose }
            }
            4 => Self::Forgive(from.short()?),
            6 | 7 => Self::PutOff(Ban::take(from, kind == 7)?),
            _ => return Err(Malformed),
        })
    }
}

impl Ban {
    fn put(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO bans
                     (net, ports, jail, enforce, until, since, failures, quiet)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.net,
                self.ports,
                self.jail,
                self.enforce,
                self.until,
                self.since,
                self.failures,
                self.quiet,
            ])?;
        Ok(())
    }

    /// Appends itself; with the quiet time where there is one, which the kind of the row says.
    fn pack(&self, to: &mut Vec<u8>) {
        short(to, &self.net);
        for number in [self.ports, self.jail, i64::from(self.enforce), self.since] {
            whole(to, number);
        }
        maybe(to, self.until);
        whole(to, self.failures.into());
        if let Some(quiet) = self.quiet {
            whole(to, quiet.into());
        }
    }

    fn take(from: &mut Rest<'_>, renews: bool) -> Result<Self, Malformed> {
        let net = from.short()?;
        let [ports, jail, enforce, since] =
            [from.whole()?, from.whole()?, from.whole()?, from.whole()?];
        Ok(Self {
            net,
            ports,
            jail,
            enforce: enforce != 0,
            since,
            until: from.maybe()?,
            failures: from.count()?,
            quiet: renews.then(|| from.count()).transpose()?,
        })
    }
}

impl Cause {
    fn put(&self, connection: &Connection, ban: &Ban) -> rusqlite::Result<usize> {
        if let Some(past) = &self.past {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO history (net, jail, count, last, ends)
                     VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    past.net, past.jail, past.count, past.last, past.ends
                ])?;
        }
        if !self.lines.is_empty() {
            connection
                .prepare_cached(
                    "INSERT INTO evidence (net, jail, host, at, lines) VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![ban.net, ban.jail, self.host, ban.since, self.lines])?;
        }
        Ok(self.lines.len())
    }

    fn pack(&self, to: &mut Vec<u8>) {
        short(to, &self.host);
        length(to, self.lines.len());
        to.extend_from_slice(&self.lines);
        to.push(u8::from(self.past.is_some()));
        if let Some(past) = &self.past {
            short(to, &past.net);
            for number in [past.jail, i64::from(past.count), past.last] {
                whole(to, number);
            }
            maybe(to, past.ends);
        }
    }

    fn take(from: &mut Rest<'_>) -> Result<Self, Malformed> {
        let host = from.short()?;
        let length = from.count()?;
        let lines = from.bytes(length as usize)?.to_vec();
        let [has_past] = from.take()?;
        let past = if has_past == 0 {
            None
        } else {
            Some(Past {
                net: from.short()?,
                jail: from.whole()?,
                count: from.count()?,
                last: from.whole()?,
                ends: from.maybe()?,
            })
        };
        Ok(Self { host, lines, past })
    }
}

fn remove(connection: &Connection, net: &[u8], ports: i64, jail: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM bans WHERE net = ? AND ports = ? AND jail = ?")?
        .execute(params![net, ports, jail])?;
    Ok(())
}

/// A prefix or an address: up to 17 bytes.
fn short(to: &mut Vec<u8>, bytes: &[u8]) {
    to.push(u8::try_from(bytes.len()).unwrap_or(0));
    to.extend_from_slice(bytes);
}

fn whole(to: &mut Vec<u8>, number: i64) {
    to.extend_from_slice(&number.to_le_bytes());
}

fn length(to: &mut Vec<u8>, length: usize) {
    whole(to, i64::try_from(length).unwrap_or(0));
}

fn maybe(to: &mut Vec<u8>, number: Option<i64>) {
    to.push(u8::from(number.is_some()));
    whole(to, number.unwrap_or(0));
}

impl Rest<'_> {
    fn short(&mut self) -> Result<Vec<u8>, Malformed> {
        let [length] = self.take()?;
        Ok(self.bytes(usize::from(length))?.to_vec())
    }

    fn whole(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_le_bytes(self.take()?))
    }

    fn count(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.whole()?).map_err(|_| Malformed)
    }

    fn maybe(&mut self) -> Result<Option<i64>, Malformed> {
        let [has] = self.take()?;
        let number = self.whole()?;
        Ok((has != 0).then_some(number))
    }
}
