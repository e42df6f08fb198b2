//! Where banner means to read a frame differently than etherparse, and why.

use anyhow::{Result, ensure};

/// One difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// etherparse follows three tags. banner follows two, a provider's and a customer's (802.1ad): a
    /// frame with three of them is not IP to it.
    ThirdTag,
    /// etherparse follows tags of type 0x9100 and `MACsec` too. Linux does not take 0x9100 for a tag,
    /// and what is under `MACsec` is encrypted.
    OtherTags,
    /// etherparse believes the version in the packet; banner wants the `EtherType` to agree, as Linux
    /// does.
    Version,
    /// etherparse cuts a packet off where its lengths say that it ends, or complains about them.
    /// banner reads on: a length that lies must not hide ports, and a host throws the packet away.
    Lengths,
    /// etherparse wants IPv4 options to be there. The source stands before them, so it is banned all
    /// the same; what stands behind them cannot be read.
    OptionsCutOff,
    /// etherparse reads nothing behind the header of a fragment. The first one has ports.
    FirstFragment,
    /// etherparse wants a whole TCP or UDP header. The ports are the first four bytes.
    TransportCutOff,
    /// etherparse has no ports of SCTP and UDP-Lite.
    OtherPorts,
    /// etherparse takes hop-by-hop options only as the first extension header, as it should be.
    /// banner walks over them anywhere: a host that is not so strict must not be reached.
    HopByHopLater,
    /// etherparse stops at mobility, host identity and shim6 headers, as at something unknown. They
    /// are extension headers that name what follows them.
    LesserExtensions,
    /// etherparse walks on without end. banner looks at eight headers: no host sends more, and the
    /// verifier wants a bound.
    Bound,
    /// etherparse wants an authentication header to be at least 12 bytes and to say so. banner steps
    /// over as many bytes as it says, without asking whether that is right.
    ShortAuthentication,
    /// etherparse wants all of an extension header. Where it is cut off, banner knows from its first
    /// byte what would follow: a protocol without ports is one even without its first byte.
    ExtensionCutOff,
}

const ALL: [Difference; 13] = [
    Difference::ThirdTag,
    Difference::OtherTags,
    Difference::Version,
    Difference::Lengths,
    Difference::OptionsCutOff,
    Difference::FirstFragment,
    Difference::TransportCutOff,
    Difference::OtherPorts,
    Difference::HopByHopLater,
    Difference::LesserExtensions,
    Difference::Bound,
    Difference::ShortAuthentication,
    Difference::ExtensionCutOff,
];

/// In how many frames each difference showed.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    counts: [usize; ALL.len()],
    this_frame: u32,
}

impl Differences {
    /// Notes a difference in this frame.
    pub(crate) fn add(&mut self, difference: Difference) {
        self.this_frame |= 1 << difference as u32;
    }

    /// The frame has been read.
    pub(crate) fn next_frame(&mut self) {
        for (position, count) in self.counts.iter_mut().enumerate() {
            *count += usize::from(self.this_frame >> position & 1 == 1);
        }
        self.this_frame = 0;
    }

    /// Prints the counts; each difference has to be in one of `share` frames at least, or it may as
    /// well not be there.
    pub(crate) fn ensure_tried(&self, frames: usize, share: usize) -> Result<()> {
        for (difference, count) in ALL.into_iter().zip(self.counts) {
            println!("  {difference:?}: {count}");
            ensure!(
                count >= frames / share,
                "{difference:?} came in {count} of {frames} frames only"
            );
        }
        Ok(())
    }
}
