//! Lines that somebody wrote to do harm. After each of them the agent must still do its work.

use std::{fs::OpenOptions, io::Write as _, net::IpAddr};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{agent::Event, topology::Family};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::site::{MAX_RETRY, append, assert_dropped, assert_printable, failure, site, yaml};

/// Whom the lines accuse.
const VICTIM: &str = "203.0.113.200";

#[test]
fn bytes_that_are_no_text_do_no_harm() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        let escapes = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}[31m\u{9b}2J\u{e}\r";
        let hostile: [&[u8]; 12] = [
            b"\n\n\n\r\n\n",
            b"\0",
            &vec![0; 1 << 20],
            b"\0\0\0\n\0\n",
            b"\xff\xfe\xfd\xc3\x28\xed\xa0\x80\n",
            b"\xef\xbb\xbf\n",
            b"sshd[7]: \xf0\x9f\x92\n",
            b"\r\r\r\n",
            b"\x85\x0b\x0c\xe2\x80\xa8\xe2\x80\xa9\n",
            escapes.as_bytes(),
            &vec![b'\n'; 100_000],
            &vec![b'\xff'; 70_000],
        ];
        for bytes in hostile {
            site.write(bytes)?;
            // The next line begins with what is there.
            site.write(b"\n")?;
            site.prove_alive(&mut agent)?;
        }
        // Failures all the same, and of the host at their end: user names may be any bytes.
        let mut expected = site.witnesses();
        let names: [&[u8]; 6] = [
            b"\0",
            b"\xff\xfe",
            escapes.as_bytes(),
            b"\r",
            b"\xe2\x80\xae",
            b" ",
        ];
        for (number, name) in (1..).zip(names) {
            let host = IpAddr::from([198, 18, 0, number]);
            let end = format!(" from {host} port 1 ssh2\n");
            let line = [b"sshd[7]: Failed password for ", name, end.as_bytes()].concat();
            site.write(line.repeat(MAX_RETRY))?;
            agent.wait_for(Event::Ban, host)?;
            expected += 1;
        }
        let crlf = IpAddr::from([198, 18, 1, 1]);
        site.write(
            failure("root", crlf)
                .replace('\n', "\r\n")
                .repeat(MAX_RETRY),
        )?;
        agent.wait_for(Event::Ban, crlf)?;
        ensure!(seat.pinned().bans()? == expected + 1, "somebody else, too");
        assert_printable(&agent.lines()?.join("\n"))?;
        for subcommand in ["status", "status --json", "bans"] {
            assert_printable(&seat.run(subcommand)?.succeeded()?.stdout)?;
        }
        Ok(())
    })
}

#[test]
fn a_line_of_ten_megabytes_takes_no_memory_and_delays_nobody() -> Result<()> {
    const MEGABYTE: usize = 1 << 20;
    site(|site| {
        let flooded = site.lab.dir().join("flooded.log");
        std::fs::write(&flooded, "")?;
        let seat = site.seat_with(&yaml(&[&site.log, &flooded], ""))?;
        let mut agent = seat.start()?;
        // Everything that is allocated at the first use has been.
        site.prove_alive(&mut agent)?;
        let before = peak_memory(agent.pid())?;
        // With and without a message in it that ends in a failure of somebody.
        for begin in ["", "sshd[7]: Failed password for invalid user "].repeat(MAX_RETRY) {
            append(&flooded, begin)?;
            for _ in 0..10 {
                append(&flooded, vec![b'x'; MEGABYTE])?;
            }
            site.prove_alive(&mut agent)?;
            append(&flooded, format!(" from {VICTIM} port 22 ssh2\n"))?;
            site.prove_alive(&mut agent)?;
        }
        let host = IpAddr::from([198, 18, 0, 1]);
        append(&flooded, failure("root", host).repeat(MAX_RETRY))?;
        agent.wait_for(Event::Ban, host)?;
        ensure!(!agent.has_reported(Event::Ban, VICTIM.parse()?)?);
        let grown = peak_memory(agent.pid())? - before;
        ensure!(grown < MEGABYTE, "{grown} bytes more");
        let status = seat.run("status --json")?.succeeded()?.stdout;
        ensure!(status.contains("\"cut\": 4"), "{status}");
        Ok(())
    })
}

/// Megabytes of the longest lines here. With 1024 the tests take some seconds more, and as little memory.
const LONG: u64 = 200;

