use super::nearest;
use super::report::Report;
use super::shape::Shape;
use super::yaml::{FileId, Key, Kind, Located, Node, Spot, parse};

/// A key that a mapping may hold: what checks it, and what the reference says of it.
pub(crate) struct Setting<S> {
    name: &'static str,
    shape: S,
    default: Default,
    meaning: &'static str,
    also: &'static [&'static str],
}

/// What holds when a key is not given.
#[derive(Clone, Copy)]
pub(crate) enum Default {
    /// It must be given.
    Required,
    /// This YAML text.
    Value(&'static str),
    /// In these words.
    Words(&'static str),
}

impl<S: Shape> Setting<S> {
    pub(crate) const fn new(
        name: &'static str,
        shape: S,
        default: Default,
        meaning: &'static str,
    ) -> Self {
        Self {
            name,
            shape,
            default,
            meaning,
            also: &[],
        }
    }

    /// Words that people write for this key and that are not near enough to be guessed.
    pub(crate) const fn also(mut self, words: &'static [&'static str]) -> Self {
        self.also = words;
        self
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn shape(&self) -> &S {
        &self.shape
    }

    /// The value when the key is not given. Only for settings with [`Default::Value`].
    pub(crate) fn default_value(&self) -> S::Value {
        let Default::Value(text) = self.default else {
            unreachable!("{} has no default", self.name);
        };
        self.value_of(text)
            .unwrap_or_else(|| unreachable!("the default of {} is {text}", self.name))
    }

    fn value_of(&self, text: &str) -> Option<S::Value> {
        let node = parse(FileId(0), text).ok()?;
        self.shape.read(&node, self.name, &mut Report::default())
    }
}

/// A [`Setting`] of any shape.
pub(crate) trait AnySetting: Sync {
    fn name(&self) -> &'static str;
    fn describe(&self) -> String;
    fn default(&self) -> Default;
    fn meaning(&self) -> &'static str;
    fn also(&self) -> &'static [&'static str];

    /// Whether a YAML text reads as a value.
    #[cfg(test)]
    fn accepts(&self, text: &str) -> bool;
}

impl<S: Shape + Sync> AnySetting for Setting<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> String {
        self.shape.describe()
    }

    fn default(&self) -> Default {
        self.default
    }

    fn meaning(&self) -> &'static str {
        self.meaning
    }

    fn also(&self) -> &'static [&'static str] {
        self.also
    }

    #[cfg(test)]
    fn accepts(&self, text: &str) -> bool {
        self.value_of(text).is_some()
    }
}

/// The keys of one kind of mapping.
pub(crate) struct Section {
    /// What the mapping is, as in "the keys of a jail".
    pub(crate) name: &'static str,
    /// A sentence for the reference.
    pub(crate) about: &'static str,
    pub(crate) settings: &'static [&'static dyn AnySetting],
}

/// A mapping whose keys are known to be in its section.
pub(crate) struct Fields<'n> {
    /// Where to report what is missing.
    spot: Spot,
    path: String,
    entries: Vec<(&'n Key, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// Reads a mapping; unknown and repeated keys are reported and left out. `spot` is where to
    /// report a missing key.
    pub(crate) fn read(
        section: &Section,
        node: &'n Node,
        spot: Spot,
        path: &str,
        report: &mut Report,
    ) -> Option<Self> {
        let mut fields = Self {
            spot,
            path: path.to_owned(),
            entries: Vec::new(),
        };
        let entries = match &node.kind {
            Kind::Null => return Some(fields),
            Kind::Mapping(entries) => entries,
            other => {
                let found = other.describe();
                let message = format!("expected a mapping (key: value), found {found}");
                report.error(node.spot, path, message);
                return None;
            }
        };
        for (key, value) in entries {
            let path = join(path, &key.text);
            if !section.settings.iter().any(|s| s.name() == key.text) {
                report.error(key.spot, &path, nearest::unknown_key(section, &key.text));
            } else if let Some((first, _)) = fields.entries.iter().find(|(k, _)| k.text == key.text)
            {
                report.error_see(key.spot, &path, "given twice; first at", first.spot);
            } else {
                fields.entries.push((key, value));
            }
        }
        Some(fields)
    }

    /// The value of a key, or `None` when it is not given or wrong. A wrong one is reported.
    pub(crate) fn get<S: Shape>(
        &self,
        setting: &Setting<S>,
        report: &mut Report,
    ) -> Option<Located<S::Value>> {
        let &(key, node) = self.entries.iter().find(|(k, _)| k.text == setting.name)?;
        let path = join(&self.path, setting.name);
        if node.kind != Kind::Null {
            let value = setting.shape.read(node, &path, report)?;
            let spot = node.spot;
            return Some(Located { value, spot });
        }
        // An empty value has no place of its own to point at.
        let spot = key.spot;
        let Some(value) = setting.shape.empty() else {
            let expected = setting.shape.describe();
            let message = format!("has no value; give {expected}, or remove the key");
            report.error(spot, &path, message);
            return None;
        };
        Some(Located { value, spot })
    }

    /// As [`Self::get`], and reports a missing key.
    pub(crate) fn require<S: Shape>(
        &self,
        setting: &Setting<S>,
        report: &mut Report,
    ) -> Option<Located<S::Value>> {
        if !self.has(setting) {
            report.error(self.spot, &self.path, missing(setting));
        }
        self.get(setting, report)
    }

    pub(crate) fn has<S: Shape>(&self, setting: &Setting<S>) -> bool {
        self.entries.iter().any(|(k, _)| k.text == setting.name)
    }

    /// As [`Self::get`], with the default for what is not given.
    pub(crate) fn get_or_default<S: Shape>(
        &self,
        setting: &Setting<S>,
        report: &mut Report,
    ) -> S::Value {
        self.get(setting, report)
            .map_or_else(|| setting.default_value(), |located| located.value)
    }

    pub(crate) fn path_of<S: Shape>(&self, setting: &Setting<S>) -> String {
        join(&self.path, setting.name)
    }
}

fn missing<S: Shape>(setting: &Setting<S>) -> String {
    format!(
        "{} is missing; give {}",
        setting.name,
        setting.shape.describe()
    )
}

/// The way to a key, for messages.
pub(crate) fn join(path: &str, key: &str) -> String {
    let key = if key.is_empty() { "''" } else { key };
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
