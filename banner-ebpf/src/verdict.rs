use aya_ebpf::helpers::bpf_jiffies64;
use banner_common::{ALL_PORTS, Ban, CHECKED, Reason};

use crate::{cursor::Cursor, family::Family, thorough};

/// What happens to a packet.
#[derive(Clone, Copy)]
#[must_use]
pub struct Verdict {
    pub reason: Reason,
    /// The ban that was applied.
    pub ban: Option<*mut Ban>,
}

impl Verdict {
    /// No ban was applied, for this reason.
    #[inline(always)]
    pub fn pass(reason: Reason) -> Self {
        Self { reason, ban: None }
    }
}

/// The jiffy that has begun.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: `bpf_jiffies64` has no preconditions.
    unsafe { bpf_jiffies64() }
}

/// What happens to `packet`, which begins with the IP header, from `source`.
///
/// An innocent source costs one failed lookup, and one array entry that says that no prefixes are
/// banned. A source that is banned alone, for every port, costs one lookup. Everything else is
/// [`thorough`]'s.
#[inline(always)]
pub fn on<F: Family>(packet: Cursor, source: &F) -> Verdict {
    let exact = F::bans().get_ptr_mut(source);
    match exact {
        Some(ban) => {
            // SAFETY: the agent may overwrite the value while it is read, and a slot that was just
            // freed may be taken by another source. Each field is one aligned load and any value is
            // valid, so at the worst one packet is judged by a ban that ends or begins in that
            // instant.
            let Ban {
                expires,
                flags,
                scope,
                ..
            } = unsafe { *ban };
            if flags == CHECKED && scope == ALL_PORTS && expires > now() {
                return Verdict {
                    reason: Reason::Drop,
                    ban: Some(ban),
                };
            }
        }
        None if !F::has_wide() => return Verdict::pass(Reason::Pass),
        None => {}
    }
    thorough::verdict(&packet, source, exact)
}
