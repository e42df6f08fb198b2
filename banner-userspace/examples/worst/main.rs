//! How long a filter takes at the most for a line. `cargo xtask bench worst` builds and starts it:
//! `worst [--seconds N] [--corpus FOLDER] [--imported FILE] [NAME…]`.
//!
//! Every filter of the library, and every filter of fail2ban's with every set of options that its own
//! samples have, is given its samples with something long in each place, as in `banner check`, and the
//! lines of logs that a fuzzer has made. What is given is processor time, the best of three.

mod corpus;
mod imported;

use std::{env, fs, path::Path, path::PathBuf, process::ExitCode, time::Duration};

use banner_userspace::{
    agent, config,
    filter::{self, Filter, Prefixes, Slowest, Stretched},
};

/// No line should take longer.
const TARGET: Duration = Duration::from_millis(1);

/// The default of `limits.line`, in bytes.
const LIMIT: usize = 16 << 10;

/// How many of the slowest are shown with their lines.
const SHOWN: usize = 5;

/// How much of a line is shown, in characters.
const WIDTH: usize = 300;

/// What is asked for.
struct Arguments {
    /// How long each filter is tried, with each kind of lines.
    budget: Duration,
    corpus: Option<PathBuf>,
    imported: Option<PathBuf>,
    /// Only filters with one of these in their names.
    names: Vec<String>,
}

/// A filter, and lines to begin with.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) filter: Filter,
    pub(crate) lines: Box<dyn Iterator<Item = Stretched>>,
}

/// What was found of a filter.
struct Row {
    name: String,
    /// Of what lines.
    kind: &'static str,
    slowest: Slowest,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments(env::args().skip(1)) else {
        eprintln!("usage: worst [--seconds N] [--corpus FOLDER] [--imported FILE] [NAME…]");
        return ExitCode::FAILURE;
    };
    let corpus = arguments
        .corpus
        .as_deref()
        .map_or_else(Vec::new, corpus::lines);
    let library = filter::library_names()
        .filter(|name| arguments.wants(name))
        .map(of_library);
    let mut all = section("of the library", library, &corpus, &arguments);
    if let Some(file) = &arguments.imported {
        let list = fs::read_to_string(file).expect("a readable list");
        let imported = imported::subjects(&list, |name| arguments.wants(name));
        all.extend(section(
            "of fail2ban, imported",
            imported,
            &corpus,
            &arguments,
        ));
    }
    all.sort_by_key(|row| std::cmp::Reverse(row.slowest.time));
    println!("\nthe slowest of all, target {TARGET:?}");
    for row in all.iter().take(SHOWN) {
        println!("{:>9.1?}  {}, {}", row.slowest.time, row.name, row.kind);
        println!("           {}", shortened(&row.slowest.line));
    }
    ExitCode::SUCCESS
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|part| name.contains(&**part))
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments {
        budget: Duration::from_secs(2),
        corpus: None,
        imported: None,
        names: Vec::new(),
    };
    while let Some(argument) = given.next() {
        match &*argument {
            "--seconds" => arguments.budget = Duration::from_secs_f64(given.next()?.parse().ok()?),
            "--corpus" => arguments.corpus = Some(given.next()?.into()),
            "--imported" => arguments.imported = Some(given.next()?.into()),
            option if option.starts_with("--") => return None,
            _ => arguments.names.push(argument),
        }
    }
    Some(arguments)
}

fn of_library(name: &str) -> Subject {
    let text = filter::library(name).expect("a filter of the library");
    let spec = config::read_filter(name, Path::new(name), text.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let filter = Filter::compile(&spec, &Prefixes::default()).expect("it compiles");
    let now = agent::now().wall;
    Subject {
        name: name.to_owned(),
        lines: Box::new(filter.stretched(LIMIT, now)),
        filter,
    }
}

/// Tries filters, and prints what comes out; the filters that are asked for.
fn section(
    title: &str,
    subjects: impl Iterator<Item = Subject>,
    corpus: &[Vec<u8>],
    arguments: &Arguments,
) -> Vec<Row> {
    println!(
        "\n{:<58} {:>9} {:>7} {:>9} {:>7}",
        format!("filters {title}"),
        "made",
        "lines",
        "fuzzed",
        "lines"
    );
    let now = agent::now().wall;
    let mut rows = Vec::new();
    for subject in subjects {
        print!("{:<58}", subject.name);
        let fuzzed: Vec<Stretched> = corpus.iter().map(|line| Stretched::whole(line)).collect();
        for (kind, lines) in [
            ("made", subject.lines),
            ("fuzzed", Box::new(fuzzed.into_iter())),
        ] {
            let found =
                (subject.filter).slowest(lines, now, arguments.budget, agent::processor_time);
            let Some(slowest) = found else {
                print!(" {:>9} {:>7}", "-", 0);
                continue;
            };
            let tried = format!("{}{}", slowest.tried, if slowest.all { "" } else { "+" });
            print!(" {:>9} {tried:>7}", format!("{:.1?}", slowest.time));
            rows.push(Row {
                name: subject.name.clone(),
                kind,
                slowest,
            });
        }
        println!();
    }
    rows
}

/// A line for people: no control characters, and not too much of it.
fn shortened(line: &str) -> String {
    let escaped: String = line.escape_debug().collect();
    if escaped.chars().count() <= WIDTH {
        return escaped;
    }
    let start: String = escaped.chars().take(WIDTH).collect();
    format!("{start}… ({} bytes)", line.len())
}
