//! Which interfaces to protect, and how.

use super::name::distinct_by;
use super::report::Report;
use super::section::Fields;
use super::sections;
use super::settings;
use super::shape::{List, Shape, Text, refuse, unexpected};
use super::yaml::{Kind, Located, Node};
use crate::model::AttachMode;

/// Which interfaces to protect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interfaces {
    /// Those that carry a default route.
    Auto,
    /// These; at least one, none twice.
    Named(Vec<InterfaceChoice>),
}

/// One interface to protect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceChoice {
    /// Its name.
    pub name: String,
    /// Where the program may run.
    pub mode: AttachMode,
}

/// `auto`, or a list of interfaces.
pub(crate) struct InterfacesOf;

const LIST: List<InterfaceItem> = List {
    item: InterfaceItem,
    of: "interface names",
};

impl Shape for InterfacesOf {
    type Value = Interfaces;

    fn noun(&self) -> String {
        "a list of interface names, or the word auto".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Interfaces> {
        match &node.kind {
            Kind::Text(word) if word == "auto" => Some(Interfaces::Auto),
            Kind::List(_) => {
                let choices = LIST.read(node, path, report)?;
                if choices.is_empty() {
                    report.error(node.spot, path, AT_LEAST_ONE);
                    return None;
                }
                let by_name = |choice: &InterfaceChoice| choice.name.clone();
                let choices = distinct_by(choices, by_name, path, report);
                Some(Interfaces::Named(
                    choices.into_iter().map(|choice| choice.value).collect(),
                ))
            }
            Kind::Text(word) if !word.is_empty() => {
                refuse(self, node, path, report, &format!("write [{word}]"));
                None
            }
            Kind::Mapping(_) => {
                refuse(self, node, path, report, "put it in a list: [{name: eth0}]");
                None
            }
            _ => {
                unexpected(self, node, path, report);
                None
            }
        }
    }
}

const AT_LEAST_ONE: &str = "names no interface; give one, or the word auto";

/// A name, or a mapping with a name and a mode.
struct InterfaceItem;

impl Shape for InterfaceItem {
    type Value = InterfaceChoice;

    fn noun(&self) -> String {
        InterfaceName.noun()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<InterfaceChoice> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            let name = InterfaceName.read(node, path, report)?;
            let mode = AttachMode::default();
            return Some(InterfaceChoice { name, mode });
        }
        let section = &sections::INTERFACE_SECTION;
        let fields = Fields::read(section, node, node.spot, path, report)?;
        let name = fields.require(&settings::INTERFACE_NAME, report);
        let mode = if fields.has(&settings::INTERFACE_MODE) {
            fields.get(&settings::INTERFACE_MODE, report)?.value
        } else {
            AttachMode::default()
        };
        let Located { value: name, .. } = name?;
        Some(InterfaceChoice { name, mode })
    }
}

/// The name of a network interface, by the kernel's rule (`dev_valid_name` in net/core/dev.c).
pub(crate) struct InterfaceName;

impl Shape for InterfaceName {
    type Value = String;

    fn noun(&self) -> String {
        "the name of an interface".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        let name = Text("the name of an interface").read(node, path, report)?;
        let refused = |c: char| c == '/' || c == ':' || c.is_ascii_whitespace();
        let advice = match name.as_str() {
            "auto" => "for auto leave out the brackets",
            "." | ".." => "no interface can have this name",
            name if name.len() > 15 => "such names have at most 15 bytes",
            name if name.contains(refused) => "such names have no slash, colon or space",
            _ => return Some(name),
        };
        refuse(self, node, path, report, advice);
        None
    }
}
