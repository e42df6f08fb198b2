//! What is old goes, and the room that it leaves.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::{clock::Clock, database::Trouble};
use crate::model::{Now, Until, Wall};

/// How often it is looked what is old.
pub(super) const INTERVAL: Duration = Duration::from_hours(1);

/// Rows of the past that are kept, at most.
const PAST: i64 = 2_000_000;

/// Pages that are given back at once.
const PAGES: i64 = 4096;

/// Removes what is older than `retention`, bans that are over though nobody said so, and, when a
/// quarter of the file is free, some of that.
pub(super) fn tidy(
    connection: &Connection,
    clock: Clock,
    retention: Duration,
    now: Now,
) -> Result<(), Trouble> {
    let old = now.wall.before(retention);
    // Before the clock of the machine was set, everything would be new.
    if old > Wall(0) {
        connection.execute("DELETE FROM history WHERE ends < ?", [old.as_secs()])?;
        connection.execute("DELETE FROM evidence WHERE at < ?", [old.as_secs()])?;
    }
    let now = clock.kept(Until::At(now.mono));
    connection.execute("DELETE FROM bans WHERE until < ?", [now])?;
    bound_past(connection, PAST)?;
    let pages = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    if pages("PRAGMA freelist_count")? > pages("PRAGMA page_count")? / 4 {
        let give_back = format!("PRAGMA incremental_vacuum({PAGES})");
        let mut give_back = connection.prepare(&give_back)?;
        let mut rows = give_back.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(())
}

/// Keeps the latest rows of the past, and those of as many more as began in the same second.
pub(super) fn bound_past(connection: &Connection, most: i64) -> Result<(), Trouble> {
    let count: i64 = connection.query_row("SELECT count(*) FROM history", [], |row| row.get(0))?;
    if count > most {
        connection.execute(
            "DELETE FROM history WHERE last <
                 (SELECT last FROM history ORDER BY last DESC LIMIT 1 OFFSET ?)",
            params![most],
        )?;
    }
    Ok(())
}
