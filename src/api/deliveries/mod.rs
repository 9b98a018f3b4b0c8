//! Deliveries as their API document has them: a delivery hangs on an order, a location is a depot.

pub(super) mod callbacks;
pub(super) mod fields;
mod refusal;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::Value;

use self::fields::Written;
use super::body::{Ids, Json, object};
use super::caller::Caller;
use super::error::Problem;
use super::present;
use super::state::Api;
use crate::domain::ids::{CompanyId, OrderId};
use crate::domain::order::OrderStatus;
use crate::query::delivery::DeliveryStatus;
use crate::runtime::access::Role;
use crate::runtime::admission::{
    Attachment, DELIVERY, DEPOT, Item, Request, TRACKER, Target, View,
};
use crate::storage::catalog::change::{Document, Kind};

/// The long path, and the short one of a location's own token.
pub(super) fn routes() -> Router<Arc<Api>> {
    let long = get(|api, caller, Ids((location, order)): Ids<(u64, u64)>| {
        read(api, caller, Some(location), order)
    })
    .post(|api, caller, Ids((location, order)): Ids<(u64, u64)>, body| {
        create(api, caller, Some(location), order, body)
    })
    .patch(|api, caller, Ids((location, order)): Ids<(u64, u64)>, body| {
        change(api, caller, Some(location), order, body)
    });
    let short = get(|api, caller, Ids(order): Ids<u64>| read(api, caller, None, order))
        .post(|api, caller, Ids(order): Ids<u64>, body| create(api, caller, None, order, body))
        .patch(|api, caller, Ids(order): Ids<u64>, body| change(api, caller, None, order, body));
    Router::new()
        .route("/locations/{location}/orders/{order}/delivery", long)
        .route("/location/orders/{order}/delivery", short)
        .layer(map_response(refusal::rewrite))
        .merge(callbacks::routes())
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    location: Option<u64>,
    order: u64,
) -> Result<axum::Json<Value>, Problem> {
    let place = Place::of(&api, &caller, location, Role::reads)?;
    let order = place.order(&api, order)?;
    if order.field(DELIVERY).is_none() {
        return Err(Problem::not_found("delivery"));
    }
    Ok(axum::Json(view::rendered(&api, &order, &place.location).await?))
}

async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    location: Option<u64>,
    order: u64,
    Json(body): Json,
) -> Result<impl IntoResponse, Problem> {
    let place = Place::of(&api, &caller, location, Role::writes)?;
    let order = place.order(&api, order)?;
    let mut written = Written::new(&object(body)?, fields::Use::Create)?;
    written.fields.insert(view::LOCATION.to_owned(), place.location.id.into());
    let target = Target::Unattached(OrderId(order.id));
    store(&api, &place, &order, target, written).await?;
    let order = place.order(&api, order.id)?;
    let view = view::rendered(&api, &order, &place.location).await?;
    Ok((StatusCode::CREATED, axum::Json(view)))
}

async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller,
    location: Option<u64>,
    order: u64,
    Json(body): Json,
) -> Result<axum::Json<Value>, Problem> {
    let place = Place::of(&api, &caller, location, Role::writes)?;
    let order = place.order(&api, order)?;
    if order.field(DELIVERY).is_none() {
        return Err(Problem::not_found("delivery"));
    }
    let written = Written::new(&object(body)?, fields::Use::Change)?;
    let target = Target::Attached(OrderId(order.id));
    store(&api, &place, &order, target, written).await?;
    let order = place.order(&api, order.id)?;
    Ok(axum::Json(view::rendered(&api, &order, &place.location).await?))
}

/// Stores the fields of a delivery; what closes or reopens it does so to the order.
async fn store(
    api: &Api,
    place: &Place,
    order: &Document,
    target: Target,
    written: Written,
) -> Result<(), Problem> {
    let state = present::state(api, order).await?;
    let now = present::status(order, state.as_ref());
    let status = match written.status {
        Some(DeliveryStatus::Delivered) => {
            let is_done = matches!(now, OrderStatus::Finished | OrderStatus::PartiallyFinished);
            (!is_done).then_some(OrderStatus::Finished)
        }
        Some(DeliveryStatus::Cancelled) => {
            (now != OrderStatus::Cancelled).then_some(OrderStatus::Cancelled)
        }
        Some(_) if now.is_terminal() => Some(OrderStatus::New),
        Some(_) | None => None,
    };
    let status = status.map(|status| ("status".to_owned(), status.name().into()));
    let request = Request::Attach(Attachment {
        company: place.company,
        target,
        view: View::Delivery,
        item: status.into_iter().collect::<Item>(),
        fields: written.fields,
    });
    api.admission.ask(request).await?;
    Ok(())
}

/// The location that a request is about.
struct Place {
    company: CompanyId,
    location: Document,
}

impl Place {
    /// The location of the path, or of the token where the path is short. What another company
    /// owns is not there.
    fn of(
        api: &Api,
        caller: &Caller,
        location: Option<u64>,
        may: impl Fn(Role) -> bool,
    ) -> Result<Self, Problem> {
        let company = caller.company(|role| role == Role::Location || may(role))?;
        let own = caller.grant.depot.map(|depot| u64::from(depot.0));
        let location = match (location, own) {
            (None, Some(own)) => own,
            (Some(location), None) => location,
            (Some(location), Some(own)) if location == own => own,
            (Some(_), Some(_)) | (None, None) => return Err(Problem::forbidden()),
        };
        let depot = api.readers.read(|catalog| catalog.document(Kind::Depot, location))?;
        let depot = depot.filter(|depot| depot.company == u64::from(company.0));
        let location = depot.ok_or_else(|| Problem::not_found("location"))?;
        Ok(Self { company, location })
    }

    /// An order of this location: it was said to be, it is fetched here, or it is of no location.
    fn order(&self, api: &Api, id: u64) -> Result<Document, Problem> {
        let order = api.readers.read(|catalog| {
            let Some(order) = catalog.document(Kind::Order, id)? else { return Ok(None) };
            let said = [(DELIVERY, view::LOCATION), (TRACKER, DEPOT)].into_iter();
            let said = said.filter_map(|(view, key)| order.field(view)?.get(key)?.as_u64()).next();
            let location = match (said, order.parent) {
                (Some(said), _) => Some(said),
                (None, Some(route)) => {
                    let route = catalog.document(Kind::Route, route)?;
                    route.and_then(|route| route.field(DEPOT)?.as_u64())
                }
                (None, None) => None,
            };
            Ok(location.is_none_or(|location| location == self.location.id).then_some(order))
        })?;
        let own = order.filter(|order| order.company == u64::from(self.company.0));
        own.ok_or_else(|| Problem::not_found("order"))
    }
}
