//! What the agent says of itself.

use std::collections::BTreeMap;

use banner_common::{Reason, Tally};

use super::{report::Names, run::Running, start::Started};
use crate::{
    config::Jail,
    control::{
        BanPage, BanStatus, FileStatus, JailStatus, PacketStatus, SourceStatus, Status,
        StoreStatus, StreamStatus, Top, TopHost, shown,
    },
    decide::Cursor,
    enforce::xdp::{Activity, Counters, Talker, Xdp, XdpError},
    model::{Ban, JailId, Log, Mono, Until},
};

/// For `banner status`.
pub(super) fn status(running: &Running, now: Mono) -> Status {
    let agent = &running.agent;
    let (banned_ipv4, banned_ipv6) = agent.decider.entries();
    let mut problems = agent.problems.clone();
    if agent.xdp.is_some() {
        problems.extend(agent.guards.problems());
    }
    problems.extend(agent.ways.problems());
    problems.extend(running.tests.problem());
    problems.extend(agent.looks.problems());
    if !running.pending.is_empty() {
        problems.push(format!(
            "{} bans are not in force yet",
            running.pending.len()
        ));
    }
    let counters = agent
        .xdp
        .as_ref()
        .map_or_else(|| Ok(Counters::default()), Xdp::counters)
        .unwrap_or_else(|error| {
            problems.push(format!("packets cannot be counted: {error}"));
            Counters::default()
        });
    let files: Vec<_> = agent
        .sources
        .files()
        .map(|file| file_status(&file))
        .collect();
    for file in files.iter().filter(|file| !file.awaited) {
        let problem = file.problem.iter();
        problems.extend(problem.map(|problem| format!("{}: {problem}", file.path)));
    }
    problems.extend(unfed(agent));
    problems.extend(agent.named.problems());
    let jails = jails(running);
    problems.extend(jails.iter().filter_map(out_of_time));
    let streams: Vec<_> = agent.sources.streams().map(stream_status).collect();
    for stream in streams.iter().filter(|stream| !stream.awaited) {
        let problem = stream.problem.iter();
        problems.extend(problem.map(|problem| format!("{}: {problem}", stream.name)));
        if stream.lost > 0 {
            problems.push(format!(
                "{}: {} messages are lost: they came faster than they were read, or were too long",
                stream.name, stream.lost
            ));
        }
    }
    let stats = agent.sources.stats();
    problems.extend(strange(stats.strange));
    let notify = agent.teller.status();
    problems.extend(notify.iter().filter_map(|target| {
        let problem = target.problem.as_ref()?;
        Some(format!("notify {}: {problem}", target.name))
    }));
    let kept = agent.keeper.health();
    problems.extend(kept.problem.clone());
    Status {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        uptime_seconds: now.since(agent.since).as_secs(),
        problems,
        notify,
        enforcer: agent.ways.in_words(),
        enforcers: agent.ways.status(),
        interfaces: agent
            .xdp
            .as_ref()
            .map(|xdp| agent.guards.status(xdp))
            .unwrap_or_default(),
        banned_ipv4,
        banned_ipv6,
        banned_prefixes: agent.decider.prefixes(),
        max_bans: agent.config.limits.bans,
        pending: running.pending.len(),
        displaced: running.displaced,
        self_tests: running.tests.done,
        self_test_failures: running.tests.failures,
        packets: packets(counters),
        names: running.names_status(),
        jails,
        files,
        streams,
        source: SourceStatus {
            lines: stats.lines,
            bytes: stats.bytes,
            cut: stats.cut,
            rotations: stats.rotations,
            truncations: stats.truncations,
            overflows: stats.overflows,
        },
        store: StoreStatus {
            path: agent.keeper.path().display().to_string(),
            bytes: kept.bytes,
            commits: kept.commits,
            failures: kept.failures,
            reasons_lost: agent.keeper.lost(),
            lines_lost: agent.pipeline.lines().missing(),
        },
    }
}

/// By the names of their reasons.
pub(super) fn packets(counters: Counters) -> BTreeMap<String, PacketStatus> {
    let reasons = Reason::ALL.into_iter();
    reasons
        .map(|reason| {
            let Tally { packets, bytes, .. } = counters.of(reason);
            (reason.name().to_owned(), PacketStatus { packets, bytes })
        })
        .collect()
}

/// The jails that read nothing at all, so that nothing can come of them.
pub(super) fn unfed(agent: &Started) -> impl Iterator<Item = String> {
    let read = agent.sources.read();
    let unfed = move |jail: &&Jail| {
        !jail.retired && jail.of.is_none() && jail.logs.iter().all(|log| !read.contains(log))
    };
    agent.config.jails.iter().filter(unfed).map(|jail| {
        let logs = jail
            .logs
            .iter()
            .filter_map(|log| agent.config.logs.get(usize::from(log.0)));
        let logs: Vec<_> = logs.map(Log::to_string).collect();
        format!(
            "jail {} reads nothing: there is no {}. Where a system logs to the journal only, add \
             `journal` to `logs`",
            jail.name,
            logs.join(" and no ")
        )
    })
}

fn jails(running: &Running) -> Vec<JailStatus> {
    let jails = 0..running.agent.config.jails.len();
    jails.filter_map(|n| jail_status(running, n)).collect()
}

