use std::fs;

use anyhow::Result;
use banner_tests::{agent::Seat, lab, netns::Namespace, wait::PATIENCE};

use super::site::import;

/// Imports all of Debian's configuration; gives how many jails `banner check` finds enabled in what
/// comes out, and how many are written.
fn checked(jail_local: &str, options: &[&str]) -> Result<(usize, usize)> {
    lab::run(|lab| {
        let server = Namespace::add("server")?;
        let mut seat = Seat::with_text(lab, &server, &[], "")?;
        let (main, said) = import(lab, &seat, jail_local, options)?;
        // One jail lets hosts in, and banner has no such thing; so not all is carried over.
        assert_eq!(said.status.code(), Some(1), "{}", said.stderr);
        assert!(
            said.stdout
                .contains("jail pass2allow-ftp: the jail as a whole")
        );
        let filters = fs::read_dir(main.with_file_name("filters.d"))?.count();
        seat.config = main;
        // It seeks the line that takes each of some ninety filters longest.
        let check = seat.begin("check")?.finish(5 * PATIENCE)?;
        let check = check.succeeded()?.stdout;
        assert!(check.ends_with("in order\n"), "{check}");
        let jails = check.lines().filter(|line| line.starts_with("jail "));
        Ok((jails.count(), filters))
    })
}

#[test]
fn debians_jails_pass_check() -> Result<()> {
    let (enabled, filters) = checked("", &["--all"])?;
    assert_eq!(enabled, 1, "sshd is what Debian enables");
    assert!(filters > 80, "{filters}");
    Ok(())
}

/// Whose filters are compiled, too.
#[test]
fn debians_jails_pass_check_when_all_are_enabled() -> Result<()> {
    let (enabled, filters) = checked("[DEFAULT]\nenabled = true\n", &[])?;
    assert!(enabled > 80 && filters > 80, "{enabled}, {filters}");
    Ok(())
}
