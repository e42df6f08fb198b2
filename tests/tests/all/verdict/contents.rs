//! What the maps hold while a row is tried.

use std::net::IpAddr;

use anyhow::Result;
use banner_common::Ban;
use banner_tests::bpf::{Object, SUMMARY, scope_bit};

/// Entries, put in before and taken out after.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) bans: Vec<(IpAddr, Ban)>,
    pub(crate) never: Vec<(IpAddr, u32)>,
    /// Prefix, its length, its group.
    pub(crate) wide: Vec<(IpAddr, u32, u32)>,
    /// Group, the bit of the scope or [`SUMMARY`], and what it says.
    pub(crate) members: Vec<(u32, u64, Ban)>,
    /// Index of a port, and the sets that hold it.
    pub(crate) ports: Vec<(u32, u64)>,
    /// Whether prefixes may be banned, where that shall be something else than whether there are any.
    pub(crate) in_use: Option<bool>,
}

impl Contents {
    /// Adds bans of a group, each under the scope that it has.
    pub(crate) fn members(&mut self, group: u32, members: &[Ban]) {
        for member in members {
            self.members.push((group, scope_bit(member.scope), *member));
        }
    }

    /// The same, and what they come to.
    pub(crate) fn group(&mut self, group: u32, members: &[Ban], summary: Ban) {
        self.members(group, members);
        self.members.push((group, SUMMARY, summary));
    }

    /// Puts a port into a set of ports.
    pub(crate) fn port(&mut self, index: u32, scope: u16) {
        match self.ports.iter_mut().find(|(found, _)| *found == index) {
            Some((_, sets)) => *sets |= scope_bit(scope),
            None => self.ports.push((index, scope_bit(scope))),
        }
    }

    /// Fills the maps.
    pub(crate) fn put(&self, object: &mut Object) -> Result<()> {
        for (index, sets) in &self.ports {
            object.port(*index, *sets)?;
        }
        for (group, bit, ban) in &self.members {
            object.member(*group, *bit, *ban)?;
        }
        for (address, ban) in &self.bans {
            object.ban(*address, *ban)?;
        }
        for (prefix, length, group) in &self.wide {
            object.wide(*prefix, *length, *group)?;
        }
        for (prefix, length) in &self.never {
            object.never(*prefix, *length)?;
        }
        let has = |four| {
            self.wide
                .iter()
                .any(|(prefix, ..)| prefix.is_ipv4() == four)
        };
        let in_use = |four| self.in_use.unwrap_or_else(|| has(four));
        object.in_use(in_use(true), in_use(false))
    }

    /// Empties them.
    pub(crate) fn take(&self, object: &mut Object) -> Result<()> {
        object.in_use(false, false)?;
        for (index, _) in &self.ports {
            object.port(*index, 0)?;
        }
        for (group, bit, _) in &self.members {
            object.not_member(*group, *bit)?;
        }
        for (address, _) in &self.bans {
            object.unban(*address)?;
        }
        for (prefix, length, _) in &self.wide {
            object.not_wide(*prefix, *length)?;
        }
        for (prefix, length) in &self.never {
            object.not_never(*prefix, *length)?;
        }
        Ok(())
    }
}
