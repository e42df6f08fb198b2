//! A filter as it is written, and what it is for one choice of its parameters.

use super::super::expand::Pieces;
use super::pattern::{RawParameter, RawPattern, When};
use super::sample::RawSample;
use crate::config::name::{NAME_RULE, is_filter_name};
use crate::config::report::Report;
use crate::config::section::{Fields, join};
use crate::config::sections;
use crate::config::settings;
use crate::config::shape::{Shape, refuse, unexpected};
use crate::config::yaml::{Kind, Located, Node, Spot};
use crate::filter::{FilterSpec, Part};

/// The value of a jail's `filter`.
pub(crate) enum FilterRef {
    /// By name, with values for its parameters.
    Named(String, Vec<Argument>),
    InPlace(Box<RawFilter>),
}

/// The value of a parameter, and where it was given.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: Located<String>,
    pub(crate) value: Located<String>,
}

/// A filter as it was written, and where its parts stand.
pub(crate) struct RawFilter {
    /// What does not depend on parameters; without a name, which is not in the text.
    spec: FilterSpec,
    whole: Spot,
    prefix: Option<Spot>,
    program: Option<Spot>,
    prefilter: Option<Spot>,
    stamps: Option<Spot>,
    encoding: Option<Spot>,
    fail: Vec<Located<RawPattern>>,
    ignore: Vec<Located<RawPattern>>,
    samples: Vec<Located<RawSample>>,
    parameters: Vec<RawParameter>,
    parts: Vec<(Located<String>, Located<String>)>,
}

/// A filter for one choice of its parameters.
pub(crate) struct Resolved {
    pub(crate) spec: FilterSpec,
    whole: Spot,
    prefix: Option<Spot>,
    program: Option<Spot>,
    prefilter: Option<Spot>,
    stamps: Option<Spot>,
    encoding: Option<Spot>,
    /// Where the patterns and samples that hold stand, and which item of their list each is.
    fail: Vec<(Spot, usize)>,
    ignore: Vec<(Spot, usize)>,
    samples: Vec<(Spot, usize)>,
}

impl RawFilter {
    /// `None` when a part is wrong: what remains would be another filter.
    pub(crate) fn read(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        let before = report.errors();
        let fields = Fields::read(&sections::FILTER_SECTION, node, node.spot, path, report)?;
        let description = fields.get(&settings::DESCRIPTION, report);
        let dialect = fields.get_or_default(&settings::DIALECT, report);
        let parameters = fields.get(&settings::PARAMETERS, report);
        let parts = fields.get(&settings::PARTS, report);
        let prefix = fields.get(&settings::PREFIX, report);
        let program = fields.get(&settings::PROGRAM, report);
        let prefilter = fields.get(&settings::PREFILTER, report);
        let fail = fields.require(&settings::FAIL, report);
        let ignore = fields.get(&settings::FILTER_IGNORE, report);
        let lines = fields.get_or_default(&settings::LOOK_BACK, report);
        let stamps = fields.get(&settings::STAMPS, report);
        let encoding = fields.get(&settings::ENCODING, report);
        let journal = fields.get(&settings::JOURNAL, report);
        let samples = fields.get(&settings::SAMPLES, report);
        if let Some(fail) = &fail
            && fail.value.is_empty()
        {
            let path = fields.path_of(&settings::FAIL);
            report.error(fail.spot, &path, "needs at least one regular expression");
        }
        if report.errors() > before {
            return None;
        }
        let spot_of = |located: &Option<Located<String>>| located.as_ref().map(|at| at.spot);
        Some(Self {
            whole: node.spot,
            prefix: spot_of(&prefix),
            program: spot_of(&program),
            prefilter: spot_of(&prefilter),
            stamps: stamps.as_ref().map(|located| located.spot),
            encoding: spot_of(&encoding),
            fail: items(fail),
            ignore: items(ignore),
            samples: items(samples),
            parameters: parameters.map_or_else(Vec::new, |located| located.value),
            parts: parts.map_or_else(Vec::new, |located| located.value),
            spec: FilterSpec {
                name: String::new(),
                description: description.map_or_else(String::new, |located| located.value),
                dialect,
                prefix: prefix.map(|located| located.value),
                program: program.map(|located| located.value),
                prefilter: prefilter.map(|located| located.value),
                lines,
                stamps: stamps.map(|located| located.value).unwrap_or_default(),
                encoding: encoding.map(|located| located.value),
                journal: (items(journal).into_iter())
                    .map(|located| located.value)
                    .collect(),
                ..FilterSpec::default()
            },
        })
    }

