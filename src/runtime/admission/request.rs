//! What may be asked of admission and what it answers. Items are JSON objects as they came: they
//! are merged into the stored document by the thread that owns it.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::domain::geo::Point;
use crate::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use crate::domain::order::{Initiator, OrderStatus};
use crate::runtime::access::{Role, TokenId};
use crate::runtime::documents::findings::Finding;
use crate::runtime::error::DISK_FULL;
use crate::storage::catalog::change::{Kind, Secret, StoredToken};

/// One object of a request.
pub type Item = Map<String, Value>;

/// A change of the documents, from someone who may make it.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A new company with its admin token.
    CreateCompany {
        /// Its settings.
        item: Item,
    },
    /// Documents of a company are stored, all or none.
    Write {
        /// The company.
        company: CompanyId,
        /// Their kind.
        kind: Kind,
        /// How.
        mode: Mode,
        /// At most [`super::BATCH_MAX`].
        items: Vec<Item>,
    },
    /// A document goes.
    Delete {
        /// The company.
        company: CompanyId,
        /// Its kind.
        kind: Kind,
        /// Which one.
        id: u64,
    },
    /// A route's sequence is set anew.
    SetNodes {
        /// The company.
        company: CompanyId,
        /// The route.
        route: RouteId,
        /// Its nodes.
        nodes: Vec<Value>,
    },
    /// A courier's app sets an order's status.
    SetStatus {
        /// The company.
        company: CompanyId,
        /// The order.
        order: OrderId,
        /// The courier who may: the one of the order's route; `None`: anyone of the company.
        courier: Option<crate::domain::ids::CourierId>,
        /// The new status.
        status: OrderStatus,
        /// Who sets it.
        initiator: Initiator,
        /// What was said about it.
        comment: Option<String>,
    },
    /// A courier's quarantine ends.
    Release {
        /// The courier.
        courier: crate::domain::ids::CourierId,
    },
    /// An order is stored with what another view keeps of it.
    Attach(Attachment),
    /// A new token.
    CreateToken {
        /// The company.
        company: CompanyId,
        /// Its role.
        role: Role,
        /// The courier of a device's token.
        courier: Option<u64>,
        /// The depot of a location's token.
        depot: Option<u64>,
    },
    /// A courier goes with its routes and its devices' tokens, and nothing of it stays in any
    /// document: the first step of [`crate::runtime::erasure`].
    EraseCourier {
        /// The company.
        company: CompanyId,
        /// The courier.
        courier: CourierId,
        /// Orders whose statuses may say where it was, beside those of its routes.
        orders: Vec<u64>,
    },
    /// A company wants the callbacks of its deliveries somewhere, or nowhere.
    SetCallback {
        /// The company.
        company: CompanyId,
        /// Where; `None`: it wants none.
        callback: Option<Callback>,
    },
    /// The last step of an erasure: the catalog is written anew, without what was deleted.
    FinishErasure {
        /// The courier.
        courier: CourierId,
    },
    /// A token is in force no more.
    RevokeToken {
        /// The company.
        company: CompanyId,
        /// The token.
        token: TokenId,
    },
}

/// Where callbacks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The address.
    pub url: String,
    /// What they are signed with.
    pub secret: Secret,
}

/// What another view keeps of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Attachment {
    /// The company.
    pub company: CompanyId,
    /// Which order, and what is there already.
    pub target: Target,
    /// Whose fields.
    pub view: View,
    /// The order's own fields that change.
    pub item: Item,
    /// The view's fields that change; null resets one. A `status` is noted with its time.
    pub fields: Item,
}

/// The order that an [`Attachment`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new one; without a number it is given one.
    NewOrder,
    /// A known one of type delivery that the view keeps nothing of yet.
    Unattached(OrderId),
    /// A known one that the view keeps something of.
    Attached(OrderId),
}

/// A view of orders beside Track & Trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Trackers.
    Tracker,
    /// Deliveries.
    Delivery,
}

/// How documents are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Their numbers must be new.
    Create,
    /// By number: what is there is changed, what is not is made.
    Upsert,
    /// The one item changes the document of this id.
    Patch(u64),
}

/// What an accepted request did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accepted {
    /// How many documents are new.
    pub inserted: u64,
    /// How many were there before.
    pub updated: u64,
    /// Their ids, in the order of the items.
    pub ids: Vec<u64>,
    /// What deserves a word.
    pub warnings: Vec<Finding>,
    /// A new token's text, shown this once, and what is kept of it.
    pub token: Option<(String, StoredToken)>,
}

/// Why a request was refused. Nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such object in that company.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The caller may not do that.
    #[error("the token may not do that")]
    Forbidden,
    /// The object is not in the version that the request is for.
    #[error("the object has changed since it was read")]
    Changed,
    /// What is wrong, and where.
    #[error("the request is not valid")]
    Invalid(Vec<Finding>),
    /// The queue is full: try again.
    #[error("too many requests are waiting")]
    Busy,
    /// There is no room on the disk.
    #[error("{DISK_FULL}")]
    DiskFull,
    /// The daemon is stopping, or its disk failed.
    #[error("the request cannot be stored: {0}")]
    Stopped(String),
}

/// Where a courier was when a status was set.
pub(super) fn place_of(point: Option<Point>) -> Value {
    point.map_or(Value::Null, |point| serde_json::json!({ "lat": point.lat(), "lon": point.lon() }))
}
