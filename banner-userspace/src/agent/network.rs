//! When to look at the network, and what is wrong with what was seen.

use std::time::Duration;

use tracing::{error, info, warn};

use crate::{
    model::Mono,
    netlink::{Network, NotUnderstood},
};

/// How long the network may go on changing before it is looked at: changes come in bursts.
const SETTLE: Duration = Duration::from_millis(200);

/// After how long something that failed is tried again: twice as long each time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How many times as long as a look takes it is at least until the next one begins.
const REST: u32 = 10;

/// What is known of looks at the network.
#[derive(Debug)]
pub(super) struct Looks {
    /// When to look next; not while nothing changes.
    pub(super) at: Option<Mono>,
    soonest: Mono,
    pause: Duration,
    failure: Option<String>,
    not_understood: NotUnderstood,
}

impl Looks {
    /// After the first look.
    pub(super) fn new(network: &Network, now: Mono) -> Self {
        let mut looks = Self {
            at: None,
            soonest: now,
            pause: SHORTEST_PAUSE,
            failure: None,
            not_understood: NotUnderstood::default(),
        };
        looks.saw(network);
        if network.unsettled {
            looks.again(now);
        }
        looks
    }

    /// The network has changed.
    pub(super) fn changed(&mut self, now: Mono) {
        self.plan(now.after(SETTLE));
    }

    /// Warns of what was not understood, if it is not what was told already.
    pub(super) fn saw(&mut self, network: &Network) {
        if network.not_understood != self.not_understood {
            self.not_understood = network.not_understood;
            if let Some(problem) = self.not_understood.problem() {
                warn!("{problem}");
            }
        }
    }

    /// What became of a look that began and ended then: why it failed, or whether the network went on
    /// changing meanwhile.
    pub(super) fn looked(&mut self, began: Mono, ended: Mono, outcome: Result<bool, String>) {
        self.soonest = ended.after(ended.since(began) * REST);
        match outcome {
            Err(failure) => {
                if self.failure.as_ref() != Some(&failure) {
                    error!("{failure}");
                    self.failure = Some(failure);
                }
                self.again(ended);
            }
            Ok(unsettled) => {
                if self.failure.take().is_some() {
                    info!("the network is followed again");
                }
                if unsettled {
                    self.again(ended);
                } else {
                    self.pause = SHORTEST_PAUSE;
                }
            }
        }
    }

    /// Whether the last look failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// What is wrong, for `banner status`.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let failure = self.failure.clone().into_iter();
        failure.chain(self.not_understood.problem())
    }

    fn again(&mut self, now: Mono) {
        self.plan(now.after(self.pause));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn plan(&mut self, at: Mono) {
        let at = at.max(self.soonest);
        self.at = Some(self.at.map_or(at, |planned| planned.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Mono {
        Mono(milliseconds * 1_000_000)
    }

    #[test]
    fn a_burst_is_looked_at_once_and_a_long_look_is_followed_by_a_long_rest() {
        let mut looks = Looks::new(&Network::default(), at(0));
        assert_eq!(looks.at, None);
        looks.changed(at(1_000));
        looks.changed(at(1_100));
        assert_eq!(looks.at.take(), Some(at(1_200)));
        looks.looked(at(1_200), at(1_700), Ok(false));
        assert_eq!(looks.at, None);
        looks.changed(at(1_701));
        assert_eq!(looks.at.take(), Some(at(6_700)));
        looks.looked(at(6_700), at(6_701), Ok(false));
        looks.changed(at(6_702));
        assert_eq!(looks.at, Some(at(6_902)));
    }

    #[test]
    fn failures_are_tried_again_ever_later_but_a_change_is_not_kept_waiting() {
        let mut looks = Looks::new(&Network::default(), at(0));
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            looks.looked(at(0), at(0), Err("full".into()));
            assert_eq!(looks.at.take(), Some(at(1_000 * seconds)));
        }
        assert!(looks.has_failed());
        assert_eq!(looks.problems().collect::<Vec<_>>(), ["full"]);
        looks.looked(at(0), at(0), Err("full".into()));
        looks.changed(at(5));
        assert_eq!(looks.at.take(), Some(at(205)));
        looks.looked(at(205), at(205), Ok(false));
        assert_eq!((looks.problems().count(), looks.at), (0, None));
        looks.looked(at(300), at(300), Err("full".into()));
        assert_eq!(looks.at, Some(at(1_300)));
    }

    #[test]
    fn a_network_that_went_on_changing_is_looked_at_again() {
        let network = Network {
            unsettled: true,
            ..Network::default()
        };
        let mut looks = Looks::new(&network, at(0));
        assert_eq!(looks.at.take(), Some(at(1_000)));
        looks.looked(at(1_000), at(1_000), Ok(true));
        assert_eq!(looks.at, Some(at(3_000)));
        assert_eq!(looks.problems().count(), 0);
    }

    #[test]
    fn what_is_not_understood_is_a_problem_while_it_lasts() {
        let mut network = Network::default();
        network.not_understood.addresses = 3;
        let mut looks = Looks::new(&network, at(0));
        let problems: Vec<_> = looks.problems().collect();
        assert!(problems[0].contains("3 addresses"), "{problems:?}");
        looks.saw(&Network::default());
        assert_eq!(looks.problems().count(), 0);
    }
}
