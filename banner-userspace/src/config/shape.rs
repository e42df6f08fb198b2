//! The shapes that values have: how they read, and how they are described.

use std::fmt::Display;

use super::report::Report;
use super::yaml::{Kind, Located, Node, shortened};

/// A kind of value.
pub(crate) trait Shape {
    /// What it reads as.
    type Value;

    /// The shape in words; completes "expected …".
    fn noun(&self) -> String;

    /// Values of this shape; completes "such as …".
    fn examples(&self) -> &'static str {
        ""
    }

    /// The shape with examples, as it stands in the reference.
    fn describe(&self) -> String {
        match self.examples() {
            "" => self.noun(),
            examples => format!("{} such as {examples}", self.noun()),
        }
    }

    /// The value of a node. `None` exactly when a problem was reported.
    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Self::Value>;

    /// What a key without a value means; `None` when it has to have one.
    fn empty(&self) -> Option<Self::Value> {
        None
    }
}

/// Reports that a node is not what it should be.
pub(crate) fn unexpected(shape: &impl Shape, node: &Node, path: &str, report: &mut Report) {
    refuse(shape, node, path, report, "");
}

/// As [`unexpected`], with what to do at the end.
pub(crate) fn refuse(
    shape: &impl Shape,
    node: &Node,
    path: &str,
    report: &mut Report,
    advice: &str,
) {
    let found = node.kind.describe();
    let (expected, advice) = match (&node.kind, advice) {
        (Kind::Tagged(_), _) => (
            shape.noun(),
            "; a text that begins with ! needs quotes".to_owned(),
        ),
        (_, "") => (shape.describe(), String::new()),
        (_, advice) => (shape.noun(), format!("; {advice}")),
    };
    report.error(
        node.spot,
        path,
        format!("expected {expected}, found {found}{advice}"),
    );
}

/// A text that is not empty.
pub(crate) struct Text(
    /// What the text is, as in "a regular expression".
    pub(crate) &'static str,
);

impl Shape for Text {
    type Value = String;

    fn noun(&self) -> String {
        self.0.to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        match &node.kind {
            Kind::Text(text) if !text.is_empty() => return Some(text.clone()),
            Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => {
                refuse(self, node, path, report, "put it in quotes if it is meant");
            }
            _ => unexpected(self, node, path, report),
        }
        None
    }
}

/// `true` or `false`, in any of the words that YAML has had for them.
pub(crate) struct Flag;

impl Shape for Flag {
    type Value = bool;

    fn noun(&self) -> String {
        "true or false".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<bool> {
        match &node.kind {
            Kind::Bool(value) => return Some(*value),
            Kind::Text(word) => match word.to_ascii_lowercase().as_str() {
                "yes" | "on" => return Some(true),
                "no" | "off" => return Some(false),
                _ => {}
            },
            _ => {}
        }
        unexpected(self, node, path, report);
        None
    }
}

/// A whole number in a range.
pub(crate) struct Count<T> {
    pub(crate) min: T,
    pub(crate) max: T,
}

impl<T> Shape for Count<T>
where
    T: Copy + Display + PartialOrd + TryFrom<i128>,
{
    type Value = T;

    fn noun(&self) -> String {
        format!("a whole number from {} to {}", self.min, self.max)
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<T> {
        if let Kind::Int(number) = node.kind
            && let Ok(number) = T::try_from(number)
            && self.min <= number
            && number <= self.max
        {
            return Some(number);
        }
        unexpected(self, node, path, report);
        None
    }
}

/// A number above zero, whole or not.
pub(crate) struct Number;

/// A larger one is a slip.
const LARGEST: f64 = 1e6;

impl Shape for Number {
    type Value = f64;

    fn noun(&self) -> String {
        format!("a number above 0, at most {LARGEST}")
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<f64> {
        let number = match node.kind {
            Kind::Int(number) => i32::try_from(number).ok().map(f64::from),
            Kind::Float(number) => Some(number),
            _ => None,
        };
        let number = number.filter(|number| *number > 0.0 && *number <= LARGEST);
        if number.is_none() {
            unexpected(self, node, path, report);
        }
        number
    }
}

/// One of a few words.
pub(crate) struct Choice<T: 'static>(pub(crate) &'static [(&'static str, T)]);

impl<T: Copy> Shape for Choice<T> {
    type Value = T;

    fn noun(&self) -> String {
        let words: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
        words.join(" or ")
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<T> {
        if let Kind::Text(found) = &node.kind
            && let Some((_, value)) = self.0.iter().find(|(word, _)| word == found)
        {
            return Some(*value);
        }
        unexpected(self, node, path, report);
        None
    }
}

/// Values of one shape, each with its place.
pub(crate) struct List<S> {
    pub(crate) item: S,
    /// What the items are, in the plural.
    pub(crate) of: &'static str,
}

impl<S: Shape> Shape for List<S> {
    type Value = Vec<Located<S::Value>>;

    fn noun(&self) -> String {
        format!("a list of {}", self.of)
    }

    fn examples(&self) -> &'static str {
        self.item.examples()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Self::Value> {
        let Kind::List(items) = &node.kind else {
            match &node.kind {
                Kind::Text(text) if !text.is_empty() => {
                    let advice = format!("write [{}]", shortened(text));
                    refuse(self, node, path, report, &advice);
                }
                _ => unexpected(self, node, path, report),
            }
            return None;
        };
        let read = |(index, item): (usize, &Node)| {
            let value = self.item.read(item, &format!("{path}[{index}]"), report)?;
            let spot = item.spot;
            Some(Located { value, spot })
        };
        // All items are read before it is asked whether one was wrong.
        let values: Vec<Option<_>> = items.iter().enumerate().map(read).collect();
        values.into_iter().collect()
    }

    fn empty(&self) -> Option<Self::Value> {
        Some(Vec::new())
    }
}
