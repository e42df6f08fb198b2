use proptest::prelude::*;
use serde_json::Value;

use super::super::event::samples::{NOON, ban, banned};
use super::*;

fn story<'a>(event: &'a Event, zone: &'a TimeZone) -> Story<'a> {
    Story {
        event,
        hostname: "www1",
        zone,
        whois: None,
    }
}

#[test]
fn a_ban_in_words() {
    let event = Event {
        at: NOON,
        what: What::Ban(banned("192.0.2.7", &["one", "two\u{1b}[2J"])),
    };
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    let mut story = story(&event, &zone);
    story.whois = Some("netname: TEST\nremarks: \u{7}");
    let text = Template::parse("%{summary}\n\n%{details}%{lines}%{whois}").unwrap();
    assert_eq!(
        story.fill(&text),
        "banned 192.0.2.7 (sshd, 5 failures) for 1h\n\n\
         machine:   www1\n\
         time:      2026-11-20T13:00:00+01:00\n\
         jail:      sshd\n\
         address:   192.0.2.7\n\
         ports:     all\n\
         failures:  5\n\
         ban time:  1h\n\
         \nlines of the log:\n  one\n  two\\u{1b}[2J\n\
         \nwhois:\n  netname: TEST\n  remarks: \\u{7}\n"
    );
}

#[test]
fn other_events_in_words() {
    let said = |what| summary(&what);
    let of = |change: fn(&mut Banned)| {
        let mut ban = banned("2001:db8::/64", &[]);
        change(&mut ban);
        said(What::Ban(ban))
    };
    assert_eq!(
        of(|ban| ban.standing = Standing::Observed),
        "would ban 2001:db8::/64 (sshd, 5 failures) for 1h"
    );
    assert_eq!(
        of(|ban| {
            ban.standing = Standing::Pending;
            ban.ports = "tcp/22".into();
        }),
        "NOT banned yet, will try again: 2001:db8::/64 for tcp/22 (sshd, 5 failures) for 1h"
    );
    assert_eq!(
        of(|ban| {
            (ban.failures, ban.lasts, ban.jail) = (0, None, None);
        }),
        "banned 2001:db8::/64 (-, on request), permanently"
    );
    let mut digest = Digest::default();
    for n in 1..=120 {
        let mut event = ban(&format!("192.0.2.{n}"));
        event.at = NOON.after(Duration::from_secs(n));
        digest.add(&event);
    }
    let event = Event {
        at: NOON,
        what: What::Digest(Box::new(digest)),
    };
    assert_eq!(
        summary(&event.what),
        "120 bans in 1m 59s, folded into one message"
    );
    let text = story(&event, &TimeZone::UTC).lines();
    assert!(text.starts_with("\nby jail:\n  sshd: 120 bans, 0 unbans\n\nbanned:\n  192.0.2.1\n"));
    assert!(text.ends_with("  192.0.2.100\n  (and 20 more)\n"), "{text}");
    let json = story(&event, &TimeZone::UTC).json();
    assert_eq!(json["folded"], 120);
    assert_eq!(json["jails"]["sshd"]["bans"], 120);
    assert_eq!(json["first"], "2026-11-20T12:00:01Z");
}

#[test]
fn a_command_gets_words_and_json() {
    let event = ban("192.0.2.7");
    let zone = TimeZone::UTC;
    let story = story(&event, &zone);
    let environment = story.environment();
    for (name, value) in [
        ("BANNER_EVENT", "ban"),
        ("BANNER_ADDRESS", "192.0.2.7"),
        ("BANNER_JAIL", "sshd"),
        ("BANNER_SECONDS", "3600"),
        ("BANNER_AT", "2026-11-20T12:00:00Z"),
    ] {
        assert!(environment.contains(&(name, value.to_owned())), "{name}");
    }
    let json = story.json();
    assert_eq!(json["lines"][0], "a line");
    assert_eq!(json["seconds"], 3600);
    assert_eq!(json["text"], "banned 192.0.2.7 (sshd, 5 failures) for 1h");
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(items) => items.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

proptest! {
    /// Whatever a log, a name or a whois server says: one value is one line without a control
    /// character, and what is set in cannot end its block.
    #[test]
    fn nothing_from_outside_gets_out_of_its_place(
        text in ".*|[\\x00-\\xff]*|(\r\n)?Bcc: [a-z]+\r\n\r\n.*",
        net in ".{0,50}",
    ) {
        let mut ban = banned(&net, &[]);
        ban.lines = vec![text.clone(), "second".into()];
        ban.ports.clone_from(&text);
        ban.jail = Some(text.as_str().into());
        let mut digest = Digest::default();
        let ban = Event { at: NOON, what: What::Ban(ban) };
        let problem = Event { at: NOON, what: What::Problem(text.clone()) };
        digest.add(&ban);
        digest.add(&problem);
        let digest = Event { at: NOON, what: What::Digest(Box::new(digest)) };
        for event in [ban, problem, digest] {
            let story = Story {
                event: &event,
                hostname: &text,
                zone: &TimeZone::UTC,
                whois: Some(&text),
            };
            for (name, field) in Field::ALL {
                let value = story.value(field);
                let wrong = |c: char| c.is_control() && !(field.is_block() && c == '\n');
                prop_assert!(!value.contains(wrong), "{name}: {value:?}");
            }
            for (name, value) in story.environment() {
                prop_assert!(!value.contains(char::is_control), "{name}: {value:?}");
            }
            let lines = story.lines();
            for line in lines.lines().filter(|line| !line.is_empty()) {
                let is_title = ["lines of the log:", "by jail:", "banned:", "problems:"];
                prop_assert!(line.starts_with("  ") || is_title.contains(&line), "{line:?}");
            }
            let mut found = Vec::new();
            texts(&story.json(), &mut found);
            for text in found {
                prop_assert!(!text.contains(char::is_control), "{text:?}");
            }
        }
    }
}
