//! A list by slot that grows a piece at a time: nothing in it ever moves, so that a large fleet is
//! neither copied when it grows nor leaves behind what it was copied from.

use core::ops::{Index, IndexMut};

use super::prefetch::prefetch_part;

/// A list that grows at its end and never shrinks.
#[derive(Debug)]
pub struct Arena<T> {
    /// All are full but the last.
    pieces: Vec<Vec<T>>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Adds an item at the end, and tells its slot.
    ///
    /// # Panics
    /// Where slots do not fit in 32 bits any more.
    pub fn push(&mut self, item: T) -> u32 {
        if self.pieces.last().is_none_or(|last| last.len() == PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let piece = self.pieces.len() - 1;
        self.pieces[piece].push(item);
        let slot = piece * PIECE + self.pieces[piece].len() - 1;
        u32::try_from(slot).expect("there are less than 2^32 of anything in a shard")
    }

    /// Asks for the cache line of an item that begins so many bytes behind its start, which lies
    /// within it. Nothing happens if there is no such item.
    pub fn prefetch(&self, slot: u32, offset: usize) {
        let (piece, at) = place(slot);
        if let Some(piece) = self.pieces.get(piece) {
            prefetch_part(piece, at, offset);
        }
    }
}

impl<T> Index<u32> for Arena<T> {
    type Output = T;

    fn index(&self, slot: u32) -> &T {
        let (piece, at) = place(slot);
        &self.pieces[piece][at]
    }
}

impl<T> IndexMut<u32> for Arena<T> {
    fn index_mut(&mut self, slot: u32) -> &mut T {
        let (piece, at) = place(slot);
        &mut self.pieces[piece][at]
    }
}

const fn place(slot: u32) -> (usize, usize) {
    (slot as usize / PIECE, slot as usize % PIECE)
}

/// Items of a piece: 384 KiB of the largest. What is not used of the last one takes memory only where
/// that comes in huge pages.
const PIECE: usize = 1_024;