/// Some failures are old because reading them was late; most of them are not.
fn out_of_time(jail: &JailStatus) -> Option<String> {
    let is_strange = jail.stale > 10 && jail.stale * 2 > jail.failures;
    is_strange.then(|| {
        format!(
            "jail {}: {} of {} failures were older than its find time when they were read; are the \
             stamps of its logs in another time zone than this machine's?",
            jail.name, jail.stale, jail.failures
        )
    })
}

pub(super) fn jail_status(running: &Running, n: usize) -> Option<JailStatus> {
    let agent = &running.agent;
    let id = JailId(u16::try_from(n).ok()?);
    let jail = agent.config.jails.get(n)?;
    if jail.retired && agent.decider.of(id) == 0 {
        return None;
    }
    let (counts, tracker) = agent.pipeline.counts(id)?;
    let logs = jail
        .logs
        .iter()
        .filter_map(|log| agent.config.logs.get(usize::from(log.0)));
    Some(JailStatus {
        name: jail.name.clone(),
        mode: jail.mode.name().into(),
        filter: jail.filter_name.clone(),
        of: jail.of.as_ref().map(ToString::to_string),
        logs: logs.map(Log::to_string).collect(),
        retired: jail.retired,
        banned: agent.decider.of(id),
        counting: tracker.hosts(),
        failures: counts.failures,
        offences: counts.offences,
        spared: running.spared[n],
        ignored: counts.ignored,
        stale: tracker.stale(),
        forgotten: tracker.forgotten(),
        stamp_missing: counts.stamp_missing,
        stamp_unreadable: counts.stamp_unreadable,
        stamp_future: counts.stamp_future,
        unbannable: counts.unbannable,
        exhausted: agent.pipeline.exhausted(id),
    })
}

pub(super) fn file_status(file: &crate::source::FileState<'_>) -> FileStatus {
    FileStatus {
        path: file.path.display().to_string(),
        read: file.bytes,
        lag: file.lag,
        awaited: file.problem.is_some_and(|problem| problem.awaited),
        polled: file.polled.map(str::to_owned),
        problem: file.problem.map(|problem| problem.error.clone()),
    }
}

pub(super) fn stream_status(stream: crate::source::StreamState) -> StreamStatus {
    StreamStatus {
        name: stream.name,
        lines: stream.tally.lines,
        read: stream.tally.bytes,
        cut: stream.tally.cut,
        lost: stream.tally.lost,
        refused: stream.tally.refused,
        note: stream.note,
        awaited: (stream.problem.as_ref()).is_some_and(|problem| problem.awaited),
        problem: stream.problem.map(|problem| problem.error),
    }
}

/// What was passed over.
fn strange(lines: u64) -> Option<String> {
    (lines > 0).then(|| {
        format!(
            "{lines} lines were not in the form that their source should have, and were passed over; do \
             `cri` and `docker` in `logs` name files of containers?"
        )
    })
}

/// For `banner bans`: some of them.
pub(super) fn bans(running: &Running, limit: usize, after: Cursor, now: Mono) -> BanPage {
    let agent = &running.agent;
    let names = agent.names();
    let mut rest = agent.decider.bans_from(after).peekable();
    let mut found = Vec::new();
    let mut next = None;
    while let Some((ban, place)) = rest.next_if(|_| found.len() < limit) {
        found.push(ban);
        next = Some(place.to_number());
    }
    if rest.peek().is_none() {
        next = None;
    }
    let entries: Vec<_> = found.iter().map(Ban::entry).collect();
    // `banner status` tells that maps cannot be read.
    let activities = agent.xdp.as_ref().map(|xdp| xdp.activity(&entries));
    let activities = activities.and_then(Result::ok).unwrap_or_default();
    let activities = activities
        .into_iter()
        .chain(std::iter::repeat(Activity::default()));
    let bans = found.into_iter().zip(activities);
    let bans = bans.map(|(ban, activity)| ban_status(&ban, activity, names, now));
    BanPage {
        bans: bans.collect(),
        next,
    }
}

/// One ban, and what it has done.
pub(super) fn ban_status(
    ban: &Ban,
    Activity {
        packets,
        last,
        until,
    }: Activity,
    names: Names<'_>,
    now: Mono,
) -> BanStatus {
    let until = until.filter(|_| ban.quiet.is_some());
    let until = until.map_or(ban.until, |until| until.max(ban.until));
    BanStatus {
        net: shown(ban.net),
        ports: names.ports.name(ban.ports),
        jail: ban.jail.map(|jail| names.jail(Some(jail)).to_owned()),
        mode: ban.mode.name().into(),
        remaining_seconds: remaining(until, now),
        renews_seconds: ban.quiet.map(|quiet| quiet.seconds().into()),
        packets,
        last_seen_seconds: last.map(|last| now.since(last).as_secs()),
    }
}

/// Seconds to an end; none: there is none.
pub(super) fn remaining(until: Until, now: Mono) -> Option<u64> {
    match until {
        Until::Forever => None,
        Until::At(end) => Some(end.since(now).as_secs()),
    }
}

/// For `banner top`.
pub(super) fn top(running: &Running, limit: usize) -> Result<Top, XdpError> {
    let agent = &running.agent;
    let (talkers, packets) = match &agent.xdp {
        Some(xdp) => xdp.top(limit)?,
        None => (Vec::new(), 0),
    };
    let hosts = talkers.into_iter().map(|Talker { host, packets }| TopHost {
        host,
        packets,
        banned: agent.decider.is_banned(host),
    });
    Ok(Top {
        hosts: hosts.collect(),
        packets,
    })
}
