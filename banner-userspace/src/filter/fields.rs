//! The named parts of a line and of the session that it belongs to.

use std::{fmt, sync::Arc};

/// What a named group caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// Several groups that make one value; a group that took no part is `None`.
    Tuple(Vec<Option<String>>),
    /// The users that one session named, in the order of their coming.
    Users(Vec<Value>),
}

impl Value {
    /// Whether there is anything in it: an empty text counts for nothing.
    pub(super) fn says_something(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Tuple(parts) => !parts.is_empty(),
            Self::Users(users) => !users.is_empty(),
        }
    }
}

/// A tuple and a set look as fail2ban writes them, because its database has them so.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Tuple(parts) => {
                f.write_str("(")?;
                for (n, part) in parts.iter().enumerate() {
                    if n > 0 {
                        f.write_str(", ")?;
                    }
                    match part {
                        Some(text) => quoted(text, f)?,
                        None => f.write_str("None")?,
                    }
                }
                f.write_str(if parts.len() == 1 { ",)" } else { ")" })
            }
            Self::Users(users) => {
                f.write_str("{")?;
                for (n, user) in users.iter().enumerate() {
                    if n > 0 {
                        f.write_str(", ")?;
                    }
                    match user {
                        Self::Text(text) => quoted(text, f)?,
                        other => other.fmt(f)?,
                    }
                }
                f.write_str("}")
            }
        }
    }
}

/// As Python's `repr` has it, for the characters that stand in logs.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    write!(f, "{quote}")?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str(r"\\")?,
            '\n' => f.write_str(r"\n")?,
            '\r' => f.write_str(r"\r")?,
            '\t' => f.write_str(r"\t")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if c < ' ' || ('\u{7f}'..'\u{a1}').contains(&c) || c == '\u{ad}' => {
                write!(f, "\\x{:02x}", u32::from(c))?;
            }
            c => write!(f, "{c}")?,
        }
    }
    write!(f, "{quote}")
}

/// Named values. A name may be known and have no value: its group took no part in the match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Arc<str>, Option<Value>)>);

impl Fields {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(known, _)| **known == *name)?;
        value.as_ref()
    }

    /// All that have a value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        (self.0.iter()).filter_map(|(name, value)| Some((&**name, value.as_ref()?)))
    }

    /// Whether a name has a value with something in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::says_something)
    }

    /// The text of a name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            Value::Tuple(_) | Value::Users(_) => None,
        }
    }

    pub(super) fn set(&mut self, name: &Arc<str>, value: Option<Value>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, place)) => *place = value,
            None => self.0.push((Arc::clone(name), value)),
        }
    }

    pub(super) fn put(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, place)) => *place = Some(value),
            None => self.0.push((name.into(), Some(value))),
        }
    }

    /// Takes a name out; its value, if that said something.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let place = self.0.iter().position(|(known, _)| **known == *name)?;
        let (_, value) = self.0.swap_remove(place);
        value.filter(Value::says_something)
    }

    /// Overwrites with all of `other`, also with what has no value.
    pub(super) fn overwrite(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.set(&name, value);
        }
    }

    /// Overwrites with those of `other` that have a value.
    pub(super) fn update(&mut self, other: Self) {
        for (name, value) in other.0 {
            if value.is_some() {
                self.set(&name, value);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuples_look_as_fail2ban_writes_them() {
        for (parts, text) in [
            (vec![Some("a"), Some("b")], "('a', 'b')"),
            (vec![None, Some("it's")], "(None, \"it's\")"),
            (vec![Some("a'\"\\\n\u{7f}ü")], r#"('a\'"\\\n\x7fü',)"#),
        ] {
            let parts = parts.into_iter().map(|part| part.map(String::from));
            assert_eq!(Value::Tuple(parts.collect()).to_string(), text);
        }
    }
}
