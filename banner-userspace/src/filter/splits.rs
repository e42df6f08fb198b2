//! Prefixes that several filters have are split off once for each line.

use super::{
    Filter,
    engine::Judge,
    native::{Prefix, Split},
};

/// What the prefixes of some filters have split off the line that they look at.
#[derive(Debug)]
pub struct Splits {
    /// By filter: which of the prefixes it has, if another filter has it too.
    filters: Vec<Option<usize>>,
    prefixes: Vec<Split>,
    line: u64,
}

/// The part of [`Splits`] that is about one filter.
#[derive(Debug)]
pub struct Shared<'s> {
    pub(super) split: &'s mut Split,
    pub(super) line: u64,
}

impl Splits {
    /// For these filters, by their place.
    pub fn new<'f>(filters: impl IntoIterator<Item = &'f Filter>) -> Self {
        let prefixes: Vec<Option<&Prefix>> = filters.into_iter().map(prefix).collect();
        let mut kinds: Vec<&Prefix> = Vec::new();
        let of =
            |one: &Prefix, kinds: &mut Vec<&_>| kinds.iter().position(|&kind| one.is_like(kind));
        let mut filters = Vec::new();
        for one in &prefixes {
            let others = prefixes.iter().flatten();
            let shared =
                one.is_some_and(|one| others.filter(|other| one.is_like(other)).count() > 1);
            filters.push(one.filter(|_| shared).map(|one| {
                of(one, &mut kinds).unwrap_or_else(|| {
                    kinds.push(one);
                    kinds.len() - 1
                })
            }));
        }
        Self {
            filters,
            prefixes: kinds.iter().map(|_| Split::default()).collect(),
            line: 0,
        }
    }

    /// From now on it is about another line.
    pub fn next_line(&mut self) {
        self.line += 1;
    }

    /// What the filter in this place has to be given; `None`: it shares nothing.
    pub fn of(&mut self, filter: usize) -> Option<Shared<'_>> {
        let kind = (*self.filters.get(filter)?)?;
        Some(Shared {
            split: self.prefixes.get_mut(kind)?,
            line: self.line,
        })
    }
}

/// The prefix that a filter splits off lines as they stand in the log.
fn prefix(filter: &Filter) -> Option<&Prefix> {
    match &filter.judge {
        Judge::Native(native) if native.decoder.is_none() => native.prefix.as_ref(),
        Judge::Native(_) | Judge::Fail2ban(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{FilterSpec, Prefixes};

    fn filter(prefix: &str, program: Option<&str>, encoding: Option<&str>) -> Filter {
        let spec = FilterSpec {
            prefix: Some(prefix.into()),
            program: program.map(Into::into),
            encoding: encoding.map(Into::into),
            fail: vec!["^bad <HOST>$".into()],
            ..FilterSpec::default()
        };
        Filter::compile(&spec, &Prefixes::default()).unwrap()
    }

    #[test]
    fn filters_with_the_same_prefix_and_program_share_what_it_split_off_a_line() {
        let filters = [
            filter("syslog", Some("a"), None),
            filter("syslog", Some("b"), None),
            filter("syslog", Some("a"), None),
            filter("syslog", Some("a"), Some("latin1")),
            filter("line", None, None),
        ];
        let mut splits = Splits::new(&filters);
        let shares: Vec<_> = (0..6).map(|n| splits.of(n).is_some()).collect();
        assert_eq!(shares, [true, false, true, false, false, false]);
        for (line, message) in [
            ("Nov 20 10:00:00 host a[1]: bad 192.0.2.7", "bad 192.0.2.7"),
            ("Nov 20 10:00:00 host a[12]: more", "more"),
            (
                "Nov 20 10:00:00 host b[12]: of b",
                "Nov 20 10:00:00 host b[12]: of b",
            ),
        ] {
            splits.next_line();
            for n in [0, 2] {
                let Shared {
                    split,
                    line: number,
                } = splits.of(n).unwrap();
                // The second that asks is not told of another line: it has no look at this one.
                let text = if n == 0 {
                    line
                } else {
                    &line.replace(' ', "x")
                };
                let (_, found) =
                    prefix(&filters[n])
                        .unwrap()
                        .split_once(text.as_bytes(), split, number);
                assert_eq!(found.len(), message.len(), "{line}");
            }
        }
    }
}
