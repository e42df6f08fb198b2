//! Finds the filters that jails name, and compiles each once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::reason;
use super::name::{NAME_RULE, is_name};
use super::nearest;
use super::raw::{Argument, RawFilter};
use super::report::Report;
use super::section::join;
use super::shape::{Shape, Text, unexpected};
use super::source::{self, Source};
use super::yaml::{Kind, Located, Node, Spot};
use crate::filter::{self, Filter, FilterSpec, Part, Prefixes};

/// The filters of one load.
pub(crate) struct Filters<'s, 'f> {
    source: &'s mut Source<'f>,
    prefixes: Prefixes,
    /// Where the prefixes that are not built in were given.
    given: BTreeMap<String, Spot>,
    /// What was read; `None` for a filter that was found wrong, and reported.
    read: BTreeMap<String, Option<Arc<RawFilter>>>,
    /// By name and the values of parameters.
    compiled: BTreeMap<Choice, Option<Arc<Filter>>>,
}

/// A filter's name, and the values of its parameters.
type Choice = (String, Vec<(String, String)>);

impl<'s, 'f> Filters<'s, 'f> {
    /// With the prefixes of `prefixes.yaml` beside the main file, if there is one.
    pub(crate) fn new(source: &'s mut Source<'f>, report: &mut Report) -> Self {
        let owned = |(name, pattern): &(&str, &str)| ((*name).to_owned(), (*pattern).to_owned());
        let mut filters = Self {
            prefixes: Prefixes(filter::BUILTIN_PREFIXES.iter().map(owned).collect()),
            given: BTreeMap::new(),
            read: BTreeMap::new(),
            compiled: BTreeMap::new(),
            source,
        };
        filters.read_prefixes(report);
        filters
    }

    fn read_prefixes(&mut self, report: &mut Report) {
        let path = self.source.beside_main("prefixes.yaml");
        let bytes = match self.source.files().read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                let file = report.add_file(&path, "");
                return report.file_error(file, reason(&error));
            }
        };
        let Some(node) = self.source.parse(&path, &bytes, report) else {
            return;
        };
        for (name, pattern) in PrefixPatterns.read(&node, "", report).unwrap_or_default() {
            self.prefixes.0.insert(name.clone(), pattern.value);
            self.given.insert(name, pattern.spot);
        }
    }

    /// The filter of this name, with these values for its parameters; `None` if it is wrong, and
    /// reported. `spot` and `key` are where it was named.
    pub(crate) fn named(
        &mut self,
        name: &str,
        arguments: &[Argument],
        spot: Spot,
        key: &str,
        report: &mut Report,
    ) -> Option<Arc<Filter>> {
        let mut values: Vec<(String, String)> = (arguments.iter())
            .map(|given| (given.name.value.clone(), given.value.value.clone()))
            .collect();
        values.sort();
        let place = (name.to_owned(), values);
        if let Some(known) = self.compiled.get(&place) {
            return known.clone();
        }
        let raw = if let Some(known) = self.read.get(name) {
            known.clone()
        } else {
            let raw = self.find(name, spot, key, report).map(Arc::new);
            self.read.insert(name.to_owned(), raw.clone());
            raw
        };
        let filter = raw.and_then(|raw| self.compile(name, &raw, arguments, "", report));
        self.compiled.insert(place, filter.clone());
        filter
    }

    /// The text of a filter, read.
    fn find(
        &mut self,
        name: &str,
        spot: Spot,
        key: &str,
        report: &mut Report,
    ) -> Option<RawFilter> {
        let path = self
            .source
            .beside_main("filters.d")
            .join(format!("{name}.yaml"));
        let node = match self.source.files().read(&path) {
            Ok(bytes) => self.source.parse(&path, &bytes, report),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let Some(text) = filter::library(name) else {
                    let near = self.suggestion(name);
                    report.error(spot, key, format!("no filter is named {name}; {near}"));
                    return None;
                };
                let path = PathBuf::from(format!("built-in filter {name}"));
                source::parse(&path, text.as_bytes(), report)
            }
            Err(error) => {
                let message = format!("{} {}", path.display(), reason(&error));
                report.error(spot, key, message);
                None
            }
        };
        node.and_then(|node| read(&node, report))
    }

    /// The filter in a file that may be anywhere.
    pub(crate) fn in_file(
        &mut self,
        path: &Path,
        arguments: &[Argument],
        report: &mut Report,
    ) -> Option<Arc<Filter>> {
        let node = match self.source.files().read(path) {
            Ok(bytes) => self.source.parse(path, &bytes, report)?,
            Err(error) => {
                let file = report.add_file(path, "");
                report.file_error(file, reason(&error));
                return None;
            }
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        self.compile(&name, &read(&node, report)?, arguments, "", report)
    }

    /// The prefixes that filters may name.
    pub(crate) fn into_prefixes(self) -> Prefixes {
        self.prefixes
    }

    /// Compiles a filter without wrong parts; what the compiler refuses is reported at its part.
    pub(crate) fn compile(
        &self,
        name: &str,
        raw: &RawFilter,
        arguments: &[Argument],
        path: &str,
        report: &mut Report,
    ) -> Option<Arc<Filter>> {
        let mut raw = raw.resolve(arguments, path, report)?;
        name.clone_into(&mut raw.spec.name);
        let spec = &raw.spec;
        let errors = match Filter::compile(spec, &self.prefixes) {
            Ok(filter) => return Some(Arc::new(filter)),
            Err(errors) => errors,
        };
        for error in errors {
            let (spot, key) = raw.locate(error.part);
            let key = join(path, &key);
            let given = spec.prefix.as_ref().and_then(|name| self.given.get(name));
            match given {
                Some(given) if error.part == Part::Prefix => {
                    report.error_see(spot, &key, format!("{}; given at", error.message), *given);
                }
                _ => report.error(spot, &key, error.message),
            }
        }
        None
    }

    fn suggestion(&self, name: &str) -> String {
        let folder = self.source.beside_main("filters.d");
        let in_folder = self.source.files().list(&folder).unwrap_or_default();
        let stem = |file: &std::ffi::OsString| {
            let name = Path::new(file).to_str()?.strip_suffix(".yaml")?;
            Some(name.to_owned())
        };
        let mut names: Vec<String> = in_folder.iter().filter_map(stem).collect();
        names.sort();
        // Behind those of the folder: not all that are built in have a place in the message.
        let built_in: Vec<String> = filter::library_names()
            .filter(|name| !names.iter().any(|own| own == name))
            .map(str::to_owned)
            .collect();
        names.extend(built_in);
        nearest::suggest(name, names.iter().map(String::as_str))
    }
}

