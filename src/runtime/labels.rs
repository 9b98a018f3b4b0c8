//! What events are told with beside what the engine says: orders' numbers and routes' depots, in
//! memory by pages of ids, so that whoever writes an event asks the catalog at most once for each
//! page while that is in use. Admission notes what a command is about to change before it is
//! committed, so no event is read without its order's number. Deleted documents keep their labels:
//! their events are still read.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::ids::{DepotId, OrderId, RouteId};
use crate::domain::time::{SECOND_MS, Time};
use crate::runtime::admission::DEPOT;
use crate::runtime::clock::Clock;
use crate::runtime::readers::Readers;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Change, Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// The labels of all orders and routes there ever were.
///
/// Order of calls for a command: `follow`, then, once the catalog holds it or
/// `restore` has taken it back, `settled`.
#[derive(Debug)]
pub struct Labels {
    readers: Readers,
    clock: Clock,
    numbers: Pages<Numbers>,
    depots: Pages<Depots>,
}

impl Labels {
    /// The labels of every document of a catalog. None is read before somebody asks.
    #[must_use]
    pub fn of(readers: Readers, clock: Clock) -> Self {
        Self { readers, clock, numbers: Pages::default(), depots: Pages::default() }
    }

    /// The number of an order; none, if the catalog cannot be read.
    #[must_use]
    pub fn order_number(&self, order: OrderId) -> Option<String> {
        let read = |ids| self.readers.read(|catalog| numbers(catalog, ids));
        self.numbers.of(order.0, self.clock.now(), read).ok().flatten()
    }

    /// The starting depot of a route; none, if the catalog cannot be read.
    #[must_use]
    pub fn depot(&self, route: RouteId) -> Option<DepotId> {
        let read = |ids| self.readers.read(|catalog| depots(catalog, ids));
        let depot = self.depots.of(route.0, self.clock.now(), read).ok();
        depot.filter(|&depot| depot > 0).map(|depot| DepotId(depot as u32))
    }

    /// Follows what a command is about to change.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub(super) fn follow(&self, catalog: &Catalog, changes: &[Change]) -> Result<(), CatalogError> {
        self.numbers.open_mut().is_held = true;
        self.depots.open_mut().is_held = true;
        for change in changes {
            if let Change::Put(kind, document) = change {
                self.put(catalog, *kind, document)?;
            }
        }
        Ok(())
    }

    /// Takes back what a command that was not committed would have changed.
    pub(super) fn restore(
        &self,
        changes: &[Change],
        catalog: &Catalog,
    ) -> Result<(), CatalogError> {
        for change in changes {
            if let Change::Put(kind, document) = change
                && let Some(before) = catalog.document_ever(*kind, document.id)?
            {
                self.put(catalog, *kind, &before)?;
            }
        }
        Ok(())
    }

    /// The catalog holds what these labels say: pages may go again.
    pub(super) fn settled(&self) {
        let now = self.clock.now();
        self.numbers.open_mut().let_go(now);
        self.depots.open_mut().let_go(now);
    }

    fn put(&self, catalog: &Catalog, kind: Kind, document: &Document) -> Result<(), CatalogError> {
        let now = self.clock.now();
        match kind {
            Kind::Order => {
                let known = self.numbers.of(document.id, now, |ids| numbers(catalog, ids))?;
                let number = Some(document.number.clone());
                if known != number {
                    self.numbers.open_mut().set(document.id, number);
                }
            }
            Kind::Route => {
                self.depots.of(document.id, now, |ids| depots(catalog, ids))?;
                let depot = document.field(DEPOT).and_then(serde_json::Value::as_u64);
                self.depots.open_mut().set(document.id, depot.unwrap_or(0));
            }
            Kind::Company | Kind::Depot | Kind::Courier => {}
        }
        Ok(())
    }
}

/// The labels of the ids of a page.
trait Page {
    type Label;

    fn label(&self, at: usize) -> Self::Label;

    fn set(&mut self, at: usize, label: Self::Label);
}

/// Orders' numbers. An order's number is not empty.
#[derive(Debug)]
struct Numbers {
    short: Vec<Short>,
    /// Those that are not short, by place in the page.
    long: BTreeMap<usize, String>,
}

/// A number of at most [`Self::MAX`] bytes, nothing, or the sign that it is a long one: a look-up
/// is one place in the memory for nearly every order.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(16))]
struct Short {
    text: [u8; Self::MAX],
    length: u8,
}

impl Short {
    const MAX: usize = 15;
    const IS_LONG: Self = Self { text: [0; Self::MAX], length: u8::MAX };

    fn of(number: &str) -> Self {
        let mut short = Self::default();
        let Some(text) = short.text.get_mut(..number.len()) else { return Self::IS_LONG };
        text.copy_from_slice(number.as_bytes());
        short.length = number.len() as u8;
        short
    }

    fn text(&self) -> Option<&str> {
        core::str::from_utf8(self.text.get(..usize::from(self.length))?).ok()
    }
}

