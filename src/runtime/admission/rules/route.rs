//! A route: its courier, its depot, its times, and the sequence of its nodes.

use serde_json::{Value, json};

use super::references::{Named, Reference};
use crate::domain::geo::Point;
use crate::domain::route::ROUTE_ORDERS_MAX;
use crate::runtime::admission::draft::Draft;
use crate::runtime::admission::merge::{DEPOT, NODES, PLACED, typed};
use crate::runtime::admission::plans::RouteFrame;
use crate::runtime::admission::request::Item;
use crate::runtime::documents::dto::{GarageDto, RouteDocumentDto};
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::words::in_words;
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// Checks a route and resolves what it names. Orders that its nodes name come onto it.
pub(in crate::runtime::admission) fn store(
    draft: &mut Draft<'_>,
    document: &mut Document,
    item: &Item,
    at: &Place,
    findings: &mut Findings,
) -> Result<bool, CatalogError> {
    let company = document.company;
    match COURIER.named(draft, company, item, at, findings)? {
        Named::Id(id) => document.parent = Some(id),
        Named::Unsaid if document.parent.is_some() => {}
        Named::Unsaid | Named::Nothing => {
            findings.error(&at.key("courier_id"), "is missing: a route has a courier");
        }
        Named::Wrong => {}
    }
    let is_new = !document.body.contains_key(NODES);
    match ROUTE_DEPOT.named(draft, company, item, at, findings)? {
        Named::Id(id) => set_depot(document, Some(id)),
        Named::Nothing => set_depot(document, None),
        Named::Unsaid | Named::Wrong => {}
    }
    let Some(dto) = typed::<RouteDocumentDto>(Kind::Route, &document.body, at, findings) else {
        return Ok(false);
    };
    findings.number(&at.key("number"), &dto.number);
    if is_new {
        let start = document.body.get(DEPOT).map(|id| json!({ "depot": id }));
        document.body.insert(NODES.to_owned(), start.into_iter().collect());
    }
    RouteFrame::of(draft, document, at, findings)?;
    if findings.has_errors() {
        return Ok(false);
    }
    match item.get(NODES) {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Array(nodes)) => {
            draft.put(Kind::Route, document.clone())?;
            set_nodes(draft, document, nodes, &at.key(NODES), findings)
        }
        Some(_) => {
            findings.error(&at.key(NODES), "expected a list");
            Ok(false)
        }
    }
}

/// Sets the sequence: orders that are named come onto the route, those that are not leave it.
pub(in crate::runtime::admission) fn set_nodes(
    draft: &mut Draft<'_>,
    route: &mut Document,
    nodes: &[Value],
    at: &Place,
    findings: &mut Findings,
) -> Result<bool, CatalogError> {
    let old: Vec<u64> = orders_of(route).collect();
    let mut resolved = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        if let Some(node) = self::node(draft, route.company, node, &at.index(index), findings)? {
            resolved.push(node);
        }
    }
    let mut new: Vec<u64> = resolved.iter().filter_map(order_of).collect();
    route.body.insert(NODES.to_owned(), Value::Array(resolved));
    new.sort_unstable();
    if new.windows(2).any(|pair| pair[0] == pair[1]) {
        findings.error(at, "an order is named twice");
    }
    check_length(route, at, findings);
    if findings.has_errors() {
        return Ok(false);
    }
    draft.put(Kind::Route, route.clone())?;
    for gone in old.iter().filter(|id| new.binary_search(id).is_err()) {
        if let Some(order) = draft.document(Kind::Order, *gone)? {
            order.parent = None;
        }
    }
    for order in new.iter().filter(|id| !old.contains(id)) {
        bring(draft, *order, route.id)?;
    }
    Ok(true)
}

/// Puts an order that is somewhere else, or nowhere, onto a route that lists it already.
fn bring(draft: &mut Draft<'_>, order: u64, route: u64) -> Result<(), CatalogError> {
    let Some(document) = draft.document(Kind::Order, order)? else { return Ok(()) };
    let from = document.parent.replace(route);
    document.body.insert(PLACED.to_owned(), true.into());
    match from {
        Some(from) if from != route => unlist(draft, from, order),
        Some(_) | None => Ok(()),
    }
}

/// Takes an order out of a route's nodes.
pub(in crate::runtime::admission) fn unlist(
    draft: &mut Draft<'_>,
    route: u64,
    order: u64,
) -> Result<(), CatalogError> {
    if let Some(nodes) = nodes_mut(draft.document(Kind::Route, route)?) {
        nodes.retain(|node| order_of(node) != Some(order));
    }
    Ok(())
}

