//! Ban times that grow.

use std::time::Duration;

use super::{assert_said, load};
use crate::model::{Escalation, Growth};

fn of_jails(text: &str) -> Vec<Option<Escalation>> {
    let config = load(&[("etc/banner.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}"));
    let jails = config.jails.into_iter();
    jails.map(|jail| jail.escalation).collect()
}

#[test]
fn a_jail_says_for_itself_how_its_ban_times_grow() {
    let own = of_jails(
        "defaults: {escalation: {growth: [1, 2.5], factor: 0.5, max: 1w, random: 10m, all_jails: yes, forget: 1d}}\n\
         jails:\n  a: {logs: [/x], filter: sshd}\n  b: {logs: [/x], filter: sshd, escalation: false}\n  \
         c: {logs: [/x], filter: sshd, escalation: on}\n  d: {logs: [/x], filter: sshd, escalation: {growth: linear}}\n",
    );
    let day = Duration::from_hours(24);
    let doubling = Escalation {
        growth: Growth::Doubling,
        factor: 1.0,
        max: None,
        random: Duration::ZERO,
        all_jails: false,
        forget: 28 * day,
    };
    let listed = Escalation {
        growth: Growth::Multipliers(vec![1.0, 2.5]),
        factor: 0.5,
        max: Some(7 * day),
        random: Duration::from_mins(10),
        all_jails: true,
        forget: day,
    };
    let linear = Escalation {
        growth: Growth::Linear,
        ..doubling.clone()
    };
    assert_eq!(
        own,
        [Some(listed), None, Some(doubling), Some(linear)],
        "nothing of `defaults` is mixed in"
    );
    assert_eq!(
        of_jails("jails: {a: {logs: [/x], filter: sshd}}"),
        [None],
        "it is off where nobody asks for it"
    );
}

#[test]
fn what_is_wrong_with_it_is_said() {
    assert_said(&[
        (
            "defaults: {escalation: fast}",
            &[
                "1:24: defaults.escalation: expected true, false, or a mapping such as { growth: doubling, max: 4w }, found `fast`",
            ],
        ),
        (
            "defaults: {escalation: {formula: 'ban.Time * 2', max: 0, factor: -1}}",
            &[
                "1:25: defaults.escalation.formula: unknown key; did you mean growth?",
                "1:55: defaults.escalation.max: expected a duration, found the number 0; it must be longer than zero",
                "1:66: defaults.escalation.factor: expected a number above 0, at most 1000000, found the number -1",
            ],
        ),
        (
            "defaults: {escalation: {growth: [], all_jails: maybe}}",
            &[
                "1:33: defaults.escalation.growth: expected doubling, exponential, linear, or a list of multipliers such as [1, 5, 30, 60, 300], found a list",
                "1:48: defaults.escalation.all_jails: expected true or false, found `maybe`",
            ],
        ),
        (
            "defaults: {escalation: {growth: [1, two]}}",
            &[
                "1:37: defaults.escalation.growth[1]: expected a number above 0, at most 1000000, found `two`",
            ],
        ),
    ]);
}
