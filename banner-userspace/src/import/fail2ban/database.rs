//! The bans that are in force, from fail2ban's database.

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use rusqlite::{Connection, OpenFlags, types::ValueRef};

use crate::import::error::{ImportError, Place, Why};

/// Most bans that are read: more than banner holds.
const MOST: usize = 8_000_000;

/// How long a ban still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// So many seconds, at least one.
    Seconds(u64),
    /// Until somebody lifts it.
    Permanent,
}

/// The bans of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bans {
    /// For each address the ban that ends last.
    pub bans: BTreeMap<IpAddr, Left>,
    /// How many have ended.
    pub expired: usize,
    /// What is banned and is no address: a jail and an id.
    pub no_address: Vec<(String, String)>,
    /// Rows without a time or an id.
    pub unreadable: usize,
}

/// Reads the bans that are in force at `now` (seconds since 1970). Bans of unknown length (of
/// databases before version 3) are taken for `unknown` seconds long.
pub fn bans(path: &Path, now: i64, unknown: u64) -> Result<Bans, ImportError> {
    let place = Place::file(path);
    let failed = |error: rusqlite::Error| Why::Database(error.to_string()).at(&place);
    let metadata = path
        .metadata()
        .map_err(|error| Why::Unreadable(error.to_string()).at(&place))?;
    if !metadata.is_file() {
        return Err(Why::NotAFile.at(&place));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(failed)?;
    let query = query(&database, path)?;
    let mut statement = database.prepare(query).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut bans = Bans::default();
    let mut count = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        count += 1;
        if count > MOST {
            return Err(Why::TooManyBans(MOST).at(&place));
        }
        let text = |column: usize| match row.get_ref(column) {
            Ok(ValueRef::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        };
        // Times may have fractions, and old versions wrote them as text.
        let number = |column: usize| match row.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Some(number),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, which is as good"
            )]
            Ok(ValueRef::Real(number)) if number.is_finite() => Some(number as i64),
            Ok(ValueRef::Text(text)) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
            _ => None,
        };
        let (Some(jail), Some(id), Some(begin), Some(length)) =
            (text(0), text(1), number(2), number(3))
        else {
            bans.unreadable += 1;
            continue;
        };
        bans.add(&jail, &id, left(begin, length, now, unknown));
    }
    Ok(bans)
}

/// The table that this version of the database keeps current bans in: `bips` since version 4, before
/// that the log of all bans.
fn query(database: &Connection, path: &Path) -> Result<&'static str, ImportError> {
    let place = Place::file(path);
    let failed = |error: rusqlite::Error| Why::Database(error.to_string()).at(&place);
    // A view of that name could be any program.
    let has = |table: &str, column: &str| {
        let text = "SELECT count(*) FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
                    WHERE m.type = 'table' AND m.name = ?1 AND c.name = ?2";
        let count = database.query_row(text, [table, column], |row| row.get::<_, i64>(0));
        count.map(|count| count > 0).map_err(failed)
    };
    if has("bips", "bantime")? {
        return Ok("SELECT jail, ip, timeofban, bantime FROM bips");
    }
    if has("bans", "bantime")? {
        return Ok("SELECT jail, ip, timeofban, bantime FROM bans");
    }
    if has("bans", "timeofban")? {
        return Ok("SELECT jail, ip, timeofban, -2 FROM bans");
    }
    Err(Why::Database("it has no table of bans".to_owned()).at(&place))
}

/// Longer than that banner calls permanent.
const LONGEST: u64 = 10 * 365 * 86_400;

/// What is left of a ban; none if it has ended.
fn left(begin: i64, length: i64, now: i64, unknown: u64) -> Option<Left> {
    let length = match length {
        // What a database before version 3 did not know.
        -2 => i64::try_from(unknown).unwrap_or(i64::MAX),
        ..0 => return Some(Left::Permanent),
        length => length,
    };
    let left = begin.saturating_add(length).saturating_sub(now);
    match u64::try_from(left) {
        Ok(0) | Err(_) => None,
        Ok(left) if left > LONGEST => Some(Left::Permanent),
        Ok(left) => Some(Left::Seconds(left)),
    }
}

