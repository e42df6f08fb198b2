use crate::config::name::{NAME_RULE, is_filter_name};
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::sections;
use crate::config::settings;
use crate::config::shape::{Flag, Shape, refuse, unexpected};
use crate::config::yaml::{Kind, Located, Node, Spot};
use crate::filter::{Expect, FilterSpec, Part, Sample};

/// The value of a jail's `filter`.
pub(crate) enum FilterRef {
    Named(String),
    InPlace(Box<RawFilter>),
}

/// A filter as it was written, and where its parts stand.
pub(crate) struct RawFilter {
    /// Without a name, which is not in the text.
    pub(crate) spec: FilterSpec,
    whole: Spot,
    prefix: Option<Spot>,
    program: Option<Spot>,
    fail: Vec<Spot>,
    ignore: Vec<Spot>,
    samples: Vec<Spot>,
}

impl RawFilter {
    /// `None` when a part is wrong: what remains would be another filter.
    pub(crate) fn read(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        let before = report.errors();
        let fields = Fields::read(&sections::FILTER_SECTION, node, node.spot, path, report)?;
        let description = fields.get(&settings::DESCRIPTION, report);
        let prefix = fields.get(&settings::PREFIX, report);
        let program = fields.get(&settings::PROGRAM, report);
        let fail = fields.require(&settings::FAIL, report);
        let ignore = fields.get(&settings::FILTER_IGNORE, report);
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
        let (fail, fail_spots) = apart(fail);
        let (ignore, ignore_spots) = apart(ignore);
        let (samples, sample_spots) = apart(samples);
        Some(Self {
            whole: node.spot,
            prefix: prefix.as_ref().map(|located| located.spot),
            program: program.as_ref().map(|located| located.spot),
            fail: fail_spots,
            ignore: ignore_spots,
            samples: sample_spots,
            spec: FilterSpec {
                name: String::new(),
                description: description.map_or_else(String::new, |located| located.value),
                prefix: prefix.map(|located| located.value),
                program: program.map(|located| located.value),
                fail,
                ignore,
                samples,
                ..FilterSpec::default()
            },
        })
    }

    /// Where a part stands, and the way to it from the filter.
    pub(crate) fn locate(&self, part: Part) -> (Spot, String) {
        let item = |spots: &[Spot], index: usize, name: &str| {
            let spot = spots.get(index).copied().unwrap_or(self.whole);
            (spot, format!("{name}[{index}]"))
        };
        match part {
            Part::Prefilter => (self.whole, "prefilter".to_owned()),
            Part::Stamp(index) => (self.whole, format!("stamps[{index}]")),
            Part::Encoding => (self.whole, "encoding".to_owned()),
            Part::Prefix => (
                self.prefix.unwrap_or(self.whole),
                settings::PREFIX.name().to_owned(),
            ),
            Part::Program => (
                self.program.unwrap_or(self.whole),
                settings::PROGRAM.name().to_owned(),
            ),
            Part::Fail(index) => item(&self.fail, index, settings::FAIL.name()),
            Part::Ignore(index) => item(&self.ignore, index, settings::FILTER_IGNORE.name()),
            Part::Sample(index) => item(&self.samples, index, settings::SAMPLES.name()),
        }
    }
}

fn apart<T>(list: Option<Located<Vec<Located<T>>>>) -> (Vec<T>, Vec<Spot>) {
    list.into_iter()
        .flat_map(|list| list.value)
        .map(|located| (located.value, located.spot))
        .unzip()
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
            Kind::Mapping(_) => RawFilter::read(node, path, report)
                .map(|filter| FilterRef::InPlace(Box::new(filter))),
            Kind::Text(name) if is_filter_name(name) => Some(FilterRef::Named(name.clone())),
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

/// An item of `samples`.
pub(crate) struct SampleOf;

impl Shape for SampleOf {
    type Value = Sample;

    fn noun(&self) -> String {
        "a sample: { line: '…', fail: ADDRESS } or { line: '…', pass: true }".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Sample> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            unexpected(self, node, path, report);
            return None;
        }
        let fields = Fields::read(&sections::SAMPLE_SECTION, node, node.spot, path, report)?;
        let line = fields.require(&settings::SAMPLE_LINE, report);
        let fail = fields.get(&settings::SAMPLE_FAIL, report);
        let pass = fields.get(&settings::SAMPLE_PASS, report);
        let given = (
            fields.has(&settings::SAMPLE_FAIL),
            fields.has(&settings::SAMPLE_PASS),
        );
        match given {
            (true, true) => report.error(node.spot, path, "has both fail and pass; keep one"),
            (false, false) => report.error(node.spot, path, "needs fail: ADDRESS or pass: true"),
            _ => {}
        }
        let expect = match (fail, pass) {
            (Some(host), None) => Expect::Fail(host.value),
            (None, Some(_)) => Expect::Pass,
            _ => return None,
        };
        Some(Sample {
            line: line?.value,
            expect,
        })
    }
}

/// The word true, where false would say nothing.
pub(crate) struct True;

impl Shape for True {
    type Value = ();

    fn noun(&self) -> String {
        "true".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<()> {
        if Flag.read(node, path, report)? {
            return Some(());
        }
        refuse(
            self,
            node,
            path,
            report,
            "for a failure write fail: ADDRESS",
        );
        None
    }
}
