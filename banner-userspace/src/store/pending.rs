//! Changes that are in the file as bytes, in their order, and not in the tables yet.
//!
//! A row for each of very many bans takes seconds, in which a stop would have to wait. As bytes they take
//! a fraction of that, in the same transaction as all that belongs to them. Some at a time they become
//! rows, whenever there is nothing else to do.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::{
    database::Trouble,
    pack::Rest,
    row::{Ban, Past, Row},
    write,
};

/// So many become rows at once: some 50 ms of work.
pub(super) const AT_ONCE: usize = 4096;

/// Whether there are any.
pub(super) fn any(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM pending)")?
        .query_row([], |row| row.get(0))
}

/// Takes changes in, behind those that are there.
pub(super) fn add(
    connection: &Connection,
    rows: impl Iterator<Item = rusqlite::Result<Row>>,
) -> rusqlite::Result<()> {
    let mut bytes = Vec::new();
    let mut count = 0;
    let mut insert = connection.prepare_cached("INSERT INTO pending (changes) VALUES (?)")?;
    for row in rows {
        row?.pack(&mut bytes);
        count += 1;
        if count == AT_ONCE {
            insert.execute([&bytes])?;
            bytes.clear();
            count = 0;
        }
    }
    if count > 0 {
        insert.execute([&bytes])?;
    }
    Ok(())
}

/// Makes rows of the first ones; false: there were none.
pub(super) fn fold(connection: &mut Connection) -> Result<bool, Trouble> {
    // What a power cut undoes of this is done again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let first: Option<(i64, Vec<u8>)> = transaction
        .prepare_cached("SELECT id, changes FROM pending ORDER BY id LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, bytes)) = first else {
        return Ok(false);
    };
    let mut lines = 0;
    let mut rest = Rest(&bytes);
    while !rest.0.is_empty() {
        lines += Row::take(&mut rest)?.apply(&transaction)?;
    }
    if lines > 0 {
        write::trim_evidence(&transaction)?;
    }
    transaction
        .prepare_cached("DELETE FROM pending WHERE id = ?")?
        .execute(params![id])?;
    transaction.commit()?;
    Ok(true)
}

/// All of them, in their order.
pub(super) fn rows(connection: &Connection) -> Result<Vec<Row>, Trouble> {
    let mut found = Vec::new();
    let mut all = connection.prepare("SELECT changes FROM pending ORDER BY id")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let mut rest = Rest(bytes);
        while !rest.0.is_empty() {
            found.push(Row::take(&mut rest)?);
        }
    }
    Ok(found)
}

/// The bans of the table as they are when these are rows.
pub(super) fn over_bans(bans: Vec<Ban>, rows: &[Row]) -> Vec<Ban> {
    let key = |ban: &Ban| (ban.net.clone(), ban.ports, ban.jail);
    let mut all: BTreeMap<_, Ban> = bans.into_iter().map(|ban| (key(&ban), ban)).collect();
    for row in rows {
        match row {
            Row::All => all.clear(),
            Row::Put(ban, _) => {
                all.insert(key(ban), ban.clone());
            }
            Row::PutOff(ban) => {
                if let Some(known) = all.get_mut(&key(ban)) {
                    known.until = ban.until;
                }
            }
            Row::Remove { net, ports, whose } => {
                let of_net = (net.clone(), *ports, i64::MIN)..=(net.clone(), *ports, i64::MAX);
                let gone = all.range(of_net).map(|(key, _)| key);
                let gone: Vec<_> = gone.filter(|(.., jail)| whose.is(*jail)).cloned().collect();
                for key in gone {
                    all.remove(&key);
                }
            }
            Row::Forgive(_) => {}
        }
    }
    all.into_values().collect()
}

/// The same of the past, the longest ago first.
pub(super) fn over_past(past: Vec<Past>, rows: &[Row]) -> Vec<Past> {
    let key = |past: &Past| (past.net.clone(), past.jail);
    let mut all: BTreeMap<_, Past> = past.into_iter().map(|past| (key(&past), past)).collect();
    for row in rows {
        match row {
            Row::Put(_, Some(cause)) => {
                if let Some(past) = &cause.past {
                    all.insert(key(past), past.clone());
                }
            }
            Row::Forgive(net) => all.retain(|(known, _), _| known != net),
            _ => {}
        }
    }
    let mut past: Vec<Past> = all.into_values().collect();
    past.sort_by_key(|past| past.last);
    past
}
