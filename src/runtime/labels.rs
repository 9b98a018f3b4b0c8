//! What events are told with beside what the engine says: orders' numbers and routes' depots, in
//! memory by pages of ids, so that whoever writes an event asks the catalog at most once for each
//! page. Admission notes what a command is about to change before it is committed, so no event is
//! read without its order's number. Deleted documents keep their labels: their events are still
//! read.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::ids::{DepotId, OrderId, RouteId};
use crate::runtime::admission::DEPOT;
use crate::runtime::readers::Readers;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Change, Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// The labels of all orders and routes there ever were.
#[derive(Debug)]
pub struct Labels {
    readers: Readers,
    numbers: RwLock<Pages<Option<Arc<str>>>>,
    /// 0: no depot.
    depots: RwLock<Pages<u64>>,
}

impl Labels {
    /// The labels of every document of a catalog. None is read before somebody asks.
    #[must_use]
    pub fn of(readers: Readers) -> Self {
        Self { readers, numbers: RwLock::default(), depots: RwLock::default() }
    }

    /// The number of an order; none, if the catalog cannot be read.
    #[must_use]
    pub fn order_number(&self, order: OrderId) -> Option<Arc<str>> {
        let known = || {
            let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
            numbers.at(order.0).cloned()
        };
        let read = || self.readers.read(|catalog| self.read_numbers(catalog, order.0));
        known().or_else(|| read().ok().and_then(|()| known())).flatten()
    }

    /// The starting depot of a route; none, if the catalog cannot be read.
    #[must_use]
    pub fn depot(&self, route: RouteId) -> Option<DepotId> {
        let known = || {
            let depots = self.depots.read().unwrap_or_else(PoisonError::into_inner);
            depots.at(route.0).copied()
        };
        let read = || self.readers.read(|catalog| self.read_depots(catalog, route.0));
        let depot = known().or_else(|| read().ok().and_then(|()| known()));
        depot.filter(|&depot| depot > 0).map(|depot| DepotId(depot as u32))
    }

    /// Follows what a command is about to change.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub(super) fn follow(&self, catalog: &Catalog, changes: &[Change]) -> Result<(), CatalogError> {
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

    fn put(&self, catalog: &Catalog, kind: Kind, document: &Document) -> Result<(), CatalogError> {
        match kind {
            Kind::Order => {
                self.read_numbers(catalog, document.id)?;
                self.set_number(document.id, &document.number);
            }
            Kind::Route => {
                self.read_depots(catalog, document.id)?;
                let depot = document.field(DEPOT).and_then(serde_json::Value::as_u64);
                let mut depots = self.depots.write().unwrap_or_else(PoisonError::into_inner);
                depots.set(document.id, depot.unwrap_or(0));
            }
            Kind::Company | Kind::Depot | Kind::Courier => {}
        }
        Ok(())
    }

    /// Reads the page of an order from the catalog, unless it is known.
    fn read_numbers(&self, catalog: &Catalog, order: u64) -> Result<(), CatalogError> {
        if self.numbers.read().unwrap_or_else(PoisonError::into_inner).at(order).is_some() {
            return Ok(());
        }
        let mut page = vec![None; PAGE_IDS];
        let first = order - order % PAGE_IDS as u64;
        catalog.each_number_ever(Kind::Order, first..first + PAGE_IDS as u64, |id, number| {
            page[(id - first) as usize] = Some(number.into());
        })?;
        self.numbers.write().unwrap_or_else(PoisonError::into_inner).enter(order, page);
        Ok(())
    }

    /// Reads the page of a route from the catalog, unless it is known.
    fn read_depots(&self, catalog: &Catalog, route: u64) -> Result<(), CatalogError> {
        if self.depots.read().unwrap_or_else(PoisonError::into_inner).at(route).is_some() {
            return Ok(());
        }
        let mut page = vec![0; PAGE_IDS];
        let first = route - route % PAGE_IDS as u64;
        let ids = first..first + PAGE_IDS as u64;
        catalog.each_field_ever(Kind::Route, DEPOT, ids, |id, depot| {
            page[(id - first) as usize] = depot;
        })?;
        self.depots.write().unwrap_or_else(PoisonError::into_inner).enter(route, page);
        Ok(())
    }

    fn set_number(&self, order: u64, number: &str) {
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        if numbers.at(order).is_none_or(|known| known.as_deref() != Some(number)) {
            numbers.set(order, Some(number.into()));
        }
    }
}

/// A value for each id, in pages; an empty one is not known yet.
#[derive(Debug, Default)]
struct Pages<T>(Vec<Vec<T>>);

impl<T> Pages<T> {
    fn at(&self, id: u64) -> Option<&T> {
        self.0.get(id as usize / PAGE_IDS)?.get(id as usize % PAGE_IDS)
    }

    /// Sets a value of a page that is known.
    fn set(&mut self, id: u64, value: T) {
        let page = self.0.get_mut(id as usize / PAGE_IDS);
        if let Some(known) = page.and_then(|page| page.get_mut(id as usize % PAGE_IDS)) {
            *known = value;
        }
    }

    /// Takes over the page of an id, unless another came first: that may know more by now.
    fn enter(&mut self, id: u64, values: Vec<T>) {
        let page = id as usize / PAGE_IDS;
        if self.0.len() <= page {
            self.0.resize_with(page + 1, Vec::new);
        }
        if self.0[page].is_empty() {
            self.0[page] = values;
        }
    }
}

const PAGE_IDS: usize = 1_024;
