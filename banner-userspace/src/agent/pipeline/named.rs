//! Failures of hosts that stand in logs by their names, which somebody else looks up.

use std::net::IpAddr;

use super::{Jail, Pipeline, failure::Failed};
use crate::{
    dns::Name,
    model::{JailId, MatchedLine, Now, Offence, OnNames, Wall},
};

/// So many failures of names wait in a jail to be taken out; what is read at once has no more, unless
/// somebody floods the log.
const MOST: usize = 10_000;

/// A failure that counts for nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    jail: JailId,
    name: Name,
    at: Wall,
    pattern: usize,
    /// As much of it as is kept, and a byte more where it goes on.
    line: Box<[u8]>,
    /// The container that it is from, if any.
    origin: Box<str>,
}

/// The same before its name is known to be one.
pub(super) struct Unnamed<'a> {
    pub(super) at: Wall,
    pub(super) pattern: usize,
    pub(super) line: &'a [u8],
    pub(super) origin: &'a str,
}

impl Named {
    /// Who failed.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

impl Jail {
    /// Notes a failure of a name.
    pub(super) fn name(&mut self, jail: JailId, name: &str, failed: &Unnamed<'_>) {
        match Name::of(name).filter(|_| self.named.len() < MOST) {
            Some(name) => self.named.push(Named {
                jail,
                name,
                at: failed.at,
                pattern: failed.pattern,
                line: failed.line[..failed.line.len().min(MatchedLine::LONGEST + 1)].into(),
                origin: failed.origin.into(),
            }),
            None => self.counts.unbannable += 1,
        }
    }
}

impl Pipeline {
    /// Takes out what is to be looked up. Each of them comes back through [`named`](Self::named).
    pub fn take_named(&mut self) -> Vec<Named> {
        let jails = self.jails.iter_mut();
        jails
            .flat_map(|jail| std::mem::take(&mut jail.named))
            .collect()
    }

    /// Counts a failure for these addresses of its name, as of when the line was written. Where there are
    /// none, nobody can be banned for it.
    pub fn named(
        &mut self,
        named: &Named,
        addresses: &[IpAddr],
        now: Now,
        offences: &mut Vec<Offence>,
    ) {
        let Some(jail) = self.jails.get_mut(usize::from(named.jail.0)) else {
            return;
        };
        // The configuration may be another one by now.
        if addresses.is_empty() || jail.setup.names == OnNames::Ignore {
            jail.counts.unbannable += 1;
            return;
        }
        self.lines.come_again_from(&named.origin);
        for &address in addresses {
            let failed = Failed {
                who: address.into(),
                at: named.at,
                pattern: named.pattern,
                line: &named.line,
            };
            offences.extend(jail.count(named.jail, &failed, &mut self.lines, now));
        }
    }
}