impl Numbers {
    fn put(&mut self, at: usize, number: &str) {
        self.short[at] = Short::of(number);
        if number.len() > Short::MAX {
            self.long.insert(at, number.to_owned());
        } else {
            self.long.remove(&at);
        }
    }
}

impl Page for Numbers {
    type Label = Option<String>;

    fn label(&self, at: usize) -> Option<String> {
        let number = match self.short[at].text() {
            Some(number) => number,
            None => self.long.get(&at)?,
        };
        Some(number).filter(|number| !number.is_empty()).map(str::to_owned)
    }

    fn set(&mut self, at: usize, label: Option<String>) {
        self.put(at, label.as_deref().unwrap_or_default());
    }
}

/// Routes' depots; 0: none.
type Depots = Vec<u64>;

impl Page for Depots {
    type Label = u64;

    fn label(&self, at: usize) -> u64 {
        self[at]
    }

    fn set(&mut self, at: usize, label: u64) {
        self[at] = label;
    }
}

/// A page of orders' numbers.
fn numbers(catalog: &Catalog, ids: Range<u64>) -> Result<Numbers, CatalogError> {
    let first = ids.start;
    let mut page = Numbers { short: vec![Short::default(); PAGE_IDS], long: BTreeMap::new() };
    catalog.each_number_ever(Kind::Order, ids, |id, number| {
        page.put((id - first) as usize, number);
    })?;
    Ok(page)
}

/// A page of routes' depots.
fn depots(catalog: &Catalog, ids: Range<u64>) -> Result<Depots, CatalogError> {
    let (mut page, first) = (vec![0; PAGE_IDS], ids.start);
    catalog.each_field_ever(Kind::Route, DEPOT, ids, |id, depot| {
        page[(id - first) as usize] = depot;
    })?;
    Ok(page)
}

/// A label for each id, in pages: those that are in use.
#[derive(Debug)]
struct Pages<P>(RwLock<Book<P>>);

/// The pages that were asked for since the last turn, and before it. A turn lets the older ones go.
#[derive(Debug)]
struct Book<P> {
    young: BTreeMap<u64, P>,
    old: BTreeMap<u64, P>,
    turned_at: Time,
    turns: u64,
    /// They say what the catalog does not hold yet: none may go.
    is_held: bool,
}

impl<P> Default for Pages<P> {
    fn default() -> Self {
        Self(RwLock::new(Book {
            young: BTreeMap::new(),
            old: BTreeMap::new(),
            turned_at: Time::DISTANT_PAST,
            turns: 0,
            is_held: false,
        }))
    }
}

impl<P: Page> Pages<P> {
    /// The label of an id. `read` gives the page of these ids if it is not known.
    fn of<E>(
        &self,
        id: u64,
        now: Time,
        read: impl Fn(Range<u64>) -> Result<P, E>,
    ) -> Result<P::Label, E> {
        if let Some(known) = self.open().recent(id) {
            return Ok(known);
        }
        loop {
            let turns = {
                let mut book = self.open_mut();
                if let Some(known) = book.known(id) {
                    return Ok(known);
                }
                book.turns
            };
            let first = id - id % PAGE_IDS as u64;
            let page = read(first..first + PAGE_IDS as u64)?;
            let mut book = self.open_mut();
            // If it was known meanwhile, and changed, and went, this one is of before the change.
            if book.turns - turns < 2 {
                return Ok(book.enter(id, page, now));
            }
        }
    }

    fn open(&self) -> RwLockReadGuard<'_, Book<P>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_mut(&self) -> RwLockWriteGuard<'_, Book<P>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Page> Book<P> {
    /// The label of an id whose page was asked for since the last turn.
    fn recent(&self, id: u64) -> Option<P::Label> {
        let (page, at) = place(id);
        self.young.get(&page).map(|page| page.label(at))
    }

    /// The label of an id whose page is known; from now on it is a recent one.
    fn known(&mut self, id: u64) -> Option<P::Label> {
        let (page, _) = place(id);
        if let Some(labels) = self.old.remove(&page) {
            self.young.insert(page, labels);
        }
        self.recent(id)
    }

    /// Sets a label of a recent page.
    fn set(&mut self, id: u64, label: P::Label) {
        let (page, at) = place(id);
        if let Some(page) = self.young.get_mut(&page) {
            page.set(at, label);
        }
    }

    /// The catalog holds what they say. What was entered meanwhile is counted now, for nearly all
    /// pages come with the command that makes their orders.
    fn let_go(&mut self, now: Time) {
        self.is_held = false;
        self.turn(now);
    }

    fn turn(&mut self, now: Time) {
        let is_due = self.young.len() >= PAGES_MAX && now - self.turned_at >= TURN_MS_MIN;
        if is_due && !self.is_held {
            self.old = core::mem::take(&mut self.young);
            (self.turned_at, self.turns) = (now, self.turns + 1);
        }
    }

    /// Takes over the page of an id, unless another came first, which may know more by now; and
    /// gives the id's label.
    fn enter(&mut self, id: u64, labels: P, now: Time) -> P::Label {
        if let Some(known) = self.known(id) {
            return known;
        }
        self.turn(now);
        let (page, at) = place(id);
        let label = labels.label(at);
        self.young.insert(page, labels);
        label
    }
}

const fn place(id: u64) -> (u64, usize) {
    (id / PAGE_IDS as u64, (id % PAGE_IDS as u64) as usize)
}

/// About 16 KiB of numbers.
const PAGE_IDS: usize = 1_024;
/// With so many recent pages a turn is due: 16,384 orders.
const PAGES_MAX: usize = 16;
/// Turns are so far apart at least, so that a fleet which needs more pages than that all the time
/// finds them.
const TURN_MS_MIN: i64 = 60 * SECOND_MS;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_ms(1_772_431_200_000);

