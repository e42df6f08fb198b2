//! Binary heaps of places, in which each slot knows its position, so that any can be taken out.

use std::marker::PhantomData;

use super::slot::{NONE, Slot, Slots};
use crate::model::{Mode, Until};

/// By what a heap is ordered, and where a slot notes its position in it.
pub(super) trait Order {
    type Key: Ord;
    fn key(slot: &Slot) -> Self::Key;
    fn position(slot: &mut Slot) -> &mut u32;
}

/// Soonest end first.
#[derive(Debug)]
pub(super) struct Ends;

impl Order for Ends {
    type Key = Until;

    fn key(slot: &Slot) -> Until {
        slot.until()
    }

    fn position(slot: &mut Slot) -> &mut u32 {
        &mut slot.end_at
    }
}

/// Lightest first.
#[derive(Debug)]
pub(super) struct Weights;

impl Order for Weights {
    type Key = (Mode, Until);

    fn key(slot: &Slot) -> (Mode, Until) {
        slot.weight()
    }

    fn position(slot: &mut Slot) -> &mut u32 {
        &mut slot.weight_at
    }
}

#[derive(Debug)]
pub(super) struct Heap<O> {
    places: Vec<u32>,
    order: PhantomData<O>,
}

impl<O: Order> Heap<O> {
    pub(super) fn new() -> Self {
        Self {
            places: Vec::new(),
            order: PhantomData,
        }
    }

    pub(super) fn first(&self) -> Option<u32> {
        self.places.first().copied()
    }

    /// The one that is taken out with the least work.
    pub(super) fn last(&self) -> Option<u32> {
        self.places.last().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn push(&mut self, slots: &mut Slots, place: u32) {
        self.places.push(place);
        self.up(slots, self.places.len() - 1);
    }

    pub(super) fn remove(&mut self, slots: &mut Slots, place: u32) {
        let position = self.leave(slots, place);
        self.places.swap_remove(position);
        if position < self.places.len() {
            self.settle(slots, position);
        }
    }

    /// The key of this place is another now.
    pub(super) fn update(&mut self, slots: &mut Slots, place: u32) {
        let position = *O::position(&mut slots[place]) as usize;
        self.settle(slots, position);
    }

    /// `new` stands for what `old` stood for.
    pub(super) fn replace(&mut self, slots: &mut Slots, old: u32, new: u32) {
        let position = self.leave(slots, old);
        self.places[position] = new;
        self.settle(slots, position);
    }

    fn leave(&self, slots: &mut Slots, place: u32) -> usize {
        let position = std::mem::replace(O::position(&mut slots[place]), NONE) as usize;
        debug_assert_eq!(self.places[position], place);
        position
    }

    fn settle(&mut self, slots: &mut Slots, position: usize) {
        let position = self.up(slots, position);
        self.down(slots, position);
    }

    /// Towards the root, as far as its key wants; where to.
    fn up(&mut self, slots: &mut Slots, mut position: usize) -> usize {
        let place = self.places[position];
        let key = O::key(&slots[place]);
        while position > 0 {
            let parent = (position - 1) / 2;
            if O::key(&slots[self.places[parent]]) <= key {
                break;
            }
            self.set(slots, position, self.places[parent]);
            position = parent;
        }
        self.set(slots, position, place);
        position
    }

    fn down(&mut self, slots: &mut Slots, mut position: usize) {
        let place = self.places[position];
        let key = O::key(&slots[place]);
        loop {
            let children = [2 * position + 1, 2 * position + 2];
            let key_at = |&child: &usize| O::key(&slots[self.places[child]]);
            let inside = |child: &usize| *child < self.places.len();
            let Some(child) = children.into_iter().filter(inside).min_by_key(key_at) else {
                break;
            };
            if key <= key_at(&child) {
                break;
            }
            self.set(slots, position, self.places[child]);
            position = child;
        }
        self.set(slots, position, place);
    }

    fn set(&mut self, slots: &mut Slots, position: usize, place: u32) {
        self.places[position] = place;
        // As many as there are places, which fit into 32 bits.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "less than the number of slots"
        )]
        let noted = position as u32;
        *O::position(&mut slots[place]) = noted;
    }
}
