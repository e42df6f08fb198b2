//! Random sets of bans: nested prefixes, several scopes, both modes, some over, beside a never-ban
//! list. Packets that are right, so that what they carry is known without reading them.

use std::net::IpAddr;

use anyhow::{Context as _, Result, ensure};
use banner_common::{ICMP_INDEX, Reason};
use banner_tests::{
    bpf::Object,
    frame::{ESP, Frame, Ipv4, Ipv6, Payload, SCTP, TCP, UDP, UDP_LITE, icmp, icmp6, to_port},
};

use super::{
    dice::Dice,
    law::{Carries, Law, Sets},
    scopes::port,
    trial::Trial,
};

const SETS: usize = 400;
const PACKETS: usize = 300;
const MOST_BANS: usize = 40;

const PROTOCOLS: [u8; 4] = [TCP, UDP, SCTP, UDP_LITE];
const PORTS: [u16; 8] = [0, 22, 53, 80, 443, 8080, 32768, 65535];

#[test]
fn random_sets_of_bans_are_the_law_that_they_say() -> Result<()> {
    let mut dice = Dice::new("sets of bans")?;
    let mut object = Object::load()?;
    let mut reasons = [0_usize; Reason::COUNT as usize];
    let indices = || {
        let of_ports = PROTOCOLS
            .into_iter()
            .flat_map(|protocol| PORTS.map(|to| port(protocol, to)));
        of_ports.chain([ICMP_INDEX])
    };
    for set in 0..SETS {
        let sets = Sets::any(&mut dice, indices());
        let law = Law::any(&mut dice, MOST_BANS, &sets);
        let mut contents = law.contents(&mut dice);
        contents.ports = sets.contents().ports;
        contents
            .put(&mut object)
            .with_context(|| format!("set {set}: {law:?}"))?;
        let mut trial = Trial::new(&object)?;
        for _ in 0..PACKETS {
            let (frame, source, carries) = packet(&mut dice);
            let reason = law.judge(source, carries);
            reasons[reason as usize] += 1;
            trial
                .run(&object, &mut dice, &frame, reason)
                .with_context(|| format!("set {set}: {source} with {carries:?}, {contents:?}"))?;
        }
        trial.end(&object)?;
        contents.take(&mut object)?;
    }
    for reason in Reason::ALL
        .into_iter()
        .filter(|reason| *reason != Reason::NotIp)
    {
        let count = reasons[reason as usize];
        println!("{}: {count}", reason.name());
        ensure!(
            count >= SETS * PACKETS / 500,
            "{} hardly ever came",
            reason.name()
        );
    }
    Ok(())
}

fn packet(dice: &mut Dice) -> (Vec<u8>, IpAddr, Carries) {
    let v4 = dice.percent(50);
    let protocol = *dice.of(&PROTOCOLS);
    let to = *dice.of(&PORTS);
    let (payload, carries) = match dice.below(10) {
        0 if v4 => (icmp(), Carries::Index(ICMP_INDEX)),
        0 => (icmp6(), Carries::Index(ICMP_INDEX)),
        1 => (
            Payload {
                protocol: ESP,
                ..to_port(protocol, to)
            },
            Carries::Other,
        ),
        2 => (
            to_port(protocol, to).cut(dice.below(4)),
            Carries::Unreadable,
        ),
        _ => (to_port(protocol, to), Carries::Index(port(protocol, to))),
    };
    let later = dice.percent(10);
    let carries = if later { Carries::Later } else { carries };
    let offset = if later { 1 + dice.short() % 0x1fff } else { 0 };
    match (dice.address(v4), dice.address(v4)) {
        (IpAddr::V4(source), IpAddr::V4(server)) => {
            let packet = Ipv4::new(source, server, payload).fragment(offset, dice.percent(50));
            (Frame::new().ipv4(&packet), source.into(), carries)
        }
        (IpAddr::V6(source), IpAddr::V6(server)) => {
            let packet = Ipv6::new(source, server, payload).fragment(offset, dice.percent(50));
            (Frame::new().ipv6(&packet), source.into(), carries)
        }
        _ => unreachable!("both are of one family"),
    }
}
