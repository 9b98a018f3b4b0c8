//! A route under way, and its plan against what happened.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use super::order_view::time_or_null;
use super::under_company;
use crate::api::body::Ids;
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::state::Api;
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::order::OrderPlan;
use crate::domain::policy::Radius;
use crate::domain::route::{Node, RoutePlan};
use crate::domain::time::{SECOND_MS, Time};
use crate::feed::cloud_event::iso;
use crate::query::plan_fact::{self, Fact, Span, Told};
use crate::runtime::access::Role;
use crate::runtime::admission::{company_eta_type, stored_route_plan};
use crate::runtime::feed_reader::FeedBody;
use crate::runtime::views::{OrderState, RouteState};
use crate::storage::catalog::change::{Document, Kind};
use crate::travel::straight_line::StraightLine;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route(&under_company("/routes/{id}/route-info"), get(read_info))
        .route(&under_company("/routes/{id}/plan-fact"), get(read_plan_fact))
}

async fn read_info(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
) -> Result<axum::Json<Value>, Problem> {
    let route = own_route(&api, &caller, company, id)?;
    let state = present(&api, &route).await?;
    let plan = api.readers.read(|catalog| stored_route_plan(catalog, &route))?;
    let nodes = plan.nodes.iter().map(|node| {
        let mut view = identity(node);
        if let Node::Order(order) = node {
            let fact = fact(&api, &plan, order)?;
            let state = state_of(state.as_ref(), order);
            view["status"] = state.map_or(order.status, |state| state.status).name().into();
            view["eta"] = time_or_null(state.and_then(|state| state.eta));
            view["arrival"] = time_or_null(fact.arrival);
            view["departure"] = time_or_null(fact.departure);
            view["is_visited"] = state.is_some_and(|state| state.is_visited).into();
            view["is_next"] = state.is_some_and(|state| state.is_next).into();
        }
        Ok(view)
    });
    let nodes: Value = nodes.collect::<Result<Vec<_>, Problem>>()?.into();
    let last = state.as_ref().and_then(|state| state.courier_position);
    Ok(axum::Json(json!({
        "route_id": id,
        "nodes": nodes,
        "courier_position": last.map(|last| json!({
            "lat": last.point.lat(), "lon": last.point.lon(), "time": iso(last.t),
        })),
        "courier_violated_route": state.as_ref().is_some_and(|state| state.is_violated),
    })))
}

async fn read_plan_fact(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids((company, id)): Ids<(u64, u64)>,
) -> Result<axum::Json<Value>, Problem> {
    let route = own_route(&api, &caller, company, id)?;
    let state = present(&api, &route).await?;
    let (plan, eta_type) = api.readers.read(|catalog| {
        Ok((stored_route_plan(catalog, &route)?, company_eta_type(catalog, route.company)?))
    })?;
    // The model of the engine's own ETA.
    let spans = plan_fact::planned(&plan, eta_type, &StraightLine::default());
    let mut sequence = Vec::new();
    for order in plan.orders() {
        let status = state_of(state.as_ref(), order).map_or(order.status, |state| state.status);
        let fact = fact(&api, &plan, order)?;
        sequence.push(Told { plan: order, fact, is_closed: status.is_terminal() });
    }
    let out_of_order = plan_fact::out_of_order(&sequence);
    let (now, mut orders) = (api.clock.now(), sequence.iter());
    let nodes = plan.nodes.iter().zip(&spans).map(|(node, span)| {
        let mut view = identity(node);
        view["planned_arrival"] = time_or_null(span.map(|span| span.arrival));
        view["planned_departure"] = time_or_null(span.map(|span| span.departure));
        if let Node::Order(_) = node
            && let Some(told) = orders.next()
        {
            set_facts(&mut view, told, *span, now);
            let state = state_of(state.as_ref(), told.plan);
            view["status"] = state.map_or(told.plan.status, |state| state.status).name().into();
            view["out_of_order"] = out_of_order.contains(&told.plan.id).into();
        }
        view
    });
    Ok(axum::Json(json!({
        "route_id": id,
        "route_number": route.number,
        "courier_id": route.parent,
        "route_start": time_or_null(plan.route_start),
        "route_finish": time_or_null(plan.route_finish),
        "courier_violated_route": state.as_ref().is_some_and(|state| state.is_violated),
        "nodes": nodes.collect::<Vec<_>>(),
    })))
}

fn set_facts(view: &mut Value, told: &Told<'_>, planned: Option<Span>, now: Time) {
    let fact = &told.fact;
    let late_ms = planned.zip(fact.arrival).map(|(planned, arrival)| arrival - planned.arrival);
    view["actual_arrival"] = time_or_null(fact.arrival);
    view["visited_at"] = time_or_null(fact.visit);
    view["actual_departure"] = time_or_null(fact.departure);
    view["arrival_delay_s"] = json!(late_ms.map(|ms| ms as f64 / SECOND_MS as f64));
    view["time_window"] = told.plan.window.map_or(
        Value::Null,
        |window| json!({ "start": iso(window.start), "end": iso(window.end) }),
    );
    view["window_failed"] = json!(plan_fact::has_failed_window(told, now));
    let radius = fact.used_mark_delivered_radius;
    view["used_mark_delivered_radius"] = json!(radius.map(Radius::metres));
}

pub(super) fn own_route(
    api: &Api,
    caller: &Caller,
    company: u64,
    id: u64,
) -> Result<Document, Problem> {
    let company = u64::from(caller.within(company, Role::reads)?.0);
    let route = api.readers.read(|catalog| catalog.document(Kind::Route, id))?;
    let route = route.filter(|route| route.company == company);
    route.ok_or_else(|| Problem::not_found("route"))
}

async fn present(api: &Api, route: &Document) -> Result<Option<RouteState>, Problem> {
    let courier = CourierId(route.parent.unwrap_or_default() as u32);
    Ok(api.views.route(courier, RouteId(route.id)).await?)
}

fn state_of<'a>(route: Option<&'a RouteState>, order: &OrderPlan) -> Option<&'a OrderState> {
    route?.orders.iter().find(|state| state.order == order.id)
}

fn fact(api: &Api, plan: &RoutePlan, order: &OrderPlan) -> Result<Fact, Problem> {
    let history = api.feed.history(order.id)?;
    let events = history.iter().filter_map(|event| match &event.body {
        FeedBody::Event(event) => Some(event),
        FeedBody::Eta { .. } | FeedBody::Notification { .. } | FeedBody::RouteViolated { .. } => {
            None
        }
    });
    Ok(plan_fact::fact(plan.id, events))
}

/// What a node is.
fn identity(node: &Node) -> Value {
    match node {
        Node::Order(order) => json!({ "order_id": order.id.0 }),
        Node::Depot(depot) => json!({ "depot_id": depot.id.0 }),
        Node::Garage(point) => json!({ "garage": { "lat": point.lat(), "lon": point.lon() } }),
    }
}
