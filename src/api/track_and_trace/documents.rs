//! Depots, couriers, routes and orders: create, list, read, change, delete, and in batches.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{order_view, rendered, under_company};
use crate::api::body::{Ids, Json, PAGE_MAX, Parameters, list, object, objects, skipped};
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::preconditions::{IfMatch, tag};
use crate::api::state::Api;
use crate::domain::ids::{CompanyId, RouteId};
use crate::runtime::access::Role;
use crate::runtime::admission::{Accepted, Item, Mode, Request};
use crate::storage::catalog::change::{Document, Kind};

pub(super) fn routes() -> Router<Arc<Api>> {
    let nodes = under_company("/routes/{route}/nodes");
    let kinds = [Kind::Depot, Kind::Courier, Kind::Route, Kind::Order].into_iter();
    kinds.fold(Router::new(), with_kind).route(&nodes, put(set_nodes))
}

/// The paths of one kind.
fn with_kind(router: Router<Arc<Api>>, kind: Kind) -> Router<Arc<Api>> {
    let table = kind.table();
    let all = get(move |api, caller, company, page| page_of(kind, api, caller, company, page))
        .post(move |api, caller, company, body| create(kind, api, caller, company, body));
    // Reading an order is a room of its own.
    let one = match kind {
        Kind::Order => get(order_view::read),
        _ => get(move |api, caller, path| read(kind, api, caller, path)),
    };
    let one = one
        .patch(move |api, caller, path, read, body| change(kind, api, caller, path, read, body))
        .delete(move |api, caller, path, read| delete(kind, api, caller, path, read));
    let batch = post(move |api, caller, company, body| upsert(kind, api, caller, company, body));
    router
        .route(&under_company(&format!("/{table}")), all)
        .route(&under_company(&format!("/{table}/{{id}}")), one)
        .route(&under_company(&format!("/{table}-batch")), batch)
}

async fn page_of(
    kind: Kind,
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(company): Ids<u64>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<axum::Json<Value>, Problem> {
    let CompanyId(id) = caller.within(company, Role::reads)?;
    let id = u64::from(id);
    let skipped = skipped(wanted.page)?;
    let documents = api.readers.read(|catalog| match &wanted.number {
        Some(number) => Ok(catalog.by_number(kind, id, number)?.into_iter().collect()),
        None => catalog.page(kind, id, skipped, PAGE_MAX),
    })?;
    let mut list = Vec::with_capacity(documents.len());
    for document in &documents {
        list.push(rendered_one(&api, kind, document).await?);
    }
    Ok(axum::Json(Value::Array(list)))
}

async fn create(
    kind: Kind,
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(company): Ids<u64>,
    Json(body): Json,
) -> Result<impl IntoResponse + use<>, Problem> {
    let company = caller.within(company, Role::writes)?;
    let accepted = write(&api, company, kind, Mode::Create, vec![object(body)?]).await?;
    let id = accepted.ids.first().copied().unwrap_or_default();
    let mut document = rendered_id(&api, kind, company, id).await?;
    add_warnings(&mut document, &accepted);
    Ok((StatusCode::CREATED, axum::Json(document)))
}

async fn read(
    kind: Kind,
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.within(company, Role::reads)?;
    let sharer = u64::from(company.0);
    let shared = api.readers.read(|catalog| {
        let document = catalog.document(kind, id)?;
        let foreign = document.filter(|document| document.company != sharer);
        Ok(if catalog.shares_with(kind, id, sharer)? { foreign } else { None })
    })?;
    if let Some(document) = shared {
        return Ok(axum::Json(rendered::general(kind, &document)));
    }
    Ok(axum::Json(rendered_id(&api, kind, company, id).await?))
}

async fn change(
    kind: Kind,
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
    read: IfMatch,
    Json(body): Json,
) -> Result<impl IntoResponse + use<>, Problem> {
    let company = caller.within(company, Role::writes)?;
    let items = vec![object(body)?];
    let request = Request::Write { company, kind, mode: Mode::Patch(id), items };
    let accepted = api.admission.ask_if(request, read.condition(company, kind, id)).await?;
    let document = own(&api, kind, company, id)?;
    let mut view = rendered_one(&api, kind, &document).await?;
    add_warnings(&mut view, &accepted);
    Ok((tag(&document), axum::Json(view)))
}

async fn delete(
    kind: Kind,
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
    read: IfMatch,
) -> Result<StatusCode, Problem> {
    let company = caller.within(company, Role::writes)?;
    let request = Request::Delete { company, kind, id };
    api.admission.ask_if(request, read.condition(company, kind, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn upsert(
    kind: Kind,
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(company): Ids<u64>,
    Json(body): Json,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.within(company, Role::writes)?;
    let accepted = write(&api, company, kind, Mode::Upsert, objects(body)?).await?;
    let mut answer = json!({ "inserted": accepted.inserted, "updated": accepted.updated });
    add_warnings(&mut answer, &accepted);
    Ok(axum::Json(answer))
}

async fn set_nodes(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, route)): Ids<(u64, u64)>,
    Json(body): Json,
) -> Result<axum::Json<Value>, Problem> {
    let company = caller.within(company, Role::writes)?;
    let nodes = list(body, "")?;
    api.admission.ask(Request::SetNodes { company, route: RouteId(route), nodes }).await?;
    Ok(axum::Json(rendered_id(&api, Kind::Route, company, route).await?))
}

async fn write(
    api: &Api,
    company: CompanyId,
    kind: Kind,
    mode: Mode,
    items: Vec<Item>,
) -> Result<Accepted, Problem> {
    Ok(api.admission.ask(Request::Write { company, kind, mode, items }).await?)
}

async fn rendered_id(api: &Api, kind: Kind, company: CompanyId, id: u64) -> Result<Value, Problem> {
    rendered_one(api, kind, &own(api, kind, company, id)?).await
}

fn own(api: &Api, kind: Kind, company: CompanyId, id: u64) -> Result<Document, Problem> {
    let document = api.readers.read(|catalog| catalog.document(kind, id))?;
    let own = document.filter(|document| document.company == u64::from(company.0));
    own.ok_or_else(|| Problem::not_found(kind.name()))
}

async fn rendered_one(api: &Api, kind: Kind, document: &Document) -> Result<Value, Problem> {
    match kind {
        Kind::Order => order_view::rendered(api, document).await,
        Kind::Company | Kind::Depot | Kind::Courier | Kind::Route => {
            Ok(rendered::document(kind, document))
        }
    }
}

fn add_warnings(answer: &mut Value, accepted: &Accepted) {
    if !accepted.warnings.is_empty() {
        let warnings = accepted.warnings.iter();
        answer["warnings"] = warnings
            .map(|found| json!({ "pointer": found.pointer, "detail": found.detail }))
            .collect();
    }
}

/// Which documents of a list are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    page: Option<u64>,
    number: Option<String>,
}
