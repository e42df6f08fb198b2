//! A filter of fail2ban's → [`FilterSpec`].

use std::{ffi::OsStr, path::Path};

use super::{Fail2ban, FilterRef, LogType, definition::Definition};
use crate::{
    filter::{Dialect, FilterSpec, Stamps},
    import::{
        error::{ImportError, Place, Why},
        ini::{self, Files, Section, Text},
    },
};

/// The options of a filter that say how lines are judged.
pub(super) const OPTIONS: [&str; 7] = [
    "usedns",
    "prefregex",
    "ignoreregex",
    "failregex",
    "maxlines",
    "datepattern",
    "journalmatch",
];

/// A filter as fail2ban's server gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What it says, every reference in it replaced.
    pub spec: FilterSpec,
    /// What cannot be said in it, for people.
    pub notes: Vec<String>,
}

impl Fail2ban {
    /// A filter by name, with the options that stand in brackets behind it.
    pub fn filter(
        &self,
        name: &str,
        options: &[(String, String)],
    ) -> Result<Imported, ImportError> {
        let mut definition = self.read_filter(name, options)?;
        self.decide_logtype(&mut definition);
        imported(definition, name, options)
    }

    /// A filter by name or, where that has a slash, by path. A file of a folder `filter.d` is read
    /// with what belongs to it there, another one alone with its `.local`.
    pub fn filter_ref(&self, filter: &FilterRef) -> Result<Imported, ImportError> {
        let FilterRef { name, options } = filter;
        let path = Path::new(name);
        let stem = without_extension(path);
        if !name.contains('/') {
            return self.filter(&stem.to_string_lossy(), options);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        if folder.file_name() == Some(OsStr::new("filter.d")) {
            let base = folder.parent().filter(|base| *base != Path::new(""));
            let there = Self::open(base.unwrap_or(Path::new(".")))?.with_logtype(self.logtype);
            return there.filter(&stem.to_string_lossy(), options);
        }
        let place = Place::file(path);
        if !path.exists() {
            return Err(Why::Unreadable("there is no such file".to_owned()).at(&place));
        }
        let file = Files::default().merge(vec![path.to_owned()])?;
        let mut definition = Definition::new(file, given(options, &Place::whole(name)));
        self.decide_logtype(&mut definition);
        imported(definition, &stem.to_string_lossy(), options)
    }

    /// The file of a filter and its options.
    pub(super) fn read_filter(
        &self,
        name: &str,
        options: &[(String, String)],
    ) -> Result<Definition, ImportError> {
        let place = Place::file(&self.dir().join("filter.d"));
        let file = Files::default()
            .read(&self.dir().join("filter.d").join(name))?
            .ok_or_else(|| {
                let (what, name) = ("filter", name.to_owned());
                Why::Absent { what, name }.at(&place)
            })?;
        let definition = Definition::new(file, given(options, &Place::whole(name)));
        definition.must_define()?;
        Ok(definition)
    }

    fn decide_logtype(&self, definition: &mut Definition) {
        let decided = match self.logtype {
            LogType::File => "file",
            LogType::Journal => "journal",
            LogType::Undecided => return,
        };
        definition.suggest("logtype", &Text::new(decided, &Place::whole("logtype")));
    }
}

/// `x.conf` and `x.local` → `x`.
fn without_extension(path: &Path) -> &OsStr {
    let known = path
        .extension()
        .is_some_and(|end| end == "conf" || end == "local");
    let name = if known {
        path.file_stem()
    } else {
        path.file_name()
    };
    name.unwrap_or(path.as_os_str())
}

fn given(options: &[(String, String)], place: &Place) -> Section {
    let options = options.iter();
    options
        .map(|(name, value)| (name.clone(), Text::new(value, place)))
        .collect()
}

fn imported(
    mut definition: Definition,
    name: &str,
    options: &[(String, String)],
) -> Result<Imported, ImportError> {
    definition.must_define()?;
    definition.read(&OPTIONS, &Section::default(), false)?;
    let values = definition.combined(&[])?;
    let mut spec = spec(&values)?;
    name.clone_into(&mut spec.name);
    spec.description = described(name, options);
    Ok(Imported {
        notes: notes(&values, &spec),
        spec,
    })
}

/// One line of our own: what the filter is was written by others.
fn described(name: &str, options: &[(String, String)]) -> String {
    let mut text = format!("fail2ban's filter {name}");
    for (at, (option, value)) in options.iter().enumerate() {
        text.push_str(if at == 0 { " with " } else { ", " });
        text.extend([option, "=", value]);
    }
    text
}

/// The options of a filter as a filter of ours.
pub(super) fn spec(values: &Section) -> Result<FilterSpec, ImportError> {
    let patterns = |option: &str| {
        let lines = values
            .get(option)
            .map_or("", |value| &value.text)
            .split('\n');
        lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let nonempty = |value: &&Text| !value.text.is_empty();
    Ok(FilterSpec {
        dialect: Dialect::Fail2ban,
        prefilter: values
            .get("prefregex")
            .filter(nonempty)
            .map(|value| value.text.clone()),
        fail: patterns("failregex"),
        ignore: patterns("ignoreregex"),
        lines: lines(values)?,
        stamps: stamps(values.get("datepattern")),
        journal: journal(values.get("journalmatch"))?,
        ..FilterSpec::default()
    })
}

fn lines(values: &Section) -> Result<usize, ImportError> {
    let Some(value) = values.get("maxlines") else {
        return Ok(0);
    };
    let bad = || {
        Why::BadValue {
            option: "maxlines".to_owned(),
            expected: "a number above zero",
            found: value.text.clone(),
        }
        .at(&value.place)
    };
    match value.text.trim().parse() {
        Ok(0) | Err(_) => Err(bad()),
        Ok(lines) => Ok(lines),
    }
}

fn stamps(value: Option<&Text>) -> Stamps {
    value.map_or(Stamps::Known, |value| {
        Stamps::Patterns(
            ini::lines_and_blanks(&value.text)
                .map(str::to_owned)
                .collect(),
        )
    })
}

/// Each line of what a filter reads of the journal; lines are alternatives.
fn journal(value: Option<&Text>) -> Result<Vec<String>, ImportError> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let lines = value.text.split('\n').filter(|line| !line.is_empty());
    lines
        .map(|line| match ini::words(line) {
            Some(_) => Ok(line.to_owned()),
            None => Err(Why::Unclosed(line.to_owned()).at(&value.place)),
        })
        .collect()
}

fn notes(values: &Section, spec: &FilterSpec) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(value) = values.get("usedns") {
        notes.push(format!(
            "usedns = {}: banner never resolves names",
            value.text
        ));
    }
    if spec.fail.is_empty() {
        notes.push("has no failregex, so nothing is a failure".to_owned());
    }
    notes
}
