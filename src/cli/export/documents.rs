//! The numbers of a company's couriers and orders, from the catalog of a data directory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::cli::error::CliError;
use crate::domain::ids::CourierId;
use crate::feed::names::Names;
use crate::runtime::clock::Clock;
use crate::runtime::labels::Labels;
use crate::runtime::readers::Readers;
use crate::storage::catalog::change::Kind;
use crate::storage::catalog::error::CatalogError;

/// A company's documents.
pub(super) struct Documents {
    readers: Readers,
    company: u32,
    numbers: RefCell<BTreeMap<CourierId, String>>,
}

impl Documents {
    /// Those of a company in a directory that has a catalog.
    pub(super) fn open(directory: &Path, company: u32) -> Result<Self, CliError> {
        let path = directory.join(CATALOG);
        if !path.exists() {
            let problem = format!("{}: not there, so this is no data directory", path.display());
            return Err(CliError::Argument(problem));
        }
        let readers = Readers::new(directory.into());
        let known = read(&readers, |catalog| catalog.document_ever(Kind::Company, company.into()))?;
        if known.is_none() {
            return Err(CliError::Argument(format!("--company: there is no company {company}")));
        }
        Ok(Self { readers, company, numbers: RefCell::default() })
    }

    /// The id of the courier of a number.
    pub(super) fn courier(&self, number: &str) -> Result<u64, CliError> {
        self.id(Kind::Courier, "courier", number)
    }

    /// The id of the order of a number.
    pub(super) fn order(&self, number: &str) -> Result<u64, CliError> {
        self.id(Kind::Order, "order", number)
    }

    fn id(&self, kind: Kind, word: &str, number: &str) -> Result<u64, CliError> {
        let company = self.company;
        let found = read(&self.readers, |catalog| catalog.by_number(kind, company.into(), number))?;
        found.map(|document| document.id).ok_or_else(|| {
            let problem = format!("company {company} has no {word} of the number \"{number}\"");
            CliError::Argument(format!("--{word}: {problem}"))
        })
    }

    /// The ids of all couriers that are not deleted.
    pub(super) fn couriers(&self) -> Result<BTreeSet<CourierId>, CliError> {
        let (mut ids, mut numbers) = (BTreeSet::new(), self.numbers.borrow_mut());
        loop {
            let skipped = ids.len() as u64;
            let page = read(&self.readers, |catalog| {
                catalog.page(Kind::Courier, self.company.into(), skipped, PAGE_MAX)
            })?;
            if page.is_empty() {
                return Ok(ids);
            }
            for document in page {
                let id = CourierId(document.id as u32);
                ids.insert(id);
                numbers.insert(id, document.number);
            }
        }
    }

    /// The number of a courier.
    pub(super) fn courier_number(&self, courier: CourierId) -> Result<String, CliError> {
        if let Some(number) = self.numbers.borrow().get(&courier) {
            return Ok(number.clone());
        }
        let found =
            read(&self.readers, |catalog| catalog.document_ever(Kind::Courier, courier.0.into()))?;
        let number = found.map_or_else(String::new, |document| document.number);
        self.numbers.borrow_mut().insert(courier, number.clone());
        Ok(number)
    }

    /// What events are told with.
    pub(super) fn names(&self) -> Names {
        let labels = Arc::new(Labels::of(self.readers.clone(), Clock::real()));
        crate::api::names(&labels)
    }
}

fn read<T>(
    readers: &Readers,
    question: impl FnOnce(&crate::storage::catalog::Catalog) -> Result<T, CatalogError>,
) -> Result<T, CliError> {
    readers.read(question).map_err(|error| CliError::Argument(error.to_string()))
}

const CATALOG: &str = "catalog.sqlite";
/// Couriers that are read at once.
const PAGE_MAX: u64 = 10_000;
