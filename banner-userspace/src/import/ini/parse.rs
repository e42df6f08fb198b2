//! One file: lines → sections of options, nothing replaced yet.

use std::{collections::HashSet, sync::Arc};

use super::{
    Sections, Text,
    python::{is_space, lines, strip},
};
use crate::import::error::{ImportError, Place, Why};

/// The section that every other section inherits from.
pub(super) const DEFAULT: &str = "DEFAULT";

/// An option that further lines may continue.
struct Open {
    name: String,
    lines: Vec<String>,
    line: u32,
}

struct Parser {
    file: Arc<str>,
    /// The section that options go to; none before the first one.
    section: Option<String>,
    open: Option<Open>,
    seen: HashSet<(String, String)>,
    read: Sections,
}

/// Reads the text of a file.
pub(super) fn parse(file: &Arc<str>, text: &str) -> Result<Sections, ImportError> {
    let mut parser = Parser {
        file: file.clone(),
        section: None,
        open: None,
        seen: HashSet::new(),
        read: Sections::default(),
    };
    let mut indent = 0;
    for (index, line) in lines(text).enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let comment = comment(line);
        let value = strip(&line[..comment.unwrap_or(line.len())]);
        if value.is_empty() {
            // An empty line is part of a value, a comment is not.
            if comment.is_none()
                && let Some(open) = &mut parser.open
            {
                open.lines.push(String::new());
            }
            continue;
        }
        let depth = line.chars().take_while(|&c| is_space(c)).count();
        if depth > indent
            && let Some(open) = &mut parser.open
        {
            open.lines.push(value.to_owned());
            continue;
        }
        indent = depth;
        parser.close();
        parser.header_or_option(value, number)?;
    }
    parser.close();
    Ok(parser.read)
}

/// Where a comment begins: at the line's beginning, or at a semicolon behind white space. A number
/// sign within a line begins none.
fn comment(line: &str) -> Option<usize> {
    if strip(line).starts_with(['#', ';']) {
        return Some(0);
    }
    let mut before = None;
    for (at, c) in line.char_indices() {
        if c == ';' && before.is_none_or(is_space) {
            return Some(at);
        }
        before = Some(c);
    }
    None
}

/// The name in `[name]`: up to the last bracket, whatever follows it.
fn header(value: &str) -> Option<&str> {
    let name = &value.strip_prefix('[')?;
    let name = &name[..name.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

impl Parser {
    fn place(&self, line: u32) -> Place {
        Place {
            file: self.file.clone(),
            line,
        }
    }

    fn header_or_option(&mut self, value: &str, line: u32) -> Result<(), ImportError> {
        if let Some(name) = header(value) {
            return self.header(name, line);
        }
        let Some(section) = &self.section else {
            return Err(Why::NoSectionYet.at(&self.place(line)));
        };
        let (name, first) = value
            .find(['=', ':'])
            .map(|at| (strip(&value[..at]), strip(&value[at + 1..])))
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Why::NotAnOption(value.to_owned()).at(&self.place(line)))?;
        let name = name.to_lowercase();
        if !self.seen.insert((section.clone(), name.clone())) {
            let (section, option) = (section.clone(), name);
            return Err(Why::OptionTwice { section, option }.at(&self.place(line)));
        }
        self.open = Some(Open {
            name,
            lines: vec![first.to_owned()],
            line,
        });
        Ok(())
    }

    fn header(&mut self, name: &str, line: u32) -> Result<(), ImportError> {
        if name != DEFAULT {
            if self.read.sections.contains(name) {
                return Err(Why::SectionTwice(name.to_owned()).at(&self.place(line)));
            }
            self.read.sections.insert(name, super::Section::default());
        }
        self.section = Some(name.to_owned());
        Ok(())
    }

    /// Ends the option that is open.
    fn close(&mut self) {
        let (Some(open), Some(section)) = (self.open.take(), &self.section) else {
            return;
        };
        let mut text = open.lines.join("\n");
        text.truncate(text.trim_end_matches(is_space).len());
        let place = self.place(open.line);
        let options = if section == DEFAULT {
            &mut self.read.defaults
        } else {
            let Some(options) = self.read.sections.get_mut(section) else {
                return;
            };
            options
        };
        options.insert(open.name, Text { text, place });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String, String)>, String> {
        let sections = parse(&"f".into(), text).map_err(|error| error.to_string())?;
        let defaults = std::iter::once((DEFAULT, &sections.defaults));
        let rows = defaults
            .chain(sections.sections.iter())
            .flat_map(|(section, options)| {
                let row = |(name, value): (&str, &Text)| {
                    (section.to_owned(), name.to_owned(), value.text.clone())
                };
                options.iter().map(row).collect::<Vec<_>>()
            });
        Ok(rows.collect())
    }

    #[test]
    fn values_are_read() {
        let rows = [
            ("[a]\nb = c", "c"),
            ("[a]\nB:c = d", "c = d"),
            ("[a]\nb=", ""),
            ("[a]\r\nb = c ; not this\r\n", "c"),
            ("[a]\nb = c;this # and this", "c;this # and this"),
            ("[a]\nb = c\n  d\n\n\n  e\n\n", "c\nd\n\n\ne"),
            ("[a]\nb = c\n# no\n  d\n  ; no\n  e ; no", "c\nd\ne"),
            ("[a]\n  b = c\n  ", "c"),
            ("[a]\nb =\n [c]\n d = e", "\n[c]\nd = e"),
            ("[DEFAULT]\n[DEFAULT]\n[a]\nb = \u{1f}\u{a0}c", "c"),
        ];
        for (text, value) in rows {
            let expected = ("a".to_owned(), "b".to_owned(), value.to_owned());
            assert_eq!(read(text), Ok(vec![expected]), "{text:?}");
        }
    }

    #[test]
    fn headers_are_permissive_as_they_are_there() {
        let rows = [
            ("[a] b]\nc=d", "a] b"),
            ("[a?b=c]d\nc=d", "a?b=c"),
            ("[a] ; b]\nc=d", "a"),
            ("  [ a ]\nc=d", " a "),
        ];
        for (text, section) in rows {
            let expected = (section.to_owned(), "c".to_owned(), "d".to_owned());
            assert_eq!(read(text), Ok(vec![expected]), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_configuration_is_refused_with_its_line() {
        let rows = [
            (
                "\n\na = b",
                "f:3: a section such as [Definition] must stand before this line",
            ),
            (
                "[a]\nb",
                "f:2: expected `name = value` or a section, found \"b\"",
            ),
            (
                "[a]\n = b",
                "f:2: expected `name = value` or a section, found \"= b\"",
            ),
            (
                "[a]\n\n[a]",
                "f:3: the section [a] is given twice in this file",
            ),
            (
                "[a]\nb = c\nB : d",
                "f:3: b is given twice in the section [a] of this file",
            ),
            (
                "[DEFAULT]\nb = c\n[DEFAULT]\nb = d",
                "f:4: b is given twice in the section [DEFAULT] of this file",
            ),
            (
                "\u{feff}[a]",
                "f:1: a section such as [Definition] must stand before this line",
            ),
            (
                "[]\n",
                "f:1: a section such as [Definition] must stand before this line",
            ),
        ];
        for (text, message) in rows {
            assert_eq!(read(text), Err(message.to_owned()), "{text:?}");
        }
    }
}
