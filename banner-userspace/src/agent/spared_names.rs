//! Hosts that are never banned, by their names: `ignore_names`.
//!
//! What DNS says is looked up at the start, after a reload, and every few minutes. What it said last holds until it
//! says something else, and stands on the disk: when DNS is down nobody loses the protection that he had.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{run::Running, saved};
use crate::{
    dns::{Answer, Limits, Name, Resolver},
    model::{Mono, Now},
};

/// How often names are looked up. Some of those who have no fixed address have another one each day.
const AGAIN: Duration = Duration::from_mins(5);

/// The file in the state directory.
const FILE: &str = "ignore-names.json";

/// Asked for when it is time, whatever is remembered.
const LIMITS: Limits = Limits {
    threads: 4,
    names: 10_000,
    items: 10_000,
    cached: 1,
    patience: Duration::from_secs(30),
    fresh: Duration::ZERO,
    none: Duration::ZERO,
};

/// Names of one configuration, and what is known of them.
#[derive(Debug)]
pub(super) struct SparedNames {
    path: PathBuf,
    known: BTreeMap<Name, Vec<IpAddr>>,
    /// Those of which it was said that they have no addresses.
    told: BTreeSet<Name>,
    resolver: Resolver<()>,
    answers: Option<mpsc::Receiver<Answer>>,
    at: Option<Mono>,
}

impl SparedNames {
    /// What was last known of these names, as far as that can be read.
    pub(super) fn load(state_dir: &Path, names: &[Name]) -> Self {
        Self::with(state_dir, names, Resolver::of_system(LIMITS))
    }

    fn with(
        state_dir: &Path,
        names: &[Name],
        (resolver, answers): (Resolver<()>, mpsc::Receiver<Answer>),
    ) -> Self {
        let path = state_dir.join(FILE);
        let text = fs::read(&path).unwrap_or_default();
        let known: BTreeMap<String, Vec<IpAddr>> =
            serde_json::from_slice(&text).unwrap_or_default();
        let known = known
            .into_iter()
            .filter_map(|(name, addresses)| Some((Name::of(&name)?, addresses)));
        let mut spared = Self {
            path,
            known: known.collect(),
            told: BTreeSet::new(),
            resolver,
            answers: Some(answers),
            at: Some(Mono(0)),
        };
        spared.follow(names);
        spared
    }

    /// Where answers come from; taken once.
    pub(super) fn answers(&mut self) -> Option<mpsc::Receiver<Answer>> {
        self.answers.take()
    }

    /// The names are these from now on.
    fn follow(&mut self, names: &[Name]) {
        self.known.retain(|name, _| names.contains(name));
        for name in names {
            self.known.entry(name.clone()).or_default();
        }
    }

    /// What is known of all names.
    pub(super) fn nets(&self) -> impl Iterator<Item = IpNet> {
        let all = self.known.values().flatten();
        all.map(|address| IpNet::from(*address))
    }

    /// The name by which a host is spared.
    pub(super) fn name_of(&self, net: IpNet) -> Option<&Name> {
        let has =
            |addresses: &[IpAddr]| addresses.iter().any(|address| IpNet::from(*address) == net);
        let mut all = self.known.iter();
        all.find_map(|(name, addresses)| has(addresses).then_some(name))
    }

    /// Names that nobody is spared for, because nothing was ever known of them.
    fn unknown(&self) -> impl Iterator<Item = &Name> {
        let all = self.known.iter();
        all.filter_map(|(name, addresses)| addresses.is_empty().then_some(name))
    }

    /// For `banner status`.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.unknown().map(|name| {
            format!("ignore_names: {name} has no address by DNS yet: nobody is spared for it")
        })
    }

    /// When something is to be looked up, or is waited for no longer.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let at = self.at.filter(|_| !self.known.is_empty());
        at.into_iter().chain(self.resolver.deadline()).min()
    }

    fn look_up(&mut self, now: Mono) {
        self.resolver.give_up(now);
        if self.at.is_some_and(|at| at > now) {
            return;
        }
        self.at = Some(now.after(AGAIN));
        for name in self.known.keys() {
            // One that is still being asked for is not asked for twice.
            self.resolver.ask(name.clone(), (), now);
        }
    }

    /// Takes an answer. Whether there is something new in it.
    fn answered(&mut self, answer: Answer, now: Mono) -> bool {
        let name = answer.name.clone();
        let failed = answer.addresses.as_ref().err().map(ToString::to_string);
        let (_, found) = self.resolver.answered(answer, now);
        let Some(known) = self.known.get_mut(&name) else {
            return false;
        };
        if found.is_empty() {
            if self.told.insert(name.clone()) {
                let why = failed.unwrap_or_else(|| "it has no addresses".into());
                let holds = match known.len() {
                    0 => "nobody is spared for it",
                    _ => "what was last known of it holds",
                };
                warn!("ignore_names: {name}: {why}; {holds}");
            }
            return false;
        }
        self.told.remove(&name);
        let mut found = found.to_vec();
        found.sort_unstable();
        if *known == found {
            return false;
        }
        let addresses: Vec<String> = found.iter().map(ToString::to_string).collect();
        info!("never banned: {}, which {name} is", addresses.join(", "));
        *known = found;
        self.save();
        true
    }

    fn save(&self) {
        let known: BTreeMap<&str, &Vec<IpAddr>> = (self.known.iter())
            .map(|(name, addresses)| (name.as_ref(), addresses))
            .collect();
        if let Err(error) = saved::save(&self.path, &known) {
            warn!("{}: cannot be written: {error}", self.path.display());
        }
    }
}

