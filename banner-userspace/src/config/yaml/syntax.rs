use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::Point;

/// A text that is not one YAML document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) point: Option<Point>,
    pub(crate) message: String,
}

/// The bytes of a file as a text that the parser can read. A byte order mark is dropped.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, SyntaxError> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (valid, _) = bytes.split_at(error.valid_up_to());
        SyntaxError {
            point: Some(end_of(&String::from_utf8_lossy(valid))),
            message: "not UTF-8 text; save the file as UTF-8".to_owned(),
        }
    })?;
    // The parser refuses these too, but does not say where.
    match text.char_indices().find(|&(_, c)| !is_yaml_character(c)) {
        None => Ok(text),
        Some((offset, c)) => Err(SyntaxError {
            point: Some(end_of(&text[..offset])),
            message: format!(
                "the character U+{:04X} is not allowed in YAML; in a text in double quotes \
                 write it as an escape",
                u32::from(c)
            ),
        }),
    }
}

/// <https://yaml.org/spec/1.2.2/#51-character-set>, `c-printable`, without a byte order mark.
fn is_yaml_character(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => !c.is_control(),
    }
}

fn end_of(text: &str) -> Point {
    let last = text.rsplit('\n').next().unwrap_or(text);
    Point {
        line: text.matches('\n').count() + 1,
        column: last.chars().count() + 1,
    }
}

pub(super) fn point(error: &serde_yaml::Error) -> Option<Point> {
    error.location().map(|location| Point {
        line: location.line(),
        column: location.column(),
    })
}

/// What the parser says, and what to do.
pub(super) fn explain(text: &str, error: &serde_yaml::Error) -> SyntaxError {
    let Some(point) = point(error) else {
        // Beside a second document, this is the limit on how much aliases may repeat.
        return more_than_one_document(text).unwrap_or_else(|| SyntaxError {
            point: None,
            message: format!("not valid YAML: {error}; write out what aliases stand for"),
        });
    };
    let said = said(error, point);
    let advice = advice(text, point, &said).unwrap_or_default();
    SyntaxError {
        point: Some(point),
        message: format!("not valid YAML: {said}{advice}"),
    }
}

/// The parser's words without the position, which is reported beside them.
fn said(error: &serde_yaml::Error, point: Point) -> String {
    let position = format!(" at line {} column {}", point.line, point.column);
    error.to_string().replacen(&position, "", 1)
}

/// The parser has no position for a second document, or for what follows the first.
fn more_than_one_document(text: &str) -> Option<SyntaxError> {
    let second = serde_yaml::Deserializer::from_str(text).nth(1)?;
    let error = Refuse::deserialize(second).err()?;
    let point = point(&error)?;
    let said = said(&error, point);
    Some(SyntaxError {
        point: Some(point),
        message: if said.contains(Refuse::EXPECTED) {
            "a second document begins here; a file holds one, so remove the `---`".to_owned()
        } else {
            format!("not valid YAML: {said}")
        },
    })
}

/// Accepts no value at all: its error tells where the value begins.
struct Refuse;

impl Refuse {
    const EXPECTED: &str = "no second document";
}

impl<'de> Deserialize<'de> for Refuse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl Visitor<'_> for Refuse {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::EXPECTED)
    }
}

fn advice(text: &str, point: Point, said: &str) -> Option<&'static str> {
    if said.contains("unknown escape") {
        return Some("; put a regular expression in single quotes");
    }
    if said.contains("scanning a quoted scalar") {
        return Some("; the quote is not closed");
    }
    if said.contains("unknown anchor") {
        return Some("; a text that begins with * needs quotes");
    }
    let line = text.lines().nth(point.line.checked_sub(1)?)?;
    let indentation = line.len() - line.trim_start().len();
    if line[..indentation].contains('\t') {
        return Some("; indent with spaces, not tabs");
    }
    if said.contains("mapping values are not allowed") {
        return Some(
            "; check the indentation; a text that contains a colon and a space needs quotes",
        );
    }
    let bare_colons = ["[::", "::,", "::]", ", ::", ",::"];
    if bare_colons.into_iter().any(|colons| line.contains(colons)) {
        return Some("; put an IPv6 address in quotes: \"::1\"");
    }
    match line.chars().nth(point.column.checked_sub(1)?) {
        Some('%' | '@' | '`') => Some("; a text that begins with this character needs quotes"),
        _ => None,
    }
}