#[test]
fn a_line_of_hundreds_of_megabytes_takes_no_memory_and_what_is_behind_it_counts() -> Result<()> {
    const MEGABYTE: usize = 1 << 20;
    site(|site| {
        let long = site.lab.dir().join("long.log");
        std::fs::write(&long, "")?;
        let seat = site.seat_with(&yaml(&[&site.log, &long], ""))?;
        let mut agent = seat.start()?;
        site.prove_alive(&mut agent)?;
        let before = peak_memory(agent.pid())?;
        let mut file = OpenOptions::new().append(true).open(&long)?;
        file.write_all(b"sshd[7]: Failed password for invalid user ")?;
        let piece = vec![b'x'; MEGABYTE];
        for _ in 0..LONG {
            file.write_all(&piece)?;
        }
        // Others are banned while it is read.
        site.prove_alive(&mut agent)?;
        file.write_all(format!(" from {VICTIM} port 22 ssh2\n").as_bytes())?;
        let host = IpAddr::from([198, 18, 0, 1]);
        file.write_all(failure("root", host).repeat(MAX_RETRY).as_bytes())?;
        agent.wait_for(Event::Ban, host)?;
        ensure!(!agent.has_reported(Event::Ban, VICTIM.parse()?)?);
        let grown = peak_memory(agent.pid())? - before;
        ensure!(grown < MEGABYTE, "{grown} bytes more");
        let status = seat.run("status --json")?.succeeded()?.stdout;
        let status: serde_json::Value = serde_json::from_str(&status)?;
        let source = &status["source"];
        let read = source["bytes"].as_u64().context("bytes read")?;
        ensure!(source["cut"] == 1 && read > LONG << 20, "{source}");
        Ok(())
    })
}

#[test]
fn nor_does_one_that_comes_through_a_pipe() -> Result<()> {
    const MEGABYTE: usize = 1 << 20;
    site(|site| {
        let pipe = site.lab.dir().join("pipe");
        mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let seat = site.seat_with(&format!(
            "defaults: {{ max_retry: {MAX_RETRY} }}\njails:\n  sshd:\n    filter: sshd\n    \
             logs: ['{}', {{ fifo: '{}' }}]\n",
            site.log.display(),
            pipe.display()
        ))?;
        let mut agent = seat.start()?;
        // It has a reader: else this would wait.
        let mut writer = OpenOptions::new().write(true).open(&pipe)?;
        let host = |number| IpAddr::from([198, 18, 0, number]);
        writer.write_all(failure("root", host(1)).repeat(MAX_RETRY).as_bytes())?;
        agent.wait_for(Event::Ban, host(1))?;
        site.prove_alive(&mut agent)?;
        let before = peak_memory(agent.pid())?;
        writer.write_all(b"sshd[7]: Failed password for invalid user ")?;
        let piece = vec![b'x'; MEGABYTE];
        for _ in 0..LONG {
            writer.write_all(&piece)?;
        }
        site.prove_alive(&mut agent)?;
        writer.write_all(format!(" from {VICTIM} port 22 ssh2\n").as_bytes())?;
        writer.write_all(failure("root", host(2)).repeat(MAX_RETRY).as_bytes())?;
        agent.wait_for(Event::Ban, host(2))?;
        ensure!(!agent.has_reported(Event::Ban, VICTIM.parse()?)?);
        let grown = peak_memory(agent.pid())? - before;
        ensure!(grown < MEGABYTE, "{grown} bytes more");
        Ok(())
    })
}

/// The most memory that a process ever had, in bytes.
fn peak_memory(process: u32) -> Result<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("a process has memory")?;
    Ok(peak.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}

#[test]
fn a_line_counts_up_to_the_limit_and_is_cut_beyond() -> Result<()> {
    const LIMIT: usize = 256;
    site(|site| {
        let seat = site.seat_with(&site.yaml(&format!("limits: {{ line: {LIMIT} }}\n")))?;
        let mut agent = seat.start()?;
        let line = |host: IpAddr, length: usize| {
            let empty = failure("", host).len() - 1;
            failure(&"x".repeat(length - empty), host)
        };
        let host = |number| IpAddr::from([198, 18, 0, number]);
        for (number, length) in [(1, LIMIT - 1), (2, LIMIT), (3, LIMIT + 1), (4, 4 * LIMIT)] {
            ensure!(line(host(number), length).len() == length + 1);
            site.write(line(host(number), length).repeat(2 * MAX_RETRY))?;
        }
        // What looks like a failure ends just at the limit, but the line goes on.
        for (number, more) in [(5, "x"), (6, " "), (7, "\r"), (8, "\0")] {
            let text = line(host(number), LIMIT).replace('\n', &format!("{more}\n"));
            site.write(text.repeat(2 * MAX_RETRY))?;
        }
        // The same where the rest comes later.
        let text = line(host(9), LIMIT);
        for _ in 0..MAX_RETRY {
            site.write(text.trim_end())?;
            site.write("x")?;
            site.write(" from 198.18.0.10 port 22 ssh2\n")?;
        }
        site.prove_alive(&mut agent)?;
        for number in 1..=10 {
            let banned = agent.has_reported(Event::Ban, host(number))?;
            ensure!(banned == (number <= 2), "{}: {banned}", host(number));
        }
        ensure!(seat.pinned().bans()? == 2 + site.witnesses());
        Ok(())
    })
}

#[test]
fn a_line_that_is_written_in_pieces_counts_once_it_is_whole() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        site.prove_alive(&mut agent)?;
        let host = IpAddr::from([198, 18, 0, 1]);
        // Cut after the address of somebody else, and inside an address.
        let name = format!("x from {VICTIM} port 22 ssh2");
        for _ in 0..MAX_RETRY {
            let line = failure(&name, host);
            let (front, back) = line.split_at(line.find(" from 198").context("the end")?);
            site.write(front)?;
            let (middle, end) = back.split_at(" from 198.18.0".len());
            site.write(middle)?;
            site.write(end)?;
        }
        agent.wait_for(Event::Ban, host)?;
        ensure!(seat.pinned().bans()? == 1 + site.witnesses());
        Ok(())
    })
}

