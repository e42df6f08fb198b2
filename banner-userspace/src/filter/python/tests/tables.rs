//! What is refused, what is linear, and what tags become.

use super::{differential::Compiled, peer::Outcome};
use crate::filter::python::{Engine, Options, Refused, Translated, tags, translate};

fn linear(pattern: &str) -> Translated {
    let translated = translate(pattern, Options::default()).unwrap();
    assert_eq!(
        translated.engine,
        Engine::Linear,
        "{pattern}: {translated:?}"
    );
    translated
}

/// What the groups with names hold.
fn found(pattern: &str, options: Options, text: &str) -> Option<Vec<(String, String)>> {
    let translated = translate(pattern, options).unwrap();
    let compiled = Compiled::new(&translated).unwrap();
    let Outcome::Match(spans) = compiled.search(&translated, text) else {
        return None;
    };
    let groups = translated.groups.iter().zip(&spans[1..]);
    let named = groups.filter_map(|(group, span)| {
        let (start, end) = (*span)?;
        Some((group.name.clone()?, text[start..end].into()))
    });
    Some(named.collect())
}

fn expanded(pattern: &str) -> String {
    let expanded = tags::flags_of_groups(tags::expand(pattern, true));
    expanded.text.into_iter().collect()
}

#[test]
fn tags_become_groups() {
    for (pattern, text) in [
        ("<F-USER>x</F-USER>", "(?P<user>x)"),
        ("<F-ID>x</F-ID><F-PORT>y</F-PORT>", "(?P<fid>x)(?P<fport>y)"),
        ("<F-ID/> <F-PORT/>", r"(?P<fid>\S+) (?P<fport>\w+)"),
        ("<CIDR>", r"(?P<cidr>\d+)"),
        (
            "a<SKIPLINES>b<SKIPLINES>",
            r"a\n(?P<skiplines0>(?:.*\n)*?)b\n(?P<skiplines1>(?:.*\n)*?)",
        ),
        // Closed, but not opened; of no kind that is known; in small letters.
        ("</F-USER>", "</F-USER>"),
        ("<F-USER>x</F-OTHER>", "(?P<user>x</F-OTHER>"),
        (
            "<WHO> <F-user> <> </> <a b> <HOST",
            "<WHO> <F-user> <> </> <a b> <HOST",
        ),
        // Closed twice, as it was opened once.
        ("<F-A>x</F-A>|y</F-A>", "(?P<a>x)|y)"),
        ("((?i)a)b", "(?i:a)b"),
        ("(?:(?im)a)b", "(?im:a)b"),
        (r"\((?i)a)", r"\((?i)a)"),
    ] {
        assert_eq!(expanded(pattern), text, "{pattern}");
    }
}

#[test]
fn hosts_are_found() {
    let with = |use_dns| Options {
        use_dns,
        ..Options::default()
    };
    for (pattern, use_dns, text, group, value) in [
        (
            "from <HOST> port",
            true,
            "from 192.0.2.7 port\n",
            "ip4",
            "192.0.2.7",
        ),
        (
            "from <HOST> port",
            true,
            "from ::ffff:192.0.2.7 port\n",
            "ip4",
            "192.0.2.7",
        ),
        (
            "from <HOST> port",
            true,
            "from [2001:db8::1] port\n",
            "ip6",
            "2001:db8::1",
        ),
        (
            "from <HOST> port",
            true,
            "from 2001:db8:: port\n",
            "ip6",
            "2001:db8::",
        ),
        (
            "from <HOST> port",
            true,
            "from a-b.example port\n",
            "dns",
            "a-b.example",
        ),
        ("from <ADDR>$", true, "from ::1\n", "ip6", "::1"),
        ("net <SUBNET>$", true, "net 2001:db8::/32\n", "cidr", "32"),
        ("from <HOST> port", false, "from ::1 port\n", "ip6", "::1"),
    ] {
        let groups = found(pattern, with(use_dns), text).unwrap_or_default();
        let expected = (group.to_owned(), value.to_owned());
        assert!(
            groups.contains(&expected),
            "{pattern} in {text}: {groups:?}"
        );
    }
    assert_eq!(
        found("from <HOST> port", with(false), "from a.example port\n"),
        None
    );
}

