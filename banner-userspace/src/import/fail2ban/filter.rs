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
        let file = Files::default().merge(&[path.to_owned()])?;
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

    pub(super) fn decide_logtype(&self, definition: &mut Definition) {
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
    let mut told = Told::default();
    told.tell(&definition.combined(&[])?);
    let mut spec = told.spec()?;
    name.clone_into(&mut spec.name);
    spec.description = described(name, options);
    let mut notes = Vec::new();
    if let Some(value) = told.usedns() {
        notes.push(format!(
            "usedns = {value}: whether names are looked up is for the jail to say (`names`)"
        ));
    }
    if spec.fail.is_empty() {
        notes.push("has no failregex, so nothing is a failure".to_owned());
    }
    Ok(Imported { spec, notes })
}

/// One line of our own: what the filter is was written by others.
pub(super) fn described(name: &str, options: &[(String, String)]) -> String {
    // Jails give this to every filter, also to those that have no modes.
    let is_usual = |(option, value): &&(String, String)| option == "mode" && value == "normal";
    let options = options.iter().filter(|option| !is_usual(option));
    let options: Vec<_> = options
        .map(|(option, value)| format!("{option}={value}"))
        .collect();
    let mut text = format!("as fail2ban's filter {name}");
    if !options.is_empty() {
        text.extend([" with ", &options.join(", ")]);
    }
    text
}

/// Options in the order in which fail2ban's server is told them.
#[derive(Debug, Default)]
pub(super) struct Told(Vec<(String, Text)>);

impl Told {
    /// Tells what these options say. Some go before what was told earlier, and are overruled by it.
    pub(super) fn tell(&mut self, values: &Section) {
        let mut first = 0;
        for (option, value) in values.iter() {
            let told = (option.to_owned(), value.clone());
            match option {
                "usedns" | "maxlines" | "prefregex" => {
                    let at = if option == "usedns" { 0 } else { first };
                    self.0.insert(at.min(self.0.len()), told);
                    first += 1;
                }
                "failregex" | "ignoreregex" | "datepattern" | "journalmatch" => self.0.push(told),
                _ => {}
            }
        }
    }

    /// What it all comes to: patterns add up, of everything else the last one holds.
    pub(super) fn spec(&self) -> Result<FilterSpec, ImportError> {
        let mut spec = FilterSpec {
            dialect: Dialect::Fail2ban,
            ..FilterSpec::default()
        };
        for (option, value) in &self.0 {
            let lines = value.text.split('\n').filter(|line| !line.is_empty());
            let lines = lines.map(str::to_owned);
            match option.as_str() {
                "prefregex" => {
                    spec.prefilter = Some(value.text.clone()).filter(|text| !text.is_empty());
                }
                "failregex" => spec.fail.extend(lines),
                "ignoreregex" => spec.ignore.extend(lines),
                "maxlines" => spec.lines = line_count(value)?,
                "datepattern" => {
                    let patterns = ini::lines_and_blanks(&value.text).map(str::to_owned);
                    spec.stamps = Stamps::Patterns(patterns.collect());
                }
                "journalmatch" => {
                    for line in lines {
                        if ini::words(&line).is_none() {
                            return Err(Why::Unclosed(line).at(&value.place));
                        }
                        spec.journal.push(line);
                    }
                }
                _ => {}
            }
        }
        Ok(spec)
    }

    /// What is said about names that stand where addresses should.
    pub(super) fn usedns(&self) -> Option<&str> {
        let mut told = self.0.iter().rev();
        told.find(|(option, _)| option == "usedns")
            .map(|(_, value)| value.text.as_str())
    }
}

fn line_count(value: &Text) -> Result<usize, ImportError> {
    match value.text.trim().parse() {
        Ok(0) | Err(_) => Err(Why::BadValue {
            option: "maxlines".to_owned(),
            expected: "a number above zero",
            found: value.text.clone(),
        }
        .at(&value.place)),
        Ok(lines) => Ok(lines),
    }
}
