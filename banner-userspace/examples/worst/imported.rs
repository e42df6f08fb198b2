//! fail2ban's filters, each with its options and samples.

use std::{collections::BTreeMap, path::PathBuf};

use banner_userspace::{
    agent,
    filter::{Expect, Filter, FilterSpec, Prefixes, Sample},
    import::fail2ban::{Fail2ban, FilterRef, LogType},
};
use serde::Deserialize;

use crate::{LIMIT, Subject};

/// A line of the list that `cargo xtask bench worst` writes.
#[derive(Deserialize)]
struct Listed {
    filter: String,
    /// The folder with `filter.d` in it.
    config: PathBuf,
    options: BTreeMap<String, String>,
    journal: bool,
    lines: Vec<String>,
}

/// The filters of a list that are wanted, by their names.
pub(crate) fn subjects(list: &str, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Subject> {
    list.lines()
        .map(|line| serde_json::from_str(line).expect("a filter"))
        .filter(move |listed: &Listed| wanted(&listed.filter))
        .map(subject)
}

fn subject(listed: Listed) -> Subject {
    let now = agent::now().wall;
    let options: Vec<String> = (listed.options.iter())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut name = listed.filter.clone();
    if !options.is_empty() {
        name = format!("{name}[{}]", options.join(","));
    }
    let logtype = if listed.journal {
        LogType::Journal
    } else {
        LogType::File
    };
    let imported = Fail2ban::open(listed.config)
        .and_then(|fail2ban| {
            fail2ban.with_logtype(logtype).filter_ref(&FilterRef {
                name: listed.filter,
                options: listed.options.into_iter().collect(),
            })
        })
        .unwrap_or_else(|why| panic!("{name}: {why}"));
    let mut spec = imported.spec;
    let compile = |spec: &FilterSpec| {
        Filter::compile(spec, &Prefixes::default()).unwrap_or_else(|why| panic!("{name}: {why:?}"))
    };
    // Lines that are made of the patterns, then those that stand in the samples.
    let made = compile(&spec).stretched(LIMIT, now);
    spec.samples = (listed.lines.into_iter())
        .map(|line| Sample::new(line, Expect::Pass))
        .collect();
    let filter = compile(&spec);
    let written = listed.journal.then_some(now);
    let samples = filter.stretched(LIMIT, now).map(move |mut line| {
        line.at = written;
        line
    });
    Subject {
        name,
        filter,
        lines: Box::new(made.chain(samples)),
    }
}