    /// The filter with these values for its parameters, and else their defaults. `None` exactly
    /// when a problem was reported.
    pub(crate) fn resolve(
        &self,
        arguments: &[Argument],
        path: &str,
        report: &mut Report,
    ) -> Option<Resolved> {
        let before = report.errors();
        let chosen = self.choose(arguments, report);
        let mut pieces = Pieces::new(&self.parts, &chosen);
        let mut spec = self.spec.clone();
        if let (Some(text), Some(spot)) = (&mut spec.program, self.program) {
            *text = pieces.expand(text, spot, &join(path, settings::PROGRAM.name()), report);
        }
        if let (Some(text), Some(spot)) = (&mut spec.prefilter, self.prefilter) {
            *text = pieces.expand(text, spot, &join(path, settings::PREFILTER.name()), report);
        }
        let mut patterns = |items: &[Located<RawPattern>], key: &str, report: &mut Report| {
            let mut texts = Vec::new();
            let mut spots = Vec::new();
            for (n, item) in items.iter().enumerate() {
                let path = join(path, &format!("{key}[{n}]"));
                if self.holds(&item.value.when, &chosen, &path, report) {
                    texts.push(pieces.expand(&item.value.text, item.spot, &path, report));
                    spots.push((item.spot, n));
                }
            }
            (texts, spots)
        };
        let fail;
        (spec.fail, fail) = patterns(&self.fail, settings::FAIL.name(), report);
        let ignore;
        (spec.ignore, ignore) = patterns(&self.ignore, settings::FILTER_IGNORE.name(), report);
        let mut samples = Vec::new();
        for (n, item) in self.samples.iter().enumerate() {
            let path = join(path, &format!("{}[{n}]", settings::SAMPLES.name()));
            if self.holds(&item.value.when, &chosen, &path, report) {
                spec.samples.push(item.value.sample.clone());
                samples.push((item.spot, n));
            }
        }
        if report.errors() > before {
            return None;
        }
        Some(Resolved {
            spec,
            whole: self.whole,
            prefix: self.prefix,
            program: self.program,
            prefilter: self.prefilter,
            stamps: self.stamps,
            encoding: self.encoding,
            fail,
            ignore,
            samples,
        })
    }

    /// The value of each parameter.
    fn choose(&self, arguments: &[Argument], report: &mut Report) -> Vec<(String, String)> {
        for argument in arguments {
            let name = &argument.name.value;
            if !self
                .parameters
                .iter()
                .any(|known| known.name.value == *name)
            {
                let known = self
                    .parameters
                    .iter()
                    .map(|known| known.name.value.as_str());
                let message = match known.collect::<Vec<_>>().as_slice() {
                    [] => "this filter has no parameters".to_owned(),
                    known => format!(
                        "no parameter has this name; there are: {}",
                        known.join(", ")
                    ),
                };
                report.error(argument.name.spot, name, message);
            }
        }
        let value = |parameter: &RawParameter, report: &mut Report| {
            let name = &parameter.name.value;
            let given = arguments.iter().find(|given| given.name.value == *name);
            let Some(given) = given else {
                return parameter.default.clone();
            };
            let value = given.value.value.clone();
            if !parameter.values.is_empty() && !parameter.values.contains(&value) {
                let values = parameter.values.join(", ");
                let message = format!("`{value}` is none of its values: {values}");
                report.error(given.value.spot, name, message);
            }
            value
        };
        (self.parameters.iter())
            .map(|parameter| (parameter.name.value.clone(), value(parameter, report)))
            .collect()
    }

