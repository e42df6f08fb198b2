//! What compiled filters say of lines.

mod fail2ban;
mod native;

use jiff::tz::TimeZone;

use super::*;
use crate::model::Wall;

const NOW: Wall = Wall::from_secs(1_795_176_000); // 2026-11-20T12:00:00Z

fn judge(filter: &Filter, line: &[u8], cut: bool) -> Verdict {
    let mut state = FilterState::new(filter, &TimeZone::UTC);
    let line = Line {
        bytes: line,
        cut,
        at: None,
    };
    filter.judge_in(&mut state, line, NOW)
}

fn filter(fail: &[&str], ignore: &[&str]) -> Filter {
    let own = |texts: &[&str]| texts.iter().map(|text| String::from(*text)).collect();
    let spec = FilterSpec {
        prefix: Some("syslog".into()),
        program: Some("sshd".into()),
        fail: own(fail),
        ignore: own(ignore),
        ..FilterSpec::default()
    };
    Filter::compile(&spec, &Prefixes::default()).unwrap()
}

fn host(verdict: Verdict) -> Option<String> {
    match verdict {
        Verdict::Fail(hit) => Some(hit.key.to_string()),
        Verdict::Miss | Verdict::Ignored => None,
    }
}

const FAILED: &str = r"^Failed password for (?:invalid user )?.* from <HOST> port \d+ ssh2$";

#[test]
fn the_first_pattern_that_names_an_address_decides() {
    let filter = filter(&[r"^no <HOST>$", FAILED, r"^Failed .* from <HOST> "], &[]);
    let line = b"Nov 20 10:00:00 h sshd[1]: Failed password for x from 192.0.2.7 port 1 ssh2";
    let Verdict::Fail(hit) = judge(&filter, line, false) else {
        panic!("no failure")
    };
    assert_eq!(hit.key.to_string(), "192.0.2.7");
    assert_eq!(hit.pattern, 1);
    assert_eq!(hit.at, Some(Wall::from_secs(1_795_168_800)));
}

#[test]
fn an_ignore_pattern_wins() {
    let filter = filter(&[FAILED], &["for nagios from <HOST> "]);
    let line = |user: &str| format!("Failed password for {user} from 192.0.2.7 port 1 ssh2");
    assert_eq!(
        judge(&filter, line("nagios").as_bytes(), false),
        Verdict::Ignored
    );
    assert_eq!(
        host(judge(&filter, line("root").as_bytes(), false)),
        Some("192.0.2.7".into())
    );
}

#[test]
fn a_user_name_that_imitates_a_line_bans_nobody_else() {
    let filter = filter(&[FAILED], &[]);
    for user in [
        "root from 203.0.113.9 port 22 ssh2",
        "Nov 20 10:00:00 h sshd[1]: Failed password for root from 203.0.113.9 port 22 ssh2",
        "x from 203.0.113.9 port 22 ssh2\tfrom 203.0.113.9 port 1 ssh",
        "\u{0}\u{1b}[2J from ::1 port 22 ssh2",
        "\u{fffd} from [203.0.113.9] port 22 ssh2",
    ] {
        let line = format!(
            "Nov 20 10:00:00 h sshd[1]: Failed password for invalid user {user} from 192.0.2.7 \
             port 4242 ssh2"
        );
        assert_eq!(
            host(judge(&filter, line.as_bytes(), false)),
            Some("192.0.2.7".into())
        );
    }
}

#[test]
fn a_cut_line_has_no_end() {
    let filter = filter(
        &[FAILED, r"^Unable to negotiate with <HOST> port \d+: "],
        &[],
    );
    let cut = b"Failed password for x from 203.0.113.9 port 22 ssh2";
    assert_eq!(judge(&filter, cut, true), Verdict::Miss);
    assert_ne!(judge(&filter, cut, false), Verdict::Miss);
    let open = b"Unable to negotiate with 192.0.2.7 port 1: no matching ";
    assert_eq!(host(judge(&filter, open, true)), Some("192.0.2.7".into()));
}

#[test]
fn patterns_that_match_too_much_are_told_of() {
    let filter = filter(&["^a <HOST>$", "a <HOST>$", "^a <HOST>", "^<HOST> a"], &[]);
    let patterns: Vec<_> = filter.loose().iter().map(|loose| loose.pattern).collect();
    assert_eq!(patterns, [1, 2]);
}

#[test]
fn bytes_need_not_be_text() {
    let filter = filter(&[FAILED], &[]);
    let line = b"Failed password for \xff\x00\xfe from 2001:db8::7 port 1 ssh2";
    assert_eq!(
        host(judge(&filter, line, false)),
        Some("2001:db8::7".into())
    );
}

#[test]
fn what_has_no_valid_address_is_no_failure() {
    let filter = filter(&[r"^from <HOST>$"], &[]);
    assert_eq!(judge(&filter, b"from 999.0.2.7", false), Verdict::Miss);
    assert_eq!(
        host(judge(&filter, b"from ::ffff:192.0.2.7", false)),
        Some("192.0.2.7".into())
    );
}

#[test]
fn all_errors_of_a_filter_come_at_once() {
    let spec = FilterSpec {
        fail: vec![
            "^x$".into(),
            "<HOST> <HOST>".into(),
            "( <HOST>".into(),
            "^<HOST>".into(),
        ],
        ignore: vec!["[".into()],
        prefix: Some("none".into()),
        ..FilterSpec::default()
    };
    let errors = Filter::compile(&spec, &Prefixes::default()).unwrap_err();
    let parts: Vec<_> = errors.iter().map(|error| error.part).collect();
    assert_eq!(
        parts,
        [
            Part::Fail(0),
            Part::Fail(1),
            Part::Fail(2),
            Part::Ignore(0),
            Part::Prefix
        ]
    );
    let none = FilterSpec::default();
    assert!(Filter::compile(&none, &Prefixes::default()).is_err());
}

proptest::proptest! {
    #[test]
    fn any_line_is_judged(line: Vec<u8>, cut: bool) {
        let _ = judge(&filter(&[FAILED, r"<HOST>"], &["x"]), &line, cut);
    }
}
