//! `%{name}` in patterns: named pieces and parameters.

use super::report::Report;
use super::yaml::{Located, Spot};

/// How deep pieces may stand in pieces.
const DEEPEST: usize = 16;

/// How long a pattern may become, in bytes.
const LONGEST: usize = 65_536;

/// The pieces of one filter.
pub(crate) struct Pieces<'p> {
    parts: &'p [(Located<String>, Located<String>)],
    parameters: &'p [(String, String)],
}

impl<'p> Pieces<'p> {
    /// A piece goes before a parameter of its name.
    pub(crate) fn new(
        parts: &'p [(Located<String>, Located<String>)],
        parameters: &'p [(String, String)],
    ) -> Self {
        Self { parts, parameters }
    }

    /// `text` with what the names in it stand for; where something is wrong it is reported at
    /// `spot`.
    pub(crate) fn expand(
        &mut self,
        text: &str,
        spot: Spot,
        path: &str,
        report: &mut Report,
    ) -> String {
        let mut expanded = String::new();
        if let Err(why) = self.write(text, 0, &mut expanded) {
            report.error(spot, path, why);
        }
        expanded
    }

    fn write(&self, text: &str, depth: usize, out: &mut String) -> Result<(), String> {
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("%{") {
            out.push_str(before);
            let Some((name, behind)) = behind.split_once('}') else {
                return Err("%{ without a }; write %\\{ for the characters".to_owned());
            };
            let Some(piece) = self.find(name) else {
                return Err(format!(
                    "%{{{name}}} stands for nothing: the filter has no part and no parameter of \
                     that name; write %\\{{ for the characters"
                ));
            };
            if depth == DEEPEST {
                return Err(format!("%{{{name}}} stands in itself"));
            }
            self.write(piece, depth + 1, out)?;
            if out.len() > LONGEST {
                return Err(format!("longer than {LONGEST} bytes with all its parts"));
            }
            rest = behind;
        }
        out.push_str(rest);
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&str> {
        let part = self.parts.iter().find(|(known, _)| known.value == name);
        let parameter = || self.parameters.iter().find(|(known, _)| known == name);
        (part.map(|(_, text)| text.value.as_str()))
            .or_else(|| parameter().map(|(_, value)| value.as_str()))
    }
}
