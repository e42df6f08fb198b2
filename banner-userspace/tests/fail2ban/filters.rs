use std::path::Path;

use banner_userspace::{
    filter::{Dialect, FilterSpec, Stamps},
    import::fail2ban::{Fail2ban, Imported, LogType},
};
use serde_json::{Value, json};

use super::Unpacked;

/// What fail2ban is told about where lines come from, and what we are.
static BACKENDS: [(Value, LogType); 3] = [
    (Value::Null, LogType::Undecided),
    (Value::String(String::new()), LogType::File),
    (Value::Bool(true), LogType::Journal),
];

pub(super) type Options = Vec<(String, String)>;

fn options(value: &Value) -> Options {
    let options = value.as_object().expect("a mapping").iter();
    options
        .map(|(key, value)| (key.clone(), value.as_str().expect("a text").to_owned()))
        .collect()
}

/// The commands for fail2ban's server as a filter of ours.
pub(super) fn told(commands: &Value) -> (FilterSpec, Option<String>) {
    let mut spec = FilterSpec {
        dialect: Dialect::Fail2ban,
        ..FilterSpec::default()
    };
    let mut usedns = None;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    for command in commands.as_array().expect("a list") {
        let (what, value) = (command[2].as_str().expect("a name"), &command[3]);
        let patterns = || match value {
            Value::Array(patterns) => patterns.iter().map(text).collect(),
            pattern => vec![text(pattern)],
        };
        match what {
            "prefregex" => spec.prefilter = Some(text(value)).filter(|text| !text.is_empty()),
            "addfailregex" => spec.fail = patterns(),
            "addignoreregex" => spec.ignore = patterns(),
            "maxlines" => {
                spec.lines =
                    usize::try_from(value.as_u64().expect("a number")).expect("a small one");
            }
            "datepattern" => {
                let patterns = text(value);
                let patterns = patterns.lines().map(|line| line.trim().to_owned());
                let patterns = patterns.filter(|line| !line.is_empty()).collect();
                spec.stamps = Stamps::Patterns(patterns);
            }
            "addjournalmatch" => {
                let words = command.as_array().expect("a list")[3..].iter().map(text);
                spec.journal.push(words.collect::<Vec<_>>().join(" "));
            }
            "usedns" => usedns = Some(text(value)),
            // An option of a filter's own whose name is in that word is sent, too, and refused.
            part if "datepattern".contains(part) => {}
            _ => panic!("an unknown command: {command}"),
        }
    }
    (spec, usedns)
}

/// Compares filters with these options, each for every origin of lines; gives how many.
pub(super) fn compare(fail2ban: &Unpacked, dir: &Path, filters: &[(String, Options)]) -> usize {
    let backend = |value: &Value| match value {
        Value::Null => Value::Null,
        Value::Bool(_) => json!("systemd"),
        _ => json!("auto"),
    };
    let rows: Vec<_> = filters
        .iter()
        .flat_map(|filter| BACKENDS.iter().map(move |origin| (filter, origin)))
        .collect();
    let questions: Vec<_> = rows
        .iter()
        .map(|((name, options), (origin, _))| {
            json!({"dir": dir, "name": name, "options": options, "backend": backend(origin)})
        })
        .collect();
    let answers = fail2ban.ask("filters.py", &[], &questions);
    assert_eq!(answers.len(), rows.len());
    let mut equal = 0;
    for (((name, options), (_, logtype)), answer) in rows.into_iter().zip(answers) {
        let ours = Fail2ban::open(dir)
            .expect("it is there")
            .with_logtype(*logtype)
            .filter(name, options);
        // What it cannot do in two seconds and a gigabyte is no matter of being equal.
        if answer.get("gave up").is_some() {
            continue;
        }
        let row = format!("{name} {options:?} {logtype:?}");
        match (ours, answer.get("error")) {
            (Ok(Imported { spec, notes }), None) => {
                let (mut told, usedns) = told(&answer["commands"]);
                told.name.clone_from(&spec.name);
                told.description.clone_from(&spec.description);
                assert_eq!(spec, told, "{row}");
                let noted = notes.iter().any(|note| note.starts_with("usedns ="));
                assert_eq!(noted, usedns.is_some(), "{row}");
                equal += 1;
            }
            (Err(_), Some(_)) => {}
            (ours, theirs) => panic!("{row}: {ours:?}, and fail2ban {theirs:?}"),
        }
    }
    equal
}

#[test]
#[ignore = "compares with fail2ban: BANNER_FAIL2BAN names where it is unpacked"]
fn stock_filters_are_what_fail2ban_makes_of_them() {
    let fail2ban = Unpacked::find();
    let tests = fail2ban.code().join("fail2ban/tests");
    let stock = fail2ban.configuration();
    let mut equal = 0;
    for dir in [stock, tests.join("config")] {
        let folders = [tests.join("files/logs"), dir.join("filter.d")];
        let sets = fail2ban.ask("options.py", &[&folders[0], &folders[1]], &[]);
        let mut filters: Vec<_> = sets
            .iter()
            .map(|set| {
                (
                    set[0].as_str().expect("a name").to_owned(),
                    options(&set[1]),
                )
            })
            .collect();
        // And all that users may ask for.
        for set in &sets {
            for mode in [
                "normal",
                "ddos",
                "extra",
                "aggressive",
                "auth",
                "rbl",
                "errors",
                "more",
            ] {
                for logtype in ["file", "short", "journal", "rfc5424"] {
                    let options = [("mode", mode), ("logtype", logtype)];
                    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
                    filters.push((set[0].as_str().expect("a name").to_owned(), options.into()));
                }
            }
        }
        filters.sort();
        filters.dedup();
        equal += compare(&fail2ban, &dir, &filters);
    }
    println!("{equal} filters with options are equal");
    assert!(equal > 9000, "{equal}");
}
