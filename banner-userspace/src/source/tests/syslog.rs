//! Syslog over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use super::house::{House, NOON};
use crate::model::{Listen, Log, SyslogLog};

fn log(listen: Listen, from: &[&str]) -> Log {
    let from = from.iter().map(|net| net.parse().expect("a network"));
    Log::Syslog(SyslogLog {
        listen,
        from: from.collect(),
    })
}

/// A port that nobody has, for both families.
fn port() -> u16 {
    let free = UdpSocket::bind("[::]:0").expect("a port");
    free.local_addr().expect("its address").port()
}

fn send(to: &str, port: u16, text: impl AsRef<[u8]>) {
    let own = if to.contains(':') {
        "[::1]:0"
    } else {
        "127.0.0.1:0"
    };
    let socket = UdpSocket::bind(own).expect("a socket");
    socket
        .send_to(text.as_ref(), format!("{to}:{port}"))
        .expect("send");
}

#[test]
fn datagrams_of_both_families_are_lines() {
    let port = port();
    let address = format!("[::]:{port}").parse().expect("an address");
    let mut house = House::new(|_| vec![log(Listen::Udp(address), &["127.0.0.0/8", "::1/128"])]);
    house.open(Vec::new());
    send("127.0.0.1", port, "<38>Nov 20 12:00:00 h x: a\n");
    send("[::1]", port, "<38>1 2026-11-20T12:00:01Z h x 7 - - b\nc");
    send("[::1]", port, "<38>1 - - x - - - d");
    send("[::1]", port, format!("<38>{}", "e".repeat(40)));
    send("[::1]", port, "");
    let lines = house.wait_for(4);
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (&*line.text, line.at, line.cut))
        .collect();
    let long = "e".repeat(30);
    assert_eq!(
        lines,
        [
            ("Nov 20 12:00:00 h x: a", None, false),
            ("h x[7]: b\\nc", Some(1), false),
            ("x: d", Some(0), false),
            (&*long, None, true),
        ]
    );
    assert_eq!(house.now.wall.as_secs(), NOON);
    let state = &house.states()[0];
    assert_eq!(
        (state.tally.lines, state.tally.cut, state.tally.refused),
        (4, 1, 0)
    );
}

#[test]
fn each_entry_takes_from_those_that_it_names() {
    let port = port();
    let address = format!("[::]:{port}").parse().expect("an address");
    let mut house = House::new(|_| {
        vec![
            log(Listen::Udp(address), &["127.0.0.0/8"]),
            log(Listen::Udp(address), &["::1/128", "127.0.0.1/32"]),
            log(Listen::Tcp(address), &["192.0.2.0/24"]),
        ]
    });
    house.open(Vec::new());
    send("127.0.0.1", port, "a");
    send("[::1]", port, "b");
    let lines = house.wait_for(2);
    let mut logs: Vec<_> = lines
        .iter()
        .map(|line| (&*line.text, &*line.logs))
        .collect();
    logs.sort();
    assert_eq!(logs, [("a", &[0, 1][..]), ("b", &[1])]);

    let _refused = TcpStream::connect(("127.0.0.1", port)).expect("connect");
    house.wait_until(|house| house.states()[1].tally.refused == 1);
    house
        .sources
        .as_mut()
        .expect("they are open")
        .drop(crate::model::LogId(1));
    send("[::1]", port, "c");
    house.wait_until(|house| house.states()[0].tally.refused == 1);
    assert!(house.take().is_empty());
}

#[test]
fn connections_are_read_by_turns_with_either_framing() {
    let port = port();
    let address = format!("[::]:{port}").parse().expect("an address");
    let mut house = House::new(|_| vec![log(Listen::Tcp(address), &["::/0", "0.0.0.0/0"])]);
    house.open(Vec::new());
    let mut one = TcpStream::connect(("127.0.0.1", port)).expect("connect");
    let mut two = TcpStream::connect(("::1", port)).expect("connect");
    one.write_all(b"<38>x: a\n<38>x: b\n<38>x: c")
        .expect("write");
    two.write_all(b"8 <38>x: d3 e\nf").expect("write");
    let mut texts: Vec<_> = house
        .wait_for(4)
        .into_iter()
        .map(|line| line.text)
        .collect();
    texts.sort();
    assert_eq!(texts, ["e\\nf", "x: a", "x: b", "x: d"]);
    assert_eq!(house.states()[0].note.as_deref(), Some("2 connections"));
    drop(one);
    let left = house.wait_for(1);
    assert_eq!((&*left[0].text, left[0].cut), ("x: c", true));
    assert_eq!(house.states()[0].note.as_deref(), Some("1 connection"));
    house.restart();
    assert_eq!(house.states()[0].problem, None, "the port is free again");
}

