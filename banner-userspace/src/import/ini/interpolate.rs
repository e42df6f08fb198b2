//! `%(name)s` in values.

use super::{
    LONGEST_VALUE, MOST_WORK, Merged, Text, files::known_name, parse::DEFAULT, python::is_word,
};
use crate::import::error::{ImportError, Place, Why};

/// How deep values may refer to each other.
const DEEPEST: usize = 10;

/// Values that go before those of files, their names in lower case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vars(super::Section);

impl Vars {
    pub(crate) fn new(values: &super::Section) -> Self {
        let values = values.iter();
        Self(
            values
                .map(|(name, value)| (name.to_lowercase(), value.clone()))
                .collect(),
        )
    }
}

/// There is no such value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Not even the section.
    Section,
    /// The section does not have it.
    Option,
}

impl Merged {
    /// The value of an option with all `%(name)s` replaced. Names are looked up in `vars`, the
    /// section and the defaults, in this order; `%(section/name)s` in that section and the defaults,
    /// and for `%(known/name)s` in what the section had before the last file that changed it.
    pub(crate) fn get(
        &self,
        section: &str,
        option: &str,
        vars: &Vars,
    ) -> Result<Result<Text, Missing>, ImportError> {
        if section != DEFAULT && !self.sections.sections.contains(section) {
            return Ok(Err(Missing::Section));
        }
        let option = option.to_lowercase();
        let mut expansion = Expansion {
            merged: self,
            section,
            option: &option,
            vars,
            text: String::new(),
        };
        let Some(value) = expansion.named(&option) else {
            return Ok(Err(Missing::Option));
        };
        let place = value.place.clone();
        expansion.add(&value.text, &place, 1)?;
        Ok(Ok(Text {
            text: expansion.text,
            place,
        }))
    }

    /// The same for what a `<tag>` asks for: `section/name` is an option of another section, and
    /// `known/name` what this one had before, or has.
    pub(crate) fn get_for_tag(
        &self,
        section: &str,
        tag: &str,
        vars: &Vars,
    ) -> Result<Option<Text>, ImportError> {
        if let Some((other, option)) = section_and_option(tag) {
            let known;
            let places: &[&str] = match other.to_lowercase().as_str() {
                "known" => {
                    known = known_name(section);
                    &[&known, section]
                }
                "default" => &[DEFAULT],
                _ => &[other],
            };
            for place in places {
                if let Ok(value) = self.get(place, option, &Vars::default())? {
                    return Ok(Some(value));
                }
            }
        }
        Ok(self.get(section, tag, vars)?.ok())
    }
}

/// `section/name`, as tags may have it.
fn section_and_option(tag: &str) -> Option<(&str, &str)> {
    let tag = tag.strip_suffix('\n').unwrap_or(tag);
    let (section, option) = tag.split_once('/')?;
    let is_one = is_section(section)
        && !option.is_empty()
        && !option.contains(|c| super::is_space(c) || c == '>');
    is_one.then_some((section, option))
}

fn is_section(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| is_word(c) || c == '-')
}

/// One value in the making.
struct Expansion<'a> {
    merged: &'a Merged,
    section: &'a str,
    option: &'a str,
    vars: &'a Vars,
    text: String,
}

impl<'a> Expansion<'a> {
    fn add(&mut self, value: &str, place: &Place, depth: usize) -> Result<(), ImportError> {
        let option = || self.option.to_owned();
        if depth > DEEPEST {
            let (option, depth) = (option(), DEEPEST);
            return Err(Why::TooNested { option, depth }.at(place));
        }
        // Values that refer to each other many times over add up even where they are empty.
        let work = self.merged.work.get() + value.len() + 1;
        self.merged.work.set(work);
        if work > MOST_WORK || self.text.len() + value.len() > 2 * LONGEST_VALUE {
            let (option, limit) = (option(), LONGEST_VALUE);
            return Err(Why::Explodes { option, limit }.at(place));
        }
        let mut rest = value;
        while let Some(at) = rest.find('%') {
            self.text.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("%%") {
                self.text.push('%');
                rest = after;
                continue;
            }
            let Some((name, after)) = reference(rest) else {
                let (option, found) = (self.option.to_owned(), rest.chars().take(30).collect());
                return Err(Why::BadPercent { option, found }.at(place));
            };
            rest = after;
            if name.to_lowercase() == "__name__" {
                self.text.push_str(self.section);
                continue;
            }
            let Some(value) = self.referred(name) else {
                let (option, name) = (self.option.to_owned(), name.to_owned());
                return Err(Why::NoSuchValue { option, name }.at(place));
            };
            self.add(&value.text, &value.place, depth + 1)?;
        }
        self.text.push_str(rest);
        if self.text.len() > LONGEST_VALUE {
            let (option, limit) = (self.option.to_owned(), LONGEST_VALUE);
            return Err(Why::Explodes { option, limit }.at(place));
        }
        Ok(())
    }

    /// The value of an option: given from outside, of the section, or of the defaults.
    fn named(&self, name: &str) -> Option<&'a Text> {
        let sections = &self.merged.sections;
        let own = || sections.sections.get(self.section)?.get(name);
        let given = self.vars.0.get(name);
        given.or_else(own).or_else(|| sections.defaults.get(name))
    }

    /// What a reference stands for.
    fn referred(&self, name: &str) -> Option<&'a Text> {
        let lower = name.to_lowercase();
        if let Some(value) = self.named(&lower) {
            return Some(value);
        }
        let (section, option) = name.split_once('/')?;
        // Names of sections keep their case and names of options do not, so a reference with a
        // capital letter finds nothing.
        if !is_section(section) || name != lower {
            return None;
        }
        let sections = &self.merged.sections;
        let there = match section {
            "default" => None,
            "known" => sections
                .sections
                .get(&known_name(self.section))
                .and_then(|known| known.get(option)),
            _ => sections.sections.get(section)?.get(option),
        };
        there.or_else(|| sections.defaults.get(option))
    }
}

/// `%(name)s` at the beginning → the name and what follows.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix("%(")?.split_once(')')?;
    let rest = rest.strip_prefix('s')?;
    (!name.is_empty()).then_some((name, rest))
}
