//! An IPv4 address where a pattern has `<HOST>`, read without an engine.

use std::net::{IpAddr, Ipv4Addr};

use regex_automata::{
    Anchored, Input,
    dfa::onepass::{self, DFA},
    nfa::thompson::{self, WhichCaptures},
};
use regex_syntax::hir::{Hir, HirKind};

use super::host;
use crate::filter::matcher::{Syntax, parsed};

pub(super) use onepass::Cache;

/// `<HOST>` at the beginning, and what stands behind it.
///
/// Of all ways in which `<HOST>` can match, the one that is tried first takes a bracket if there is
/// one, then an IPv4 address with as many digits in each part as there are, then a bracket if there is
/// one. Where the rest fits behind that, this is the match, and nothing else needs to be tried.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    rest: DFA,
}

impl Plain {
    /// `None` where the parts do not begin with `<HOST>`, or more than the address is `wanted`.
    pub(super) fn new(parts: &[Hir], wanted: &[usize]) -> Option<Self> {
        let tag = parsed(host::PATTERN, Syntax::default()).ok()?;
        let HirKind::Concat(tag) = tag.kind() else {
            return None;
        };
        let (begins, rest) = parts.split_at_checked(tag.len())?;
        let mut group = None;
        for (part, of_tag) in begins.iter().zip(tag) {
            match (part.kind(), of_tag.kind()) {
                (HirKind::Capture(one), HirKind::Capture(other)) if one.sub == other.sub => {
                    group = usize::try_from(one.index).ok();
                }
                _ if part == of_tag => {}
                _ => return None,
            }
        }
        if wanted != [group?] {
            return None;
        }
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .which_captures(WhichCaptures::None),
            )
            .build_from_hir(&Hir::concat(rest.to_vec()))
            .ok()?;
        let rest = DFA::builder()
            .configure(onepass::Config::new().size_limit(Some(1 << 16)))
            .build_from_nfa(nfa)
            .ok()?;
        Some(Self { rest })
    }

    pub(super) fn create_cache(&self) -> Cache {
        self.rest.create_cache()
    }

    /// The address that begins at `from`; `None`: there is no match, or an engine has to find it.
    pub(super) fn at(&self, text: &[u8], from: usize, cache: &mut Cache) -> Option<IpAddr> {
        let bracket = usize::from(text.get(from) == Some(&b'['));
        let (address, length) = ipv4(text.get(from + bracket..)?)?;
        let mut end = from + bracket + length;
        match text.get(end) {
            // A zone.
            Some(b'%') => return None,
            Some(b']') => end += 1,
            _ => {}
        }
        let input = Input::new(text).range(end..).anchored(Anchored::Yes);
        let found = self.rest.try_search_slots(cache, &input, &mut []);
        found.ok()??;
        Some(address.into())
    }
}

/// The IPv4 address that a text begins with, and how long it is. `None` also where the text has the
/// shape of one and is none.
fn ipv4(text: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let mut octets = [0_u8; 4];
    let mut at = 0;
    for (n, octet) in octets.iter_mut().enumerate() {
        if n > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let mut value = 0_u16;
        let mut digits = 0;
        while digits < 3
            && let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit())
        {
            // Zeros in front may mean octal digits.
            if digits > 0 && value == 0 {
                return None;
            }
            value = value * 10 + u16::from(digit - b'0');
            digits += 1;
            at += 1;
        }
        if digits == 0 {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
    }
    Some((octets.into(), at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RESTS: [&str; 6] = [
        "$",
        r" port \d+ ssh[12]$",
        r"(?: port \d+)?$",
        "[0-9a-f]*$",
        r"\]+$",
        "(?P<more>.)$",
    ];

    fn parts(pattern: &str) -> Vec<Hir> {
        let hir = parsed(pattern, Syntax::default()).unwrap();
        let HirKind::Concat(parts) = hir.kind() else {
            panic!("several parts");
        };
        parts.clone()
    }

    fn plain(rest: &str) -> Option<Plain> {
        Plain::new(&parts(&format!("{}{rest}", host::PATTERN)), &[1])
    }

    #[test]
    fn it_is_for_patterns_that_want_an_address_and_nothing_else() {
        for rest in RESTS {
            assert!(plain(rest).is_some(), "{rest}");
        }
        assert!(plain("(?:a|ab)(?:c|bcd)$").is_none(), "two ways");
        let two = parts(&format!("{} (.*)$", host::PATTERN));
        assert!(Plain::new(&two, &[1, 2]).is_none());
        assert!(Plain::new(&parts("[0-9.]+ x$"), &[]).is_none());
    }

    proptest! {
        /// What is found is what the whole pattern finds.
        #[test]
        fn agrees_with_the_engine(
            rest in 0..RESTS.len(),
            text in r"\[?[0-9]{1,4}(\.[0-9]{1,4}){2,4}[]%:.a]{0,2}[0-9a-f]{0,2}( port 4( ssh2)?)?",
        ) {
            let plain = plain(RESTS[rest]).unwrap();
            let whole = format!("^{}{}", host::PATTERN, RESTS[rest]);
            let whole = regex::bytes::RegexBuilder::new(&whole).unicode(false).build().unwrap();
            let found = plain.at(text.as_bytes(), 0, &mut plain.create_cache());
            if let Some(found) = found {
                let captures = whole.captures(text.as_bytes()).unwrap();
                prop_assert_eq!(host::parse(&captures["host"]), Some(found));
            }
        }
    }
}
