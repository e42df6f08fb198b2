use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::node::{FileId, Key, Kind, Node, Spot};
use super::syntax::SyntaxError;
use super::{Point, syntax};

/// Aliases can make a short text into a large tree; a configuration is never this large.
const MOST_NODES: u32 = 200_000;

/// The tree of a text that holds one document. A text without any value is [`Kind::Null`].
pub(crate) fn parse(file: FileId, text: &str) -> Result<Node, SyntaxError> {
    let walk = Walk::new(file, None);
    NodeSeed(&walk)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| syntax::explain(text, &error))
}

/// Where the node with this number stands in a text that [`parse`] accepted.
pub(crate) fn locate(text: &str, ordinal: u32) -> Option<Point> {
    let walk = Walk::new(FileId(0), Some(ordinal));
    let error = NodeSeed(&walk)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    syntax::point(&error)
}

/// One pass over the events of a document. Reading and locating are the same pass, so that they
/// cannot disagree about the numbers.
struct Walk {
    file: FileId,
    next: Cell<u32>,
    /// The number at which to fail; `None` to read all.
    target: Option<u32>,
}

impl Walk {
    fn new(file: FileId, target: Option<u32>) -> Self {
        Self {
            file,
            next: Cell::new(0),
            target,
        }
    }

    fn step(&self) -> Step<'_> {
        let ordinal = self.next.get();
        self.next.set(ordinal.saturating_add(1));
        Step {
            walk: self,
            ordinal,
        }
    }
}

/// One node or key on the way. As a visitor it either fails at its position or gives the value.
#[derive(Clone, Copy)]
struct Step<'w> {
    walk: &'w Walk,
    ordinal: u32,
}

impl Step<'_> {
    /// To be called inside a visitor method: there the parser adds the position to an error.
    fn spot<E: Error>(self) -> Result<Spot, E> {
        if self.walk.target == Some(self.ordinal) {
            return Err(E::custom("located"));
        }
        if self.ordinal >= MOST_NODES {
            return Err(E::custom(format_args!(
                "more than {MOST_NODES} values; split the file"
            )));
        }
        Ok(Spot {
            file: self.walk.file,
            ordinal: self.ordinal,
        })
    }

    fn node<E: Error>(self, kind: Kind) -> Result<Node, E> {
        let spot = self.spot()?;
        Ok(Node { spot, kind })
    }
}

struct NodeSeed<'w>(&'w Walk);

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self.0.step())
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.node(Kind::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.node(Kind::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.node(Kind::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.node(Kind::Int(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.node(Kind::Int(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Node, E> {
        self.node(Kind::Int(value))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Node, E> {
        // Beyond i128 nothing is accepted anyway; the text keeps the message honest.
        self.node(i128::try_from(value).map_or_else(|_| Kind::Text(value.to_string()), Kind::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        self.node(Kind::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        self.node(Kind::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let spot = self.spot()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(NodeSeed(self.walk))? {
            items.push(item);
        }
        Ok(Node {
            spot,
            kind: Kind::List(items),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let spot = self.spot()?;
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(KeySeed(self.walk))? {
            entries.push((key, access.next_value_seed(NodeSeed(self.walk))?));
        }
        Ok(Node {
            spot,
            kind: Kind::Mapping(entries),
        })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Node, A::Error> {
        // The parser adds no position to an error raised here. The content begins where the tag
        // stands, so it takes the number of the tagged value, and the value is what is dropped.
        let (tag, content) = access.variant::<String>()?;
        self.walk.next.set(self.ordinal);
        let Node { spot, .. } = content.newtype_variant_seed(NodeSeed(self.walk))?;
        Ok(Node {
            spot,
            kind: Kind::Tagged(tag),
        })
    }
}

struct KeySeed<'w>(&'w Walk);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        // As a text whatever it looks like: a jail may be called 22.
        deserializer.deserialize_str(KeyVisitor(self.0.step()))
    }
}

struct KeyVisitor<'w>(Step<'w>);

impl Visitor<'_> for KeyVisitor<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key that is a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Key, E> {
        Ok(Key {
            spot: self.0.spot()?,
            text: text.to_owned(),
        })
    }
}
