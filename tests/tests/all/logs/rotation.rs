//! Every failure counts once, however the log is rotated.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::IpAddr,
};

use anyhow::Result;

use super::watched::{failure, watched};

const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 66));

#[test]
fn a_log_that_is_renamed_and_made_anew() -> Result<()> {
    watched(Some(""), |log| {
        log.write(failure(HOST))?;
        log.rename()?;
        log.write(failure(HOST))?;
        log.assert_one_missing(HOST)
    })
}

#[test]
fn a_renamed_log_that_the_daemon_still_writes_to() -> Result<()> {
    watched(Some(""), |log| {
        let mut held = OpenOptions::new().append(true).open(log.path)?;
        log.rename()?;
        held.write_all(failure(HOST).as_bytes())?;
        log.write(failure(HOST))?;
        log.assert_one_missing(HOST)
    })
}

#[test]
fn a_log_that_is_copied_and_truncated() -> Result<()> {
    watched(Some(""), |log| {
        log.write(failure(HOST))?;
        // What is written and truncated between two looks is lost to everybody.
        log.settle()?;
        fs::copy(log.path, log.path.with_extension("log.1"))?;
        OpenOptions::new().write(true).open(log.path)?.set_len(0)?;
        log.write(failure(HOST))?;
        log.assert_one_missing(HOST)
    })
}

#[test]
fn a_log_that_is_deleted_and_made_anew() -> Result<()> {
    watched(Some(""), |log| {
        log.write(failure(HOST))?;
        log.settle()?;
        fs::remove_file(log.path)?;
        log.write(failure(HOST))?;
        log.assert_one_missing(HOST)
    })
}

#[test]
fn a_log_that_appears_after_the_agent() -> Result<()> {
    watched(None, |log| {
        log.write(failure(HOST).repeat(2))?;
        log.assert_one_missing(HOST)
    })
}

#[test]
fn a_line_that_comes_in_pieces() -> Result<()> {
    watched(Some(""), |log| {
        let line = failure(HOST);
        let (first, rest) = line.split_at(30);
        log.write(&line)?;
        log.write(first)?;
        log.wait_until_read()?;
        log.write(rest)?;
        log.assert_one_missing(HOST)
    })
}

#[test]
fn what_the_log_held_before_the_agent_came_is_past() -> Result<()> {
    watched(Some(&failure(HOST).repeat(2)), |log| {
        log.write(failure(HOST).repeat(2))?;
        log.assert_one_missing(HOST)
    })
}