    fn page_of(ids: Range<u64>) -> Result<Depots, ()> {
        Ok(ids.collect())
    }

    /// Asks for one id of so many pages, in turn.
    fn read_through(pages: &Pages<Depots>, count: usize, now: Time) {
        for at in 0..count {
            let id = (at * PAGE_IDS + 7) as u64;
            assert_eq!(pages.of(id, now, page_of), Ok(id));
        }
    }

    fn known(pages: &Pages<Depots>) -> usize {
        let book = pages.open();
        book.young.len() + book.old.len()
    }

    #[test]
    fn what_nobody_asks_for_any_more_goes() {
        let pages: Pages<Depots> = Pages::default();
        read_through(&pages, 3 * PAGES_MAX, NOW);
        let at_once = known(&pages);
        assert!(at_once >= 2 * PAGES_MAX, "{at_once} were read at once");
        for turn in 1..4 {
            read_through(&pages, 10 * PAGES_MAX, NOW + turn * TURN_MS_MIN);
        }
        pages.of(0, NOW + 4 * TURN_MS_MIN, page_of).expect("it is read");
        for (turn, first) in [(5, 20_000), (6, 30_000)] {
            for at in 0..=PAGES_MAX as u64 {
                let id = (first + at) * PAGE_IDS as u64;
                pages.of(id, NOW + turn * TURN_MS_MIN, page_of).expect("it is read");
            }
        }
        assert!(known(&pages) <= 2 * PAGES_MAX + 2, "{}", known(&pages));
    }

    #[test]
    fn pages_that_only_commands_ask_for_go_too() {
        let pages: Pages<Depots> = Pages::default();
        for at in 0..10 * PAGES_MAX {
            let now = NOW + at as i64 * TURN_MS_MIN;
            pages.open_mut().is_held = true;
            pages.of((at * PAGE_IDS) as u64, now, page_of).expect("it is read");
            pages.open_mut().let_go(now);
        }
        assert!(known(&pages) <= 2 * PAGES_MAX, "{}", known(&pages));
    }

    #[test]
    fn numbers_of_any_length_are_kept_and_changed() {
        let mut page = Numbers { short: vec![Short::default(); 6], long: BTreeMap::new() };
        let (fits, longer) = ("fifteen byte é", "sixteen bytes é");
        assert_eq!((fits.len(), longer.len()), (Short::MAX, Short::MAX + 1));
        let known = |number: &str| Some(number.to_owned());
        for (at, number) in [(1, longer), (3, longer), (0, "a-1"), (1, "bb"), (4, fits)] {
            page.set(at, known(number));
        }
        let labels: Vec<_> = (0..5).map(|at| page.label(at)).collect();
        assert_eq!(labels, [known("a-1"), known("bb"), None, known(longer), known(fits)]);
        page.set(3, None);
        page.set(0, known(longer));
        assert_eq!((page.label(3), page.label(0), page.long.len()), (None, known(longer), 1));
    }

    #[test]
    fn what_the_catalog_does_not_hold_yet_stays() {
        let pages: Pages<Depots> = Pages::default();
        pages.open_mut().is_held = true;
        pages.of(5, NOW, page_of).expect("it is read");
        pages.open_mut().set(5, 77);
        for turn in 0..5 {
            read_through(&pages, 2 * PAGES_MAX, NOW + turn * TURN_MS_MIN);
        }
        assert_eq!(pages.of(5, NOW, page_of), Ok(77));
    }

    #[test]
    fn a_page_read_before_a_change_is_read_again_where_the_changed_one_went_meanwhile() {
        let pages: Pages<Depots> = Pages::default();
        let calls = core::cell::Cell::new(0);
        let value = pages.of(5, NOW, |ids| {
            calls.set(calls.get() + 1);
            if calls.get() == 1 {
                pages.open_mut().turns += 2;
            }
            page_of(ids)
        });
        assert_eq!((value, calls.get()), (Ok(5), 2));
    }
}
