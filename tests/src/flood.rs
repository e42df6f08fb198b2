//! Floods of UDP packets, each from a source drawn at random.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader, TestRun as _, TestRunAttrs, TestRunOptions,
    programs::{Xdp, XdpMode},
};

use crate::{
    bare,
    frame::{Frame, Ipv4, Ipv6, Payload},
    require_root,
    topology::Family,
};

/// The first source, of IPv4: in the range for carriers' own use (RFC 6598), which no test's
/// machine has an address of.
const FIRST_V4: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 0);
/// The first source, of IPv6: in the range for benchmarks (RFC 5180).
const FIRST_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 2, 0, 1, 0, 0, 0, 0);

/// How many frames the kernel makes and sends at a time.
const BATCH: u32 = 64;

/// The length of the smallest Ethernet frame without its check sequence, in bytes.
const SMALLEST: usize = 60;

/// Where nobody listens: the UDP port of RFC 863.
pub const PORT: u16 = 9;

/// Source number `n` of a flood.
pub fn source(family: Family, n: u32) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(u32::from(FIRST_V4) + n).into(),
        Family::V6 => Ipv6Addr::from(u128::from(FIRST_V6) + u128::from(n)).into(),
    }
}

/// A prefix that holds every source of a family.
pub fn prefix(family: Family) -> &'static str {
    match family {
        Family::V4 => "100.64.0.0/10",
        Family::V6 => "2001:2:0:1::/64",
    }
}

/// What is done with a frame once it has its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes out through the interface.
    Sent,
    /// It is dropped where it was made: what remains is the cost of making frames.
    Dropped,
}

/// What a flood is made of.
#[derive(Clone, Copy, Debug)]
pub struct Flood {
    /// The number of its first [`source`].
    pub first: u32,
    /// How many sources, from that one on.
    pub sources: u32,
    /// The MAC address that the packets go to.
    pub to: [u8; 6],
    /// The address that they go to, and with it the family of all packets.
    pub destination: IpAddr,
    /// What becomes of them.
    pub fate: Fate,
}

/// The program that makes the packets, loaded.
#[derive(Debug)]
pub struct Generator {
    ebpf: Ebpf,
    program: &'static str,
    frame: Vec<u8>,
}

impl Generator {
    /// Loads it.
    pub fn load(flood: Flood) -> Result<Self> {
        require_root()?;
        let frame = template(flood)?;
        let (program, first, sum) = match flood.destination {
            IpAddr::V4(_) => (
                "generate4",
                u32::from(FIRST_V4) + flood.first,
                sum(&frame[14..34]),
            ),
            IpAddr::V6(_) => {
                // The pseudo-header (RFC 8200, 8.1): both addresses, length and next header.
                let length = u16::try_from(frame.len() - 54).context("a short frame")?;
                let pseudo = [length.to_be_bytes(), [0, 17]].concat();
                ("generate6", flood.first, sum(&frame[22..]) + sum(&pseudo))
            }
        };
        let action: u32 = match flood.fate {
            Fate::Sent => 3,
            Fate::Dropped => 1,
        };
        let (path, bytes) = bare::object()?;
        let mut ebpf = EbpfLoader::new()
            .override_global("SOURCES", &flood.sources, true)
            .override_global("FIRST", &first, true)
            .override_global("SUM", &sum, true)
            .override_global("ACTION", &action, true)
            .map_max_entries("LOOKUP4", 1)
            .map_max_entries("LOOKUP6", 1)
            .load(&bytes)
            .with_context(|| format!("load {}", path.display()))?;
        bare::program_mut(&mut ebpf, program)?
            .load()
            .with_context(|| format!("load program {program}"))?;
        Ok(Self {
            ebpf,
            program,
            frame,
        })
    }

