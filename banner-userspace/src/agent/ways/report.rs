//! What ways say of themselves.

use super::Ways;
use crate::control::EnforcerStatus;

impl Ways {
    /// For `banner status`.
    pub(in crate::agent) fn status(&self) -> Vec<EnforcerStatus> {
        let each = self.each.iter().enumerate();
        let each = each.map(|(way, each)| EnforcerStatus {
            name: each.name().to_owned(),
            in_use: self.used.iter().any(|used| used.contains(&way)),
            all: self.used.iter().any(|used| used.last() == Some(&way)),
            problem: each.why_not.clone(),
            spilled: each.spilled.len(),
            restored: each.repair.restored,
            strange: each.repair.strange,
            rebuilt: each.repair.rebuilt,
        });
        each.collect()
    }

    /// The ways that bans of the main file's list are in.
    pub(in crate::agent) fn in_words(&self) -> String {
        let names: Vec<_> = self.used[0]
            .iter()
            .map(|way| self.each[*way].name())
            .collect();
        if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(" and ")
        }
    }

    /// Why no way works for some jails; `nowhere`: XDP is on no interface.
    pub(in crate::agent) fn nothing_works(&self, nowhere: bool) -> Option<String> {
        let nothing = |used: &Vec<usize>| match used.last() {
            None => true,
            Some(last) => nowhere && self.each[*last].is_xdp(),
        };
        let at = self.used.iter().position(nothing)?;
        let why = self.chains[at].iter().filter_map(|way| {
            let each = &self.each[*way];
            Some(format!("{}: {}", each.name(), each.why_not.as_deref()?))
        });
        Some(why.collect::<Vec<_>>().join("; "))
    }

    /// What is wrong, in words.
    pub(in crate::agent) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (chain, used) in self.chains.iter().zip(&self.used) {
            let names = |ways: &[usize]| {
                let names: Vec<_> = ways.iter().map(|way| self.each[*way].name()).collect();
                names.join(", ")
            };
            match used.last() {
                None => problems.push(format!(
                    "bans are NOT in force: none of {} works",
                    names(chain)
                )),
                Some(main) => {
                    for better in chain.iter().take_while(|way| *way != main) {
                        let each = &self.each[*better];
                        let why = each.why_not.as_deref().unwrap_or("it is not there");
                        let main = self.each[*main].name();
                        problems.push(format!(
                            "bans are in {main} because of {}: {why}",
                            each.name()
                        ));
                    }
                }
            }
        }
        problems.dedup();
        problems
    }
}
