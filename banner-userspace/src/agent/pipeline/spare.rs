//! Whose failures do not count.

use ipnet::IpNet;

use super::{Pipeline, Together};
use crate::{
    config,
    model::{JailId, Now, PrefixSet},
};

impl Pipeline {
    /// Who is never banned, by any jail and by each of these, by their numbers. It matters where hosts
    /// are counted together: others would be banned for what these do. A host that is counted alone
    /// may count, and is spared when it offends.
    pub(in crate::agent) fn spare(&mut self, never: &PrefixSet, jails: &[config::Jail]) {
        for (jail, config) in self.jails.iter_mut().zip(jails) {
            jail.spared = if jail.setup.together == Together::default() {
                PrefixSet::default()
            } else {
                PrefixSet::new(never.iter().chain(config.ignore.iter().copied()))
            };
        }
    }

    /// How many failures of a host or prefix a jail counts now, those of hosts that are counted with it
    /// included.
    pub fn counted(&self, jail: JailId, who: impl Into<IpNet>, now: Now) -> usize {
        self.jails.get(usize::from(jail.0)).map_or(0, |jail| {
            let counted_as = jail.setup.together.first(who.into());
            jail.tracker.failures(counted_as, now.wall)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        agent::start::setups,
        config::{InMemory, load_from},
        model::{Chunk, LogId, Mono, Wall},
    };

    #[test]
    fn nobody_is_banned_for_what_an_ignored_neighbour_does() {
        let filter = "{stamps: none, fail: ['^bad <HOST>$']}";
        let text = format!(
            "jails:\n  a: {{filter: &f {filter}, logs: [/x], max_retry: 2, count_by: {{ipv4: 24}}, \
             ignore: [192.0.2.7]}}\n  b: {{filter: *f, logs: [/x], max_retry: 2}}\n"
        );
        let files: InMemory = [("banner.yaml", &*text)].into_iter().collect();
        let config =
            load_from(Path::new("banner.yaml"), &files).unwrap_or_else(|why| panic!("{why}"));
        let mut pipeline = Pipeline::new(setups(&config).collect(), 100, TimeZone::UTC);
        let never = PrefixSet::new(["192.0.2.9/32".parse().unwrap()]);
        pipeline.spare(&never, &config.jails);
        let now = Now {
            wall: Wall::from_secs(100),
            mono: Mono(0),
        };
        let mut feed = |text: &str| {
            let mut offences = Vec::new();
            let chunk = Chunk::new(&[LogId(0)], text.as_bytes());
            pipeline.chunk(&chunk, now, &mut offences);
            let offences = offences.iter();
            let offences = offences.map(|offence| (offence.jail.0, offence.who.addr().to_string()));
            let count = pipeline.counted(
                JailId(0),
                "192.0.2.200".parse::<std::net::IpAddr>().unwrap(),
                now,
            );
            (offences.collect::<Vec<_>>(), count)
        };
        let spared = "bad 192.0.2.7\nbad 192.0.2.7\nbad 192.0.2.9\n";
        assert_eq!(feed(spared), (vec![(1, "192.0.2.7".into())], 0));
        assert_eq!(feed("bad 192.0.2.10\n"), (vec![], 1));
        assert_eq!(
            feed("bad 192.0.2.11\n"),
            (vec![(0, "192.0.2.11".into())], 0)
        );
    }
}
