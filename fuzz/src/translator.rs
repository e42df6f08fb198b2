//! The regex translator: any text as a pattern of fail2ban's.
//!
//! A byte of options, the pattern, and a text to search. What is translated must compile, but for its
//! size, and search the text in time.

use std::time::Duration;

use banner_userspace::{
    filter::{
        Dialect, Filter, FilterSpec, FilterState, Line, Prefixes, Stamps,
        python::{self, Options},
    },
    model::Wall,
};
use jiff::tz::TimeZone;

use crate::{budget, parts};

/// 2026-11-20T12:00:00Z.
pub(crate) const NOW: Wall = Wall::from_secs(1_795_176_000);

/// Longer patterns only take longer.
const LONGEST: usize = 2000;

/// How long translating and compiling may take.
const COMPILE: Duration = Duration::from_secs(2);

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else {
        return;
    };
    let [pattern, text] = parts::texts(rest);
    if pattern.len() > LONGEST {
        return;
    }
    let options = Options {
        multiline: choice & 1 != 0,
        one_line: choice & 2 == 0,
        use_dns: choice & 4 == 0,
        named_only: choice & 8 != 0,
    };
    let name = || format!("{pattern:?}");
    let translated = budget::within(COMPILE, &name, || python::translate(&pattern, options));
    let spec = FilterSpec {
        dialect: Dialect::Fail2ban,
        fail: vec![pattern.clone(), r"^(?P<fid>.) never$".into()],
        stamps: Stamps::None,
        lines: if choice & 2 == 0 { 1 } else { 3 },
        ..FilterSpec::default()
    };
    let compiled = budget::within(COMPILE, &name, || {
        Filter::compile(&spec, &Prefixes::default())
    });
    let filter = match (compiled, translated) {
        (Ok(filter), _) => filter,
        (Err(errors), Ok(translated)) => {
            for error in errors {
                let known = ["no <HOST> in it", "when it is compiled"];
                assert!(
                    known.iter().any(|known| error.message.contains(known))
                        || choice & 0b1111 != spec_options(choice),
                    "{pattern:?} is translated to {:?} and refused: {}",
                    translated.pattern,
                    error.message
                );
            }
            return;
        }
        (Err(_), Err(_)) => return,
    };
    let mut state = FilterState::new(&filter, &TimeZone::UTC).keep_fields(true);
    for line in text.split('\n') {
        let whole = Line::whole(line.as_bytes());
        budget::within(budget::LINE, &|| format!("{pattern:?} on {line:?}"), || {
            filter.judge_in(&mut state, whole, NOW)
        });
    }
}

/// The options that a filter translates its patterns with.
fn spec_options(choice: u8) -> u8 {
    let several = choice & 2;
    8 | several | several >> 1
}
