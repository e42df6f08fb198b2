use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray},
    helpers::bpf_get_prandom_u32,
    macros::btf_map,
};
use banner_common::{
    Ban, DEFAULT_MAX_BANS, InUse, MAX_MORE, MAX_NEVER, MAX_PORTS, MAX_TOP, MAX_WIDE, More, Reason,
    SAMPLE, Tally,
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

/// Adds one packet of `bytes` bytes to this CPU's counter of `reason`. Returns for how many packets
/// it stands, where it is one of those that are sampled; else 0.
#[inline(always)]
pub fn count(reason: Reason, bytes: u64) -> u64 {
    let Some(tally) = COUNTERS.get_ptr_mut(reason as u32) else {
        return 0;
    };
    // SAFETY: the map hands out this CPU's own slot, and neither XDP nor tc programs preempt each
    // other on a CPU.
    let tally = unsafe { &mut *tally };
    tally.packets += 1;
    tally.bytes += bytes;
    if tally.packets < tally.sample {
        return 0;
    }
    // SAFETY: `bpf_get_prandom_u32` has no preconditions.
    let random = unsafe { bpf_get_prandom_u32() };
    // 1 to 255, 128 on average.
    let gap = 1 + (random & 127) + (random >> 7 & 127);
    tally.sample = tally.packets + u64::from(gap);
    SAMPLE
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
