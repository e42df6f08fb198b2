//! Files with `[Definition]` and `[Init]`: filters and actions.

use std::collections::{HashMap, HashSet};

use crate::import::{
    error::{ImportError, Why},
    ini::{Merged, Section, Text, Vars, substitute},
};

const DEFINITION: &str = "Definition";
const INIT: &str = "Init";

/// A file of this kind, and what is given to it from outside.
#[derive(Debug)]
pub(super) struct Definition {
    file: Merged,
    /// Options that somebody gives: in brackets behind the name, or in `[Init]`.
    init: Section,
    /// What has been read of `[Definition]`.
    read: Section,
    vars: Vars,
    /// What tags asked for. An answer stays, also when options are read again.
    answers: HashMap<String, Option<Text>>,
}

impl Definition {
    /// A file with the options that stand behind its name.
    pub(super) fn new(file: Merged, given: Section) -> Self {
        Self {
            file,
            init: given,
            read: Section::default(),
            vars: Vars::default(),
            answers: HashMap::new(),
        }
    }

    /// Gives an option that is neither given nor written in the file.
    pub(super) fn suggest(&mut self, name: &str, value: &Text) {
        let given = self
            .init
            .get(name)
            .is_some_and(|value| !value.text.is_empty());
        let sections = &self.file.sections.sections;
        let written = sections
            .get(DEFINITION)
            .is_some_and(|definition| definition.contains(name));
        if !given && !written {
            self.init.insert(name, value.clone());
        }
    }

    /// Reads these options, but for those that come from `outside`; `all`: also every other one.
    pub(super) fn read(
        &mut self,
        options: &[&str],
        outside: &Section,
        all: bool,
    ) -> Result<(), ImportError> {
        let mut outside = outside.clone();
        outside.extend(&self.init);
        self.vars = Vars::new(&outside);
        self.read = Section::default();
        for &option in options {
            if outside.contains(option) {
                continue;
            }
            if let Ok(value) = self.file.get(DEFINITION, option, &self.vars)? {
                self.read.insert(option, value);
            }
        }
        self.read_init()?;
        let sections = &self.file.sections.sections;
        if let (true, Some(definition)) = (all, sections.get(DEFINITION)) {
            for option in definition.keys() {
                if self.read.contains(option) {
                    continue;
                }
                if let Ok(value) = self.file.get(DEFINITION, option, &Vars::default())? {
                    self.read.insert(option, value);
                }
            }
        }
        Ok(())
    }

    /// `[Init]` gives what is not given from outside; what it has itself is `known/…`.
    fn read_init(&mut self) -> Result<(), ImportError> {
        let Some(init) = self.file.sections.sections.get(INIT) else {
            return Ok(());
        };
        for option in init.keys() {
            let is_known = option.starts_with("known/");
            if is_known && self.init.contains(option) {
                continue;
            }
            let Ok(value) = self.file.get(INIT, option, &Vars::default())? else {
                continue;
            };
            if !is_known {
                self.init.insert(format!("known/{option}"), value.clone());
            }
            if !self.init.contains(option) {
                self.init.insert(option, value);
            }
        }
        Ok(())
    }

    /// All options, with their tags replaced but for those to `ignore`.
    pub(super) fn combined(&mut self, ignore: &[&str]) -> Result<Section, ImportError> {
        let mut options = self.read.clone();
        options.extend(&self.init);
        let mut ignore: HashSet<_> = ignore.iter().map(|&name| name.to_owned()).collect();
        // What depends on a condition is chosen when it is used.
        let conditional = options
            .keys()
            .filter_map(|name| Some(name.split_once('?')?.0));
        ignore.extend(conditional.map(str::to_owned));
        let (file, vars, answers) = (&self.file, &self.vars, &mut self.answers);
        substitute(&options, &ignore, |tag| {
            if let Some(answer) = answers.get(tag) {
                return Ok(answer.clone());
            }
            let answer = file.get_for_tag(DEFINITION, tag, vars)?;
            answers.insert(tag.to_owned(), answer.clone());
            Ok(answer)
        })
    }

    /// An option of `[Init]`, or given in its place.
    pub(super) fn given(&self, option: &str) -> Option<&str> {
        self.init.get(option).map(|value| value.text.as_str())
    }

    /// Refuses a file that defines nothing.
    pub(super) fn must_define(&self) -> Result<(), ImportError> {
        if self.file.sections.sections.contains(DEFINITION) {
            return Ok(());
        }
        let file = self.file.files.last().map_or_else(
            || crate::import::Place::whole("nothing"),
            |path| crate::import::Place::file(path),
        );
        Err(Why::NoSection(DEFINITION.to_owned()).at(&file))
    }
}
