//! fail2ban's dialect. That it agrees with fail2ban itself is for `cargo xtask conformance`.

use super::{native::story, *};

fn fail2ban(fail: &[&str], change: impl FnOnce(&mut FilterSpec)) -> Filter {
    let mut spec = FilterSpec {
        dialect: Dialect::Fail2ban,
        fail: fail.iter().map(|text| String::from(*text)).collect(),
        ..FilterSpec::default()
    };
    change(&mut spec);
    Filter::compile(&spec, &Prefixes::default()).unwrap()
}

#[test]
fn the_stamp_is_cut_out_and_the_line_ends_with_a_line_break() {
    let filter = fail2ban(&[r"^\[\] bad <HOST>\n$"], |_| {});
    let lines = [
        "[2026-11-20 10:00:00] bad 192.0.2.7",
        "[] bad a.example\r",
        "[] bad 999.1.1.1",
        "x [] bad 192.0.2.7",
    ];
    let expected = ["192.0.2.7", "name a.example", "name 999.1.1.1", "-"];
    assert_eq!(story(&filter, &lines), expected);
}

#[test]
fn a_stamp_holds_for_a_minute() {
    let filter = fail2ban(&[r"^\s*bad <HOST>$"], |_| {});
    let mut state = FilterState::new(&filter, &TimeZone::UTC);
    let mut at = |line: &str, now| {
        let line = Line::whole(line.as_bytes());
        match filter.judge_in(&mut state, line, now) {
            Verdict::Fail(hit) => (hit.at, hit.stamp),
            other => panic!("{other:?}"),
        }
    };
    let none = (None, Stamp::Missing);
    assert_eq!(at("bad 192.0.2.7", NOW), none);
    let stamp = (Some(NOW), Stamp::At(NOW));
    assert_eq!(at("2026-11-20 12:00:00 bad 192.0.2.7", NOW), stamp);
    let later = NOW.after(std::time::Duration::from_secs(59));
    assert_eq!(at("bad 192.0.2.7", later), stamp);
    let later = NOW.after(std::time::Duration::from_mins(1));
    assert_eq!(at("bad 192.0.2.7", later), none);
}

#[test]
fn four_to_six_f_say_that_an_ipv4_address_is_mapped() {
    let filter = fail2ban(&["^bad <HOST>$"], |_| {});
    let of = |f: usize| format!("bad ::{}:192.0.2.7", "f".repeat(f));
    let lines = [of(3), of(4), of(6), of(7)];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(story(&filter, &lines), ["-", "192.0.2.7", "192.0.2.7", "-"]);
}

#[test]
fn groups_are_merged_by_their_names() {
    let filter = fail2ban(
        &[
            "^<F-USER>a*</F-USER>;<F-ALT_USER_1>b*</F-ALT_USER_1>;<F-ALT_USER_2>c*</F-ALT_USER_2> <HOST>$",
        ],
        |_| {},
    );
    let lines = ["a;b;c 192.0.2.7", ";;c 192.0.2.7", ";bb;c 192.0.2.7"];
    let expected = ["192.0.2.7 a", "192.0.2.7 c", "192.0.2.7 bb"];
    assert_eq!(story(&filter, &lines), expected);
    let filter = fail2ban(
        &["^<F-ID>a</F-ID> <F-TUPLE_ID>b</F-TUPLE_ID> <HOST>$"],
        |_| {},
    );
    assert_eq!(story(&filter, &["a b 192.0.2.7"]), ["id ('a', 'b')"]);
}

#[test]
fn few_ignore_patterns_see_the_line_and_many_see_the_content() {
    let prefiltered = |fail: &[&str]| {
        fail2ban(fail, |spec| {
            spec.prefilter = Some("^(?:nagios )?<F-CONTENT>.*</F-CONTENT>$".into());
            spec.ignore = vec!["^nagios".into()];
        })
    };
    let late = prefiltered(&["^bad <HOST>$"]);
    assert_eq!(story(&late, &["nagios bad 192.0.2.7"]), ["192.0.2.7"]);
    let early = prefiltered(&["^bad <HOST>$", "^a <HOST>", "^b <HOST>", "^c <HOST>"]);
    assert_eq!(story(&early, &["nagios bad 192.0.2.7"]), ["ignored"]);
}

