//! `banner import`.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::{output::say, table::escaped};
use crate::{
    agent, config,
    import::fail2ban::{self, Bans, Converted, Fail2ban, Report},
};

/// What to import.
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    /// Read fail2ban's configuration and write it as banner's: banner.yaml and filters.d/NAME.yaml.
    /// What banner has no word for is named at the end, and in comments. Exit code 0: all of it was
    /// carried over, 1: not all of it, or an error.
    Fail2ban(FromFail2ban),
}

/// Where fail2ban is, and where its configuration goes.
#[derive(Debug, Args)]
struct FromFail2ban {
    /// fail2ban's configuration.
    #[arg(value_name = "DIR", default_value = "/etc/fail2ban")]
    dir: PathBuf,
    /// Folder to write to; it is made if need be.
    #[arg(long, value_name = "DIR", default_value = "banner-from-fail2ban")]
    output: PathBuf,
    /// fail2ban's database (/var/lib/fail2ban/fail2ban.sqlite3): write the bans that are in force as
    /// well, as bans.txt for banner ban --from.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Also jails that are not enabled; they are not enabled here either.
    #[arg(long)]
    all: bool,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
}

/// The file of bans, beside the configuration.
const BANS: &str = "bans.txt";

/// Where nothing says how long a ban holds, fail2ban's own default, in seconds.
const UNKNOWN: u64 = 600;

pub(super) fn import(import: &Import) -> anyhow::Result<ExitCode> {
    let From::Fail2ban(import) = &import.from;
    let Converted { mut files, report } = Fail2ban::open(&import.dir)?.convert(import.all)?;
    let bans = import.database.as_deref().map(read_bans).transpose()?;
    if let Some(bans) = &bans {
        files.push((BANS.to_owned(), bans.list()));
    }
    write(&import.output, &files, import.force)?;
    show(&import.output, &files, &report);
    // A pattern may be wrong there, too, and nobody has seen it yet.
    if let Err(problems) = config::load(&import.output.join("banner.yaml")) {
        bail!("not all of what was written can be used:\n{problems}");
    }
    let complete = bans.is_none_or(|bans| show_bans(&import.output, &bans));
    if report.left_out.is_empty() && complete {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

fn read_bans(path: &Path) -> anyhow::Result<Bans> {
    let now = agent::now().wall.0.div_euclid(1_000_000_000);
    Ok(fail2ban::bans(path, now, UNKNOWN)?)
}

/// Writes all files or, where one is there that may not be replaced, none. Each appears as a whole.
fn write(folder: &Path, files: &[(String, String)], force: bool) -> anyhow::Result<()> {
    if !force {
        let there = files.iter().map(|(name, _)| folder.join(name));
        let there: Vec<_> = there
            .filter(|path| path.symlink_metadata().is_ok())
            .collect();
        if let Some(first) = there.first() {
            let others = match there.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            bail!(
                "{}{others} is there; --force replaces it, --output DIR writes elsewhere",
                first.display()
            );
        }
    }
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        replace(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Puts a file in place of whatever has its name.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&aside)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // What is in the way of this write is the error to tell.
        let _ = fs::remove_file(&aside);
    }
    written
}

fn show(folder: &Path, files: &[(String, String)], report: &Report) {
    let main = folder.join("banner.yaml");
    let filters = files
        .iter()
        .filter(|(name, _)| name.starts_with("filters.d/"));
    say!(
        "{}: jails: {}, filters: {}",
        escaped(&main.display().to_string()),
        report.jails.len(),
        filters.count()
    );
    if !report.jails.is_empty() {
        say!("  {}", escaped(&report.jails.join(", ")));
    }
    if !report.disabled.is_empty() {
        say!(
            "not enabled, and not written without --all: {}",
            report.disabled.len()
        );
    }
    for (title, remarks) in [
        ("means something else:", &report.changed),
        ("left out:", &report.left_out),
    ] {
        if !remarks.is_empty() {
            say!("{title}");
        }
        for line in Report::lines(remarks) {
            say!("  {}", escaped(&line));
        }
    }
    say!(
        "next: banner --config {} check",
        escaped(&main.display().to_string())
    );
}

/// Says what became of bans; gives whether all of them are written.
fn show_bans(folder: &Path, bans: &Bans) -> bool {
    let path = folder.join(BANS);
    say!(
        "{}: bans: {}, ended: {}",
        escaped(&path.display().to_string()),
        bans.bans.len(),
        bans.expired
    );
    for (jail, id) in &bans.no_address {
        say!("  jail {}: {} is no address", escaped(jail), escaped(id));
    }
    if bans.unreadable > 0 {
        say!("  rows that cannot be read: {}", bans.unreadable);
    }
    say!(
        "then: banner ban --from {}",
        escaped(&path.display().to_string())
    );
    bans.no_address.is_empty() && bans.unreadable == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced_unless_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let files = |text: &str| {
            ["banner.yaml", "filters.d/x.yaml"].map(|name| (name.to_owned(), text.to_owned()))
        };
        write(&out, &files("one"), false).unwrap();
        let error = write(&out, &files("two"), false).unwrap_err().to_string();
        assert!(
            error.contains("banner.yaml (and 1 more) is there"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(out.join("banner.yaml")).unwrap(), "one");
        write(&out, &files("three"), true).unwrap();
        assert_eq!(
            fs::read_to_string(out.join("filters.d/x.yaml")).unwrap(),
            "three"
        );
        assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_leads_to_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (link, other) = (
            folder.path().join("banner.yaml"),
            folder.path().join("other"),
        );
        fs::write(&other, "mine").unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        let files = [("banner.yaml".to_owned(), "new".to_owned())];
        assert!(write(folder.path(), &files, false).is_err());
        write(folder.path(), &files, true).unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
    }
}
