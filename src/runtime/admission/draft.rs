//! The documents as one request would leave them: reads fall through to the catalog, writes stay
//! here until the journal has the command.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::domain::order::{Initiator, OrderStatus};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Change, Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// One request's view of the documents.
pub(super) struct Draft<'a> {
    catalog: &'a Catalog,
    touched: BTreeMap<(Kind, u64), Touched>,
    numbers: BTreeMap<(Kind, u64, String), Option<u64>>,
    /// What the catalog has of the numbers that were asked for.
    stored_numbers: BTreeMap<(Kind, u64, String), Option<u64>>,
    last_ids: BTreeMap<Kind, u64>,
    /// The statuses that are set expressly, by order.
    pub(super) statuses: BTreeMap<u64, SetStatus>,
}

/// A status that is set expressly.
#[derive(Clone, Debug)]
pub(super) struct SetStatus {
    pub(super) status: OrderStatus,
    pub(super) initiator: Initiator,
    /// What was said about it.
    pub(super) comment: Option<String>,
}

/// A document before the request and as the request leaves it.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    pub(super) before: Option<Document>,
    pub(super) after: Option<Document>,
}

impl<'a> Draft<'a> {
    /// Nothing changed yet.
    pub(super) const fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            touched: BTreeMap::new(),
            numbers: BTreeMap::new(),
            stored_numbers: BTreeMap::new(),
            last_ids: BTreeMap::new(),
            statuses: BTreeMap::new(),
        }
    }

    /// A document as the request leaves it.
    pub(super) fn document(
        &mut self,
        kind: Kind,
        id: u64,
    ) -> Result<Option<&mut Document>, CatalogError> {
        if !self.touched.contains_key(&(kind, id)) {
            let Some(document) = self.catalog.document(kind, id)? else { return Ok(None) };
            let touched = Touched { before: Some(document.clone()), after: Some(document) };
            self.touched.insert((kind, id), touched);
        }
        Ok(self.touched.get_mut(&(kind, id)).and_then(|touched| touched.after.as_mut()))
    }

    /// A company's own document of that id.
    pub(super) fn own(
        &mut self,
        kind: Kind,
        company: u64,
        id: u64,
    ) -> Result<Option<&mut Document>, CatalogError> {
        Ok(self.document(kind, id)?.filter(|document| document.company == company))
    }

    /// A company's document of that number.
    pub(super) fn by_number(
        &mut self,
        kind: Kind,
        company: u64,
        number: &str,
    ) -> Result<Option<u64>, CatalogError> {
        let key = (kind, company, number.to_owned());
        if let Some(known) = self.numbers.get(&key) {
            return Ok(*known);
        }
        let found = match self.stored_numbers.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(self.catalog.id_by_number(kind, company, number)?),
        };
        // Renamed or deleted by this very request: the number is free.
        Ok(found.filter(|id| match self.touched.get(&(kind, *id)) {
            Some(touched) => touched.after.as_ref().is_some_and(|after| after.number == number),
            None => true,
        }))
    }

    /// The company of a number, whosever it is.
    pub(super) fn company_by_number(&self, number: &str) -> Result<Option<u64>, CatalogError> {
        Ok(self.catalog.company_by_number(number)?.map(|company| company.id))
    }

    /// Whether a route names this courier or depot.
    pub(super) fn is_used(&self, kind: Kind, company: u64, id: u64) -> Result<bool, CatalogError> {
        self.catalog.is_named_by_routes(kind, company, id)
    }

    /// The ids of a company's routes from a date on, of one depot or of all.
    pub(super) fn routes_since(
        &self,
        company: u64,
        date: &str,
        depot: Option<u64>,
    ) -> Result<Vec<u64>, CatalogError> {
        self.catalog.routes_since(company, date, depot)
    }

    /// The ids of a courier's routes.
    pub(super) fn routes_of(&self, courier: u64) -> Result<Vec<u64>, CatalogError> {
        let routes = self.catalog.children(Kind::Route, courier)?;
        Ok(routes.into_iter().map(|route| route.id).collect())
    }

    /// The id of a kind that was drawn last.
    pub(super) fn last_id(&self, kind: Kind) -> Result<u64, CatalogError> {
        match self.last_ids.get(&kind) {
            Some(last) => Ok(*last),
            None => self.catalog.last_id(kind),
        }
    }

    /// Draws the next id of a kind.
    pub(super) fn draw(&mut self, kind: Kind) -> Result<u64, CatalogError> {
        let last = self.last_id(kind)?;
        self.last_ids.insert(kind, last + 1);
        Ok(last + 1)
    }

    /// Leaves a document like this.
    pub(super) fn put(&mut self, kind: Kind, document: Document) -> Result<(), CatalogError> {
        let key = (kind, document.id);
        self.document(kind, document.id)?;
        let number = (kind, document.company, document.number.clone());
        self.numbers.insert(number, Some(document.id));
        self.touched.entry(key).or_default().after = Some(document);
        Ok(())
    }

    /// Leaves no such document.
    pub(super) fn delete(&mut self, kind: Kind, id: u64) -> Result<(), CatalogError> {
        self.document(kind, id)?;
        self.touched.entry((kind, id)).or_default().after = None;
        Ok(())
    }

    /// A document before the request and after it; loaded if it was not yet.
    pub(super) fn both(&mut self, kind: Kind, id: u64) -> Result<&Touched, CatalogError> {
        self.document(kind, id)?;
        Ok(self.touched.entry((kind, id)).or_default())
    }

    /// The documents of a kind that changed.
    pub(super) fn changed(&self, kind: Kind) -> Vec<u64> {
        let touched = self.touched.iter();
        touched
            .filter(|((of, _), touched)| *of == kind && touched.before != touched.after)
            .map(|((_, id), _)| *id)
            .collect()
    }

    /// The documents of a kind that changed, as they were and as they are.
    pub(super) fn touched_of(&self, kind: Kind) -> impl Iterator<Item = &Touched> {
        let of_kind = self.touched.iter().filter(move |((of, _), _)| *of == kind);
        of_kind.map(|(_, touched)| touched).filter(|touched| touched.before != touched.after)
    }

    /// What the catalog has to change.
    pub(super) fn changes(&self) -> Vec<Change> {
        let changed = self.touched.iter().filter(|(_, touched)| touched.before != touched.after);
        changed
            .map(|((kind, id), touched)| match &touched.after {
                Some(document) => Change::Put(*kind, document.clone()),
                None => Change::Delete(*kind, *id),
            })
            .collect()
    }
}
