//! Where each order's last history entry is in the feed, so that histories can be followed back.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use crate::domain::ids::OrderId;

/// The last feed position of every order, in pages by order id.
#[derive(Debug, Default)]
pub struct OrderChain {
    pages: RwLock<Vec<Option<Box<[u64]>>>>,
}

impl OrderChain {
    /// The feed position of an order's last entry.
    #[must_use]
    pub fn last(&self, order: OrderId) -> Option<u64> {
        let (page, at) = place(order);
        let pages = self.pages.read().unwrap_or_else(PoisonError::into_inner);
        pages.get(page)?.as_ref().map(|page| page[at]).filter(|&position| position > 0)
    }

    /// The chains, to put entries at their ends. Whoever holds it keeps readers waiting.
    #[must_use]
    pub fn open(&self) -> OpenChain<'_> {
        OpenChain(self.pages.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The chains, open to be written.
pub struct OpenChain<'a>(RwLockWriteGuard<'a, Vec<Option<Box<[u64]>>>>);

impl OpenChain<'_> {
    /// Puts an entry at the end of an order's chain, and gives the one before it.
    pub fn follow(&mut self, order: OrderId, position: u64) -> Option<u64> {
        let (page, at) = place(order);
        let pages = &mut *self.0;
        if pages.len() <= page {
            pages.resize(page + 1, None);
        }
        let page = pages[page].get_or_insert_with(|| vec![0; PAGE_ORDERS].into());
        Some(core::mem::replace(&mut page[at], position)).filter(|&before| before > 0)
    }
}

fn place(order: OrderId) -> (usize, usize) {
    ((order.0 / PAGE_ORDERS as u64) as usize, (order.0 % PAGE_ORDERS as u64) as usize)
}

const PAGE_ORDERS: usize = 1_024;
