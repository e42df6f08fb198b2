//! Every ban on a source: its own, and those of the longest banned prefix around it, which the agent
//! gives what the shorter ones say too.

use banner_common::{ALL_PORTS, Ban, CHECKED, MAX_SHARED, More, OBSERVE, Reason, SEVERAL};

use crate::{
    cursor::Cursor,
    family::Family,
    maps::{MORE, PORTS},
    renew,
    transport::Transport,
    verdict::{Verdict, now},
};

/// The scope that every packet is in.
pub const ALL: u64 = 1 << ALL_PORTS;

/// The scopes of a packet that may be in each of them.
pub const ANY: u64 = u64::MAX;

/// The group of a host that has one ban, which is in no group.
pub const ALONE: u32 = 0;

/// What a ban says of a packet; the highest decides.
type Word = u64;
const NOTHING: Word = 0;
const OVER: Word = 1;
const BESIDE: Word = 2;
const OBSERVES: Word = 3;
const DROPS: Word = 4;

/// The verdict on a packet that begins with the IP header. `entry` is that of its source.
#[inline(never)]
pub fn verdict<F: Family>(packet: &Cursor, source: &F, entry: Option<*mut Ban>) -> Verdict {
    let source = *source;
    let now = now();
    let zero = opaque_zero(now);
    let scopes = scopes::<F>(packet, zero) ^ zero;
    let (own, own_word) = entry.map_or((None, NOTHING), |ban| weigh(ban, scopes, now));
    let (mut ban, mut word_) = (own, own_word);
    let mut group = entry.map_or(ALONE, group_of) ^ zero as u32;
    if own_word != DROPS && F::has_wide() {
        let around_group = source.around().unwrap_or(ALONE) ^ zero as u32;
        let (around, around_word) = if around_group == ALONE {
            (None, NOTHING)
        } else {
            weigh_group(around_group, scopes, now)
        };
        if around_word > own_word {
            (ban, word_, group) = (around, around_word, around_group);
        }
    }
    let reason = match word_ {
        DROPS => Reason::Drop,
        OBSERVES => Reason::Observe,
        BESIDE if scopes & ALL == 0 => return Verdict::pass(Reason::Malformed),
        BESIDE => return Verdict::pass(Reason::Scope),
        OVER => return Verdict::pass(Reason::Expired),
        _ => return Verdict::pass(Reason::Pass),
    };
    let checked = ban.is_some_and(|ban| read(ban).flags & CHECKED != 0);
    if !checked && source.is_never() {
        return Verdict::pass(Reason::Never);
    }
    if let Some(ban) = ban
        && read(ban).may_renew()
    {
        renew::after_packet(ban, group, scopes, now);
    }
    Verdict { reason, ban }
}

/// 0, for as long as jiffies have not counted to 2^63: of which the verifier knows nothing. The bounds
/// that it knows of a value are forgotten in an exclusive or with this one, and with them the
/// differences between the ways that led to the value, each of which it would follow on its own.
#[inline(always)]
pub fn opaque_zero(now: u64) -> u64 {
    (now >> 63).wrapping_neg()
}

/// Of the bans that an entry stands for, the one that decides, and what it says.
#[inline(always)]
fn weigh(entry: *mut Ban, scopes: u64, now: u64) -> (Option<*mut Ban>, Word) {
    let ban = read(entry);
    if ban.flags & SEVERAL == 0 {
        return (Some(entry), word(&ban, scopes, now));
    }
    weigh_group(ban.jail, scopes, now)
}

/// The group of the bans that an entry stands for.
#[inline(always)]
fn group_of(entry: *mut Ban) -> u32 {
    let ban = read(entry);
    if ban.flags & SEVERAL == 0 {
        ALONE
    } else {
        ban.jail
    }
}

