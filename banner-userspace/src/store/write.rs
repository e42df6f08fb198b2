//! A batch becomes one transaction.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    batch::{Batch, Cause, Change, KeptBan, Windows},
    clock::Clock,
    database::Trouble,
    pack,
};
use crate::model::{Mark, Mode, Wall};

/// The number of a ban that no jail made.
const NO_JAIL: i64 = 0;

/// Bytes of lines that are kept of all offences together.
const EVIDENCE: i64 = 32 << 20;

/// What is written beside what a batch says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'s> {
    pub(super) clock: Clock,
    pub(super) boot: &'s str,
    /// The jails of today.
    pub(super) jails: &'s [Arc<str>],
}

/// Numbers of names, by table.
#[derive(Debug, Default)]
struct Numbers(HashMap<(Table, Arc<str>), i64>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Jails,
    Ports,
}

/// Writes a batch; all of it is on the disk afterwards, or nothing of it in the file.
pub(super) fn write(
    connection: &mut Connection,
    batch: &Batch,
    setting: Setting<'_>,
) -> Result<(), Trouble> {
    // A position alone may be an older one after a power cut: its windows are of the same moment.
    let synchronous = if batch.bans.is_empty() {
        "NORMAL"
    } else {
        "FULL"
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut numbers = Numbers::default();
    if batch.all {
        transaction.execute("DELETE FROM bans", [])?;
    }
    let mut lines = 0;
    for change in &batch.bans {
        match change {
            Change::Put(ban, cause) => {
                put(&transaction, &mut numbers, ban, setting.clock)?;
                if let Some(cause) = cause {
                    lines += keep_cause(&transaction, &mut numbers, ban, cause)?;
                }
            }
            Change::Remove { net, ports, jail } => {
                let net = pack::net(*net);
                let ports = numbers.of(&transaction, Table::Ports, ports)?;
                if let Some(jail) = jail {
                    let jail = numbers.of(&transaction, Table::Jails, jail)?;
                    transaction
                        .prepare_cached(
                            "DELETE FROM bans WHERE net = ? AND ports = ? AND jail = ?",
                        )?
                        .execute(params![net, ports, jail])?;
                } else {
                    remove_of_none(&transaction, &mut numbers, &net, ports, setting.jails)?;
                }
            }
            Change::Forgive(net) => {
                transaction
                    .prepare_cached("DELETE FROM history WHERE net = ?")?
                    .execute([pack::net(*net)])?;
            }
        }
    }
    if lines > 0 {
        trim_evidence(&transaction)?;
    }
    marks(&transaction, &batch.marks)?;
    for windows in &batch.windows {
        keep_windows(&transaction, &mut numbers, windows)?;
    }
    for (source, cursor) in &batch.cursors {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO cursors (source, cursor) VALUES (?, ?)")?
            .execute([source, cursor])?;
    }
    setting.clock.write(&transaction, setting.boot, batch.at)?;
    transaction.commit()?;
    Ok(())
}

impl Numbers {
    fn of(
        &mut self,
        connection: &Connection,
        table: Table,
        name: &Arc<str>,
    ) -> rusqlite::Result<i64> {
        let key = (table, Arc::clone(name));
        if let Some(&number) = self.0.get(&key) {
            return Ok(number);
        }
        let (insert, select) = match table {
            Table::Jails => (
                "INSERT OR IGNORE INTO jails (name) VALUES (?)",
                "SELECT id FROM jails WHERE name = ?",
            ),
            Table::Ports => (
                "INSERT OR IGNORE INTO ports (list) VALUES (?)",
                "SELECT id FROM ports WHERE list = ?",
            ),
        };
        connection.prepare_cached(insert)?.execute([&**name])?;
        let mut select = connection.prepare_cached(select)?;
        let number = select.query_row([&**name], |row| row.get(0))?;
        self.0.insert(key, number);
        Ok(number)
    }

    fn of_jail(
        &mut self,
        connection: &Connection,
        jail: Option<&Arc<str>>,
    ) -> rusqlite::Result<i64> {
        jail.map_or(Ok(NO_JAIL), |jail| self.of(connection, Table::Jails, jail))
    }
}

fn put(
    connection: &Connection,
    numbers: &mut Numbers,
    ban: &KeptBan,
    clock: Clock,
) -> rusqlite::Result<()> {
    let ports = numbers.of(connection, Table::Ports, &ban.ports)?;
    let jail = numbers.of_jail(connection, ban.jail.as_ref())?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO bans (net, ports, jail, enforce, until, since, failures)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            pack::net(ban.net),
            ports,
            jail,
            ban.mode == Mode::Enforce,
            clock.kept(ban.until),
            ban.since.as_secs(),
            ban.failures,
        ])?;
    Ok(())
}

/// Keeps why somebody is banned, and that it happened; how many bytes the lines take.
fn keep_cause(
    connection: &Connection,
    numbers: &mut Numbers,
    ban: &KeptBan,
    cause: &Cause,
) -> rusqlite::Result<usize> {
    let jail = numbers.of_jail(connection, ban.jail.as_ref())?;
    let net = pack::net(ban.net);
    if let Some(past) = &cause.past {
        let jail = numbers.of(connection, Table::Jails, &past.jail)?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO history (net, jail, count, last, ends)
                 VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                pack::net(past.net),
                jail,
                past.count,
                past.last.as_secs(),
                past.ends.map(Wall::as_secs),
            ])?;
    }
    if cause.evidence.is_empty() {
        return Ok(0);
    }
    let lines = pack::lines(&cause.evidence);
    connection
        .prepare_cached("INSERT INTO evidence (net, jail, host, at, lines) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![
            net,
            jail,
            pack::address(cause.host),
            ban.since.as_secs(),
            lines
        ])?;
    Ok(lines.len())
}

