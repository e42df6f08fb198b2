//! Why somebody is banned, or is not.

use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::oneshot;

use super::{reasons::Why, run::Running, status::ban_status};
use crate::{
    control::{Counted, Explained, Explanation, LineStatus, Reason, shown},
    filter::Filter,
    model::{Ban, Entry, JailId, MatchedLine, Now, Wall},
    store::Offences,
};

/// So many earlier reasons are told.
const PAST: u32 = 5;

/// The filters of jails by their names, for a thread that has no other way to know them.
struct Filters(Vec<(String, Arc<Filter>)>);

impl Running {
    /// Answers with everything that is known of a host or prefix. What is on the disk is added by the
    /// thread that reads it.
    pub(super) fn explain(&self, net: IpNet, reply: oneshot::Sender<Explanation>, now: Now) {
        let mut explanation = self.explanation(net, now);
        let jails = self.agent.config.jails.iter();
        let filters =
            jails.filter_map(|jail| Some((jail.name.clone(), Arc::clone(jail.filter.as_ref()?))));
        let filters = Filters(filters.collect());
        // It is the banned prefix that reasons are kept for.
        let banned = explanation.bans.first().map(|ban| ban.ban.net.parse());
        let about = banned.and_then(Result::ok).unwrap_or(net);
        let (reply, other) = (
            Arc::new(std::sync::Mutex::new(Some(reply))),
            explanation.clone(),
        );
        let answer = |reply: &std::sync::Mutex<Option<oneshot::Sender<_>>>, explanation| {
            let reply = reply.lock().ok().and_then(|mut reply| reply.take());
            // Who asked may have gone.
            let _ = reply.map(|reply| reply.send(explanation));
        };
        let later = Arc::clone(&reply);
        let asked = self.agent.keeper.offences(
            about,
            PAST,
            Box::new(move |found| {
                for offence in found.unwrap_or_default() {
                    filters.add(offence, &mut explanation, now);
                }
                answer(&later, explanation);
            }),
        );
        if !asked {
            answer(&reply, other);
        }
    }

    fn explanation(&self, net: IpNet, now: Now) -> Explanation {
        let decider = &self.agent.decider;
        let mut nets = vec![net];
        nets.extend(decider.around(net));
        let bans: Vec<_> = nets.into_iter().flat_map(|net| decider.on(net)).collect();
        let entries: Vec<Entry> = bans.iter().map(Ban::entry).collect();
        // `banner status` tells that maps cannot be read.
        let xdp = self.agent.xdp.as_ref();
        let activities = xdp.and_then(|xdp| xdp.activity(&entries).ok());
        let activities = activities.unwrap_or_default();
        let mut activities = activities.into_iter();
        let explained = bans.iter().map(|ban| Explained {
            ban: ban_status(
                ban,
                activities.next().unwrap_or_default(),
                self.agent.names(),
                now.mono,
            ),
            reason: (self.reasons.of(ban.entry(), ban.jail)).map(|why| self.reason(why, now)),
        });
        let jails = 0..self.agent.config.jails.len();
        Explanation {
            net: shown(net),
            never: self.why_never(net),
            bans: explained.collect(),
            past: Vec::new(),
            jails: jails.filter_map(|n| self.counted(net, n, now)).collect(),
        }
    }

    fn reason(&self, why: &Why, now: Now) -> Reason {
        let jail = (why.jail).and_then(|jail| self.agent.config.jails.get(usize::from(jail.0)));
        let filter = jail.and_then(|jail| jail.filter.as_deref());
        Reason {
            jail: jail.map(|jail| jail.name.clone()),
            host: why.who.map(shown),
            seconds_ago: ago(why.at, now),
            failures: why.failures,
            count: why.count,
            time_seconds: why.time,
            lines: why.evidence.iter().map(|line| said(line, filter)).collect(),
        }
    }

    /// Why all of a prefix is on the never-ban list, if it is.
    fn why_never(&self, net: IpNet) -> Option<String> {
        let agent = &self.agent;
        if !agent.decider.never().covers(net) || agent.forced.set().covers(net) {
            return None;
        }
        let listed = (agent.config.ignore.iter()).find(|listed| listed.contains(&net));
        let session = (agent.session).is_some_and(|peer| IpNet::from(peer).contains(&net));
        let named = self.agent.named.name_of(net);
        Some(match listed {
            None if let Some(name) = named => {
                format!("`ignore_names` of the configuration has {name}, which has this address")
            }
            Some(listed) => format!("`ignore` of the configuration has {}", shown(*listed)),
            None if session => "whoever started the agent is logged in from there".into(),
            None => "it is an address or a gateway of this machine".into(),
        })
    }

    /// What a jail knows of a host or prefix, if anything.
    fn counted(&self, net: IpNet, n: usize, now: Now) -> Option<Counted> {
        let id = JailId(u16::try_from(n).ok()?);
        let jail = self.agent.config.jails.get(n)?;
        let failures = self.agent.pipeline.counted(id, net, now);
        let history = self.agent.decider.history().of(net);
        let before = history.filter(|past| past.jail == jail.name);
        let counted = Counted {
            jail: jail.name.clone(),
            failures,
            max_retry: jail.max_retry,
            find_seconds: jail.find_time.as_secs(),
            ignored: jail.ignore.iter().any(|ignored| ignored.contains(&net)),
            banned_before: before.map(|past| past.count).sum(),
        };
        let known = counted.failures > 0 || counted.ignored || counted.banned_before > 0;
        known.then_some(counted)
    }
}

impl Filters {
    /// A reason from the disk: of a ban that stands and of which nobody remembers why, or of one before.
    fn add(&self, offence: Offences, explanation: &mut Explanation, now: Now) {
        let filter = self.0.iter().find(|(name, _)| *name == offence.jail);
        let filter = filter.map(|(_, filter)| &**filter);
        let lines = offence.evidence.iter().map(|line| said(line, filter));
        let reason = Reason {
            jail: Some(offence.jail),
            host: Some(shown(offence.who)),
            seconds_ago: ago(offence.at, now),
            lines: lines.collect(),
            ..Reason::default()
        };
        let bans = &mut explanation.bans;
        let of_jail = bans.iter_mut().find(|ban| ban.ban.jail == reason.jail);
        match of_jail.map(|ban| &mut ban.reason) {
            Some(none @ None) => *none = Some(reason),
            // The latest one is the one that is known.
            Some(Some(known)) if known.seconds_ago.abs_diff(reason.seconds_ago) <= 2 => {}
            _ => explanation.past.push(reason),
        }
    }
}

fn said(line: &MatchedLine, filter: Option<&Filter>) -> LineStatus {
    let pattern = filter.and_then(|filter| filter.spec().fail.get(usize::from(line.pattern)));
    LineStatus {
        at: line.at.as_secs(),
        line: String::from_utf8_lossy(&line.bytes).into_owned(),
        cut: line.cut,
        origin: line.origin.as_deref().map(str::to_owned),
        pattern: pattern.cloned(),
    }
}

/// Seconds; none where the wall clock was set back since.
fn ago(then: Wall, now: Now) -> u64 {
    u64::try_from(now.wall.as_secs().saturating_sub(then.as_secs())).unwrap_or(0)
}
