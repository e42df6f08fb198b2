//! Where bans lie: one vector, whose places the table and the heaps refer to.

use crate::model::{Ban, Entry, JailId, Mode, Mono, Quiet, Until};

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// One ban, or a free place.
#[derive(Debug)]
pub(super) struct Slot {
    entry: Entry,
    mode: Mode,
    jail: Option<JailId>,
    quiet: Option<Quiet>,
    /// ns since boot, or [`FOREVER`].
    until: u64,
    /// The next ban on the same entry; of a free place the next free one.
    pub(super) next: u32,
    /// The position in the heap of ends; [`NONE`] of a free place.
    pub(super) end_at: u32,
    /// The position in the heap of weights; only of the first ban on an entry.
    pub(super) weight_at: u32,
}

/// Beside it, a ban takes 24 bytes in the heaps and 5 to 11 in the table.
const _: () = assert!(size_of::<Slot>() == 48);

/// 292 years after boot. What ends later has no end.
const FOREVER: u64 = u64::MAX >> 1;

impl Slot {
    pub(super) fn new(ban: &Ban) -> Self {
        Self {
            entry: ban.entry(),
            mode: ban.mode,
            jail: ban.jail,
            quiet: ban.quiet.filter(|_| ban.until != Until::Forever),
            until: packed(ban.until),
            next: NONE,
            end_at: NONE,
            weight_at: NONE,
        }
    }

    pub(super) fn entry(&self) -> Entry {
        self.entry
    }

    pub(super) fn jail(&self) -> Option<JailId> {
        self.jail
    }

    pub(super) fn until(&self) -> Until {
        match self.until {
            FOREVER => Until::Forever,
            end => Until::At(Mono(end)),
        }
    }

    /// Orders as [`Until`] does.
    pub(super) fn end(&self) -> u64 {
        self.until
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Dropping weighs more than observing, and a late end more than an early one.
    pub(super) fn weight(&self) -> u64 {
        match self.mode {
            Mode::Observe => self.until,
            Mode::Enforce => self.until + FOREVER + 1,
        }
    }

    pub(super) fn ban(&self) -> Ban {
        Ban {
            net: self.entry.net,
            ports: self.entry.ports,
            jail: self.jail,
            mode: self.mode,
            until: self.until(),
            quiet: self.quiet,
        }
    }

    /// Its end has been put off.
    pub(super) fn put_off(&mut self, until: Until) {
        self.until = self.until.max(packed(until));
    }

    /// What drops goes on dropping, and the end is never put earlier. Whether it renews is what the new ban
    /// says; it does not have to be quiet for less long than before.
    pub(super) fn renew(&mut self, ban: &Ban) {
        self.mode = self.mode.max(ban.mode);
        self.until = self.until.max(packed(ban.until));
        let quiet = ban
            .quiet
            .map(|quiet| quiet.max(self.quiet.unwrap_or(quiet)));
        self.quiet = quiet.filter(|_| self.until != FOREVER);
    }
}

fn packed(until: Until) -> u64 {
    match until {
        Until::Forever => FOREVER,
        Until::At(end) => end.0.min(FOREVER),
    }
}

/// All places of a family.
#[derive(Debug)]
pub(super) struct Slots {
    all: Vec<Slot>,
    free: u32,
    /// How many bans each jail has.
    of_jails: Vec<usize>,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            all: Vec::new(),
            free: NONE,
            of_jails: Vec::new(),
        }
    }

    /// Takes memory for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.all.reserve(more);
    }

    /// A place for a ban; none when there are as many as can be numbered.
    pub(super) fn add(&mut self, ban: &Ban) -> Option<u32> {
        let slot = Slot::new(ban);
        let place = self.free;
        let place = if place == NONE {
            let place = u32::try_from(self.all.len()).ok()?;
            if place == NONE {
                return None;
            }
            self.all.push(slot);
            place
        } else {
            self.free = self[place].next;
            self[place] = slot;
            place
        };
        if let Some(JailId(jail)) = ban.jail {
            let jail = usize::from(jail);
            if self.of_jails.len() <= jail {
                self.of_jails.resize(jail + 1, 0);
            }
            self.of_jails[jail] += 1;
        }
        Some(place)
    }

    /// Frees a place that is in no heap any more.
    pub(super) fn remove(&mut self, place: u32) -> Ban {
        let free = self.free;
        let slot = &mut self[place];
        debug_assert_eq!((slot.end_at, slot.weight_at), (NONE, NONE));
        slot.next = free;
        let ban = slot.ban();
        self.free = place;
        if let Some(JailId(jail)) = ban.jail {
            self.of_jails[usize::from(jail)] -= 1;
        }
        ban
    }

    /// How many bans a jail has.
    pub(super) fn of_jail(&self, JailId(jail): JailId) -> usize {
        self.of_jails.get(usize::from(jail)).copied().unwrap_or(0)
    }

    /// The bans on one entry, from its first.
    pub(super) fn chain(&self, first: u32) -> impl Iterator<Item = (u32, &Slot)> {
        let slot = |place: u32| (place != NONE).then(|| (place, &self[place]));
        std::iter::successors(slot(first), move |(_, last)| slot(last.next))
    }

    /// The bans in the places from this one on, in the order of their places.
    pub(super) fn from(&self, place: u32) -> impl Iterator<Item = (u32, &Slot)> {
        (place..)
            .zip(self.all.iter().skip(place as usize))
            .filter(|(_, slot)| slot.end_at != NONE)
    }
}

impl std::ops::Index<u32> for Slots {
    type Output = Slot;

    fn index(&self, place: u32) -> &Slot {
        &self.all[place as usize]
    }
}

impl std::ops::IndexMut<u32> for Slots {
    fn index_mut(&mut self, place: u32) -> &mut Slot {
        &mut self.all[place as usize]
    }
}
