//! Bans that last until who is banned has been quiet: each packet that one is applied to puts off its end.

use banner_common::{ALL_PORTS, Ban, MAX_SHARED, OBSERVE, Quiet, Seen};

use crate::thorough::{ALL, ALONE, ANY, member, read};

/// After a packet in `scopes` that bans were applied to: `ban`, and with it others of `group`.
///
/// A packet counts for each ban of the group that it is about. A later fragment may be about any port, so
/// that it counts for those of all ports alone.
#[inline(always)]
pub fn after_packet(ban: *mut Ban, group: u32, scopes: u64, now: u64) {
    let value = read(ban);
    let kind = u64::from(value.flags) | u64::from(value.scope) << 16;
    let end = banner_renewed(group, value.expires, kind, scopes, now);
    if end != 0 {
        // SAFETY: the entry of a map that this program run looked up; an aligned word. Of two stores at
        // once either is right to within the slack. The slot of a ban that is taken away in this
        // instant may be another's by now, which then has a wrong end until the agent compares next.
        unsafe { (*ban).expires = end };
    }
}

/// The end of a host's only ban after a packet, or 0 where it stays as it is; bans of a group are seen to.
/// `kind`: the flags, and above them the scope.
///
/// A global function to the kernel (5.6), as the others here: verified once, and not for each way that
/// leads to it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_renewed(group: u32, expires: u64, kind: u64, scopes: u64, now: u64) -> u64 {
    if group != ALONE {
        return banner_renew(group, scopes, now);
    }
    let ban = Ban {
        expires,
        jail: 0,
        flags: kind as u16,
        scope: (kind >> 16) as u16,
        seen: Seen(0),
    };
    if scopes == ANY && ban.scope != ALL_PORTS {
        return 0;
    }
    ban.renewed(now).unwrap_or(0)
}

/// Every ban of a group that a packet in `scopes` is about. Returns 0: something has to be returned.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_renew(group: u32, scopes: u64, now: u64) -> u64 {
    let mut rest = if scopes == ANY { ALL } else { scopes | ALL };
    for _ in 0..MAX_SHARED + 1 {
        if rest == 0 {
            break;
        }
        let bit = rest & rest.wrapping_neg();
        rest ^= bit;
        banner_renew_one(group, bit, now);
    }
    0
}

/// The ban of a group in one scope, or the one that it stands for; what the bans of a group come to
/// together lasts as long.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_renew_one(group: u32, bit: u64, now: u64) -> u64 {
    let Some(mut ban) = member(group, bit) else {
        return 0;
    };
    let mut value = read(ban);
    if Quiet::of(value.flags).is_none() {
        return 0;
    }
    let mut home = group;
    if value.is_linked() {
        // A ban that is kept aside has the odd number behind its group's.
        home = value.jail & !1;
        let Some(linked) = member(value.jail, bit) else {
            return 0;
        };
        ban = linked;
        value = read(ban);
    }
    if !value.is_over(now)
        && let Some(end) = value.renewed(now)
    {
        // SAFETY: as in `after_packet`.
        unsafe { (*ban).expires = end };
        let observes = u64::from(value.flags & OBSERVE);
        banner_put_off_sum(group, end, observes);
        banner_put_off_sum(home, end, observes);
    }
    0
}

/// What the bans of a group come to together ends no sooner than this one of them, unless it weighs more.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn banner_put_off_sum(group: u32, end: u64, observes: u64) -> u64 {
    if let Some(sum) = member(group, 0) {
        let value = read(sum);
        if u64::from(value.flags & OBSERVE) == observes && value.expires < end {
            // SAFETY: as in `after_packet`.
            unsafe { (*sum).expires = end };
        }
    }
    0
}
