//! Words that only some places may say: `aya`, `unsafe`, clocks, the outside world, `sleep`.

use std::path::Path;

use super::{
    Finding,
    mentions::{Mention, Source},
    rooms,
};

/// Rooms without I/O, clock and async; what they work on is passed to them.
const PURE: [&str; 4] = ["model", "filter", "track", "decide"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let rules = [aya, unsafe_code, clock, outside, sleep];
    let mut findings = Vec::new();
    for mention in &source.mentions {
        for rule in rules {
            if let Some(rule) = rule(source, mention) {
                findings.push(Finding {
                    file: source.file.clone(),
                    line: mention.line,
                    rule,
                });
            }
        }
    }
    findings
}

fn in_userspace(source: &Source) -> bool {
    source.file.starts_with("banner-userspace")
}

fn aya(source: &Source, mention: &Mention) -> Option<String> {
    let named = mention.path[0] == "aya" || mention.path[0] == "aya_obj";
    let allowed = source.file.starts_with("banner-userspace/src/enforce/xdp")
        || source
            .file
            .starts_with("banner-userspace/src/enforce/xdp.rs")
        || !in_userspace(source);
    (named && !allowed).then(|| "`aya` is named only in enforce/xdp".to_owned())
}

fn unsafe_code(source: &Source, mention: &Mention) -> Option<String> {
    let allowed = source.file.starts_with("banner-ebpf")
        || source.file.starts_with("banner-userspace/src/sys");
    (mention.path == ["unsafe"] && !allowed)
        .then(|| "`unsafe` stands only in banner-ebpf and banner-userspace/src/sys".to_owned())
}

/// Types whose `now` reads a clock.
const CLOCKS: [&str; 5] = ["ClockId", "Instant", "SystemTime", "Timestamp", "Zoned"];

fn clock(source: &Source, mention: &Mention) -> Option<String> {
    let allowed = !in_userspace(source)
        || mention.in_test
        || rooms::room(source) == Some("agent")
        || source.file == Path::new("banner-userspace/src/enforce/xdp/clock.rs");
    if allowed {
        return None;
    }
    let reads = match mention.path.as_slice() {
        [dot, method] if dot == "." => method == "elapsed" && mention.called,
        [.., clock, now] if now == "now" => CLOCKS.contains(&clock.as_str()),
        [.., last] => last == "clock_gettime" || last == "gettimeofday",
        [] => false,
    };
    reads.then(|| {
        format!(
            "clocks are read in `agent` and passed down, and `{}` reads one",
            mention.path.join("::").replace(".::", ".")
        )
    })
}

/// Modules of the standard library that reach out of the program.
const OUTSIDE: [&str; 4] = ["env", "fs", "process", "thread"];

fn outside(source: &Source, mention: &Mention) -> Option<String> {
    let room = rooms::room(source)?;
    let (is_pure, reads_files) = (PURE.contains(&room), room == "config");
    if mention.in_test || !(is_pure || reads_files) {
        return None;
    }
    let named = match mention.path.as_slice() {
        [first, ..] if ["libc", "nix", "tokio"].contains(&first.as_str()) => true,
        [std, module, ..] if std == "std" => {
            OUTSIDE.contains(&module.as_str()) && !(reads_files && module == "fs")
        }
        _ => false,
    };
    named.then(|| {
        let what = if is_pure {
            "is pure: no I/O, no async"
        } else {
            "reads files and touches nothing else outside"
        };
        format!("`{room}` {what}, and names `{}`", mention.path.join("::"))
    })
}

fn sleep(source: &Source, mention: &Mention) -> Option<String> {
    let allowed = !mention.in_test || source.file == Path::new("tests/src/wait.rs");
    let sleeps = mention.called
        && mention
            .path
            .last()
            .is_some_and(|last| last == "sleep" || last == "nanosleep");
    (sleeps && !allowed).then(|| {
        "tests wait for a condition with a deadline (tests/src/wait.rs) and do not sleep".to_owned()
    })
}
