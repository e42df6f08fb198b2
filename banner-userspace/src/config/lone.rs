//! A filter without a jail, as a command line names it.

use std::path::Path;
use std::sync::Arc;

use super::filters::Filters;
use super::problem::Problems;
use super::raw::{Argument, Limits};
use super::report::Report;
use super::source::Source;
use super::yaml::{Located, Spot};
use crate::config::Disk;
use crate::filter::{Filter, Prefixes};

/// A filter without a jail.
#[derive(Debug)]
pub struct LoneFilter {
    /// The filter.
    pub filter: Arc<Filter>,
    /// The prefixes that it could name: those built in and those of `prefixes.yaml`.
    pub prefixes: Prefixes,
}

/// The filter of this name, as the jails of the configuration at `main` find it: in `filters.d`
/// beside it, or built in. The configuration itself is not read. `parameters`: names and values.
///
/// # Errors
/// There is none, or what is wrong with it.
pub fn filter_named(
    main: &Path,
    name: &str,
    parameters: &[(String, String)],
) -> Result<LoneFilter, Problems> {
    lone(main, parameters, |filters, arguments, spot, report| {
        filters.named(name, arguments, spot, "", report)
    })
}

/// The filter in the file at `path`, with the prefixes beside the configuration at `main`.
///
/// # Errors
/// It cannot be read, or what is wrong with it.
pub fn filter_in(
    main: &Path,
    path: &Path,
    parameters: &[(String, String)],
) -> Result<LoneFilter, Problems> {
    lone(main, parameters, |filters, arguments, _, report| {
        filters.in_file(path, arguments, report)
    })
}

/// `limits.line` of the configuration at `main`, in bytes; the default where there is none, or where it
/// cannot be read. Jails and filters are not looked at.
pub fn line_limit(main: &Path) -> u32 {
    let mut source = Source::new(&Disk, main);
    let read = source.load(&mut Report::default());
    read.map_or(Limits::default().line, |(main, _)| main.limits.line)
}

fn lone(
    main: &Path,
    parameters: &[(String, String)],
    find: impl FnOnce(&mut Filters<'_, '_>, &[Argument], Spot, &mut Report) -> Option<Arc<Filter>>,
) -> Result<LoneFilter, Problems> {
    let mut report = Report::default();
    let spot = Spot {
        file: report.add_file(Path::new("command line"), ""),
        ordinal: 0,
    };
    let located = |text: &String| Located {
        value: text.clone(),
        spot,
    };
    let arguments: Vec<Argument> = (parameters.iter())
        .map(|(name, value)| Argument {
            name: located(name),
            value: located(value),
        })
        .collect();
    let mut source = Source::new(&Disk, main);
    let mut filters = Filters::new(&mut source, &mut report);
    let filter = find(&mut filters, &arguments, spot, &mut report);
    let prefixes = filters.into_prefixes();
    report.finish()?;
    let filter = filter.unwrap_or_else(|| unreachable!("no filter and no problem"));
    Ok(LoneFilter { filter, prefixes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(given: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        given.iter().map(own).collect()
    }

    #[test]
    fn filters_are_found_by_name_and_by_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let main = folder.path().join("banner.yaml");
        assert!(filter_named(&main, "sshd", &[]).is_ok());
        let file = folder.path().join("own.yaml");
        std::fs::write(&file, "prefix: mine\nfail: ['^a <HOST>$']\n").expect("a file");
        let problems = filter_in(&main, &file, &[]).expect_err("no such prefix");
        assert!(problems.to_string().contains("own.yaml:1"), "{problems}");
        let prefixes = folder.path().join("prefixes.yaml");
        std::fs::write(prefixes, "mine: '^x '\n").expect("a file");
        let found = filter_in(&main, &file, &[]).expect("a filter");
        assert_eq!(found.filter.spec().name, "own");
        assert!(found.prefixes.0.contains_key("mine"));
    }

    #[test]
    fn the_length_of_lines_is_the_configurations() {
        let folder = tempfile::tempdir().expect("a folder");
        let main = folder.path().join("banner.yaml");
        let default = Limits::default().line;
        assert_eq!(line_limit(&main), default);
        for (text, limit) in [
            (
                "limits: { line: 4096 }\njails: { x: { filter: nosuch } }\n",
                4096,
            ),
            ("ignore: []\n", default),
            ("limits: [\n", default),
        ] {
            std::fs::write(&main, text).expect("a file");
            assert_eq!(line_limit(&main), limit, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_command_line_is_told() {
        let main = Path::new("/nonexistent/banner.yaml");
        for (name, given, message) in [
            ("shd", &[][..], "no filter is named shd; did you mean sshd"),
            ("sshd", &[("nosuch", "x")][..], "nosuch"),
        ] {
            let problems = filter_named(main, name, &parameters(given)).expect_err("a problem");
            let problems = problems.to_string();
            assert!(problems.starts_with("command line"), "{problems}");
            assert!(problems.contains(message), "{problems}");
        }
        let absent = filter_in(main, Path::new("/nonexistent/x.yaml"), &[]).expect_err("absent");
        assert!(
            absent
                .to_string()
                .contains("/nonexistent/x.yaml: does not exist"),
            "{absent}"
        );
    }
}
