//! The ways to drop packets in order of preference: which are in use, and that the next takes over
//! when one does not work.

mod change;
mod each;
mod glance;
mod lasts;
mod repair;
mod report;
mod state;
mod switch;
mod test;

use std::{collections::BTreeSet, path::PathBuf};

use tokio::sync::mpsc;

use self::each::Each;
pub(super) use self::state::Answer;
use crate::{
    config::Config,
    decide::Decider,
    enforce::{Enforcer, xdp::Xdp},
    model::{Ban, Change, Entry, JailId, Mono, Now, PortSets, PrefixSet, Until, Way},
};

/// All ways of the configuration.
#[derive(Debug)]
pub(super) struct Ways {
    each: Vec<Each>,
    /// Lists of ways in order of preference, each once; the first is that of the main file.
    chains: Vec<Vec<usize>>,
    /// By jail the number of its list.
    of_jail: Vec<usize>,
    /// By list the ways that its bans are in. The last of them sees all packets.
    used: Vec<Vec<usize>>,
    /// Where it is written what has to be taken away when nobody else knows.
    state_dir: PathBuf,
    /// When to look again whether a better way works, or to go on with a comparison.
    pub(super) at: Option<Mono>,
    answers: mpsc::UnboundedSender<Answer>,
    /// Ends that the kernel was found to have put off.
    renewed: Vec<(Ban, Until)>,
}

/// What ways have to know, and XDP, which the agent has for other things, too.
pub(super) struct Around<'a> {
    pub(super) xdp: &'a mut Option<Xdp>,
    pub(super) decider: &'a Decider,
    pub(super) never: &'a PrefixSet,
    pub(super) ports: &'a PortSets,
    pub(super) now: Now,
}

impl Ways {
    /// Those of a configuration; nothing is looked at yet. Answers of inquiries come out of the channel.
    pub(super) fn new(
        config: &Config,
        state_dir: PathBuf,
    ) -> (Self, mpsc::UnboundedReceiver<Answer>) {
        let (answers, inbox) = mpsc::unbounded_channel();
        let jails: Vec<String> = config.jails.iter().map(|jail| jail.name.clone()).collect();
        let mut ways = Self {
            each: Vec::new(),
            chains: Vec::new(),
            of_jail: Vec::new(),
            used: Vec::new(),
            state_dir,
            at: None,
            answers,
            renewed: Vec::new(),
        };
        ways.chain(&config.enforce, &jails);
        for jail in &config.jails {
            let chain = ways.chain(&jail.enforce, &jails);
            ways.of_jail.push(chain);
        }
        ways.used = vec![Vec::new(); ways.chains.len()];
        (ways, inbox)
    }

    /// The number of a list.
    fn chain(&mut self, list: &[Way], jails: &[String]) -> usize {
        let chain: Vec<usize> = list
            .iter()
            .map(|way| {
                let known = self.each.iter().position(|each| each.way == *way);
                known.unwrap_or_else(|| {
                    self.each.push(Each::new(way.clone(), jails));
                    self.each.len() - 1
                })
            })
            .collect();
        let known = self.chains.iter().position(|known| *known == chain);
        known.unwrap_or_else(|| {
            self.chains.push(chain);
            self.chains.len() - 1
        })
    }

    /// Whether some list has XDP in it.
    pub(super) fn want_xdp(&self) -> bool {
        self.each.iter().any(|each| each.way == Way::Xdp)
    }

    /// Whether some list has XDP alone in it, so that there is nothing without.
    pub(super) fn need_xdp(&self) -> bool {
        let alone = |chain: &Vec<usize>| matches!(chain[..], [only] if self.each[only].is_xdp());
        self.chains.iter().any(alone)
    }

    /// Whether some list uses nftables, or iptables that may be kept there: it tells of what others do.
    pub(super) fn have_tables(&self) -> bool {
        let is = |each: &Each| matches!(each.way, Way::Nftables(_) | Way::Iptables(_));
        self.each.iter().any(is)
    }

    fn chain_of(&self, jail: Option<JailId>) -> usize {
        let chain = jail.and_then(|jail| self.of_jail.get(usize::from(jail.0)));
        chain.copied().unwrap_or(0)
    }

    /// Bans whose ends the kernel was found to have put off, each with its end, since this was asked last.
    pub(super) fn take_renewed(&mut self) -> Vec<(Ban, Until)> {
        std::mem::take(&mut self.renewed)
    }

    /// The ways in use, each once.
    fn in_use(&self) -> BTreeSet<usize> {
        self.used.iter().flatten().copied().collect()
    }

    /// What a way that is among these of each list has to be told of an entry.
    fn wanted(&self, way: usize, used: &[Vec<usize>], entry: Entry, decider: &Decider) -> Change {
        if self.chains.len() == 1 {
            return if used[0].contains(&way) {
                decider.change_for(entry)
            } else {
                entry.into()
            };
        }
        let of_way = |ban: &Ban| used[self.chain_of(ban.jail)].contains(&way);
        let bans = decider.bans_on(entry).into_iter().filter(of_way);
        Ban::heaviest(bans).map_or(entry.into(), Change::Set)
    }

    /// The list that an entry's ban belongs to: that of its heaviest ban.
    fn chain_of_change(&self, change: &Change) -> usize {
        match change {
            Change::Set(ban) => self.chain_of(ban.jail),
            Change::Clear { .. } => 0,
        }
    }
}

/// The enforcer of a way, where there is one by now.
fn enforcer<'e>(
    each: &'e mut Each,
    xdp: &'e mut Option<Xdp>,
) -> Option<&'e mut (dyn Enforcer + 'static)> {
    if each.is_xdp() {
        return xdp.as_mut().map(|xdp| xdp as &mut dyn Enforcer);
    }
    each.enforcer.as_deref_mut()
}
