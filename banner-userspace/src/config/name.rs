//! Names and paths.

use super::report::Report;
use super::shape::{List, Shape, Text, refuse, unexpected};
use super::yaml::{Kind, Located, Node};

/// Which interfaces to protect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interfaces {
    /// Those that carry a default route.
    Auto,
    /// These; at least one, none twice.
    Named(Vec<String>),
}

/// The rule for names of jails, filters and prefixes: they stand in file names, labels and
/// reports.
pub(crate) const NAME_RULE: &str = "1 to 64 letters, digits, dots, underscores and hyphens";

/// Whether a name follows [`NAME_RULE`].
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a name can be that of a filter: it becomes the name of a file.
pub(crate) fn is_filter_name(text: &str) -> bool {
    is_name(text) && !text.contains("..") && !text.starts_with('.')
}

/// `auto`, or names of interfaces.
pub(crate) struct InterfaceNames;

const INTERFACE_LIST: List<InterfaceName> = List {
    item: InterfaceName,
    of: "interface names",
};

impl Shape for InterfaceNames {
    type Value = Interfaces;

    fn noun(&self) -> String {
        "a list of interface names, or the word auto".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Interfaces> {
        match &node.kind {
            Kind::Text(word) if word == "auto" => Some(Interfaces::Auto),
            Kind::List(_) => {
                let names = INTERFACE_LIST.read(node, path, report)?;
                if names.is_empty() {
                    report.error(node.spot, path, AT_LEAST_ONE_INTERFACE);
                    return None;
                }
                let names = distinct(names, path, report);
                Some(Interfaces::Named(
                    names.into_iter().map(|n| n.value).collect(),
                ))
            }
            Kind::Text(word) if !word.is_empty() => {
                refuse(self, node, path, report, &format!("write [{word}]"));
                None
            }
            _ => {
                unexpected(self, node, path, report);
                None
            }
        }
    }
}

const AT_LEAST_ONE_INTERFACE: &str = "names no interface; give one, or the word auto";

/// The name of a network interface, by the kernel's rule (`dev_valid_name` in net/core/dev.c).
struct InterfaceName;

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

/// The path of a log, or a pattern of paths.
pub(crate) struct LogPath;

impl Shape for LogPath {
    type Value = String;

    fn noun(&self) -> String {
        "an absolute path or pattern".to_owned()
    }

    fn examples(&self) -> &'static str {
        "/var/log/auth.log or /var/log/nginx/*.log"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        let text = Text("an absolute path or pattern").read(node, path, report)?;
        let advice = if !text.starts_with('/') {
            "it must begin with a /"
        } else if text.ends_with('/') {
            "this is a folder: name its files, as in /var/log/nginx/*.log"
        } else if text.contains(char::is_control) {
            "it must not contain control characters"
        } else {
            return Some(text);
        };
        refuse(self, node, path, report, advice);
        None
    }
}

/// The list without what was given before, which is reported.
pub(crate) fn distinct<T: Clone + Ord>(
    items: Vec<Located<T>>,
    path: &str,
    report: &mut Report,
) -> Vec<Located<T>> {
    let mut seen = std::collections::BTreeMap::new();
    let mut kept = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        if let Some(first) = seen.get(&item.value) {
            let path = format!("{path}[{index}]");
            report.error_see(item.spot, &path, "given twice; first at", *first);
        } else {
            seen.insert(item.value.clone(), item.spot);
            kept.push(item);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_file_names_and_labels() {
        for name in ["sshd", "nginx-http.2_x", "22", &"a".repeat(64)] {
            assert!(is_name(name) && is_filter_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "ü", "a\n", &"a".repeat(65)] {
            assert!(!is_name(name) && !is_filter_name(name), "{name}");
        }
        for name in ["..", "a..b", ".hidden"] {
            assert!(is_name(name) && !is_filter_name(name), "{name}");
        }
    }
}
