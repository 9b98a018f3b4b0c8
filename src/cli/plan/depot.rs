//! The depots of a plan, by their number.

use std::collections::BTreeMap;

use crate::domain::ids::DepotId;
use crate::runtime::documents::depot::{Depot, depot};
use crate::runtime::documents::dto::DepotDto;
use crate::runtime::documents::findings::{Findings, Place};

/// The depots by number.
pub(super) struct Depots(BTreeMap<String, Option<Depot>>);

impl Depots {
    /// The depots as written.
    pub(super) fn new(dtos: &[DepotDto], findings: &mut Findings) -> Self {
        let mut depots = BTreeMap::new();
        for (index, dto) in dtos.iter().enumerate() {
            let at = Place::root("depots").index(index);
            findings.number(&at.key("number"), &dto.number);
            let depot = depot(DepotId(index as u32 + 1), dto, &at, findings);
            if depots.insert(dto.number.clone(), depot).is_some() {
                findings.error(&at.key("number"), format!("\"{}\" is used twice", dto.number));
            }
        }
        Self(depots)
    }

    /// The depot of a number. A depot that is itself in error is `None` without a word.
    pub(super) fn find(
        &self,
        number: &str,
        place: &Place,
        findings: &mut Findings,
    ) -> Option<&Depot> {
        let known = self.0.get(number);
        if known.is_none() {
            let problem = format!("\"{number}\" is not the number of any entry of depots");
            findings.error(place, problem);
        }
        known?.as_ref()
    }
}
