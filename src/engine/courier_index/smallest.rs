//! The smallest so many of a stream of items, in bounded memory. Knows nothing of what they are.

use std::collections::BinaryHeap;

/// Keeps the `len_max` smallest items offered.
pub struct Smallest<T> {
    /// The largest kept item is on top.
    heap: BinaryHeap<T>,
    len_max: usize,
}

impl<T: Ord> Smallest<T> {
    /// Nothing kept yet. Memory grows with what is offered, up to `len_max` items.
    pub fn new(len_max: usize) -> Self {
        Self { heap: BinaryHeap::new(), len_max }
    }

    /// Keeps the item if it is among the smallest so far.
    pub fn offer(&mut self, item: T) {
        if self.heap.len() < self.len_max {
            self.heap.push(item);
        } else if let Some(mut last) = self.heap.peek_mut()
            && item < *last
        {
            *last = item;
        }
    }

    /// The largest kept item, once no further one fits without displacing it.
    pub fn last_if_full(&self) -> Option<&T> {
        if self.heap.len() < self.len_max { None } else { self.heap.peek() }
    }

    /// The kept items in ascending order.
    pub fn into_sorted(self) -> Vec<T> {
        self.heap.into_sorted_vec()
    }
}
