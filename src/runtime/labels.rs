//! What events are told with beside what the engine says: orders' numbers and routes' depots, in
//! memory, so that nobody who writes an event asks a database. Admission fills it before a command
//! is committed, so no event is read without its order's number; the start fills it from the
//! recovered catalog. Deleted documents keep their labels: their events are still read.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::ids::{DepotId, OrderId, RouteId};
use crate::runtime::admission::DEPOT;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Change, Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// The labels of all orders and routes there ever were.
#[derive(Debug, Default)]
pub struct Labels {
    numbers: RwLock<Pages<Option<Arc<str>>>>,
    /// 0: no depot.
    depots: RwLock<Pages<u64>>,
}

impl Labels {
    /// The labels of every document of a catalog.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn of(catalog: &Catalog) -> Result<Self, CatalogError> {
        let labels = Self::default();
        catalog.each_number_ever(Kind::Order, |id, number| labels.set_number(id, number))?;
        catalog.each_field_ever(Kind::Route, DEPOT, |id, depot| labels.set_depot(id, depot))?;
        Ok(labels)
    }

    /// The number of an order.
    #[must_use]
    pub fn order_number(&self, order: OrderId) -> Option<Arc<str>> {
        let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
        numbers.at(order.0).cloned().flatten()
    }

    /// The starting depot of a route.
    #[must_use]
    pub fn depot(&self, route: RouteId) -> Option<DepotId> {
        let depots = self.depots.read().unwrap_or_else(PoisonError::into_inner);
        depots.at(route.0).filter(|&&depot| depot > 0).map(|&depot| DepotId(depot as u32))
    }

    /// Follows what a command is about to change.
    pub(super) fn follow(&self, changes: &[Change]) {
        for change in changes {
            if let Change::Put(kind, document) = change {
                self.put(*kind, document);
            }
        }
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
                self.put(*kind, &before);
            }
        }
        Ok(())
    }

    fn put(&self, kind: Kind, document: &Document) {
        match kind {
            Kind::Order => self.set_number(document.id, &document.number),
            Kind::Route => {
                let depot = document.field(DEPOT).and_then(serde_json::Value::as_u64);
                self.set_depot(document.id, depot.unwrap_or(0));
            }
            Kind::Company | Kind::Depot | Kind::Courier => {}
        }
    }

    fn set_number(&self, order: u64, number: &str) {
        let mut numbers = self.numbers.write().unwrap_or_else(PoisonError::into_inner);
        let known = numbers.at_mut(order);
        if known.as_deref() != Some(number) {
            *known = Some(number.into());
        }
    }

    fn set_depot(&self, route: u64, depot: u64) {
        *self.depots.write().unwrap_or_else(PoisonError::into_inner).at_mut(route) = depot;
    }
}

/// A value for each id, in pages, so that growing copies little.
#[derive(Debug, Default)]
struct Pages<T>(Vec<Vec<T>>);

impl<T: Clone + Default> Pages<T> {
    fn at(&self, id: u64) -> Option<&T> {
        self.0.get(id as usize / PAGE_IDS)?.get(id as usize % PAGE_IDS)
    }

    fn at_mut(&mut self, id: u64) -> &mut T {
        let page = id as usize / PAGE_IDS;
        if self.0.len() <= page {
            self.0.resize(page + 1, Vec::new());
        }
        let page = &mut self.0[page];
        if page.is_empty() {
            page.resize(PAGE_IDS, T::default());
        }
        &mut page[id as usize % PAGE_IDS]
    }
}

const PAGE_IDS: usize = 1_024;