    /// Attaches the program to an interface, for as long as this value lives: the kernel keeps direct
    /// calls for attached programs only, and every [`Generator::send`] of another one waits some
    /// 20 ms until it has made one and taken it away again.
    pub fn keep_warm(&mut self, interface: &str) -> Result<()> {
        bare::program_mut(&mut self.ebpf, self.program)?
            .attach(interface, XdpMode::Driver)
            .with_context(|| format!("attach the generator to {interface}"))?;
        Ok(())
    }

    /// Makes `packets` packets as fast as the thread's CPU can, as if they had come in through the
    /// interface number `index` of the thread's network namespace, and sends them out through it.
    /// The other end of that link takes them up on the same CPU.
    pub fn send(&self, index: u32, packets: u32) -> Result<()> {
        let length = u32::try_from(self.frame.len()).context("a short frame")?;
        // The kernel's struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index,
        // egress_ifindex.
        let context: Vec<u8> = [0, length, 0, index, 0, 0]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect();
        self.program()?
            .test_run(TestRunOptions {
                data_in: Some(&self.frame),
                ctx_in: Some(&context),
                repeat: packets,
                attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
                ..TestRunOptions::new()
            })
            .context("make live frames; this takes Linux 5.18")?;
        Ok(())
    }

    /// Makes one packet, sends it nowhere, and returns it with what the program said.
    pub fn make(&self) -> Result<(u32, Vec<u8>)> {
        let mut out = vec![0; self.frame.len()];
        let result = self.program()?.test_run(TestRunOptions {
            data_in: Some(&self.frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        })?;
        Ok((result.return_value, out))
    }

    fn program(&self) -> Result<&Xdp> {
        let program = self.ebpf.program(self.program);
        Ok(program.context("the generator is loaded")?.try_into()?)
    }
}

/// A packet as a flood has it, from `source`, without checksums: for programs that look at none.
pub fn frame(source: IpAddr) -> Result<Vec<u8>> {
    Ok(match source {
        IpAddr::V4(source) => {
            let to = [192, 0, 2, 1].into();
            Frame::new().ipv4(&Ipv4::new(source, to, payload(IPV4_BEGIN)?))
        }
        IpAddr::V6(source) => {
            let to = [0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1].into();
            Frame::new().ipv6(&Ipv6::new(source, to, payload(IPV6_BEGIN)?))
        }
    })
}

/// The frame before it has a source and a checksum that covers it.
fn template(flood: Flood) -> Result<Vec<u8>> {
    let frame = Frame::to(flood.to);
    Ok(match flood.destination {
        IpAddr::V4(to) => {
            let packet = Ipv4::new(Ipv4Addr::UNSPECIFIED, to, payload(IPV4_BEGIN)?);
            let mut frame = frame.ipv4(&packet);
            // The checksum covers itself as zero.
            frame[24..26].fill(0);
            frame
        }
        IpAddr::V6(to) => frame.ipv6(&Ipv6::new(FIRST_V6, to, payload(IPV6_BEGIN)?)),
    })
}

/// Where UDP begins in an untagged frame.
const IPV4_BEGIN: usize = 34;
const IPV6_BEGIN: usize = 54;

/// UDP that makes a frame with headers of `begin` bytes the smallest there is.
fn payload(begin: usize) -> Result<Payload> {
    let length = SMALLEST.saturating_sub(begin).max(8);
    let mut bytes = vec![0; length];
    bytes[..2].copy_from_slice(&0xc000_u16.to_be_bytes());
    bytes[2..4].copy_from_slice(&PORT.to_be_bytes());
    bytes[4..6].copy_from_slice(&u16::try_from(length)?.to_be_bytes());
    Ok(Payload {
        protocol: 17,
        bytes,
    })
}

/// The sum of the Internet checksum (RFC 1071) before its carries are folded in, in units of the
/// bytes as they lie in memory.
fn sum(bytes: &[u8]) -> u32 {
    bytes
        .chunks(2)
        .map(|word| u32::from(u16::from_ne_bytes([word[0], *word.get(1).unwrap_or(&0)])))
        .sum()
}