/// Appends an order to a route: after the last order, before what ends the tour.
pub(in crate::runtime::admission) fn append(
    draft: &mut Draft<'_>,
    route: u64,
    order: u64,
    at: &Place,
    findings: &mut Findings,
) -> Result<(), CatalogError> {
    let document = draft.document(Kind::Route, route)?;
    let Some(nodes) = nodes_mut(document) else { return Ok(()) };
    if nodes.iter().any(|node| order_of(node) == Some(order)) {
        return Ok(());
    }
    let last = nodes.iter().rposition(|node| order_of(node).is_some());
    let start = usize::from(nodes.first().is_some_and(|node| node.get("depot").is_some()));
    nodes.insert(last.map_or(start, |last| last + 1), json!({ "order": order }));
    if let Some(route) = draft.document(Kind::Route, route)? {
        check_length(route, at, findings);
    }
    Ok(())
}

fn check_length(route: &Document, at: &Place, findings: &mut Findings) {
    let count = orders_of(route).count();
    if count > ROUTE_ORDERS_MAX {
        let problem = format!("{count} orders: at most {ROUTE_ORDERS_MAX} are allowed on a route");
        findings.error(at, problem);
    }
}

fn nodes_mut(route: Option<&mut Document>) -> Option<&mut Vec<Value>> {
    route?.body.get_mut(NODES)?.as_array_mut()
}

/// The orders of a route in sequence.
pub fn orders_of(route: &Document) -> impl Iterator<Item = u64> {
    let nodes = route.field(NODES).and_then(Value::as_array);
    nodes.into_iter().flatten().filter_map(order_of)
}

fn order_of(node: &Value) -> Option<u64> {
    node.get("order")?.as_u64()
}

fn set_depot(document: &mut Document, depot: Option<u64>) {
    let old = document.body.remove(DEPOT);
    if let Some(id) = depot {
        document.body.insert(DEPOT.to_owned(), id.into());
    }
    // The tour starts at the route's depot as long as nobody said otherwise.
    let Some(Value::Array(nodes)) = document.body.get_mut(NODES) else { return };
    if nodes.first().is_some_and(|node| old.is_some() && node.get("depot") == old.as_ref()) {
        nodes.remove(0);
    }
    if let Some(id) = depot {
        nodes.insert(0, json!({ "depot": id }));
    }
}

/// A node as it is stored.
fn node(
    draft: &mut Draft<'_>,
    company: u64,
    node: &Value,
    at: &Place,
    findings: &mut Findings,
) -> Result<Option<Value>, CatalogError> {
    let Value::Object(item) = node else {
        findings.error(at, "expected an object");
        return Ok(None);
    };
    let known = ["order_id", "order_number", "depot_id", "depot_number", "garage"].into_iter();
    let given = known.filter(|key| item.get(*key).is_some_and(|value| !value.is_null())).count();
    if given != 1 || item.len() != 1 {
        let problem = "expected exactly one of order_id, order_number, depot_id, depot_number, \
                       garage";
        findings.error(at, problem);
        return Ok(None);
    }
    if let Named::Id(id) = NODE_ORDER.named(draft, company, item, at, findings)? {
        return Ok(Some(json!({ "order": id })));
    }
    if let Named::Id(id) = ROUTE_DEPOT.named(draft, company, item, at, findings)? {
        return Ok(Some(json!({ "depot": id })));
    }
    let Some(garage) = item.get("garage") else { return Ok(None) };
    let place = at.key("garage");
    let typed = serde_json::from_value::<GarageDto>(garage.clone());
    let typed = typed.map_err(|error| in_words(&error.to_string()));
    let point = findings
        .good(&place, typed)
        .and_then(|garage| findings.good(&place, Point::from_degrees(garage.lat, garage.lon)));
    Ok(point.map(|point| json!({ "garage": { "lat": point.lat(), "lon": point.lon() } })))
}

const COURIER: Reference =
    Reference { kind: Kind::Courier, id_key: "courier_id", number_key: "courier_number" };
const ROUTE_DEPOT: Reference =
    Reference { kind: Kind::Depot, id_key: "depot_id", number_key: "depot_number" };
const NODE_ORDER: Reference =
    Reference { kind: Kind::Order, id_key: "order_id", number_key: "order_number" };