/// The ban of a group that decides, and what it says.
#[inline(always)]
fn weigh_group(group: u32, scopes: u64, now: u64) -> (Option<*mut Ban>, Word) {
    // Later fragments are judged by what the bans of the group come to together.
    let bit = if scopes == ANY {
        0
    } else {
        banner_heaviest(group, scopes | ALL, now)
    };
    let ban = member(group, bit);
    let said = ban.map_or(NOTHING, |ban| said(&read(ban), bit, scopes, now));
    if said > BESIDE {
        return (ban, said);
    }
    // None of the bans holds that the packet could be of; the others are not asked one by one.
    (ban, banner_beside(group, now))
}

/// What the bans of a group that a packet is beside say of it, all together.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_beside(group: u32, now: u64) -> u64 {
    member(group, 0).map_or(
        NOTHING,
        |ban| {
            if read(ban).is_over(now) { OVER } else { BESIDE }
        },
    )
}

/// The scope, as a bit, of the ban of a group that decides.
///
/// A global function to the kernel (5.6): verified once, and not for each way that leads to it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_heaviest(group: u32, scopes: u64, now: u64) -> u64 {
    let zero = opaque_zero(now);
    let mut heaviest = ALL ^ zero;
    let mut heaviest_word = NOTHING ^ zero;
    let mut rest = scopes;
    for _ in 0..MAX_SHARED + 1 {
        if rest == 0 {
            break;
        }
        let bit = rest & rest.wrapping_neg();
        rest ^= bit;
        let word = banner_word(group, bit, scopes, now);
        // All ones where it weighs more, else all zeros.
        let more = (heaviest_word.wrapping_sub(word) >> 63).wrapping_neg();
        heaviest = (heaviest & !more | bit & more) ^ zero;
        heaviest_word = (heaviest_word & !more | word & more) ^ zero;
    }
    heaviest
}

/// What the ban of a group in one scope says of a packet that is in `scopes`.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_word(group: u32, bit: u64, scopes: u64, now: u64) -> u64 {
    member(group, bit).map_or(NOTHING, |ban| said(&read(ban), bit, scopes, now))
}

/// What a ban that others stand for says of a packet that is in `scopes`.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_linked(group: u32, bit: u64, scopes: u64, now: u64) -> u64 {
    member(group, bit).map_or(NOTHING, |ban| word(&read(ban), scopes, now))
}

/// What a member of a group says, and the ban that it stands for besides itself.
#[inline(always)]
fn said(ban: &Ban, bit: u64, scopes: u64, now: u64) -> Word {
    let own = word(ban, scopes, now);
    if own == DROPS || !ban.is_linked() {
        return own;
    }
    let linked = banner_linked(ban.jail, bit, scopes, now);
    if linked > own { linked } else { own }
}

/// The ban of a group in one scope.
#[inline(always)]
#[expect(
    clippy::needless_borrows_for_generic_args,
    reason = "a key handed over by value is copied on the stack once more"
)]
pub fn member(group: u32, bit: u64) -> Option<*mut Ban> {
    let key = More {
        group,
        scope: [bit as u32, (bit >> 32) as u32],
    };
    MORE.get_ptr_mut(&key)
}

#[inline(always)]
fn word(ban: &Ban, scopes: u64, now: u64) -> Word {
    if ban.is_over(now) {
        OVER
    } else if (scopes | ALL) >> (ban.scope & 63) & 1 == 0 {
        BESIDE
    } else if ban.flags & OBSERVE != 0 {
        OBSERVES
    } else {
        DROPS
    }
}

#[inline(always)]
pub fn read(ban: *mut Ban) -> Ban {
    // SAFETY: the agent may overwrite the value while it is read, and a slot that was just freed may
    // be taken by another source. Each field is one aligned load and any value is valid, so at the
    // worst one packet is judged by a ban that ends or begins in that instant.
    unsafe { *ban }
}

/// The scopes that a packet is in, one bit for each; none at all where that cannot be told.
#[inline(never)]
fn scopes<F: Family>(packet: &Cursor, zero: u64) -> u64 {
    match F::transport(*packet, zero) {
        Transport::Port(index) => PORTS.get(index).copied().unwrap_or(0) | ALL,
        Transport::Other => ALL,
        // It may belong to any connection of a source that is banned from some.
        Transport::LaterFragment => ANY,
        Transport::Unreadable => 0,
    }
}