/// The filter in a file, unless something is wrong with it.
fn read(node: &Node, report: &mut Report) -> Option<RawFilter> {
    if node.kind == Kind::Null {
        let message = "the file is empty; a filter needs at least `fail`";
        report.file_error(node.spot.file, message);
        return None;
    }
    RawFilter::read(node, "", report)
}

/// The filter in a text, as it was written, with these values for its parameters.
pub(crate) fn spec(
    name: &str,
    path: &Path,
    text: &[u8],
    parameters: &[(&str, &str)],
    report: &mut Report,
) -> Option<FilterSpec> {
    let node = source::parse(path, text, report)?;
    let raw = read(&node, report)?;
    let located = |text: &str| Located {
        value: text.to_owned(),
        spot: node.spot,
    };
    let arguments: Vec<Argument> = (parameters.iter())
        .map(|(name, value)| Argument {
            name: located(name),
            value: located(value),
        })
        .collect();
    let mut spec = raw.resolve(&arguments, "", report)?.spec;
    name.clone_into(&mut spec.name);
    Some(spec)
}

/// What `prefixes.yaml` holds: pattern and place by name.
struct PrefixPatterns;

impl Shape for PrefixPatterns {
    type Value = BTreeMap<String, Located<String>>;

    fn noun(&self) -> String {
        "a mapping from the name of a prefix to a regular expression".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Self::Value> {
        let entries = match &node.kind {
            Kind::Null => return Some(BTreeMap::new()),
            Kind::Mapping(entries) => entries,
            _ => {
                unexpected(self, node, path, report);
                return None;
            }
        };
        let mut first = BTreeMap::new();
        let mut patterns = BTreeMap::new();
        for (key, node) in entries {
            let path = join(path, &key.text);
            if !is_name(&key.text) {
                let message = format!("not a name for a prefix; it must have {NAME_RULE}");
                report.error(key.spot, &path, message);
            }
            if let Some(first) = first.get(&key.text) {
                report.error_see(key.spot, &path, "given twice; first at", *first);
                continue;
            }
            first.insert(&key.text, key.spot);
            if let Some(value) = Text("a regular expression").read(node, &path, report) {
                let spot = node.spot;
                patterns.insert(key.text.clone(), Located { value, spot });
            }
        }
        Some(patterns)
    }
}