#[test]
fn what_python_refuses_is_refused_at_its_place() {
    for (pattern, at, message) in [
        ("", 0, "empty"),
        (" \t", 0, "empty"),
        ("a\\", 1, "bad escape (end of pattern)"),
        (r"a\q", 1, r"bad escape \q"),
        (r"a[\q]", 2, r"bad escape \q"),
        (r"\x4", 0, r"incomplete escape \x4"),
        (r"[\8]", 1, r"bad escape \8"),
        (
            r"\777",
            0,
            r"octal escape value \777 outside of range 0-0o377",
        ),
        (r"\2(a)", 1, "invalid group reference 2"),
        (r"(a\1)", 2, "cannot refer to an open group"),
        ("(?P=x)", 4, "unknown group name 'x'"),
        (
            "(?P<a>x)(?P<a>y)",
            12,
            "redefinition of group name 'a' as group 2; was group 1",
        ),
        ("(?P<1>x)", 4, "bad character in group name '1'"),
        ("(?P<x", 4, "missing >, unterminated name"),
        ("(a", 0, "missing ), unterminated subpattern"),
        ("a)", 1, "unbalanced parenthesis"),
        ("a|*", 2, "nothing to repeat"),
        ("^*", 1, "nothing to repeat"),
        ("a**", 2, "multiple repeat"),
        ("a{3,2}", 1, "min repeat greater than max repeat"),
        ("[a", 0, "unterminated character set"),
        ("[b-a]", 1, "bad character range b-a"),
        (r"[\w-a]", 1, r"bad character range \w-a"),
        (
            "a(?i)",
            1,
            "global flags not at the start of the expression",
        ),
        ("(?z)", 1, "unknown extension ?z"),
        ("(?i-i:a)", 5, "bad inline flags: flag turned on and off"),
        ("(?<=a+)b", 0, "look-behind requires fixed-width pattern"),
        ("(a)(?(2)b)", 6, "invalid group reference 2"),
        (
            "(a)(?(1)b|c|d)",
            11,
            "conditional backref with more than two branches",
        ),
        (
            r"\N{EM DASH}",
            0,
            r"characters by name (\N{…}) are not supported: write \uXXXX",
        ),
        // Places are those of the text with its tags.
        ("<HOST>*a**", 9, "multiple repeat"),
        ("<F-A>x", 0, "missing ), unterminated subpattern"),
    ] {
        let refused = translate(pattern, Options::default());
        let message = message.into();
        assert_eq!(refused, Err(Refused { at, message }), "{pattern}");
    }
}

#[test]
fn what_can_be_said_plainly_is_linear() {
    for pattern in [
        r"^a (?!b`)<F-USER>\S+</F-USER> b\b",
        r"^\[(:?error|(?!evasive)\S+:\S+)\] <HOST>$",
        r"x(?:,(?!Remote=)\w+=[^,]*)*, <ADDR>",
        r"for (?:(?! from ).)*? from <HOST>(?:(?:(?! from ).)*)$",
        r"^(?:(?!error|info)[\w-]+: )?client <HOST>",
        r"\[(?!own\])(?:.*)\]\s+Ban\s+<HOST>\s*$",
        r"^for (?P<c>invalid )?<F-USER>(?P<d>\S+)|(?(c).*?|[^:]+)</F-USER> from <HOST>(?(d): |$)",
        r"a[^b]+(?:b+[^b]*(?=b))*?b <HOST>",
        r"user\b <HOST>(?=:)",
    ] {
        linear(pattern);
    }
}

#[test]
fn what_cannot_is_labelled() {
    for (pattern, why) in [
        (r"(?P<q>.)x(?P=q)", "back-reference at 9"),
        ("<HOST>(?<!a)b", "look-behind at 6"),
        ("(?>a+)b", "atomic group at 0"),
        ("a++b", "possessive count at 1"),
        ("(?:(a)|b)*(?(1)c|d)", "condition at 10"),
        // A group that is asked for before it is there never took part, but in a loop it may have.
        ("(?:(?(1)a|b)(x)?)*", "condition at 3"),
    ] {
        let translated = translate(pattern, Options::default()).unwrap();
        let why = why.into();
        assert_eq!(translated.engine, Engine::Backtracking { why }, "{pattern}");
    }
}

#[test]
fn groups_without_a_name_need_not_be_kept() {
    let options = Options {
        named_only: true,
        ..Options::default()
    };
    let translated = translate(r"(a)(?P<x>b)(\w)*", options).unwrap();
    assert_eq!(translated.groups.len(), 1);
    assert_eq!(translated.groups[0].slots, [1]);
    assert!(translated.pattern.starts_with("(?:a)(b)"), "{translated:?}");
}
