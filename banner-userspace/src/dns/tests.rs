use std::{
    sync::{Mutex, mpsc as std_mpsc},
    thread,
};

use super::*;

fn at(secs: u64) -> Mono {
    Mono(secs * 1_000_000_000)
}

fn name(text: &str) -> Name {
    Name::of(text).unwrap()
}

/// Says what somebody lets it say, and tells what it was asked for.
fn scripted(
    script: impl Fn(&str) -> Result<Vec<IpAddr>, Error> + Send + Sync + 'static,
) -> (LookUp, std_mpsc::Receiver<String>) {
    let (told, asked) = std_mpsc::channel();
    let told = Mutex::new(told);
    let look_up = move |name: &str| {
        let _ = told.lock().unwrap().send(name.to_owned());
        script(name)
    };
    (Arc::new(look_up), asked)
}

fn limits() -> Limits {
    Limits {
        threads: 2,
        names: 3,
        items: 5,
        ..Limits::default()
    }
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn addresses_come_and_are_remembered_for_a_while() {
    let (look_up, asked) = scripted(|name| match name {
        "host.example" => Ok(addresses(&["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7"])),
        _ => Err(Error::other("no such name")),
    });
    let (mut resolver, mut inbox) = Resolver::new(limits(), look_up);
    let found: Arc<[IpAddr]> = addresses(&["192.0.2.7", "2001:db8::7"]).into();
    for item in [1, 2] {
        assert_eq!(
            resolver.ask(name("host.example"), item, at(0)),
            Asked::Waits
        );
    }
    assert_eq!(resolver.ask(name("none.example"), 3, at(0)), Asked::Waits);
    assert_eq!(resolver.waiting(), 3);
    for _ in 0..2 {
        let answer = inbox.blocking_recv().unwrap();
        let expected = match answer.name.as_ref() {
            "host.example" => (vec![1, 2], Arc::clone(&found)),
            _ => (vec![3], Arc::default()),
        };
        assert_eq!(resolver.answered(answer, at(1)), expected);
    }
    assert_eq!((resolver.waiting(), asked.try_iter().count()), (0, 2));
    // Addresses for five minutes, that there are none for one.
    let known = |resolver: &mut Resolver<i32>, text: &str, secs| match resolver.ask(
        name(text),
        9,
        at(secs),
    ) {
        Asked::Known(9, addresses) => Some(addresses),
        Asked::Waits => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        known(&mut resolver, "HOST.example.", 300),
        Some(Arc::clone(&found))
    );
    assert_eq!(
        known(&mut resolver, "none.example", 60),
        Some(Arc::default())
    );
    assert_eq!(known(&mut resolver, "host.example", 301), None);
    assert_eq!(known(&mut resolver, "none.example", 61), None);
    let stats = resolver.stats();
    assert_eq!((stats.resolved, stats.unresolved), (3, 2));
    assert_eq!((stats.unanswered, stats.dropped), (0, 0));
}

#[test]
fn of_a_name_with_many_addresses_some_count() {
    let many = (0..100u8)
        .map(|n| IpAddr::from([192, 0, 2, n]))
        .collect::<Vec<_>>();
    let (look_up, _asked) = scripted(move |_| Ok(many.clone()));
    let (mut resolver, mut inbox) = Resolver::new(limits(), look_up);
    assert_eq!(resolver.ask(name("many.example"), (), at(0)), Asked::Waits);
    let (_, found) = resolver.answered(inbox.blocking_recv().unwrap(), at(0));
    assert_eq!(found.len(), ADDRESSES);
}

#[test]
fn a_server_that_never_answers_holds_up_nobody_and_a_flood_of_names_is_bounded() {
    let (release, held) = std_mpsc::channel::<()>();
    let held = Mutex::new(held);
    let (look_up, asked) = scripted(move |_| {
        // Until the other end is gone.
        let _ = held.lock().unwrap().recv();
        Ok(addresses(&["192.0.2.7"]))
    });
    let (mut resolver, mut inbox) = Resolver::new(limits(), look_up);
    let ask = |resolver: &mut Resolver<usize>, n: usize, secs| {
        resolver.ask(name(&format!("n{n}.example")), n, at(secs))
    };
    let asks: Vec<_> = (0..100)
        .map(|n| ask(&mut resolver, n, n as u64 / 10))
        .collect();
    assert_eq!(asks[..3], [Asked::Waits, Asked::Waits, Asked::Waits]);
    assert!(
        asks[3..]
            .iter()
            .enumerate()
            .all(|(n, asked)| *asked == Asked::Dropped(n + 3))
    );
    // Nor do more items wait than may.
    let same: Vec<_> = (0..4).map(|_| ask(&mut resolver, 1, 9)).collect();
    assert_eq!(same[..2], [Asked::Waits, Asked::Waits]);
    assert_eq!(same[2..], [Asked::Dropped(1), Asked::Dropped(1)]);
    assert_eq!(resolver.stats().dropped, 99);
    assert_eq!((resolver.waiting(), resolver.deadline()), (5, Some(at(30))));

    // Every thread is held up.
    let mut begun = [asked.recv().unwrap(), asked.recv().unwrap()];
    begun.sort_unstable();
    assert_eq!(begun, ["n0.example", "n1.example"]);
    assert_eq!(resolver.give_up(at(29)), Vec::<usize>::new());
    let mut over = resolver.give_up(at(30));
    over.sort_unstable();
    assert_eq!(over, [0, 1, 1, 1, 2]);
    assert_eq!((resolver.waiting(), resolver.deadline()), (0, None));
    assert_eq!(resolver.stats().unanswered, 5);
    // Those who ask again do not wait again, for a minute; others may, though every thread is held up.
    assert_eq!(ask(&mut resolver, 1, 89), Asked::Known(1, Arc::default()));
    assert_eq!(ask(&mut resolver, 50, 89), Asked::Waits);

    // What comes too late is known from then on.
    drop(release);
    let mut answers = Vec::new();
    while answers.len() < 3 {
        let answer = inbox.blocking_recv().unwrap();
        answers.push(answer.name.to_string());
        let (items, found) = resolver.answered(answer, at(90));
        assert_eq!(found.len(), 1);
        assert!(items.is_empty() || items == [50]);
    }
    // The third one, which no thread had come to when it was given up, was never asked for.
    assert_eq!(asked.try_iter().collect::<Vec<_>>(), ["n50.example"]);
    assert!(matches!(ask(&mut resolver, 0, 91), Asked::Known(0, found) if found.len() == 1));
}

#[test]
fn threads_end_with_the_resolver() {
    let (look_up, _asked) = scripted(|_| Ok(Vec::new()));
    let (mut resolver, mut inbox) = Resolver::new(limits(), look_up);
    let asker = thread::spawn(move || {
        for n in 0..3 {
            assert_eq!(
                resolver.ask(name(&format!("n{n}.example")), (), at(0)),
                Asked::Waits
            );
        }
    });
    asker.join().unwrap();
    // The channel is closed once no thread has its end.
    while inbox.blocking_recv().is_some() {}
}
