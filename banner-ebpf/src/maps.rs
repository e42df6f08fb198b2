use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray},
    helpers::bpf_get_prandom_u32,
    macros::btf_map,
};
use banner_common::{
    Ban, DEFAULT_MAX_BANS, InUse, MAX_MORE, MAX_NEVER, MAX_PORTS, MAX_TOP, MAX_WIDE, More, Pace,
    Reason, Tally,
};

/// The agent sets the real size when it loads the program.
pub type Bans<A> = HashMap<A, Ban, { DEFAULT_MAX_BANS as usize }>;
pub type Wide<A> = LpmTrie<A, u32, { MAX_WIDE as usize }>;
pub type Never<A> = LpmTrie<A, u32, { 2 * MAX_NEVER as usize }>;
// Most hosts have few of these or none, so the kernel allocates them one by one.
type MoreBans = HashMap<More, Ban, { MAX_MORE as usize }, { BPF_F_NO_PREALLOC as usize }>;

#[btf_map]
pub static BANS4: Bans<[u16; 2]> = HashMap::new();
#[btf_map]
pub static BANS6: Bans<[u16; 8]> = HashMap::new();
#[btf_map]
pub static WIDE4: Wide<[u16; 2]> = LpmTrie::new();
#[btf_map]
pub static WIDE6: Wide<[u16; 8]> = LpmTrie::new();
#[btf_map]
pub static IN_USE: Array<InUse, 1> = Array::new();
#[btf_map]
pub static MORE: MoreBans = HashMap::new();
#[btf_map]
pub static PORTS: Array<u64, { MAX_PORTS as usize }> = Array::new();
#[btf_map]
pub static NEVER4: Never<[u16; 2]> = LpmTrie::new();
#[btf_map]
pub static NEVER6: Never<[u16; 8]> = LpmTrie::new();
#[btf_map]
pub static TOP: LruHashMap<[u16; 8], u64, { MAX_TOP as usize }> = LruHashMap::new();
#[btf_map]
pub static COUNTERS: PerCpuArray<Tally, { Reason::COUNT as usize }> = PerCpuArray::new();

/// Adds one packet of `bytes` bytes to this CPU's counter of `reason`, and hands that out.
#[inline(always)]
pub fn count(reason: Reason, bytes: u64) -> Option<&'static mut Tally> {
    // SAFETY: the map hands out this CPU's own slot, and neither XDP nor tc programs preempt each
    // other on a CPU. It is asked for once in a run of the program.
    let tally = unsafe { &mut *COUNTERS.get_ptr_mut(reason as u32)? };
    tally.packets += 1;
    tally.bytes += bytes;
    Some(tally)
}

/// For how many packets the one that was counted last in `tally` counts with its ban, where it is one
/// of those that do.
#[inline(always)]
pub fn counts_for(tally: &mut Tally, now: u64) -> Option<u64> {
    let Tally { packets, pace, .. } = *tally;
    if pace.skips(packets, now) {
        return None;
    }
    tally.pace = Pace(banner_pace(pace.0, packets, now));
    Some(banner_counts_for(pace.0, packets, now))
}

/// [`Pace::after`]. A global function to the kernel (5.6): verified once, and the ways through it make no
/// difference to what follows.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_pace(pace: u64, packets: u64, now: u64) -> u64 {
    // SAFETY: `bpf_get_prandom_u32` has no preconditions.
    let random = unsafe { bpf_get_prandom_u32() };
    Pace(pace).after(packets, now, random).0
}

/// [`Pace::counts_for`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_counts_for(pace: u64, packets: u64, now: u64) -> u64 {
    Pace(pace).counts_for(packets, now)
}

/// Adds `packets` to what a source has sent, as far as it is known.
#[inline(always)]
#[expect(
    clippy::needless_borrows_for_generic_args,
    reason = "a key handed over by value is copied on the stack once more"
)]
pub fn count_top(source: [u16; 8], packets: u64) {
    match TOP.get_ptr_mut(&source) {
        // SAFETY: the slot may be handed to another source while it is written; then that one is a
        // sample ahead.
        Some(count) => unsafe { *count += packets },
        None => {
            // Fails while another CPU holds a lock that it needs; then the sample is lost.
            let _ = TOP.insert(&source, &packets, 0);
        }
    }
}
