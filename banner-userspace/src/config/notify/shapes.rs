//! Values that only targets have.

use crate::config::report::Report;
use crate::config::shape::{Shape, Text, refuse};
use crate::config::yaml::{Kind, Node};
use crate::notify::{Address, Template, Url};

/// A mail address.
pub(crate) struct AddressOf;

impl Shape for AddressOf {
    type Value = Address;

    fn noun(&self) -> String {
        "a mail address".to_owned()
    }

    fn examples(&self) -> &'static str {
        "root@example.org, or root for a user of this machine"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Address> {
        let text = Text("a mail address").read(node, path, report)?;
        let address = Address::parse(&text);
        if address.is_none() {
            let advice = if text.contains(['<', ' ', ',']) {
                "write one address alone, without a name"
            } else if !text.is_ascii() {
                "addresses beyond ASCII are not supported"
            } else {
                ""
            };
            refuse(self, node, path, report, advice);
        }
        address
    }
}

/// A text with placeholders.
pub(crate) struct TemplateOf {
    /// It becomes a header.
    pub(crate) one_line: bool,
}

impl Shape for TemplateOf {
    type Value = Template;

    fn noun(&self) -> String {
        "a text with placeholders".to_owned()
    }

    fn examples(&self) -> &'static str {
        "`%{summary}`"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Template> {
        let text = Text("a text with placeholders").read(node, path, report)?;
        let template = match Template::parse(&text) {
            Ok(template) => template,
            Err(error) => {
                report.error(node.spot, path, error.to_string());
                return None;
            }
        };
        if self.one_line && text.contains(char::is_control) {
            report.error(node.spot, path, "must be one line");
            return None;
        }
        if self.one_line
            && let Some(block) = template.block()
        {
            let name = block.name();
            let message = format!("must be one line, and %{{{name}}} stands for several");
            report.error(node.spot, path, message);
            return None;
        }
        Some(template)
    }
}

/// The address of a webhook.
pub(crate) struct UrlOf;

impl Shape for UrlOf {
    type Value = Url;

    fn noun(&self) -> String {
        "a URL".to_owned()
    }

    fn examples(&self) -> &'static str {
        "https://hooks.example.org/banner"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Url> {
        let text = Text("a URL").read(node, path, report)?;
        Url::parse(&text)
            .map_err(|advice| refuse(self, node, path, report, advice))
            .ok()
    }
}

/// The path of a program or a file.
pub(crate) struct AbsolutePath(
    /// What is there, as in "a program".
    pub(crate) &'static str,
);

impl Shape for AbsolutePath {
    type Value = String;

    fn noun(&self) -> String {
        format!("the absolute path of {}", self.0)
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        let text = Text("an absolute path").read(node, path, report)?;
        let advice = if !text.starts_with('/') {
            "it must begin with a /"
        } else if text.contains('\0') {
            "no path has a zero byte"
        } else {
            return Some(text);
        };
        refuse(self, node, path, report, advice);
        None
    }
}

/// A program and its arguments.
pub(crate) struct CommandOf;

impl Shape for CommandOf {
    type Value = Vec<String>;

    fn noun(&self) -> String {
        "a list of a program and its arguments".to_owned()
    }

    fn examples(&self) -> &'static str {
        "[/usr/local/bin/on-ban, --quiet]"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Vec<String>> {
        let items = match &node.kind {
            Kind::List(items) if !items.is_empty() => items,
            Kind::Text(_) => {
                let advice = "no shell is asked: give each argument as an item of its own";
                refuse(self, node, path, report, advice);
                return None;
            }
            _ => {
                refuse(self, node, path, report, "");
                return None;
            }
        };
        let read = |(index, item): (usize, &Node)| {
            let path = format!("{path}[{index}]");
            match (&item.kind, index) {
                (_, 0) => AbsolutePath("a program").read(item, &path, report),
                // An argument may be empty.
                (Kind::Text(text), _) if !text.contains('\0') => Some(text.clone()),
                _ => Text("an argument").read(item, &path, report),
            }
        };
        let words: Vec<Option<String>> = items.iter().enumerate().map(read).collect();
        words.into_iter().collect()
    }
}
