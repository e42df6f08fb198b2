//! A batch becomes one transaction.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    batch::{Batch, Cause, Change, KeptBan, Windows},
    clock::Clock,
    database::Trouble,
    pack, pending,
    row::{self, Row, Whose},
};
use crate::model::{Mark, Mode, Quiet, Wall};

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
    /// Of more changes than that, rows are made later; see [`pending`].
    pub(super) at_once: usize,
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
    let all = batch.all.then_some(Ok(Row::All));
    let changes = batch.bans.iter();
    let rows = all
        .into_iter()
        .chain(changes.map(|change| numbers.row(&transaction, change, setting)));
    // Behind what waits there, in its order.
    if batch.bans.len() > setting.at_once || pending::any(&transaction)? {
        pending::add(&transaction, rows)?;
    } else {
        let mut lines = 0;
        for row in rows {
            lines += row?.apply(&transaction)?;
        }
        if lines > 0 {
            trim_evidence(&transaction)?;
        }
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

    fn row(
        &mut self,
        connection: &Connection,
        change: &Change,
        setting: Setting<'_>,
    ) -> rusqlite::Result<Row> {
        Ok(match change {
            Change::Put(ban, cause) => {
                let row = self.ban(connection, ban, setting)?;
                let cause = cause.as_ref().map(|cause| self.cause(connection, cause));
                Row::Put(row, cause.transpose()?)
            }
            Change::PutOff(ban) => Row::PutOff(self.ban(connection, ban, setting)?),
            Change::Remove { net, ports, jail } => Row::Remove {
                net: pack::net(*net),
                ports: self.of(connection, Table::Ports, ports)?,
                whose: if let Some(jail) = jail {
                    Whose::Jail(self.of(connection, Table::Jails, jail)?)
                } else {
                    let jails = setting.jails.iter();
                    let jails = jails.map(|jail| self.of(connection, Table::Jails, jail));
                    Whose::Not(jails.collect::<Result<_, _>>()?)
                },
            },
            Change::Forgive(net) => Row::Forgive(pack::net(*net)),
        })
    }

    fn ban(
        &mut self,
        connection: &Connection,
        ban: &KeptBan,
        setting: Setting<'_>,
    ) -> rusqlite::Result<row::Ban> {
        Ok(row::Ban {
            net: pack::net(ban.net),
            ports: self.of(connection, Table::Ports, &ban.ports)?,
            jail: self.of_jail(connection, ban.jail.as_ref())?,
            enforce: ban.mode == Mode::Enforce,
            until: setting.clock.kept(ban.until),
            since: ban.since.as_secs(),
            failures: ban.failures,
            quiet: ban.quiet.map(Quiet::seconds),
        })
    }

    fn cause(&mut self, connection: &Connection, cause: &Cause) -> rusqlite::Result<row::Cause> {
        let past = cause.past.as_ref().map(|past| {
            Ok::<_, rusqlite::Error>(row::Past {
                net: pack::net(past.net),
                jail: self.of(connection, Table::Jails, &past.jail)?,
                count: past.count,
                last: past.last.as_secs(),
                ends: past.ends.map(Wall::as_secs),
            })
        });
        Ok(row::Cause {
            host: pack::who(cause.who),
            lines: pack::lines(&cause.evidence),
            past: past.transpose()?,
        })
    }
}

/// The oldest lines make room. What all of them take is estimated from the latest: to add it up would
/// read the whole table.
pub(super) fn trim_evidence(connection: &Connection) -> rusqlite::Result<()> {
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
    connection: &mut Connection,
    net: Option<ipnet::IpNet>,
) -> Result<usize, Trouble> {
    while pending::fold(connection)? {}
    connection.pragma_update(None, "synchronous", "FULL")?;
    if let Some(net) = net {
        return Ok(connection.execute("DELETE FROM bans WHERE net = ?", [pack::net(net)])?);
    }
    let count: u32 = connection.query_row("SELECT count(*) FROM bans", [], |row| row.get(0))?;
    connection.execute("DELETE FROM bans", [])?;
    Ok(count as usize)
}
