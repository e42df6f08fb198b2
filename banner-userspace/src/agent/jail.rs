//! What there is to say of one jail.

use super::{
    run::Running,
    status::{file_status, jail_status, stream_status},
};
use crate::{
    config::nearest,
    control::{JailDetail, LastFailure, shown},
    model::{JailId, LogId, Now},
};

/// So many of the hosts that a jail counts are named.
const NAMED: usize = 10;

impl Running {
    /// For `banner status JAIL`.
    pub(super) fn jail_detail(&self, name: &str, now: Now) -> Result<Box<JailDetail>, String> {
        let agent = &self.agent;
        let known = agent.config.jails.iter().position(|jail| jail.name == name);
        let found = known.and_then(|n| {
            let id = JailId(u16::try_from(n).ok()?);
            Some((agent.config.jails.get(n)?, id, jail_status(self, n)?))
        });
        let Some((jail, id, status)) = found else {
            return Err(self.no_jail(name));
        };
        let (counts, tracker) = agent
            .pipeline
            .counts(id)
            .ok_or_else(|| self.no_jail(name))?;
        let reads = |logs: &[LogId]| jail.logs.iter().any(|log| logs.contains(log));
        let files = agent.sources.files().filter(|file| reads(file.logs));
        let streams = agent.sources.streams().filter(|stream| reads(&stream.logs));
        let targets = jail
            .notify
            .iter()
            .filter_map(|route| agent.config.notify.get(route.target));
        let counted = tracker.heaviest(NAMED, now.wall).into_iter();
        Ok(Box::new(JailDetail {
            status,
            max_retry: jail.max_retry,
            find_seconds: jail.find_time.as_secs(),
            ban_seconds: jail.ban_time.duration().map(|time| time.as_secs()),
            escalates: jail.escalation.is_some(),
            ports: agent.ports.name(jail.ports),
            prefix: [jail.ipv4_length, jail.ipv6_length],
            count_by: [jail.count_ipv4_length, jail.count_ipv6_length],
            ignore: jail.ignore.iter().map(|net| shown(*net)).collect(),
            enforce: jail
                .enforce
                .iter()
                .map(|way| way.name().to_owned())
                .collect(),
            notify: targets.map(|target| target.name.clone()).collect(),
            bans: self.begun.get(usize::from(id.0)).copied().unwrap_or(0),
            last_failure: counts.last.map(|(who, at)| LastFailure {
                host: shown(who),
                seconds_ago: u64::try_from(now.wall.as_secs().saturating_sub(at.as_secs()))
                    .unwrap_or(0),
            }),
            counted: counted.map(|(who, count)| (shown(who), count)).collect(),
            files: files.map(|file| file_status(&file)).collect(),
            streams: streams.map(stream_status).collect(),
        }))
    }

    /// That there is no jail of this name, and which there are.
    pub(super) fn no_jail(&self, name: &str) -> String {
        let jails = self.agent.config.jails.iter().filter(|jail| !jail.retired);
        let names: Vec<_> = jails.map(|jail| &*jail.name).collect();
        let meant = nearest(name, names.iter().copied());
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        format!(
            "no jail is named {name:?}; there are: {}{meant}",
            names.join(", ")
        )
    }
}
