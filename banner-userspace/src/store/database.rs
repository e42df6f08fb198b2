//! The file: opening, and what can be wrong with it.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use super::{pack::Malformed, schema};

/// How long an agent that is going may take to let go of the file.
const BUSY: Duration = Duration::from_secs(2);

/// How many corrupt files are kept beside a good one.
const ASIDE: usize = 3;

/// Bytes of the log of transactions that are not cut off.
const WAL: i64 = 8 << 20;

/// Why it cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Time or the administrator may cure it.
    #[error("{0}")]
    Passing(String),
    /// What it holds is of no use any more.
    #[error("{0}")]
    Corrupt(String),
    /// A later banner has written it.
    #[error("it has version {0}, and this banner knows {known} and earlier ones", known = schema::VERSION)]
    Newer(usize),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error;
        let text = error.to_string();
        match error {
            Error::SqliteFailure(code, _)
                if matches!(
                    code.code,
                    ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
                ) =>
            {
                Self::Corrupt(text)
            }
            // The tables of this version, with other columns or values.
            Error::SqliteFailure(code, _) if code.code == ErrorCode::Unknown => Self::Corrupt(text),
            Error::SqlInputError { .. }
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => Self::Corrupt(text),
            _ => Self::Passing(text),
        }
    }
}

impl From<Malformed> for Trouble {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.to_string())
    }
}

/// Opens the file, makes it where there is none, and takes it to this version. No other process can
/// use it meanwhile.
pub(super) fn open(path: &Path) -> Result<Connection, Trouble> {
    let io = |error: io::Error| Trouble::Passing(error.to_string());
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(folder)
            .map_err(io)?;
    }
    // SQLite would leave it readable for all, and lines of logs are in it. The files beside it get the
    // same mode.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(path)
        .map_err(io)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // A stop is not to wait for that; the next commits do it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let found = schema::version(&connection)?;
    if found > schema::VERSION {
        return Err(Trouble::Newer(found));
    }
    if found == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Trouble::Passing(format!("no log of transactions ({mode})")));
    }
    connection.pragma_update(None, "journal_size_limit", WAL)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(64);
    schema::migrate(&mut connection)?;
    Ok(connection)
}

/// The files that SQLite keeps beside one.
pub(super) fn beside(path: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Moves a file out of the way: to which name.
pub(super) fn move_aside(path: &Path) -> io::Result<PathBuf> {
    let name = |n: usize| path.with_added_extension(format!("corrupt-{n}"));
    let free = (1..=ASIDE).map(name).find(|name| !name.exists());
    // The first is the most telling one, the last that of today.
    let aside = free.unwrap_or_else(|| name(ASIDE));
    fs::rename(path, &aside)?;
    for (from, to) in beside(path).iter().zip(beside(&aside)) {
        match fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}
