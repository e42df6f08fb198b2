//! No text makes a load panic, and every problem has a place in the text.

use std::path::Path;

use proptest::prelude::*;

use super::load;
use crate::config::{InMemory, Problems, load_from};

const GOOD: &str = r#"interfaces: [eth0]
enforce: [xdp]
ignore: [127.0.0.0/8, "::1", 203.0.113.7]
limits: { bans: 65536, tracked: 100000, line: 16384 }
defaults: &d { max_retry: 5, find_time: 10m, ban_time: 1h, mode: enforce }
jails:
  sshd:
    enabled: true
    filter: sshd
    logs: [/var/log/auth.log, /var/log/secure]
    max_retry: 3
    ban_time: permanent
    ports: [ssh, 8000-8100, udp/53, icmp]
    prefix: { ipv4: 24, ipv6: 64 }
  own:
    logs:
      - /var/log/own/*.log
    filter:
      description: 'ours'
      fail: ['^no <HOST>$']
      samples:
        - { line: 'no 192.0.2.7', fail: 192.0.2.7 }
        - { line: 'yes', pass: true }
include: [jails.d/*.yaml]
"#;

/// Pieces that mean something to YAML or to us.
const PIECES: [&str; 34] = [
    ":", " ", "\n", "\n  ", "\t", "- ", "[", "]", "{", "}", ",", "'", "\"", "&d ", "*d", "!t ",
    "|", ">", "? ", "#", "%", "---\n", "...\n", "<<: ", "~", "0", "-1", "1:30", "::1", "\u{feff}",
    "\u{1b}", "ü", "jails:", "\r",
];

fn load_text(main: &str, included: &str) -> Result<(), Problems> {
    load(&[("etc/banner.yaml", main), ("etc/jails.d/a.yaml", included)]).map(|_| ())
}

/// Replaces, removes or adds at a character boundary.
fn mutated(text: &str, at: prop::sample::Index, drop: usize, piece: &str) -> String {
    let mut start = at.index(text.len() + 1);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let tail: String = text[start..].chars().skip(drop).collect();
    format!("{}{piece}{tail}", &text[..start])
}

fn assert_placed(problems: &Problems, texts: &[(&str, &str)]) -> Result<(), TestCaseError> {
    for problem in problems {
        let said = problem.to_string();
        prop_assert!(!said.contains(char::is_control), "{said:?}");
        let text = texts
            .iter()
            .find(|(path, _)| Path::new(path) == problem.file);
        let Some((_, text)) = text else { continue };
        // An error at the end of the text is on the line after the last.
        let lines = text.split(['\n', '\r']).count() + 1;
        prop_assert!(problem.line <= lines, "{said}\n{text:?}");
        prop_assert_eq!(problem.line == 0, problem.column == 0);
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(main in "\\PC{0,200}", bytes: Vec<u8>) {
        let _ = load_text(&main, "");
        let files: InMemory = [("etc/banner.yaml", bytes)].into_iter().collect();
        let _ = load_from(Path::new("etc/banner.yaml"), &files);
    }

    #[test]
    fn text_of_yaml_pieces_never_panics(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
        let main = pieces.concat();
        if let Err(problems) = load_text(&main, &main) {
            assert_placed(&problems, &[("etc/banner.yaml", &main), ("etc/jails.d/a.yaml", &main)])?;
        }
    }

    #[test]
    fn mutated_good_text_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(&PIECES[..])), 1..6),
    ) {
        let mut main = GOOD.to_owned();
        for (at, drop, piece) in changes {
            main = mutated(&main, at, drop, piece);
        }
        if let Err(problems) = load_text(&main, "jails: {}") {
            assert_placed(&problems, &[("etc/banner.yaml", &main)])?;
        }
    }
}

#[test]
fn the_text_that_is_mutated_is_good() {
    load_text(GOOD, "jails: {}").unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn any_of_the_lines_that_have_defaults_can_be_left_out() {
    for left_out in GOOD.lines().take(5) {
        let main = GOOD.replace(left_out, "");
        load_text(&main, "jails: {}").unwrap_or_else(|problems| panic!("{left_out}: {problems}"));
    }
}
