//! The packet, as each hook hands it out.

use aya_ebpf::{
    EbpfContext,
    helpers::bpf_xdp_get_buff_len,
    programs::{TcContext, XdpContext},
};

use crate::{cursor::Cursor, trace};

/// A packet at a hook.
pub trait Frame {
    /// What aya's log macros need.
    type Context: EbpfContext;

    /// From the Ethernet header to the end of the first buffer.
    fn cursor(&self) -> Cursor;
    /// Length of the packet in bytes, in all its buffers as far as that is cheap to know.
    fn bytes(&self) -> u64;
    /// The hook's own.
    fn context(&self) -> &Self::Context;
    /// The index of the interface that it came in on.
    fn interface(&self) -> u32;
    /// Logs the verdict on it, for this reason.
    fn trace(&self, reason: u32);
}

/// A first buffer that holds no more than this, an Ethernet frame without tags, has all of its packet: to
/// ask the kernel costs as much as all the rest of parsing. Only of a driver that puts headers into
/// buffers of their own, no more than the headers is counted.
const ONE_BUFFER: u64 = 1514;

/// At the XDP hook, in one buffer or several.
pub struct Frags(pub XdpContext);

impl Frame for Frags {
    type Context = XdpContext;

    #[inline(always)]
    fn cursor(&self) -> Cursor {
        Cursor::new(self.0.data(), self.0.data_end())
    }

    #[inline(always)]
    fn bytes(&self) -> u64 {
        let first = (self.0.data_end() - self.0.data()) as u64;
        if first <= ONE_BUFFER {
            return first;
        }
        // SAFETY: the context is the one that this program was called with.
        unsafe { bpf_xdp_get_buff_len(self.0.ctx) }
    }

    #[inline(always)]
    fn context(&self) -> &XdpContext {
        &self.0
    }

    #[inline(always)]
    fn interface(&self) -> u32 {
        self.0.ingress_ifindex() as u32
    }

    #[inline(always)]
    fn trace(&self, reason: u32) {
        trace::banner_trace_xdp(self.0.ctx, reason);
    }
}

/// At the XDP hook, in one buffer.
pub struct Linear(pub XdpContext);

impl Frame for Linear {
    type Context = XdpContext;

    #[inline(always)]
    fn cursor(&self) -> Cursor {
        Cursor::new(self.0.data(), self.0.data_end())
    }

    #[inline(always)]
    fn bytes(&self) -> u64 {
        (self.0.data_end() - self.0.data()) as u64
    }

    #[inline(always)]
    fn context(&self) -> &XdpContext {
        &self.0
    }

    #[inline(always)]
    fn interface(&self) -> u32 {
        self.0.ingress_ifindex() as u32
    }

    #[inline(always)]
    fn trace(&self, reason: u32) {
        trace::banner_trace_xdp(self.0.ctx, reason);
    }
}

/// Behind the XDP hook.
pub struct Skb(TcContext);

impl Skb {
    /// So much of a packet is wanted in its first buffer: drivers often leave no more there than they
    /// have looked at.
    const HEADERS: u32 = 256;

    #[inline(always)]
    pub fn new(ctx: TcContext) -> Self {
        let linear = (ctx.data_end() - ctx.data()) as u32;
        let wanted = ctx.len().min(Self::HEADERS);
        if linear < wanted {
            // Where it fails, the packet ends with its first buffer.
            let _ = ctx.pull_data(wanted);
        }
        Self(ctx)
    }
}

impl Frame for Skb {
    type Context = TcContext;

    #[inline(always)]
    fn cursor(&self) -> Cursor {
        Cursor::new(self.0.data(), self.0.data_end())
    }

    #[inline(always)]
    fn bytes(&self) -> u64 {
        u64::from(self.0.len())
    }

    #[inline(always)]
    fn context(&self) -> &TcContext {
        &self.0
    }

    #[inline(always)]
    fn interface(&self) -> u32 {
        // SAFETY: the context is the one that this program was called with.
        unsafe { (*self.0.skb.skb).ingress_ifindex }
    }

    #[inline(always)]
    fn trace(&self, reason: u32) {
        trace::banner_trace_tcx(self.0.skb.skb, reason);
    }
}