#[test]
fn unix_sockets_take_both_and_a_stale_one_is_replaced() {
    let mut house = House::new(|folder| {
        vec![
            log(Listen::UnixDatagram(format!("{folder}/log").into()), &[]),
            log(Listen::UnixStream(format!("{folder}/stream").into()), &[]),
        ]
    });
    for _ in 0..2 {
        house.open(Vec::new());
        let socket = UnixDatagram::unbound().expect("a socket");
        socket
            .send_to(b"<38>Nov 20 12:00:00 x[7]: a", house.path("log"))
            .expect("send");
        let mut stream = UnixStream::connect(house.path("stream")).expect("connect");
        stream.write_all(b"<38>x: b\n").expect("write");
        let mut texts: Vec<_> = house
            .wait_for(2)
            .into_iter()
            .map(|line| line.text)
            .collect();
        texts.sort();
        assert_eq!(texts, ["Nov 20 12:00:00 x[7]: a", "x: b"]);
        let mode = std::fs::metadata(house.path("log"))
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o007, 0, "{mode:o}");
        house.sources = None;
    }
}

#[test]
fn a_socket_that_somebody_listens_at_is_left_to_them() {
    let mut house = House::new(|folder| {
        vec![log(
            Listen::UnixDatagram(format!("{folder}/log").into()),
            &[],
        )]
    });
    let theirs = UnixDatagram::bind(house.path("log")).expect("bind");
    house.open(Vec::new());
    let problem = house.states()[0].problem.clone().expect("it is taken");
    assert_eq!(
        problem.error,
        "cannot listen: another program listens there"
    );
    drop(theirs);
    house.wait_until(|house| house.states()[0].problem.is_none());
}

#[test]
fn datagrams_that_the_kernel_had_no_room_for_are_counted() {
    let port = port();
    let address = format!("127.0.0.1:{port}").parse().expect("an address");
    let mut house = House::new(|_| vec![log(Listen::Udp(address), &[])]);
    house.open(Vec::new());
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let text = vec![b'x'; 8192];
    // More than the kernel keeps of them.
    let sent = 5000;
    for _ in 0..sent {
        socket.send_to(&text, address).expect("send");
    }
    house.settle();
    let read = house.states()[0].tally.lines;
    assert!(read < sent, "{read} of {sent}");
    // The next one brings the count.
    send("127.0.0.1", port, "last");
    house.wait_until(|house| house.states()[0].tally.lines == read + 1);
    assert_eq!(house.states()[0].tally.lost, sent - read);
}

#[test]
fn who_holds_connections_and_is_silent_keeps_nobody_out() {
    let mut house = House::new(|folder| {
        vec![log(
            Listen::UnixStream(format!("{folder}/stream").into()),
            &[],
        )]
    });
    house.open(Vec::new());
    let connect = |house: &mut House| {
        let stream = UnixStream::connect(house.path("stream")).expect("connect");
        // Taken before the next one comes: only so many may wait.
        house.settle();
        stream
    };
    let refused = |house: &House| house.states()[0].tally.refused;
    let mut silent: Vec<_> = (0..256).map(|_| connect(&mut house)).collect();
    let early = connect(&mut house);
    assert_eq!(refused(&house), 1, "all places are taken");
    drop(early);
    house.now.mono = house.now.mono.after(Duration::from_secs(30));
    silent[0].write_all(b"<38>x: a\n").expect("write");
    assert_eq!(house.wait_for(1)[0].text, "x: a");
    house.now.mono = house.now.mono.after(Duration::from_secs(31));
    let mut late = connect(&mut house);
    assert_eq!(refused(&house), 2, "one made room");
    late.write_all(b"<38>x: b\n").expect("write");
    assert_eq!(house.wait_for(1)[0].text, "x: b");
    silent[0].write_all(b"<38>x: c\n").expect("write");
    assert_eq!(house.wait_for(1)[0].text, "x: c");
    let mut end = [0];
    let closed = silent[1].read(&mut end).expect("the end");
    assert_eq!(closed, 0, "the one that was silent for longest");
}