#[test]
fn sessions_are_merged() {
    let filter = fail2ban(
        &[
            "^<F-MLFID>\\d+</F-MLFID> <F-NOFAIL>connect</F-NOFAIL> from <HOST>$",
            "^<F-MLFID>\\d+</F-MLFID> bad <F-USER>\\S+</F-USER>$",
            "^<F-MLFID>\\d+</F-MLFID> <F-MLFGAINED>good</F-MLFGAINED> <F-USER>\\S+</F-USER>$",
            "^<F-MLFID>\\d+</F-MLFID> <F-MLFFORGET>bye</F-MLFFORGET>$",
        ],
        |_| {},
    );
    for (lines, expected) in [
        (
            &["1 connect from 192.0.2.7", "1 bad bob"][..],
            &["-", "192.0.2.7 bob"][..],
        ),
        (
            &["1 bad bob", "1 connect from 192.0.2.7"],
            &["-", "192.0.2.7 bob"],
        ),
        (
            &["1 bad bob", "1 good bob", "1 connect from 192.0.2.7"],
            &["-", "-", "-"],
        ),
        (
            &["1 connect from 192.0.2.7", "1 bad bob", "1 good eve"],
            &["-", "192.0.2.7 bob", "192.0.2.7 eve"],
        ),
        // The end of a session is a failure of its own, if nothing says otherwise.
        (
            &["1 connect from 192.0.2.7", "1 bye", "1 bad bob"],
            &["-", "192.0.2.7", "-"],
        ),
    ] {
        assert_eq!(story(&filter, lines), expected, "{lines:?}");
    }
}

#[test]
fn lines_that_took_part_in_a_match_do_not_take_part_in_another() {
    let filter = fail2ban(&["^open <HOST>$<SKIPLINES>^bad$"], |spec| spec.lines = 4);
    let lines = ["open 192.0.2.7", "x", "bad", "bad", "open 192.0.2.8", "bad"];
    let expected = ["-", "-", "192.0.2.7", "-", "-", "192.0.2.8"];
    assert_eq!(story(&filter, &lines), expected);
}

/// Several lines are more text than one, and that must not keep a pattern from being tried to its
/// end.
#[test]
fn lines_that_are_looked_back_on_have_time_of_their_own() {
    let pattern = r"^(?P<who>\w+): .*,.* bad$<SKIPLINES>^(?P=who): from <HOST>$";
    let filter = fail2ban(&[pattern], |spec| spec.lines = 10);
    let alike = format!("a: {}", "some, words ".repeat(20));
    let mut lines = vec![&*alike; 8];
    lines.extend(["a: this, is bad", "a: from 192.0.2.7"]);
    let found = story(&filter, &lines);
    assert_eq!(found.last().map(String::as_str), Some("192.0.2.7"));
}

#[test]
fn what_this_dialect_cannot_have_is_refused() {
    let spec = FilterSpec {
        dialect: Dialect::Fail2ban,
        prefix: Some("syslog".into()),
        fail: vec!["x".into(), "(<HOST>".into(), "^<HOST>$".into()],
        encoding: Some("klingon".into()),
        stamps: Stamps::Patterns(vec!["%".into(), "(".into()]),
        ..FilterSpec::default()
    };
    let errors = Filter::compile(&spec, &Prefixes::default()).unwrap_err();
    let parts: Vec<Part> = errors.iter().map(|error| error.part).collect();
    let expected = [Part::Prefix, Part::Fail(0), Part::Fail(1), Part::Encoding];
    assert_eq!(parts, expected);
}
