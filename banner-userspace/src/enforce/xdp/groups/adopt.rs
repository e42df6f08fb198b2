//! What an agent before this one left in the maps.

use std::collections::{BTreeMap, HashMap};

use banner_common::{Ban as Entry, INHERITED, More, Seen};

use super::{
    Groups,
    group::{Found, Group, Scope, Step, marked, unmarked},
};

impl Groups {
    /// Takes over what was found, and how it becomes what it should be: an agent that died in the
    /// middle of its steps leaves a group that is not finished.
    pub(in super::super) fn adopt(&mut self, found: Found) -> Vec<Step> {
        let mut own: HashMap<u32, BTreeMap<Scope, Entry>> = HashMap::new();
        for (key, entry) in &found.more {
            if let Some(scope) = key.scope()
                && entry.flags & INHERITED == 0
            {
                let bans = own.entry(key.group & !1).or_default();
                // One that is aside is what was last wanted.
                if key.group & 1 == 1 || !bans.contains_key(&scope) {
                    bans.insert(scope, unmarked(*entry));
                }
            }
        }
        let mut steps = Vec::new();
        for (net, id) in found.wide {
            // Two prefixes with one group would be nobody's doing but a broken map's.
            match own.remove(&id) {
                Some(own) if self.ids.insert(id) => {
                    let members = BTreeMap::new();
                    let group = Group {
                        id,
                        own,
                        members,
                        ..Group::default()
                    };
                    self.wide.insert(net, group);
                }
                _ => steps.push(Step::Narrow(net)),
            }
        }
        for (host, id) in found.hosts {
            match own.remove(&id) {
                Some(own) if own.len() > 1 && self.ids.insert(id) => {
                    let members = marked(own.clone());
                    let group = Group {
                        id,
                        own,
                        members,
                        ..Group::default()
                    };
                    self.hosts.insert(host, group);
                }
                Some(own) => match own.into_iter().next() {
                    Some((scope, entry)) => {
                        steps.push(Step::Single(host, More::new(id, scope), entry));
                    }
                    None => steps.push(Step::Unban(host)),
                },
                None => steps.push(Step::Unban(host)),
            }
        }
        self.last_id = self.ids.last().copied().unwrap_or(0);
        let nets: Vec<_> = self.wide.keys().copied().collect();
        for net in nets {
            self.flatten(net);
        }
        let wanted: HashMap<_, _> = self.groups().flat_map(Group::entries).collect();
        // Of ends that packets have put off while the maps were read, what the bans of a group come to may
        // be given one that is a moment too early: the next packet puts it off again.
        let plain = |entry: &Entry| Entry {
            seen: Seen::default(),
            ..*entry
        };
        for (&key, entry) in &wanted {
            if found.more.get(&key).map(plain) != Some(plain(entry)) {
                steps.push(Step::Put(key, *entry));
            }
        }
        let orphans = found.more.keys().filter(|key| !wanted.contains_key(key));
        steps.extend(orphans.map(|&key| Step::Remove(key)));
        self.more = wanted.len();
        steps.push(Step::InUse(self.in_use()));
        steps
    }
}
