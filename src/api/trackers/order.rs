//! The order that a tracker becomes, and what of the tracker an order has no field for.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::error::Problem;
use crate::api::state::Api;
use crate::domain::ids::CompanyId;
use crate::domain::time::{DAY_MS, Time};
use crate::feed::cloud_event::iso;
use crate::runtime::access::hex;
use crate::runtime::admission::{DEPOT, Item};
use crate::storage::catalog::change::Kind;

/// A tracker as it is stored.
pub(super) struct Made {
    /// The order's own fields.
    pub(super) item: Item,
    /// What is kept beside them.
    pub(super) kept: Item,
    /// What deserves a word.
    pub(super) warnings: Vec<Value>,
}

/// Makes the order of a request whose fields were found good.
pub(super) fn of(api: &Api, company: CompanyId, request: &Item) -> Result<Made, Problem> {
    let text = |key: &str| request.get(key).and_then(Value::as_str);
    let mut made = Made { item: Item::new(), kept: Item::new(), warnings: Vec::new() };
    let kept = KEPT.iter().filter_map(|key| Some((*key, request.get(*key)?)));
    let kept = kept.filter(|(_, value)| !value.is_null());
    made.kept = kept.map(|(key, value)| (key.to_owned(), value.clone())).collect();
    if let Some(external) = text("trackerExternalId") {
        made.set("number", number_of(external));
    }
    let kind = text("type").unwrap_or(KIND_DEFAULT);
    made.set("type", if kind == "pickup" { "pickup" } else { "delivery" });
    if let Some(amount) = request.get("orderValue").filter(|amount| !amount.is_null()) {
        made.set("amount", amount.clone());
    }
    if let Some(instructions) = text("deliveryInstructions") {
        made.set("comments", instructions);
    }
    if let Some(location) = text("locationExternalId") {
        made.kept.insert(DEPOT.to_owned(), depot(api, company, location)?.into());
    }
    made.contact(request);
    made.address(request);
    made.window(request, api.clock.now());
    Ok(made)
}

impl Made {
    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.item.insert(key.to_owned(), value.into());
    }

    fn warn(&mut self, field: &str, message: &str) {
        self.warnings.push(json!({ "field": field, "message": message }));
    }

    fn contact(&mut self, request: &Item) {
        let contact = request.get("deliveryContact");
        let text = |key: &str| contact.and_then(|contact| contact.get(key)?.as_str());
        for (theirs, ours) in [("name", "customer_name"), ("phone", "phone")] {
            if let Some(text) = text(theirs) {
                self.set(ours, text);
            }
        }
        if let Some(email) = text("email") {
            self.kept.insert("email".to_owned(), email.into());
        }
    }

    fn address(&mut self, request: &Item) {
        let Some(address) = request.get("deliveryAddress").and_then(Value::as_object) else {
            return;
        };
        let number = |key: &str| address.get(key).filter(|number| !number.is_null());
        match (number("latitude"), number("longitude")) {
            (Some(lat), Some(lon)) => {
                self.set("lat", lat.clone());
                self.set("lon", lon.clone());
            }
            _ => self.warn(
                "deliveryAddress",
                "without latitude and longitude the tracker is accepted and not geofenced: no \
                 courier's visit will be seen",
            ),
        }
        self.set("address", one_line(address));
        let mut rest = address.clone();
        rest.retain(|key, _| !matches!(key.as_str(), "latitude" | "longitude"));
        self.kept.insert("deliveryAddress".to_owned(), rest.into());
    }

    /// A window that is open on one side is closed for the order, and remembered as open.
    fn window(&mut self, request: &Item, now: Time) {
        let bound = |window: &str, key: &str| request.get(window)?.get(key)?.as_i64();
        let (start, end) = (bound("deliveryTime", "startsAt"), bound("deliveryTime", "endsAt"));
        if start.is_none() && end.is_none() {
            return;
        }
        let begins = bound("pickupTime", "startsAt")
            .or_else(|| request.get("createdDate").and_then(Value::as_i64));
        let from = start.or(begins).unwrap_or_else(|| now.ms());
        let to = end.unwrap_or(from + DAY_MS);
        // An end that is past before the order was made leaves only itself.
        let from = if start.is_none() { from.min(to) } else { from };
        let interval = format!("{}/{}", iso(Time::from_ms(from)), iso(Time::from_ms(to)));
        self.set("time_interval", interval.clone());
        for (is_open, key) in [(start.is_none(), OPEN_START), (end.is_none(), OPEN_END)] {
            if is_open {
                self.kept.insert(key.to_owned(), interval.clone().into());
            }
        }
    }
}

fn depot(api: &Api, company: CompanyId, location: &str) -> Result<u64, Problem> {
    let company = u64::from(company.0);
    let depot = api.readers.read(|catalog| catalog.by_number(Kind::Depot, company, location))?;
    let unknown = || Problem::invalid("/locationExternalId", "is not the number of a depot");
    depot.map(|depot| depot.id).ok_or_else(unknown)
}

/// The order's number. An external id that is longer than a number may be keeps its beginning, and
/// a hash of the whole: equal ids give equal numbers.
pub(super) fn number_of(external: &str) -> String {
    if external.chars().count() <= NUMBER_CHARS_MAX {
        return external.to_owned();
    }
    let begin: String = external.chars().take(NUMBER_CHARS_MAX - 1 - HASH_CHARS).collect();
    let hash = hex(&Sha256::digest(external.as_bytes())[..HASH_CHARS / 2]);
    format!("{begin}~{hash}")
}

/// An address as one line of text.
fn one_line(address: &Item) -> String {
    let keys =
        ["street1", "street2", "apartmentNumber", "city", "state", "postalCode", "countryCode"];
    let parts = keys.iter().filter_map(|key| address.get(*key)?.as_str());
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// What an order has no field for, or would lose the form of.
const KEPT: [&str; 14] = [
    "trackerExternalId",
    "trackingId",
    "type",
    "groupId",
    "orderAttributes",
    "pickupTime",
    "pickupInstructions",
    "packages",
    "barcodes",
    "createdDate",
    "items",
    "locale",
    "pickup",
    "provider",
];
/// The interval of the order as long as its start was not said.
pub(super) const OPEN_START: &str = "open_start";
/// The interval of the order as long as its end was not said.
pub(super) const OPEN_END: &str = "open_end";
/// The type of a tracker that says nothing.
pub(super) const KIND_DEFAULT: &str = "shipping";
const NUMBER_CHARS_MAX: usize = 80;
const HASH_CHARS: usize = 16;
