//! Heaps of places, in which each slot knows its position, so that any can be taken out.
//!
//! Four children to a node, and the keys beside the places: a million slots do not fit into a
//! processor's cache, and so each look at one of them costs more than all else.

use std::marker::PhantomData;

use super::slot::{NONE, Slot, Slots};

/// By what a heap is ordered, and where a slot notes its position in it.
pub(super) trait Order {
    fn key(slot: &Slot) -> u64;
    fn position(slot: &mut Slot) -> &mut u32;
}

/// Soonest end first.
#[derive(Debug)]
pub(super) struct Ends;

impl Order for Ends {
    fn key(slot: &Slot) -> u64 {
        slot.end()
    }

    fn position(slot: &mut Slot) -> &mut u32 {
        &mut slot.end_at
    }
}

/// Lightest first.
#[derive(Debug)]
pub(super) struct Weights;

impl Order for Weights {
    fn key(slot: &Slot) -> u64 {
        slot.weight()
    }

    fn position(slot: &mut Slot) -> &mut u32 {
        &mut slot.weight_at
    }
}

/// Children of a node.
const ARITY: usize = 4;

#[derive(Debug)]
pub(super) struct Heap<O> {
    keys: Vec<u64>,
    places: Vec<u32>,
    order: PhantomData<O>,
}

impl<O: Order> Heap<O> {
    pub(super) fn new() -> Self {
        Self {
            keys: Vec::new(),
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

    pub(super) fn reserve(&mut self, more: usize) {
        self.keys.reserve(more);
        self.places.reserve(more);
    }

    pub(super) fn push(&mut self, slots: &mut Slots, place: u32) {
        let key = O::key(&slots[place]);
        self.keys.push(key);
        self.places.push(place);
        self.up(slots, self.places.len() - 1, key, place);
    }

    pub(super) fn remove(&mut self, slots: &mut Slots, place: u32) {
        let position = Self::leave(slots, place);
        self.keys.swap_remove(position);
        self.places.swap_remove(position);
        if position < self.places.len() {
            self.settle(slots, position, self.keys[position], self.places[position]);
        }
    }

    /// The key of this place is another now.
    pub(super) fn update(&mut self, slots: &mut Slots, place: u32) {
        self.replace(slots, place, place);
    }

    /// `new` stands for what `old` stood for.
    pub(super) fn replace(&mut self, slots: &mut Slots, old: u32, new: u32) {
        let position = Self::leave(slots, old);
        let key = O::key(&slots[new]);
        self.settle(slots, position, key, new);
    }

    fn leave(slots: &mut Slots, place: u32) -> usize {
        std::mem::replace(O::position(&mut slots[place]), NONE) as usize
    }

    /// Puts a place where its key wants it, from a position on that is free.
    fn settle(&mut self, slots: &mut Slots, position: usize, key: u64, place: u32) {
        if position > 0 && key < self.keys[(position - 1) / ARITY] {
            self.up(slots, position, key, place);
        } else {
            self.down(slots, position, key, place);
        }
    }

    fn up(&mut self, slots: &mut Slots, mut position: usize, key: u64, place: u32) {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.keys[parent] <= key {
                break;
            }
            self.set(slots, position, self.keys[parent], self.places[parent]);
            position = parent;
        }
        self.set(slots, position, key, place);
    }

    fn down(&mut self, slots: &mut Slots, mut position: usize, key: u64, place: u32) {
        loop {
            let first = ARITY * position + 1;
            let behind = self.keys.len().min(first + ARITY);
            let Some(child) = (first..behind).min_by_key(|&child| self.keys[child]) else {
                break;
            };
            if key <= self.keys[child] {
                break;
            }
            self.set(slots, position, self.keys[child], self.places[child]);
            position = child;
        }
        self.set(slots, position, key, place);
    }

    fn set(&mut self, slots: &mut Slots, position: usize, key: u64, place: u32) {
        self.keys[position] = key;
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