/// The oldest lines make room. What all of them take is estimated from the latest: to add it up would
/// read the whole table.
fn trim_evidence(connection: &Connection) -> rusqlite::Result<()> {
    let (count, last): (i64, Option<i64>) = connection
        .prepare_cached("SELECT coalesce(max(id) - min(id) + 1, 0), max(id) FROM evidence")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last else { return Ok(()) };
    let each: i64 = connection
        .prepare_cached(
            "SELECT coalesce(avg(length(lines)), 0) + 64 FROM
                 (SELECT lines FROM evidence ORDER BY id DESC LIMIT 1000)",
        )?
        .query_row([], |row| row.get::<_, f64>(0))
        .map(to_whole)?;
    let room = (EVIDENCE / each.max(1)).max(1);
    if count > room + room / 8 {
        connection
            .prepare_cached("DELETE FROM evidence WHERE id <= ?")?
            .execute([last - room])?;
    }
    Ok(())
}

fn to_whole(number: f64) -> i64 {
    // Lengths of lines: a few thousand.
    format!("{number:.0}").parse().unwrap_or(i64::MAX)
}

/// A ban that no jail of today made is in the file under the name that its jail had.
fn remove_of_none(
    connection: &Connection,
    numbers: &mut Numbers,
    net: &[u8],
    ports: i64,
    jails: &[Arc<str>],
) -> rusqlite::Result<()> {
    let mut todays = Vec::with_capacity(jails.len());
    for jail in jails {
        todays.push(numbers.of(connection, Table::Jails, jail)?);
    }
    let found: Vec<i64> = connection
        .prepare_cached("SELECT jail FROM bans WHERE net = ? AND ports = ?")?
        .query_map(params![net, ports], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for jail in found.iter().filter(|jail| !todays.contains(jail)) {
        connection
            .prepare_cached("DELETE FROM bans WHERE net = ? AND ports = ? AND jail = ?")?
            .execute(params![net, ports, jail])?;
    }
    Ok(())
}

fn marks(connection: &Connection, marks: &[Mark]) -> rusqlite::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;

    connection.execute("DELETE FROM marks", [])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO marks (path, device, inode, offset, hash, length) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for mark in marks {
        insert.execute(params![
            mark.path.as_os_str().as_bytes(),
            mark.device.cast_signed(),
            mark.inode.cast_signed(),
            mark.offset.cast_signed(),
            mark.fingerprint.hash.cast_signed(),
            mark.fingerprint.length,
        ])?;
    }
    Ok(())
}

/// Puts the windows that changed behind those that are there; when they have become twice as much as a
/// whole one takes, they become one.
fn keep_windows(
    connection: &Connection,
    numbers: &mut Numbers,
    windows: &Windows,
) -> Result<(), Trouble> {
    let jail = numbers.of(connection, Table::Jails, &windows.jail)?;
    let hosts = windows
        .hosts
        .iter()
        .map(|(host, failures)| (host, failures));
    let bytes = pack::windows(hosts);
    if windows.all {
        return whole_windows(connection, jail, &bytes);
    }
    if bytes.is_empty() {
        return Ok(());
    }
    insert_windows(connection, jail, false, &bytes)?;
    let (whole, rest): (i64, i64) = connection
        .prepare_cached(
            "SELECT coalesce(sum(length(hosts)) FILTER (WHERE whole), 0),
                    coalesce(sum(length(hosts)) FILTER (WHERE NOT whole), 0)
             FROM windows WHERE jail = ?",
        )?
        .query_row([jail], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if rest > 2 * whole.max(1 << 16) {
        let hosts = read_windows(connection, jail)?;
        whole_windows(connection, jail, &pack::windows(hosts.iter()))?;
    }
    Ok(())
}

fn whole_windows(connection: &Connection, jail: i64, bytes: &[u8]) -> Result<(), Trouble> {
    connection
        .prepare_cached("DELETE FROM windows WHERE jail = ?")?
        .execute([jail])?;
    Ok(insert_windows(connection, jail, true, bytes)?)
}

fn insert_windows(
    connection: &Connection,
    jail: i64,
    whole: bool,
    bytes: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO windows (jail, whole, hosts) VALUES (?, ?, ?)")?
        .execute(params![jail, whole, bytes])?;
    Ok(())
}

/// What a jail counted at the last transaction.
pub(super) fn read_windows(connection: &Connection, jail: i64) -> Result<pack::Hosts, Trouble> {
    let mut hosts = pack::Hosts::new();
    let mut all =
        connection.prepare_cached("SELECT hosts FROM windows WHERE jail = ? ORDER BY id")?;
    let mut rows = all.query([jail])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        pack::windows_over(&mut hosts, bytes)?;
    }
    Ok(hosts)
}

/// Ends bans in the file while no agent runs: of one prefix, or all. How many there were.
pub(super) fn forget(
    connection: &Connection,
    net: Option<ipnet::IpNet>,
) -> rusqlite::Result<usize> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    if let Some(net) = net {
        return connection.execute("DELETE FROM bans WHERE net = ?", [pack::net(net)]);
    }
    let count: u32 = connection.query_row("SELECT count(*) FROM bans", [], |row| row.get(0))?;
    connection.execute("DELETE FROM bans", [])?;
    Ok(count as usize)
}
