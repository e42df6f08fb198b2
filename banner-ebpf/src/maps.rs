use aya_ebpf::{
    btf_maps::{HashMap, LpmTrie, PerCpuArray},
    macros::btf_map,
};
use banner_common::{Ban, DEFAULT_MAX_BANS, MAX_NEVER, Reason, Tally};

/// The agent sets the real size when it loads the program.
pub type Bans<A> = HashMap<A, Ban, { DEFAULT_MAX_BANS as usize }>;
pub type Never<A> = LpmTrie<A, u32, { 2 * MAX_NEVER as usize }>;

#[btf_map]
pub static BANS4: Bans<[u16; 2]> = HashMap::new();
#[btf_map]
pub static BANS6: Bans<[u16; 8]> = HashMap::new();
#[btf_map]
pub static NEVER4: Never<[u16; 2]> = LpmTrie::new();
#[btf_map]
pub static NEVER6: Never<[u16; 8]> = LpmTrie::new();
#[btf_map]
pub static COUNTERS: PerCpuArray<Tally, { Reason::COUNT as usize }> = PerCpuArray::new();

/// Adds one packet of `bytes` bytes to this CPU's counter of `reason`.
#[inline(always)]
pub fn count(reason: Reason, bytes: usize) {
    if let Some(tally) = COUNTERS.get_ptr_mut(reason as u32) {
        // SAFETY: the map hands out this CPU's own slot, and XDP programs do not preempt each
        // other on a CPU.
        unsafe {
            (*tally).packets += 1;
            (*tally).bytes += bytes as u64;
        }
    }
}
