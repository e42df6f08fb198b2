//! What the last agent left.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, sync::Arc, time::Duration};

use ipnet::IpNet;
use rusqlite::Connection;

use super::{
    batch::{History, KeptBan, Loaded, Offences, Windows},
    clock::Clock,
    database::Trouble,
    pack, pending, row, write,
};
use crate::model::{Fingerprint, Mark, Mode, Mono, Quiet, Wall};

/// Few, in their order.
struct Names(Vec<(i64, Arc<str>)>);

impl Names {
    fn get(&self, id: i64) -> Option<&Arc<str>> {
        let place = self.0.binary_search_by_key(&id, |(known, _)| *known);
        Some(&self.0[place.ok()?].1)
    }
}

/// Reads everything that an agent goes on from.
pub(super) fn load(connection: &Connection, clock: Clock, now: Mono) -> Result<Loaded, Trouble> {
    let jails = names(connection, "SELECT id, name FROM jails ORDER BY id")?;
    let ports = names(connection, "SELECT id, list FROM ports ORDER BY id")?;
    let rows = pending::rows(connection)?;
    Ok(Loaded {
        bans: bans(connection, &jails, &ports, clock, now, &rows)?,
        history: history(connection, &jails, &rows)?,
        marks: marks(connection)?,
        windows: windows(connection, &jails)?,
        cursors: cursors(connection)?,
    })
}

fn names(connection: &Connection, sql: &str) -> rusqlite::Result<Names> {
    let mut all = connection.prepare(sql)?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?;
    Ok(Names(rows.collect::<Result<_, _>>()?))
}

fn bans(
    connection: &Connection,
    jails: &Names,
    ports: &Names,
    clock: Clock,
    now: Mono,
    pending: &[row::Row],
) -> Result<Vec<KeptBan>, Trouble> {
    let mut all = connection
        .prepare("SELECT net, ports, jail, enforce, until, since, failures, quiet FROM bans")?;
    let mut rows = all.query([])?;
    let mut bans = Vec::new();
    let kept = |ban: &row::Ban, net: &[u8]| -> Result<Option<KeptBan>, Trouble> {
        let until = clock.found(ban.until);
        if until.is_over(now) {
            return Ok(None);
        }
        Ok(Some(KeptBan {
            net: pack::net_of(net)?,
            ports: ports.get(ban.ports).cloned().ok_or(pack::Malformed)?,
            jail: jails.get(ban.jail).cloned(),
            mode: if ban.enforce {
                Mode::Enforce
            } else {
                Mode::Observe
            },
            until,
            since: Wall::from_secs(ban.since),
            failures: ban.failures,
            quiet: (ban.quiet).map(|seconds| Quiet::new(Duration::from_secs(seconds.into()))),
        }))
    };
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let net = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let ban = row::Ban {
            net: Vec::new(),
            ports: row.get(1)?,
            jail: row.get(2)?,
            enforce: row.get(3)?,
            until: row.get(4)?,
            since: row.get(5)?,
            failures: row.get(6)?,
            quiet: row.get(7)?,
        };
        if pending.is_empty() {
            bans.extend(kept(&ban, net)?);
        } else {
            let net = net.to_vec();
            found.push(row::Ban { net, ..ban });
        }
    }
    if !pending.is_empty() {
        for ban in pending::over_bans(found, pending) {
            bans.extend(kept(&ban, &ban.net)?);
        }
    }
    Ok(bans)
}

fn history(
    connection: &Connection,
    jails: &Names,
    pending: &[row::Row],
) -> Result<Vec<History>, Trouble> {
    let mut all =
        connection.prepare("SELECT net, jail, count, last, ends FROM history ORDER BY last")?;
    let rows = all.query_map([], |row| {
        Ok(row::Past {
            net: row.get(0)?,
            jail: row.get(1)?,
            count: row.get(2)?,
            last: row.get(3)?,
            ends: row.get(4)?,
        })
    })?;
    let mut found: Vec<row::Past> = rows.collect::<Result<_, _>>()?;
    if !pending.is_empty() {
        found = pending::over_past(found, pending);
    }
    let mut past = Vec::with_capacity(found.len());
    for one in found {
        let Some(jail) = jails.get(one.jail) else {
            continue;
        };
        past.push(History {
            net: pack::net_of(&one.net)?,
            jail: Arc::clone(jail),
            count: one.count,
            last: Wall::from_secs(one.last),
            ends: one.ends.map(Wall::from_secs),
        });
    }
    Ok(past)
}

fn marks(connection: &Connection) -> Result<Vec<Mark>, Trouble> {
    let mut all = connection
        .prepare("SELECT path, device, inode, offset, hash, length FROM marks ORDER BY rowid")?;
    let rows = all.query_map([], |row| {
        let whole = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
        Ok(Mark {
            path: OsStr::from_bytes(row.get_ref(0)?.as_blob()?).into(),
            device: whole(1)?,
            inode: whole(2)?,
            offset: whole(3)?,
            fingerprint: Fingerprint {
                hash: whole(4)?,
                length: row.get(5)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn windows(connection: &Connection, jails: &Names) -> Result<Vec<Windows>, Trouble> {
    let mut all = Vec::new();
    for (number, jail) in &jails.0 {
        let hosts = write::read_windows(connection, *number)?;
        if !hosts.is_empty() {
            all.push(Windows {
                jail: Arc::clone(jail),
                all: true,
                hosts: hosts.into_iter().collect(),
            });
        }
    }
    all.sort_by(|one, other| one.jail.cmp(&other.jail));
    Ok(all)
}

fn cursors(connection: &Connection) -> Result<Vec<(String, String)>, Trouble> {
    let mut all = connection.prepare("SELECT source, cursor FROM cursors ORDER BY source")?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Why somebody was banned: the latest first, so many at most.
pub(super) fn offences(
    connection: &Connection,
    net: IpNet,
    most: u32,
) -> Result<Vec<Offences>, Trouble> {
    let mut found = Vec::new();
    let own = pack::net(net);
    let rows = pending::rows(connection)?;
    let jails = names(connection, "SELECT id, name FROM jails ORDER BY id")?;
    for row in rows.iter().rev() {
        if let row::Row::Put(ban, Some(cause)) = row
            && ban.net == own
            && !cause.lines.is_empty()
            && found.len() < most as usize
        {
            found.push(Offences {
                jail: jails.get(ban.jail).map_or("", |name| name).to_owned(),
                who: pack::who_of(&cause.host)?,
                at: Wall::from_secs(ban.since),
                evidence: pack::lines_of(&cause.lines)?,
            });
        }
    }
    let most = most - u32::try_from(found.len()).unwrap_or(most);
    let mut latest = connection.prepare_cached(
        "SELECT coalesce(name, ''), host, at, lines FROM evidence
         LEFT JOIN jails ON jails.id = jail WHERE net = ? ORDER BY evidence.id DESC LIMIT ?",
    )?;
    let mut rows = latest.query(rusqlite::params![own, most])?;
    while let Some(row) = rows.next()? {
        let blob = |column: usize| -> Result<&[u8], rusqlite::Error> {
            Ok(row.get_ref(column)?.as_blob()?)
        };
        found.push(Offences {
            jail: row.get(0)?,
            who: pack::who_of(blob(1)?)?,
            at: Wall::from_secs(row.get(2)?),
            evidence: pack::lines_of(blob(3)?)?,
        });
    }
    Ok(found)
}
