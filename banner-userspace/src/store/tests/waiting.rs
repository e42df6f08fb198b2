//! Changes that wait to become rows are in force like those that are rows.

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::model::Quiet;
use crate::store::{clock::Clock, load, pending, schema, write::Setting};

fn open() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    connection
}

fn setting(jails: &[Arc<str>], at_once: usize) -> Setting<'_> {
    let connection = open();
    Setting {
        clock: Clock::read(&connection, "this boot", now(0)).unwrap(),
        boot: "this boot",
        jails,
        at_once,
    }
}

fn renewing(net: &str, minutes: u64) -> KeptBan {
    KeptBan {
        quiet: Some(Quiet::new(Duration::from_hours(1))),
        ..kept(net, Some("sshd"), minutes)
    }
}

#[test]
fn the_next_agent_finds_a_ban_whose_end_was_put_off() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    let nets = ["192.0.2.7/32", "2001:db8::/64"];
    let bans = nets.map(|net| Change::Put(renewing(net, 60), None));
    write(&store, batch(1, bans.into()));
    let mut put_off = nets.map(|net| Change::PutOff(renewing(net, 90))).to_vec();
    // One that is not there is not made by this.
    put_off.push(Change::PutOff(renewing("198.51.100.0/24", 90)));
    write(&store, batch(2, put_off));
    store.stop(None, PATIENCE).unwrap();
    let mut found = found(&options, 80).bans;
    found.sort_by_key(|ban| ban.net);
    assert_eq!(found, nets.map(|net| renewing(net, 90)));
}

fn change() -> impl Strategy<Value = Change> {
    let net = prop::sample::select(vec!["192.0.2.7/32", "192.0.2.0/24", "2001:db8::/64"]);
    let jail = prop::sample::select(vec![None, Some("sshd"), Some("gone")]);
    let put = (net.clone(), jail.clone(), 1..100_u64, any::<bool>()).prop_map(
        |(net, jail, minutes, is_explained)| {
            let line = MatchedLine {
                at: now(minutes).wall,
                pattern: 2,
                bytes: format!("line {minutes}").into_bytes().into(),
                cut: false,
                origin: None,
            };
            let past = jail.map(|jail| History {
                net: net.parse().unwrap(),
                jail: jail.into(),
                count: 3,
                last: now(minutes).wall,
                ends: None,
            });
            let cause = Cause {
                who: "192.0.2.7/32".parse().unwrap(),
                evidence: [line].into(),
                past,
            };
            Change::Put(kept(net, jail, minutes), is_explained.then_some(cause))
        },
    );
    let remove = (net.clone(), jail).prop_map(|(net, jail)| Change::Remove {
        net: net.parse().unwrap(),
        ports: "all".into(),
        jail: jail.map(Arc::from),
    });
    let put_off =
        (net.clone(), 1..200_u64).prop_map(|(net, minutes)| Change::PutOff(renewing(net, minutes)));
    let renews = (net.clone(), 1..100_u64)
        .prop_map(|(net, minutes)| Change::Put(renewing(net, minutes), None));
    let forgive = net.prop_map(|net| Change::Forgive(net.parse().unwrap()));
    prop_oneof![6 => put, 3 => remove, 1 => forgive, 2 => renews, 2 => put_off]
}

/// All that can be read of it.
fn content(connection: &Connection) -> (Loaded, Vec<Vec<Offences>>) {
    let clock = setting(&[], 0).clock;
    let mut loaded = load::load(connection, clock, Mono(0)).unwrap();
    // Of the same moment in no order.
    loaded.history.sort_by_key(|past| (past.last, past.net));
    let offences = ["192.0.2.7/32", "192.0.2.0/24", "2001:db8::/64"]
        .map(|net| load::offences(connection, net.parse().unwrap(), 5).unwrap());
    (loaded, offences.into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changes_mean_the_same_before_they_are_rows_and_after(
        batches in prop::collection::vec(
            (prop::collection::vec(change(), 0..6), any::<bool>(), 0..3_u8),
            1..8,
        ),
    ) {
        let jails = ["sshd".into(), "web".into()];
        let (mut rows, mut bytes) = (open(), open());
        for (changes, all, folds) in batches {
            let batch = Batch { all, ..batch(1, changes) };
            write::write(&mut rows, &batch, setting(&jails, usize::MAX)).unwrap();
            write::write(&mut bytes, &batch, setting(&jails, 0)).unwrap();
            prop_assert_eq!(content(&rows), content(&bytes));
            for _ in 0..folds {
                pending::fold(&mut bytes).unwrap();
            }
            prop_assert_eq!(content(&rows), content(&bytes));
        }
        while pending::fold(&mut bytes).unwrap() {}
        prop_assert_eq!(content(&rows), content(&bytes));
    }
}

#[test]
fn very_many_bans_are_kept_by_a_stop_that_comes_at_once() {
    const MANY: u32 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    assert_eq!(store.loaded(), Loaded::default());
    let bans = |first: u32| -> Vec<Change> {
        let nets = (first..first + MANY).map(|n| std::net::Ipv4Addr::from(0x0b00_0000 + n));
        nets.map(|host| put(&format!("{host}/32"), Some("sshd"), 60))
            .collect()
    };
    wait(|| store.is_free());
    assert!(store.write(batch(1, bans(0))));
    store.stop(Some(batch(2, bans(MANY))), PATIENCE).unwrap();
    let connection = Connection::open(&options.path).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    assert!(pending::any(&connection).unwrap(), "they became rows first");
    drop(connection);
    assert_eq!(found(&options, 3).bans.len(), 2 * MANY as usize);
    assert_eq!(forget(&options.path, None), Ok(2 * MANY as usize));
}
