//! Patterns as they are written: with conditions, and with pieces and parameters in them.

use super::super::report::Report;
use super::super::section::{Fields, join};
use super::super::sections;
use super::super::settings;
use super::super::shape::{Shape, Text, refuse, unexpected};
use super::super::yaml::{Kind, Located, Node, Spot};
use crate::config::name::{NAME_RULE, is_name};

/// An item of `fail` or `ignore`.
#[derive(Clone, Debug)]
pub(crate) struct RawPattern {
    pub(crate) text: String,
    pub(crate) when: When,
}

/// For which values of parameters something holds: for each name any of its values.
pub(crate) type When = Vec<(Located<String>, Vec<String>)>;

/// A pattern, or a mapping with a pattern and a condition.
pub(crate) struct PatternOf;

impl Shape for PatternOf {
    type Value = RawPattern;

    fn noun(&self) -> String {
        "a regular expression".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawPattern> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            let text = Text("a regular expression").read(node, path, report)?;
            let when = When::new();
            return Some(RawPattern { text, when });
        }
        let fields = Fields::read(&sections::PATTERN_SECTION, node, node.spot, path, report)?;
        let pattern = fields.require(&settings::PATTERN, report);
        let when = fields.get(&settings::WHEN, report);
        Some(RawPattern {
            text: pattern?.value,
            when: when.map_or_else(When::new, |when| when.value),
        })
    }
}

/// The value of `when`.
pub(crate) struct WhenOf;

impl Shape for WhenOf {
    type Value = When;

    fn noun(&self) -> String {
        "a mapping from the name of a parameter to one or more of its values".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<When> {
        let Kind::Mapping(entries) = &node.kind else {
            unexpected(self, node, path, report);
            return None;
        };
        let mut when = When::new();
        for (key, value) in entries {
            let path = join(path, &key.text);
            let values = match &value.kind {
                Kind::List(items) => items.iter().map(word).collect(),
                _ => vec![word(value)],
            };
            let Some(values) = values.into_iter().collect::<Option<Vec<String>>>() else {
                let message = "expected a value of this parameter, or a list of them";
                report.error(value.spot, &path, message);
                return None;
            };
            let name = Located {
                value: key.text.clone(),
                spot: key.spot,
            };
            when.push((name, values));
        }
        Some(when)
    }
}

/// A value of a parameter: a text, or a number or truth value by its text.
pub(crate) fn word(node: &Node) -> Option<String> {
    match &node.kind {
        Kind::Text(text) => Some(text.clone()),
        Kind::Int(number) => Some(number.to_string()),
        Kind::Bool(value) => Some(value.to_string()),
        Kind::Null | Kind::Float(_) | Kind::List(_) | Kind::Mapping(_) | Kind::Tagged(_) => None,
    }
}

/// What a filter lets its users choose.
#[derive(Clone, Debug)]
pub(crate) struct RawParameter {
    pub(crate) name: Located<String>,
    pub(crate) default: String,
    /// Empty: any text.
    pub(crate) values: Vec<String>,
}

/// The value of `parameters`.
pub(crate) struct ParametersOf;

impl Shape for ParametersOf {
    type Value = Vec<RawParameter>;

    fn noun(&self) -> String {
        "a mapping from the name of a parameter to { default: …, values: […] }".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Self::Value> {
        let entries = names(self, node, path, report)?;
        let mut parameters = Vec::new();
        for (name, node) in entries {
            let path = join(path, &name.value);
            let fields =
                Fields::read(&sections::PARAMETER_SECTION, node, name.spot, &path, report)?;
            let default = fields.require(&settings::PARAMETER_DEFAULT, report);
            let values = fields.get(&settings::PARAMETER_VALUES, report);
            let default = default?;
            let values: Vec<String> = (values.into_iter())
                .flat_map(|list| list.value)
                .map(|value| value.value)
                .collect();
            if !values.is_empty() && !values.contains(&default.value) {
                let message = format!("the default is none of its values: {}", values.join(", "));
                report.error(default.spot, &path, message);
            }
            parameters.push(RawParameter {
                name,
                default: default.value,
                values,
            });
        }
        Some(parameters)
    }

    fn empty(&self) -> Option<Self::Value> {
        Some(Vec::new())
    }
}

/// The value of a parameter.
pub(crate) struct Word;

impl Shape for Word {
    type Value = String;

    fn noun(&self) -> String {
        "a word".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        let word = word(node);
        if word.is_none() {
            unexpected(self, node, path, report);
        }
        word
    }
}

/// The value of `parts`.
pub(crate) struct PartsOf;

impl Shape for PartsOf {
    type Value = Vec<(Located<String>, Located<String>)>;

    fn noun(&self) -> String {
        "a mapping from a name to a piece of a regular expression".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Self::Value> {
        let entries = names(self, node, path, report)?;
        let mut parts = Vec::new();
        for (name, node) in entries {
            let path = join(path, &name.value);
            let value = match &node.kind {
                Kind::Text(text) => text.clone(),
                _ => Text("a piece of a regular expression").read(node, &path, report)?,
            };
            let spot = node.spot;
            parts.push((name, Located { value, spot }));
        }
        Some(parts)
    }

    fn empty(&self) -> Option<Self::Value> {
        Some(Vec::new())
    }
}

/// The entries of a mapping whose keys are names, each once.
fn names<'n>(
    shape: &impl Shape,
    node: &'n Node,
    path: &str,
    report: &mut Report,
) -> Option<Vec<(Located<String>, &'n Node)>> {
    let Kind::Mapping(entries) = &node.kind else {
        unexpected(shape, node, path, report);
        return None;
    };
    let mut first = std::collections::BTreeMap::<&str, Spot>::new();
    let mut named = Vec::new();
    for (key, node) in entries {
        let path = join(path, &key.text);
        if !is_name(&key.text) {
            let message = format!("not a name; it must have {NAME_RULE}");
            report.error(key.spot, &path, message);
        }
        if let Some(first) = first.get(&*key.text) {
            report.error_see(key.spot, &path, "given twice; first at", *first);
            continue;
        }
        first.insert(&key.text, key.spot);
        let name = Located {
            value: key.text.clone(),
            spot: key.spot,
        };
        named.push((name, node));
    }
    Some(named)
}

/// The value of `stamps`.
pub(crate) struct StampsOf;

impl Shape for StampsOf {
    type Value = crate::filter::Stamps;

    fn noun(&self) -> String {
        "known, none or a list of stamp patterns".to_owned()
    }

    fn examples(&self) -> &'static str {
        "['%Y-%m-%d %H:%M:%S']"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Self::Value> {
        use crate::filter::Stamps;
        match &node.kind {
            Kind::Text(word) if word == "known" => return Some(Stamps::Known),
            Kind::Text(word) if word == "none" => return Some(Stamps::None),
            Kind::List(items) if !items.is_empty() => {
                let pattern = |(n, item): (usize, &Node)| {
                    Text("a stamp pattern").read(item, &format!("{path}[{n}]"), report)
                };
                let patterns: Vec<Option<String>> = items.iter().enumerate().map(pattern).collect();
                return Some(Stamps::Patterns(
                    patterns.into_iter().collect::<Option<_>>()?,
                ));
            }
            Kind::Text(_) => refuse(self, node, path, report, "patterns stand in a list"),
            _ => unexpected(self, node, path, report),
        }
        None
    }
}