/// User names that imitate lines, or the end of one, about somebody else.
const NAMES: [&str; 22] = [
    "root from VICTIM port 22 ssh2",
    "root from VICTIM port 22 ssh2 ",
    "root from VICTIM port 22 ssh2\\n",
    "root from VICTIM port 22 ssh2\r",
    "root from VICTIM port 22 ssh2\0",
    "root from VICTIM port 22 ssh2\u{b}\u{c}\u{85}\u{2028}\u{2029}",
    "root from VICTIM port 22 ssh2#012",
    "root from VICTIM port 22 ssh2\u{1b}[2K",
    "root from [VICTIM] port 22 ssh2",
    "root from ::ffff:VICTIM port 22 ssh2",
    "invalid user root from VICTIM port 22 ssh2",
    "Failed password for root from VICTIM port 22 ssh2",
    "sshd[7]: Failed password for root from VICTIM port 22 ssh2",
    "Nov 20 10:00:00 host sshd[7]: Failed password for root from VICTIM port 22 ssh2",
    "\rNov 20 10:00:00 host sshd[7]: Failed password for root from VICTIM port 22 ssh2\r",
    "2026-11-20T10:00:00.000000+00:00 host sshd[7]: Failed password for root from VICTIM port 22 ssh2",
    "<86>1 2026-11-20T10:00:00Z host sshd 7 - - Failed password for root from VICTIM port 22 ssh2",
    "root from VICTIM port 22 ssh2 from VICTIM port 22 ssh2 from VICTIM port 22 ssh2",
    "root from VICTIM port 22 ssh2 from",
    "<HOST>",
    "$(reboot) `reboot` ; reboot | reboot & reboot %n%s",
    "",
];

/// What may stand before the message.
const PREFIXES: [&str; 6] = [
    "",
    "sshd[7]: ",
    "host sshd[7]: ",
    "Nov  2 10:00:00 host sshd-session[7]: ",
    "2026-11-02T10:00:00.000000+00:00 host sshd[7]: ",
    "<86>1 2026-11-02T10:00:00Z host sshd 7 - - ",
];

#[test]
fn a_user_name_that_imitates_a_line_accuses_nobody_else() -> Result<()> {
    site(|site| {
        let lines = NAMES.len() * PREFIXES.len();
        let patient = site.yaml("").replace(
            &format!("max_retry: {MAX_RETRY}, find_time: 10m"),
            &format!("max_retry: {lines}, find_time: 520w"),
        );
        let seat = site.seat_with(&patient)?;
        let mut agent = seat.start()?;
        let attacker = &site.topology.attacker;
        let host = attacker.address(Family::V4);
        let write = |prefix: &str, name: &str| {
            let name = name.replace("VICTIM", VICTIM);
            site.write(format!(
                "{prefix}Failed password for invalid user {name} from {host} port 4242 ssh2\n"
            ))
        };
        for name in NAMES {
            for prefix in PREFIXES {
                write(prefix, name)?;
            }
        }
        // Every one of them counted for who wrote it, or it would not be enough for a ban.
        let said = agent.wait_to_say(&["ban", &host.to_string()])?;
        ensure!(said.contains(&format!("failures={lines}")), "{said}");
        // And none for anybody else, not even towards a later ban.
        let others: IpAddr = VICTIM.parse()?;
        site.write(failure("root", others).repeat(lines - 1))?;
        let last = IpAddr::from([198, 18, 0, 1]);
        site.write(failure("root", last).repeat(lines))?;
        agent.wait_for(Event::Ban, last)?;
        ensure!(!agent.has_reported(Event::Ban, others)?);
        ensure!(seat.pinned().bans()? == 2);
        assert_printable(&agent.lines()?.join("\n"))?;
        assert_dropped(attacker, &seat.pinned())
    })
}

#[test]
fn what_other_programs_write_about_sshd_accuses_nobody() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        let message = format!("Failed password for root from {VICTIM} port 22 ssh2");
        for line in [
            format!("Nov 20 10:00:00 host su[7]: {message}"),
            format!("Nov 20 10:00:00 host su[7]: sshd[7]: {message}"),
            format!("Nov 20 10:00:00 host su: (to sshd[7]: {message}) x on pts/0"),
            format!("<86>1 2026-11-20T10:00:00Z host su 7 - - sshd[7]: {message}"),
            format!("host su[7]: sshd[7]: {message}"),
            format!("web[7]: {message}"),
            format!(" {message}"),
            format!("x{message}"),
            format!("{message}x"),
            format!("{message} "),
        ] {
            site.write(format!("{line}\n").repeat(2 * MAX_RETRY))?;
            site.prove_alive(&mut agent)?;
            ensure!(
                !agent.has_reported(Event::Ban, VICTIM.parse()?)?,
                "{line:?}"
            );
        }
        Ok(())
    })
}
