//! The tables, version by version.

use rusqlite::{Connection, TransactionBehavior};

/// Each step leads from the version of its place to the next; a file that was never written has
/// version 0. A step that was in a release is never changed.
const STEPS: [&str; 3] = [
    "
    -- How the clock of the ends stood at the last transaction; see `store/clock.rs`. All in ms.
    CREATE TABLE clock (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        boot TEXT NOT NULL,
        wall INTEGER NOT NULL,
        mono INTEGER NOT NULL,
        time INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE jails (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE ports (id INTEGER PRIMARY KEY, list TEXT NOT NULL UNIQUE) STRICT;
    -- net: the address and, in one byte, the length of the prefix. jail 0: made by none.
    -- until: in ms; NULL: without an end. since: s since 1970.
    CREATE TABLE bans (
        net BLOB NOT NULL,
        ports INTEGER NOT NULL,
        jail INTEGER NOT NULL,
        enforce INTEGER NOT NULL,
        until INTEGER,
        since INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        PRIMARY KEY (net, ports, jail)
    ) STRICT, WITHOUT ROWID;
    -- last, ends: s since 1970; NULL: without an end.
    CREATE TABLE history (
        net BLOB NOT NULL,
        jail INTEGER NOT NULL,
        count INTEGER NOT NULL,
        last INTEGER NOT NULL,
        ends INTEGER,
        PRIMARY KEY (net, jail)
    ) STRICT, WITHOUT ROWID;
    -- The lines that led to bans, the oldest first.
    CREATE TABLE evidence (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        net BLOB NOT NULL,
        jail INTEGER NOT NULL,
        host BLOB NOT NULL,
        at INTEGER NOT NULL,
        lines BLOB NOT NULL
    ) STRICT;
    CREATE INDEX evidence_of ON evidence (net);
    CREATE TABLE marks (
        path BLOB NOT NULL,
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        hash INTEGER NOT NULL,
        length INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE cursors (source TEXT PRIMARY KEY, cursor TEXT NOT NULL) STRICT;
    -- What each jail counts: the latest row that is whole, and those behind it over it.
    CREATE TABLE windows (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        jail INTEGER NOT NULL,
        whole INTEGER NOT NULL,
        hosts BLOB NOT NULL
    ) STRICT;
    CREATE INDEX windows_of ON windows (jail, id);
",
    "
    -- Changes that are not in the tables yet, packed; see `store/pending.rs`.
    CREATE TABLE pending (id INTEGER PRIMARY KEY AUTOINCREMENT, changes BLOB NOT NULL) STRICT;
",
    "
    -- For how many seconds who is banned has to be quiet; NULL: the ban ends at its time.
    ALTER TABLE bans ADD COLUMN quiet INTEGER;
",
];

/// The version that this program writes.
pub(super) const VERSION: usize = STEPS.len();

/// What version a file has.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(version as usize)
}

fn number(version: usize) -> u32 {
    u32::try_from(version).unwrap_or(u32::MAX)
}

/// Takes a file of an older version to this one: wholly, or not at all.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    migrate_by(connection, &STEPS)
}

fn migrate_by(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let found = version(connection)?;
    if found >= steps.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in &steps[found..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", number(steps.len()))?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each released version, what a file of it has. A new version adds a row, and what its
    /// steps make of the rows before.
    const OF_VERSION: [&[&str]; 4] = [&[], &[STEPS[0]], &[STEPS[0], STEPS[1]], &STEPS];

    #[test]
    fn a_file_of_any_version_becomes_one_of_this() {
        let shape = |connection: &Connection| -> Vec<(String, Option<String>)> {
            let mut all = connection
                .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
                .unwrap();
            let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            rows.unwrap().map(Result::unwrap).collect()
        };
        let mut new = Connection::open_in_memory().unwrap();
        migrate(&mut new).unwrap();
        for (number, sql) in OF_VERSION.iter().enumerate() {
            let mut old = Connection::open_in_memory().unwrap();
            old.execute_batch(&sql.concat()).unwrap();
            old.pragma_update(None, "user_version", super::number(number))
                .unwrap();
            migrate(&mut old).unwrap();
            assert_eq!(version(&old).unwrap(), VERSION, "from {number}");
            assert_eq!(shape(&old), shape(&new), "from {number}");
        }
        assert_eq!(OF_VERSION.len(), VERSION + 1);
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = ["CREATE TABLE one (a)", "CREATE TABLE two (a); NONSENSE"];
        migrate_by(&mut connection, &steps[..1]).unwrap();
        migrate_by(&mut connection, &steps).unwrap_err();
        assert_eq!(version(&connection).unwrap(), 1);
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }
}
