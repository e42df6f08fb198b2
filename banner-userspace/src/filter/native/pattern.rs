//! A pattern of `fail` or `prefilter`, and what its groups mean.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

use super::{
    host, tags,
    tail::{Found, Tail, Tails},
};
use crate::filter::{
    fields::{Fields, Value},
    groups::{Slots, span},
    matcher::{Matcher, Syntax},
    verdict::Key,
};

/// Groups that mean something, and what sessions and identities call them.
const MEANINGS: [(&str, &str); 7] = [
    ("id", "fid"),
    ("name", "dns"),
    ("length", "cidr"),
    ("session", "mlfid"),
    ("pending", "nofail"),
    ("forget", "mlfforget"),
    ("accepted", "mlfgained"),
];

/// Those that mean something by taking part in the match, whatever they caught.
const MARKS: [&str; 3] = ["pending", "forget", "accepted"];

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(in crate::filter) struct Pattern {
    pub(in crate::filter) matcher: Matcher,
    host: Option<usize>,
    length: Option<usize>,
    name: Option<usize>,
    pub(in crate::filter) id: Option<usize>,
    pub(in crate::filter) session: Option<usize>,
    stamp: Option<usize>,
    content: Option<usize>,
    /// Finds the address from the end of the text, where that is the same.
    tail: Option<Tail>,
    /// Groups whose text is a field, with the name of the field.
    named: Vec<(usize, Arc<str>, bool)>,
}

impl Pattern {
    pub(in crate::filter) fn new(text: &str, syntax: Syntax, stamp: &str) -> Result<Self, String> {
        let expanded = tags::expand(text, stamp)?;
        let matcher = Matcher::native(&expanded, syntax)?;
        let groups = matcher.groups();
        let named = (groups.names())
            .filter(|(_, name)| !matches!(&***name, host::GROUP | "stamp" | "content"))
            .map(|(index, name)| {
                let meaning = MEANINGS.iter().find(|(word, _)| *word == &**name);
                let field = meaning.map_or_else(|| Arc::clone(name), |(_, field)| (*field).into());
                (index, field, MARKS.contains(&&**name))
            })
            .collect();
        let deciding = [
            host::GROUP,
            "length",
            "name",
            "id",
            "session",
            "stamp",
            "content",
        ];
        let deciding: Vec<usize> = (deciding.iter())
            .filter_map(|name| groups.index(name))
            .collect();
        Ok(Self {
            tail: (matcher.hir()).and_then(|hir| Tail::new(hir, &deciding)),
            host: groups.index(host::GROUP),
            length: groups.index("length"),
            name: groups.index("name"),
            id: groups.index("id"),
            session: groups.index("session"),
            stamp: groups.index("stamp"),
            content: groups.index("content"),
            named,
            matcher,
        })
    }

    /// Whether it says where a stamp stands.
    pub(in crate::filter) fn has_stamp(&self) -> bool {
        self.stamp.is_some()
    }

    /// Whether somebody or something can be told by it.
    pub(in crate::filter) fn tells(&self) -> bool {
        [self.host, self.name, self.id, self.session]
            .iter()
            .any(Option::is_some)
    }

    /// Finds what decides, in a text that this pattern, of the number `n`, matches. `None`: it is to
    /// be found by [`Matcher::search`].
    pub(super) fn search_tail(
        &self,
        text: &[u8],
        slots: &mut Slots,
        tails: &mut Tails,
        n: usize,
    ) -> Option<Found> {
        let tail = self.tail.as_ref()?;
        tail.search(text, slots, tails.of(n, tail))
    }

    /// Who failed, for a pattern without an id; `None` where the text only looks like an address.
    pub(super) fn key(&self, text: &[u8], slots: &Slots) -> Option<Key> {
        if let Some(span) = self.host.and_then(|group| span(slots, group)) {
            let address = host::parse(&text[span])?;
            let length = self.length.and_then(|group| span_text(text, slots, group));
            return match length {
                Some(length) => prefix(address, length),
                None => Some(Key::Address(address)),
            };
        }
        let name = span_text(text, slots, self.name?)?;
        Some(match name.parse::<IpAddr>() {
            Ok(address) => Key::Address(address.to_canonical()),
            Err(_) => Key::Name(name.into()),
        })
    }

    pub(super) fn stamp<'t>(&self, text: &'t [u8], slots: &Slots) -> Option<&'t [u8]> {
        text.get(span(slots, self.stamp?)?)
    }

    pub(super) fn content<'t>(&self, text: &'t [u8], slots: &Slots) -> Option<&'t [u8]> {
        text.get(span(slots, self.content?)?)
    }

    /// Everything named in the last match; `None` where a text only looks like an address.
    pub(super) fn fields(&self, text: &[u8], slots: &Slots) -> Option<Fields> {
        let mut fields = Fields::default();
        if let Some(span) = self.host.and_then(|group| span(slots, group)) {
            let address = host::parse(&text[span])?;
            let family = if address.is_ipv4() { "ip4" } else { "ip6" };
            fields.put(family, Value::Text(address.to_string()));
            if let Some(length) = self.length.and_then(|group| span_text(text, slots, group)) {
                prefix(address, length)?;
            }
        }
        for (group, name, mark) in &self.named {
            let Some(part) = span(slots, *group).and_then(|span| text.get(span)) else {
                continue;
            };
            let part = if *mark && part.is_empty() {
                "yes".into()
            } else {
                String::from_utf8_lossy(part).into_owned()
            };
            fields.set(name, Some(Value::Text(part)));
        }
        Some(fields)
    }
}

fn span_text<'t>(text: &'t [u8], slots: &Slots, group: usize) -> Option<&'t str> {
    str::from_utf8(text.get(span(slots, group)?)?).ok()
}

/// A length that the address cannot have makes it no prefix.
fn prefix(address: IpAddr, length: &str) -> Option<Key> {
    let net = IpNet::new(address, length.parse().ok()?).ok()?;
    if net.prefix_len() == net.max_prefix_len() {
        return Some(Key::Address(address));
    }
    Some(Key::Prefix(net.trunc()))
}