impl Running {
    /// The names of the configuration, which may be others, are looked up at once.
    pub(super) fn follow_spared(&mut self, now: Now) {
        let agent = &mut self.agent;
        agent.named.follow(&agent.config.ignore_names);
        agent.named.at = Some(now.mono);
    }

    /// Looks up what is due.
    pub(super) fn look_up_spared(&mut self, now: Now) {
        self.agent.named.look_up(now.mono);
    }

    /// Takes an answer, and spares whom it is about.
    pub(super) fn spared_answered(&mut self, answer: Answer, now: Now) {
        if self.agent.named.answered(answer, now.mono) {
            self.look_at_network(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::dns::{Error, LookUp};

    const MINUTE: u64 = 60_000_000_000;

    type Says = Arc<Mutex<Result<Vec<IpAddr>, &'static str>>>;

    /// DNS that says this of every name.
    fn says(says: &Says) -> LookUp {
        let says = Arc::clone(says);
        Arc::new(move |_: &str| -> Result<Vec<IpAddr>, Error> {
            let says = says.lock().unwrap().clone();
            says.map_err(io::Error::other)
        })
    }

    fn name(text: &str) -> Name {
        Name::of(text).unwrap()
    }

    fn shown(spared: &SparedNames) -> Vec<String> {
        spared.nets().map(|net| net.to_string()).collect()
    }

    #[test]
    fn what_was_known_last_holds_until_something_else_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let home = [name("home.example")];
        let addresses = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect();
        let dns: Says = Arc::new(Mutex::new(Ok(addresses(&["2001:db8::7", "192.0.2.7"]))));
        let start = || SparedNames::with(dir.path(), &home, Resolver::new(LIMITS, says(&dns)));
        let mut spared = start();
        let mut answers = spared.answers().unwrap();
        assert_eq!(spared.unknown().collect::<Vec<_>>(), [&home[0]]);
        let mut at = 1;
        let mut ask = |spared: &mut SparedNames| {
            at += 5;
            assert!(spared.deadline().unwrap() <= Mono(at * MINUTE));
            spared.look_up(Mono(at * MINUTE));
            let answer = answers.blocking_recv().unwrap();
            spared.answered(answer, Mono(at * MINUTE))
        };
        assert!(ask(&mut spared));
        assert!(!ask(&mut spared), "nothing new");
        let both = ["192.0.2.7/32", "2001:db8::7/128"];
        assert_eq!(shown(&spared), both);
        assert_eq!(
            spared.name_of("192.0.2.7/32".parse().unwrap()),
            Some(&home[0])
        );
        assert_eq!(spared.name_of("192.0.2.0/24".parse().unwrap()), None);
        *dns.lock().unwrap() = Err("no such name");
        assert!(!ask(&mut spared));
        assert_eq!(shown(&spared), both);
        assert_eq!(shown(&start()), both, "it stands on the disk");
        *dns.lock().unwrap() = Ok(addresses(&["192.0.2.8"]));
        assert!(ask(&mut spared));
        assert_eq!(shown(&spared), ["192.0.2.8/32"]);
        // A configuration without it.
        spared.follow(&[]);
        assert_eq!((shown(&spared), spared.unknown().count()), (Vec::new(), 0));
        let other = SparedNames::with(dir.path(), &[], Resolver::new(LIMITS, says(&dns)));
        assert_eq!((shown(&other), other.deadline()), (Vec::new(), None));
    }

    #[test]
    fn dns_that_never_answers_is_asked_again_and_holds_up_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let never: LookUp = Arc::new(|_: &str| -> Result<Vec<IpAddr>, Error> {
            loop {
                std::thread::park();
            }
        });
        let names = [name("a.example"), name("b.example")];
        let mut spared = SparedNames::with(dir.path(), &names, Resolver::new(LIMITS, never));
        for minute in [0, 5, 10, 15, 20] {
            spared.look_up(Mono(minute * MINUTE));
            let waits = spared.deadline().unwrap();
            assert_eq!(waits, Mono(minute * MINUTE + 30_000_000_000));
            spared.look_up(waits);
            assert_eq!(spared.deadline(), Some(Mono((minute + 5) * MINUTE)));
        }
        assert_eq!(shown(&spared), [""; 0]);
    }

    #[test]
    fn what_is_no_file_of_ours_is_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let names = [name("a.example")];
        for text in [
            "",
            "{",
            "[1]",
            "{\"a.example\": [\"b\"]}",
            "{\"..\": [\"192.0.2.7\"]}",
        ] {
            fs::write(dir.path().join(FILE), text).unwrap();
            assert_eq!(
                shown(&SparedNames::load(dir.path(), &names)),
                [""; 0],
                "{text}"
            );
        }
    }
}
