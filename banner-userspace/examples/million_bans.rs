//! What a million bans cost in the agent, memory and time: for IPv4 and for IPv6,
//! `cargo run --release -p banner-userspace --example million_bans`.

use std::{fs, hint::black_box, net::IpAddr, time::Duration};

use banner_userspace::{
    decide::{Decider, Outcome, Rules},
    model::{Evidence, JailId, Mono, Now, Offence, PrefixSet, Wall},
};

const MILLION: u32 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

fn main() {
    measure("IPv4", |n| IpAddr::from(scattered(n).to_be_bytes()));
    measure("IPv6", |n| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        bytes[12..].copy_from_slice(&scattered(n).to_be_bytes());
        IpAddr::from(bytes)
    });
}

/// Each number once, in no order.
fn scattered(n: u32) -> u32 {
    n.wrapping_mul(2_654_435_761)
}

fn at(n: u32) -> Now {
    Now {
        wall: Wall(0),
        mono: Mono(u64::from(scattered(n)) * 1000),
    }
}

fn measure(family: &str, host: impl Fn(u32) -> IpAddr) {
    let rules = Rules::default();
    let never =
        PrefixSet::new(["127.0.0.0/8", "::1/128"].map(|net| net.parse().expect("a prefix")));
    let mut decider = Decider::new(vec![rules], never, MILLION as usize);
    let mut out = Outcome::default();
    let before = resident();
    // By their hosts, ends lie in no order, as those of jails with several ban times do.
    let put = timed(|| {
        for n in 0..MILLION {
            let offence = Offence {
                jail: JailId(0),
                who: host(n).into(),
                failures: 5,
                evidence: Evidence::default(),
            };
            decider.offence(&offence, at(n), &mut out);
            black_box(&out);
            out.changes.clear();
            out.decisions.clear();
        }
    });
    let per_ban = (resident() - before) / u64::from(MILLION);
    let displace = timed(|| {
        for n in MILLION..2 * MILLION {
            let offence = Offence {
                jail: JailId(0),
                who: host(n).into(),
                failures: 5,
                evidence: Evidence::default(),
            };
            decider.offence(&offence, at(n), &mut out);
            out.changes.clear();
            out.decisions.clear();
        }
    });
    assert_eq!(decider.len(), MILLION as usize);
    let expire = timed(|| {
        while decider.next_end().is_some() {
            decider.expire(Mono(10_000 * SECOND), 10_000, &mut out);
            out.changes.clear();
            out.decisions.clear();
        }
    });
    println!(
        "{family}: {MILLION} bans put in in {put:.2} s, {per_ban} bytes each; as many more, each in \
         place of another, {displace:.2} s; all over in {expire:.2} s"
    );
}

/// Seconds on a processor, which others that want it do not lengthen.
fn timed(work: impl FnOnce()) -> f64 {
    let spent = || {
        let text = fs::read_to_string("/proc/self/schedstat").expect("procfs with schedstat");
        let nanoseconds = text
            .split(' ')
            .next()
            .and_then(|word| word.parse::<u64>().ok());
        nanoseconds.expect("ns on a processor")
    };
    let begin = spent();
    work();
    Duration::from_nanos(spent() - begin).as_secs_f64()
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("VmRSS in kB") * 1024
}
