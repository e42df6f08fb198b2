//! Jails whose failures are the bans of others.

use super::{assert_said, load};
use crate::config::{BansOf, Config};

/// Jails `a` and `b` that read logs, and these.
fn with(jails: &str) -> String {
    let logs = "{filter: sshd, logs: [/x]}";
    format!("jails:\n  a: {logs}\n  b: {logs}\n{jails}")
}

fn good(jails: &str) -> Config {
    load(&[("etc/banner.yaml", &with(jails))]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The names of the jails whose bans a jail counts.
fn counted<'c>(config: &'c Config, name: &str) -> Vec<&'c str> {
    let jail = config.jails.iter().find(|jail| jail.name == name).unwrap();
    let of = jail.of.as_ref().unwrap();
    let counted = config.jails.iter().filter(|other| of.counts(jail, other));
    counted.map(|other| other.name.as_str()).collect()
}

#[test]
fn all_are_those_that_read_logs_and_jails_of_bans_may_count_each_other_one_way() {
    let config =
        good("  all: {of: all, max_retry: 3}\n  some: {of: [b]}\n  worse: {of: [all, a]}\n");
    assert_eq!(counted(&config, "all"), ["a", "b"]);
    assert_eq!(counted(&config, "some"), ["b"]);
    assert_eq!(counted(&config, "worse"), ["a", "all"]);
    let all = &config.jails[2];
    assert_eq!((all.of.clone(), all.max_retry), (Some(BansOf::All), 3));
    assert!(all.filter.is_none() && all.logs.is_empty() && all.filter_name.is_empty());
    assert_eq!(config.warnings, []);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    assert_said(&[
        (
            &with("  r: {of: [shd, a, a]}\n"),
            &[
                "4:12: jails.r.of[0]: there is no jail shd",
                "4:20: jails.r.of[2]: given twice; first at etc/banner.yaml:4:17",
            ],
        ),
        (
            &with("  recid: {of: [recidve]}\n  recidive: {of: all}\n"),
            &["4:16: jails.recid.of[0]: there is no jail recidve; did you mean recidive?"],
        ),
        (
            &with("  r: {of: [r]}\n"),
            &["4:12: jails.r.of[0]: a jail does not count its own bans"],
        ),
        (
            &with("  r: {of: [a, s]}\n  s: {of: [t]}\n  t: {of: [b, r]}\n"),
            &[
                "4:15: jails.r.of[1]: these jails would count what follows from their own bans: r counts s \
                 counts t counts r; take one of them out of an `of`",
                "5:12: jails.s.of[0]: these jails would count what follows from their own bans: s counts t \
                 counts r counts s; take one of them out of an `of`",
                "6:15: jails.t.of[1]: these jails would count what follows from their own bans: t counts r \
                 counts s counts t; take one of them out of an `of`",
            ],
        ),
        (
            &with("  r: {of: all, logs: [/x]}\n"),
            &[
                "4:11: jails.r.of: a jail that counts the bans of others reads no logs: it has either `of`, \
                 or `filter` and `logs`",
            ],
        ),
        (
            &with("  r: {of: a}\n  s: {of: []}\n  t: {of: [1]}\n"),
            &[
                "4:11: jails.r.of: expected the word all or a list of names of jails, found `a`; write [a]",
                "5:11: jails.s.of: it names no jail; write all, or names",
                "6:12: jails.t.of[0]: expected the name of a jail, found the number 1; put it in quotes if it is \
                 meant",
            ],
        ),
    ]);
}

#[test]
fn what_is_odd_is_a_warning() {
    let logs = "filter: sshd, logs: [/x]";
    let config = good(&format!(
        "  off: {{enabled: false, {logs}}}\n  wide: {{{logs}, prefix: {{ipv6: 64}}}}\n  r: {{of: [off, a]}}\n  \
         s: {{of: all}}\n  t: {{of: all, count_by: {{ipv6: 56}}}}\n"
    ));
    let said: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].ends_with("6:12: jails.r.of[0]: jail off is not enabled, so it bans nobody"),
        "{said:?}"
    );
    assert!(
        said[1].ends_with(
            "7:11: jails.s.of: jail wide bans prefixes of length 64, whose hosts this one counts \
             apart; `count_by: { ipv6: 64 }` counts them together"
        ),
        "{said:?}"
    );
}
