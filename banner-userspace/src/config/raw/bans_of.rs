use crate::config::name::{NAME_RULE, distinct, is_name};
use crate::config::report::Report;
use crate::config::shape::{List, Shape, refuse, unexpected};
use crate::config::yaml::{Kind, Located, Node};

/// The value of `of`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawBansOf {
    /// The word `all`.
    All,
    /// These jails, none twice.
    Jails(Vec<Located<String>>),
}

/// The jails whose bans a jail counts.
pub(crate) struct BansOfJails;

/// The name of a jail.
struct JailName;

const NAMES: List<JailName> = List {
    item: JailName,
    of: "names of jails",
};

impl Shape for BansOfJails {
    type Value = RawBansOf;

    fn noun(&self) -> String {
        "the word all or a list of names of jails".to_owned()
    }

    fn examples(&self) -> &'static str {
        "[sshd, nginx-auth]"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawBansOf> {
        match &node.kind {
            Kind::Text(word) if word == "all" => Some(RawBansOf::All),
            Kind::Text(word) if is_name(word) => {
                refuse(self, node, path, report, &format!("write [{word}]"));
                None
            }
            Kind::List(items) if items.is_empty() => {
                report.error(node.spot, path, "it names no jail; write all, or names");
                None
            }
            Kind::List(_) => {
                let names = NAMES.read(node, path, report)?;
                Some(RawBansOf::Jails(distinct(names, path, report)))
            }
            _ => {
                unexpected(self, node, path, report);
                None
            }
        }
    }
}

impl Shape for JailName {
    type Value = String;

    fn noun(&self) -> String {
        "the name of a jail".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        match &node.kind {
            Kind::Text(name) if is_name(name) => return Some(name.clone()),
            Kind::Text(_) => refuse(self, node, path, report, &format!("a name has {NAME_RULE}")),
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {
                refuse(self, node, path, report, "put it in quotes if it is meant");
            }
            _ => unexpected(self, node, path, report),
        }
        None
    }
}
