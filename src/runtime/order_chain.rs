//! Where each order's last history entry is in the feed, so that histories can be followed back.

use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use crate::domain::ids::OrderId;
use crate::storage::bytes::{Malformed, Read, Reader, Writer};

/// The last feed position of every order, in pages by order id.
#[derive(Debug, Default)]
pub struct OrderChain {
    pages: RwLock<Pages>,
}

/// The pages, as they were at one moment: a page that is written to meanwhile is copied first.
pub type Pages = Vec<Option<Arc<[u64]>>>;

impl OrderChain {
    /// The chains of these pages.
    #[must_use]
    pub const fn of(pages: Pages) -> Self {
        Self { pages: RwLock::new(pages) }
    }

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

    /// The chains as they are now.
    #[must_use]
    pub fn pages(&self) -> Pages {
        self.pages.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The chains, open to be written.
pub struct OpenChain<'a>(RwLockWriteGuard<'a, Pages>);

impl OpenChain<'_> {
    /// Puts an entry at the end of an order's chain, and gives the one before it.
    pub fn follow(&mut self, order: OrderId, position: u64) -> Option<u64> {
        let (page, at) = place(order);
        let pages = &mut *self.0;
        if pages.len() <= page {
            pages.resize(page + 1, None);
        }
        let page = pages[page].get_or_insert_with(|| vec![0; PAGE_ORDERS].into());
        let page = Arc::make_mut(page);
        Some(core::mem::replace(&mut page[at], position)).filter(|&before| before > 0)
    }
}

/// Writes the pages in pieces of about [`PIECE_BYTES`]: each page with its number, each position as
/// its difference from the one before.
pub fn put_pages<E>(pages: &Pages, mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut piece = Writer::default();
    for (at, page) in pages.iter().enumerate() {
        let Some(page) = page else { continue };
        piece.varint(at as u64);
        let mut before = 0;
        for &position in page.iter() {
            piece.signed(position as i64 - before);
            before = position as i64;
        }
        if piece.bytes.len() >= PIECE_BYTES {
            put(&piece.bytes)?;
            piece.bytes.clear();
        }
    }
    if piece.bytes.is_empty() { Ok(()) } else { put(&piece.bytes) }
}

/// Reads a piece of [`put_pages`].
///
/// # Errors
/// The bytes are none.
pub fn take_pages(bytes: &[u8], pages: &mut Pages) -> Read<()> {
    let from = &mut Reader::new(bytes);
    while !from.is_empty() {
        let at: usize = from.narrow()?;
        // A page takes a byte for each order, and there is one of each.
        if at >= PAGES_MAX || pages.get(at).is_some_and(Option::is_some) {
            return Err(Malformed);
        }
        let mut page = Vec::with_capacity(PAGE_ORDERS);
        let mut before = 0_i64;
        for _ in 0..PAGE_ORDERS {
            before = before.checked_add(from.signed()?).ok_or(Malformed)?;
            page.push(before as u64);
        }
        if pages.len() <= at {
            pages.resize(at + 1, None);
        }
        pages[at] = Some(page.into());
    }
    Ok(())
}

fn place(order: OrderId) -> (usize, usize) {
    ((order.0 / PAGE_ORDERS as u64) as usize, (order.0 % PAGE_ORDERS as u64) as usize)
}

const PAGE_ORDERS: usize = 1_024;
/// Orders of a whole life: four billion.
const PAGES_MAX: usize = 1 << 22;
const PIECE_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{OrderChain, Pages, put_pages, take_pages};
    use crate::domain::ids::OrderId;

    #[test]
    fn pages_that_were_taken_stay_as_they_were_and_read_back_the_same() {
        let chain = OrderChain::default();
        for order in [1, 2, 1_023, 1_024, 900_000] {
            assert_eq!(chain.open().follow(OrderId(order), order + 7), None);
        }
        let taken = chain.pages();
        assert_eq!(chain.open().follow(OrderId(2), 1_000_000), Some(9));
        let (mut pieces, mut read) = (Vec::new(), Pages::new());
        put_pages(&taken, |piece| {
            pieces.push(piece.to_vec());
            Ok::<_, ()>(())
        })
        .expect("nothing fails");
        for piece in &pieces {
            take_pages(piece, &mut read).expect("it was written so");
        }
        let read = OrderChain::of(read);
        assert_eq!((chain.last(OrderId(2)), read.last(OrderId(2))), (Some(1_000_000), Some(9)));
        for order in [1, 1_023, 1_024, 900_000] {
            assert_eq!(read.last(OrderId(order)), Some(order + 7));
        }
        assert_eq!(read.last(OrderId(3)), None);
    }
}
