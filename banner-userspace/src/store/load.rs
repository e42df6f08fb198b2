//! What the last agent left.

use std::{collections::HashMap, ffi::OsStr, os::unix::ffi::OsStrExt as _, sync::Arc};

use ipnet::IpNet;
use rusqlite::{Connection, Row};

use super::{
    batch::{History, KeptBan, Loaded, Offences, Windows},
    clock::Clock,
    database::Trouble,
    pack, write,
};
use crate::model::{Fingerprint, Mark, Mode, Mono, Wall};

type Names = HashMap<i64, Arc<str>>;

/// Reads everything that an agent goes on from.
pub(super) fn load(connection: &Connection, clock: Clock, now: Mono) -> Result<Loaded, Trouble> {
    let jails = names(connection, "SELECT id, name FROM jails")?;
    let ports = names(connection, "SELECT id, list FROM ports")?;
    Ok(Loaded {
        bans: bans(connection, &jails, &ports, clock, now)?,
        history: history(connection, &jails)?,
        marks: marks(connection)?,
        windows: windows(connection, &jails)?,
        cursors: cursors(connection)?,
    })
}

fn names(connection: &Connection, sql: &str) -> rusqlite::Result<Names> {
    let mut all = connection.prepare(sql)?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?;
    rows.collect()
}

fn net(row: &Row<'_>, column: usize) -> Result<IpNet, Trouble> {
    let bytes = row.get_ref(column)?.as_blob();
    Ok(pack::net_of(bytes.map_err(rusqlite::Error::from)?)?)
}

fn bans(
    connection: &Connection,
    jails: &Names,
    ports: &Names,
    clock: Clock,
    now: Mono,
) -> Result<Vec<KeptBan>, Trouble> {
    let mut all =
        connection.prepare("SELECT net, ports, jail, enforce, until, since, failures FROM bans")?;
    let mut rows = all.query([])?;
    let mut bans = Vec::new();
    while let Some(row) = rows.next()? {
        let until = clock.found(row.get(4)?);
        if until.is_over(now) {
            continue;
        }
        let list = ports.get(&row.get(1)?);
        bans.push(KeptBan {
            net: net(row, 0)?,
            ports: list.cloned().ok_or(pack::Malformed)?,
            jail: jails.get(&row.get(2)?).cloned(),
            mode: if row.get(3)? {
                Mode::Enforce
            } else {
                Mode::Observe
            },
            until,
            since: Wall::from_secs(row.get(5)?),
            failures: row.get(6)?,
        });
    }
    Ok(bans)
}

fn history(connection: &Connection, jails: &Names) -> Result<Vec<History>, Trouble> {
    let mut all =
        connection.prepare("SELECT net, jail, count, last, ends FROM history ORDER BY last")?;
    let mut rows = all.query([])?;
    let mut past = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(jail) = jails.get(&row.get(1)?) else {
            continue;
        };
        past.push(History {
            net: net(row, 0)?,
            jail: Arc::clone(jail),
            count: row.get(2)?,
            last: Wall::from_secs(row.get(3)?),
            ends: row.get::<_, Option<i64>>(4)?.map(Wall::from_secs),
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
    for (&number, jail) in jails {
        let hosts = write::read_windows(connection, number)?;
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
    let mut latest = connection.prepare_cached(
        "SELECT coalesce(name, ''), host, at, lines FROM evidence
         LEFT JOIN jails ON jails.id = jail WHERE net = ? ORDER BY evidence.id DESC LIMIT ?",
    )?;
    let mut rows = latest.query(rusqlite::params![pack::net(net), most])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let blob = |column: usize| -> Result<&[u8], rusqlite::Error> {
            Ok(row.get_ref(column)?.as_blob()?)
        };
        found.push(Offences {
            jail: row.get(0)?,
            host: pack::address_of(blob(1)?)?,
            at: Wall::from_secs(row.get(2)?),
            evidence: pack::lines_of(blob(3)?)?,
        });
    }
    Ok(found)
}