    /// Whether a condition holds.
    fn holds(
        &self,
        when: &When,
        chosen: &[(String, String)],
        path: &str,
        report: &mut Report,
    ) -> bool {
        let mut holds = true;
        for (name, values) in when {
            let parameter = self.parameters.iter().find(|p| p.name.value == name.value);
            let Some(parameter) = parameter else {
                let message = format!("the filter has no parameter {}", name.value);
                report.error(name.spot, path, message);
                continue;
            };
            let strange = values
                .iter()
                .find(|value| !parameter.values.is_empty() && !parameter.values.contains(value));
            if let Some(value) = strange {
                let known = parameter.values.join(", ");
                let message = format!("`{value}` is no value of {}: {known}", name.value);
                report.error(name.spot, path, message);
            }
            let now = chosen.iter().find(|(known, _)| *known == name.value);
            holds &= now.is_some_and(|(_, value)| values.contains(value));
        }
        holds
    }
}

impl Resolved {
    /// Where a part stands, and the way to it from the filter.
    pub(crate) fn locate(&self, part: Part) -> (Spot, String) {
        let item = |spots: &[(Spot, usize)], index: usize, name: &str| {
            let (spot, index) = spots.get(index).copied().unwrap_or((self.whole, index));
            (spot, format!("{name}[{index}]"))
        };
        let one = |spot: Option<Spot>, name: &str| (spot.unwrap_or(self.whole), name.to_owned());
        match part {
            Part::Prefilter => one(self.prefilter, settings::PREFILTER.name()),
            Part::Stamp(index) => one(
                self.stamps,
                &format!("{}[{index}]", settings::STAMPS.name()),
            ),
            Part::Encoding => one(self.encoding, settings::ENCODING.name()),
            Part::Prefix => one(self.prefix, settings::PREFIX.name()),
            Part::Program => one(self.program, settings::PROGRAM.name()),
            Part::Fail(index) => item(&self.fail, index, settings::FAIL.name()),
            Part::Ignore(index) => item(&self.ignore, index, settings::FILTER_IGNORE.name()),
            Part::Sample(index) => item(&self.samples, index, settings::SAMPLES.name()),
        }
    }
}

fn items<T>(list: Option<Located<Vec<Located<T>>>>) -> Vec<Located<T>> {
    list.map_or_else(Vec::new, |list| list.value)
}

/// The name of a filter, or a filter.
pub(crate) struct FilterOf;

impl Shape for FilterOf {
    type Value = FilterRef;

    fn noun(&self) -> String {
        "the name of a filter, or the filter itself".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<FilterRef> {
        match &node.kind {
            Kind::Mapping(entries) if entries.iter().any(|(key, _)| key.text == "use") => {
                used(entries, path, report)
            }
            Kind::Mapping(_) => RawFilter::read(node, path, report)
                .map(|filter| FilterRef::InPlace(Box::new(filter))),
            Kind::Text(name) if is_filter_name(name) => {
                Some(FilterRef::Named(name.clone(), Vec::new()))
            }
            Kind::Text(name) if !name.is_empty() => {
                let advice = if name.contains('/') {
                    "a filter is named without folder and .yaml".to_owned()
                } else {
                    format!("a name has {NAME_RULE}, no leading dot and no two dots in a row")
                };
                refuse(self, node, path, report, &advice);
                None
            }
            _ => {
                unexpected(self, node, path, report);
                None
            }
        }
    }
}

/// `{ use: NAME, PARAMETER: VALUE }`.
fn used(
    entries: &[(super::super::yaml::Key, Node)],
    path: &str,
    report: &mut Report,
) -> Option<FilterRef> {
    let mut name = None;
    let mut arguments: Vec<Argument> = Vec::new();
    let before = report.errors();
    for (key, value) in entries {
        let path = join(path, &key.text);
        let Some(text) = super::pattern::word(value) else {
            report.error(value.spot, &path, "expected a word");
            continue;
        };
        if key.text == "use" {
            if is_filter_name(&text) {
                name = Some(text);
            } else {
                let message = format!(
                    "`{text}` is no name of a filter: it has {NAME_RULE}, no leading dot and no two \
                     dots in a row"
                );
                report.error(value.spot, &path, message);
            }
            continue;
        }
        let known = arguments.iter().find(|known| known.name.value == key.text);
        if let Some(first) = known {
            report.error_see(key.spot, &path, "given twice; first at", first.name.spot);
            continue;
        }
        arguments.push(Argument {
            name: Located {
                value: key.text.clone(),
                spot: key.spot,
            },
            value: Located {
                value: text,
                spot: value.spot,
            },
        });
    }
    if report.errors() > before {
        return None;
    }
    Some(FilterRef::Named(name?, arguments))
}
