//! Bans that last longer because there were bans before.

use super::*;
use crate::{
    decide::{History, Past},
    model::{Escalation, Growth},
};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: i64 = 86_400;

fn doubling(all_jails: bool) -> Escalation {
    Escalation {
        growth: Growth::Doubling,
        factor: 1.0,
        max: None,
        random: Duration::ZERO,
        all_jails,
        forget: Duration::from_hours(24),
    }
}

/// Jail 0 counts its own bans, jail 1 those of all, jail 2 only observes, jail 3 does not escalate.
fn escalating() -> Decider {
    let rules = |jail: &str, escalation| Rules {
        jail: jail.into(),
        ban_time: Some(MINUTE),
        escalation,
        ..Rules::default()
    };
    let observing = Rules {
        mode: Mode::Observe,
        ..rules("observing", Some(doubling(false)))
    };
    let rules = vec![
        rules("own", Some(doubling(false))),
        rules("all", Some(doubling(true))),
        observing,
        rules("plain", None),
    ];
    Decider::new(rules, never(&[]), 9)
}

/// At so many seconds on both clocks, the wall's ahead by `wall`.
fn now(secs: u64, wall: i64) -> Now {
    let passed = i64::try_from(secs).unwrap();
    Now {
        wall: Wall::from_secs(passed + wall),
        mono: Mono(secs * SEC),
    }
}

/// Which ban it is, and how many minutes it lasts, after everything that is over by then has ended.
fn ban(decider: &mut Decider, jail: u16, now: Now) -> (u32, u64) {
    let mut out = Outcome::default();
    decider.expire(now.mono, 9, &mut out);
    decider.offence(&offence(jail, "192.0.2.7"), now, &mut out);
    let Some(Decision::Ban { count, time, .. }) = out.decisions.pop() else {
        panic!("{out:?}");
    };
    (count, time.unwrap().as_secs() / 60)
}

#[test]
fn each_ban_lasts_longer_than_the_one_before() {
    let mut decider = escalating();
    let mut at = 0;
    for n in 0..5 {
        assert_eq!(ban(&mut decider, 0, now(at, 0)), (n + 1, 1 << n));
        assert_eq!(
            ban(&mut decider, 0, now(at + 30, 0)),
            (n + 1, 1 << n),
            "who goes on in a ban is banned once"
        );
        at += 30 + (60 << n);
    }
    let past: Vec<_> = decider.history().of(net("192.0.2.7")).collect();
    assert_eq!((past.len(), past[0].count, &*past[0].jail), (1, 5, "own"));
    decider.forget(net("192.0.2.7"));
    assert_eq!(ban(&mut decider, 0, now(at, 0)), (1, 1), "forgiven");
}

#[test]
fn bans_of_other_jails_count_where_they_should_and_trials_never_do() {
    let mut decider = escalating();
    for (jail, expected) in [
        (2, (1, 1)),
        (3, (1, 1)),
        (0, (1, 1)),
        // Of the jails 0 and 3.
        (1, (3, 4)),
        (0, (2, 2)),
        (2, (2, 2)),
        (3, (1, 1)),
    ] {
        let mut out = Outcome::default();
        decider.lift(net("192.0.2.7"), &mut out);
        assert_eq!(ban(&mut decider, jail, now(0, 0)), expected, "jail {jail}");
    }
}

#[test]
fn what_an_agent_before_knew_is_gone_on_with() {
    let mut history = History::new(10);
    history.restore(&Past {
        net: net("192.0.2.7"),
        jail: "own".into(),
        count: 3,
        last: Wall::from_secs(0),
        ends: Some(Wall::from_secs(60)),
    });
    let mut decider = escalating().with_history(history, 1);
    assert_eq!(ban(&mut decider, 0, now(100, 0)), (4, 8));
}

/// Ban times are counted on a clock that does not jump; only how long ago something was is taken
/// from the wall clock.
#[test]
fn a_wall_clock_that_jumps_a_day_moves_no_ban_and_forgets_only_what_seems_long_over() {
    for (jump, expected) in [(0, (2, 2)), (-DAY, (2, 2)), (-400 * DAY, (2, 2))] {
        let mut decider = escalating();
        assert_eq!(ban(&mut decider, 0, now(0, 0)), (1, 1));
        assert_eq!(decider.next_end(), Some(Mono(60 * SEC)));
        assert_eq!(ban(&mut decider, 0, now(60, jump)), expected, "{jump} s");
        assert_eq!(decider.next_end(), Some(Mono(180 * SEC)), "{jump} s");
    }
    let mut decider = escalating();
    ban(&mut decider, 0, now(0, 0));
    assert_eq!(
        ban(&mut decider, 0, now(60, DAY)),
        (1, 1),
        "over for a day, as it seems"
    );
    assert_eq!(
        ban(&mut decider, 0, now(180, 0)),
        (2, 2),
        "and the clock is put right"
    );
}
