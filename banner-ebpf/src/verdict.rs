use aya_ebpf::{btf_maps::lpm_trie::Key, helpers::bpf_jiffies64};
use banner_common::{OBSERVE, Reason};

use crate::maps::{Bans, Never};

/// What happens to packets from `source`. An innocent source costs one failed lookup; the
/// never-ban list is asked only about banned ones.
#[inline(always)]
#[must_use]
pub fn on<A: Copy>(bans: &Bans<A>, never: &Never<A>, source: A) -> Reason {
    #[expect(
        clippy::needless_borrows_for_generic_args,
        reason = "a key handed over by value is copied on the stack once more"
    )]
    // SAFETY: the agent may overwrite the value while it is read, and a slot that was just freed may
    // be taken by another source. Each field is one aligned load and any value is valid, so at the
    // worst one packet is judged by a ban that ends or begins in that instant.
    let Some(ban) = (unsafe { bans.get(&source) }) else {
        return Reason::Pass;
    };
    // SAFETY: `bpf_jiffies64` has no preconditions.
    if ban.is_over(unsafe { bpf_jiffies64() }) {
        return Reason::Expired;
    }
    if never
        .get(&Key::new(size_of::<A>() as u32 * 8, source))
        .is_some()
    {
        return Reason::Never;
    }
    if ban.flags & OBSERVE != 0 {
        return Reason::Observe;
    }
    Reason::Drop
}
