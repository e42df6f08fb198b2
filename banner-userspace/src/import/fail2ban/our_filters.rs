//! The filters of jails, as files of ours.

use encoding_rs::Encoding;

use super::{
    Jail,
    convert::{numbered, our_name},
    report::Report,
};
use crate::filter::{Filter, FilterError, FilterSpec, Part, Prefixes};

/// The filters of all jails, each of them once.
#[derive(Debug, Default)]
pub(super) struct Filters {
    pub(super) specs: Vec<FilterSpec>,
    /// Of those that banner refuses, the name and why.
    refused: Vec<(String, String)>,
}

/// The filter of a jail, with what the jail says about its logs.
pub(super) fn spec(jail: &Jail, report: &mut Report) -> FilterSpec {
    let mut spec = jail.spec.clone();
    let encoding = jail.option("logencoding").unwrap_or("auto");
    let plain = ["", "auto", "utf-8", "utf8", "ascii", "us-ascii"];
    if !plain.contains(&encoding.to_lowercase().as_str()) {
        let short = encoding.replace(['-', '_'], "");
        let label = [encoding, &short, &encoding.replace('_', "-")]
            .into_iter()
            .find_map(|label| Encoding::for_label(label.as_bytes()));
        match label {
            Some(label) => spec.encoding = Some(label.name().to_ascii_lowercase()),
            None => report.left_out(
                Some(&jail.name),
                format!("logencoding = {encoding} is not known; lines are read as UTF-8"),
            ),
        }
    }
    spec
}

impl Filters {
    /// Why the filter of this name among ours cannot be used, if it cannot.
    pub(super) fn refused(&self, name: &str) -> Option<&str> {
        let mut refused = self.refused.iter();
        refused
            .find(|(refused, _)| refused == name)
            .map(|(_, why)| why.as_str())
    }

    /// The name of this filter among ours: its own, unless jails change it in different ways.
    pub(super) fn name_of(&mut self, mut spec: FilterSpec, jail: &str) -> String {
        let own = our_name(spec.name.rsplit('/').next().unwrap_or(&spec.name));
        let related = |known: &&FilterSpec| known.name.starts_with(&own) && same(known, &spec);
        if let Some(known) = self.specs.iter().find(related) {
            return known.name.clone();
        }
        let longer = if jail.starts_with(&own) {
            jail.to_owned()
        } else {
            our_name(&format!("{own}-{jail}"))
        };
        let names = [own, longer.clone()].into_iter();
        for name in names.chain(numbered(&longer)) {
            if !self.specs.iter().any(|known| known.name == name) {
                spec.name.clone_from(&name);
                if let Err(errors) = Filter::compile(&spec, &Prefixes::default()) {
                    let errors: Vec<_> = errors.iter().map(described).collect();
                    self.refused.push((name.clone(), errors.join("; ")));
                }
                self.specs.push(spec);
                return name;
            }
        }
        unreachable!("the numbers do not end")
    }
}

/// What is wrong, and with what, in fail2ban's words.
fn described(error: &FilterError) -> String {
    let message = &error.message;
    match error.part {
        Part::Fail(n) => format!("failregex {}: {message}", n + 1),
        Part::Ignore(n) => format!("ignoreregex {}: {message}", n + 1),
        Part::Prefilter => format!("prefregex: {message}"),
        Part::Stamp(_) => format!("datepattern: {message}"),
        Part::Encoding => format!("logencoding: {message}"),
        Part::Prefix | Part::Program | Part::Sample(_) => message.clone(),
    }
}

/// Whether filters do the same, however they are called.
fn same(one: &FilterSpec, other: &FilterSpec) -> bool {
    let with = FilterSpec {
        name: one.name.clone(),
        description: one.description.clone(),
        ..other.clone()
    };
    *one == with
}
