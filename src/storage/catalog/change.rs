//! What one accepted command changes in the catalog: also the note that its journal frame carries,
//! so that the catalog can be redone from the journal after a crash.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::CatalogError;

/// The kinds of documents; each has its own counter of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A company.
    #[serde(rename = "company")]
    Company,
    /// A depot.
    #[serde(rename = "depot")]
    Depot,
    /// A courier.
    #[serde(rename = "courier")]
    Courier,
    /// A route; its parent is its courier.
    #[serde(rename = "route")]
    Route,
    /// An order; its parent is its route.
    #[serde(rename = "order")]
    Order,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Company, Self::Depot, Self::Courier, Self::Route, Self::Order];

    /// The table that holds them.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Depot => "depots",
            Self::Courier => "couriers",
            Self::Route => "routes",
            Self::Order => "orders",
        }
    }

    /// The word for one of them.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Depot => "depot",
            Self::Courier => "courier",
            Self::Route => "route",
            Self::Order => "order",
        }
    }
}

/// One stored document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its identity among its kind.
    pub id: u64,
    /// The company that owns it; a company's own id.
    pub company: u64,
    /// The customer's name of it, unique per company and kind while it is not deleted.
    pub number: String,
    /// What it belongs to: a route's courier, an order's route.
    pub parent: Option<u64>,
    /// Companies that may read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<u64>,
    /// Its fields as they were set; what was not set is absent.
    pub body: serde_json::Map<String, serde_json::Value>,
}

impl Document {
    /// A field, if it is set.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&serde_json::Value> {
        self.body.get(key)
    }

    /// A text field, if it is set.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key)?.as_str()
    }
}

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredToken {
    /// Its identity.
    pub id: u64,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Its company.
    pub company: u64,
    /// The name of its role.
    pub role: String,
    /// The one courier of a device.
    pub courier: Option<u64>,
    /// The one depot of a location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depot: Option<u64>,
    /// When it was made, Unix milliseconds.
    pub created_ms: i64,
    /// When it was revoked, Unix milliseconds.
    pub revoked_ms: Option<i64>,
}

/// Where a company wants the callbacks of its deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCallback {
    /// The company.
    pub company: u64,
    /// Where they go.
    pub url: String,
    /// What they are signed with.
    pub secret: Secret,
    /// When it was set, Unix milliseconds: what happened before is not told.
    pub created_ms: i64,
}

/// A text that no log and no message shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The API has written an order that has a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryWrite {
    /// The journal place of the command; it is known only once the command is there.
    #[serde(skip)]
    pub place: u64,
    /// The order.
    pub order: u64,
    /// The company that owns it.
    pub company: u64,
    /// The delivery was not there before.
    pub is_new: bool,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// One change of the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A document is new or changed.
    Put(Kind, Document),
    /// A document is gone; its row stays for history.
    Delete(Kind, u64),
    /// A token is new or revoked.
    PutToken(StoredToken),
    /// The instance's secret is drawn, in hexadecimal.
    PutSecret(String),
    /// Nothing of a courier stays but its id; what else holds it is still to be erased.
    EraseCourier {
        /// The courier.
        courier: u64,
        /// Orders whose statuses may say where it was.
        orders: Vec<u64>,
    },
    /// A company wants its callbacks somewhere.
    PutCallback(StoredCallback),
    /// A company wants no callbacks any more.
    DeleteCallback(u64),
    /// A delivery was written.
    NoteDelivery(DeliveryWrite),
}

/// The note of a command.
///
/// # Errors
/// A number in a document is not one that JSON can hold.
pub fn encode(changes: &[Change]) -> Result<Vec<u8>, CatalogError> {
    serde_json::to_vec(changes).map_err(|_| CatalogError::Note)
}

/// The changes of a note.
///
/// # Errors
/// Not a note of this version.
pub fn decode(note: &[u8]) -> Result<Vec<Change>, CatalogError> {
    serde_json::from_slice(note).map_err(|_| CatalogError::Note)
}
