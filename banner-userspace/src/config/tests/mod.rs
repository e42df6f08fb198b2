//! Tests of whole loads, over files in memory.

mod bad_files;
mod bad_filters;
mod bad_shapes;
mod bad_values;
mod bans_of;
mod docs;
mod escalation;
mod fuzz;
mod good;
mod library;
mod notify;
mod parameters;
mod positions;
mod scopes;
mod sieve;
mod ways;

use std::path::Path;

use super::{Config, InMemory, Problems, load_from};

/// Loads `etc/banner.yaml` of these files.
fn load(files: &[(&str, &str)]) -> Result<Config, Problems> {
    let files: InMemory = files.iter().copied().collect();
    load_from(Path::new("etc/banner.yaml"), &files)
}

/// What is said of these files, a line for each problem, the count as the last one.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    match load(files) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.to_string().lines().map(str::to_owned).collect(),
    }
}

/// Each row is a main file and all that is said of it, without `etc/banner.yaml:`.
#[track_caller]
fn assert_said(rows: &[(&str, &[&str])]) {
    for (text, expected) in rows {
        let mut said = said(&[("etc/banner.yaml", text)]);
        let count = said.pop();
        let said: Vec<&str> = said
            .iter()
            .map(|line| line.strip_prefix("etc/banner.yaml:").unwrap_or(line))
            .collect();
        assert_eq!(said, *expected, "\n{text}");
        let word = if said.len() == 1 {
            "problem"
        } else {
            "problems"
        };
        assert_eq!(count, Some(format!("{} {word}", said.len())), "\n{text}");
    }
}