impl Bans {
    fn add(&mut self, jail: &str, id: &str, left: Option<Left>) {
        let Some(left) = left else {
            self.expired += 1;
            return;
        };
        match id.parse::<IpAddr>() {
            Ok(address) => {
                let ban = self.bans.entry(address.to_canonical()).or_insert(left);
                *ban = left.max(*ban);
            }
            Err(_) => self.no_address.push((jail.to_owned(), id.to_owned())),
        }
    }

    /// The list that `banner ban --from` takes.
    pub fn list(&self) -> String {
        use std::fmt::Write as _;
        let mut list = String::from("# address, how long\n");
        for (address, left) in &self.bans {
            let _ = match left {
                Left::Seconds(seconds) => writeln!(list, "{address} {seconds}s"),
                Left::Permanent => writeln!(list, "{address} permanent"),
            };
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIPS: &str = "CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER \
                        NOT NULL, bantime INTEGER NOT NULL, bancount INTEGER, data JSON);";

    fn made(script: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.sqlite3");
        Connection::open(&path)
            .unwrap()
            .execute_batch(script)
            .unwrap();
        (folder, path)
    }

    #[test]
    fn bans_of_the_newest_version_are_read() {
        let script = format!(
            "{BIPS} INSERT INTO bips VALUES
             ('192.0.2.1', 'sshd', 1000, 600, 1, NULL),
             ('192.0.2.1', 'web', 1000, 700, 1, '{{}}'),
             ('192.0.2.2', 'sshd', 1000, -1, 1, NULL),
             ('192.0.2.3', 'sshd', 100, 600, 1, NULL),
             ('2001:db8::1', 'sshd', 1000.5, 600, 1, NULL),
             ('::ffff:192.0.2.4', 'sshd', '1000', '600', 1, NULL),
             ('session-7', 'web', 1000, 600, 1, NULL),
             ('192.0.2.5', 'web', 9223372036854775807, 600, 1, NULL),
             ('192.0.2.6', 'web', 'soon', 600, 1, NULL);"
        );
        let (_folder, path) = made(&script);
        let bans = bans(&path, 1100, 60).unwrap();
        assert_eq!(
            bans.list(),
            "# address, how long\n192.0.2.1 600s\n192.0.2.2 permanent\n192.0.2.4 500s\n\
                 192.0.2.5 permanent\n2001:db8::1 500s\n"
        );
        assert_eq!((bans.expired, bans.unreadable), (1, 1));
        assert_eq!(
            bans.no_address,
            [("web".to_owned(), "session-7".to_owned())]
        );
    }

    #[test]
    fn bans_of_older_versions_are_read() {
        let rows = [
            (
                "CREATE TABLE bans(jail TEXT, ip TEXT, timeofban INTEGER, data JSON);
                 INSERT INTO bans VALUES('sshd', '192.0.2.1', 1000, NULL), ('sshd', '192.0.2.2', 900, '');",
                vec![("192.0.2.1", Left::Seconds(100))],
            ),
            (
                "CREATE TABLE bans(jail TEXT, ip TEXT, timeofban INTEGER, bantime INTEGER, data JSON);
                 INSERT INTO bans VALUES('sshd', '192.0.2.1', 1000, 110, NULL), \
                 ('sshd', '192.0.2.2', 1050, -2, '');",
                vec![("192.0.2.1", Left::Seconds(10)), ("192.0.2.2", Left::Seconds(150))],
            ),
        ];
        for (script, expected) in rows {
            let (_folder, path) = made(script);
            let bans = bans(&path, 1100, 200).unwrap();
            let expected = expected
                .into_iter()
                .map(|(a, left)| (a.parse().unwrap(), left));
            assert_eq!(bans.bans, expected.collect(), "{script}");
        }
    }

    #[test]
    fn what_is_no_database_of_bans_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text");
        std::fs::write(&text, "hello, this is no database at all".repeat(99)).unwrap();
        let (_other, empty) = made("CREATE TABLE x(y);");
        for (path, message) in [
            (text.as_path(), "file is not a database"),
            (&empty, "it has no table of bans"),
            (folder.path(), "is not a regular file"),
            (&folder.path().join("absent"), "No such file"),
        ] {
            let error = bans(path, 0, 0).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
            assert!(error.starts_with(&path.display().to_string()), "{error}");
        }
    }
}
