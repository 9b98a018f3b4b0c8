//! Documents as the engine needs them: local times resolved, defaults filled in, depots and orders
//! put where the route names them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::draft::Draft;
use super::merge::{DEPOT, NODES, typed};
use super::rules;
use super::store::Stop;
use crate::domain::depot::DepotPlan;
use crate::domain::geo::Point;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::order::{EtaType, OrderPlan};
use crate::domain::route::{Node, RoutePlan, RoutingMode};
use crate::domain::time::{SECOND_MS, Time, TimeWindow};
use crate::runtime::documents::company::Company;
use crate::runtime::documents::dto::{OrderDto, RouteDocumentDto};
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::order::{self, OrderContext};
use crate::runtime::documents::route::{RouteTimes, route_times, routing_mode};
use crate::runtime::local_time::{self, LocalDay};
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Document, Kind};
use crate::storage::catalog::error::CatalogError;

/// What a route gives to its orders, and the engine gets of the route itself.
pub(super) struct RouteFrame {
    company: Company,
    day: Option<LocalDay>,
    depot: Option<DepotPlan>,
    routing_mode: RoutingMode,
    route_start: Option<Time>,
    route_finish: Option<Time>,
}

impl RouteFrame {
    /// The frame of a route document.
    pub(super) fn of(
        draft: &mut Draft<'_>,
        route: &Document,
        at: &Place,
        findings: &mut Findings,
    ) -> Result<Self, CatalogError> {
        let company = company(draft, route.company)?;
        let depot = match route.field(DEPOT).and_then(Value::as_u64) {
            Some(id) => {
                draft.document(Kind::Depot, id)?.and_then(|depot| rules::depot::plan(depot))
            }
            None => None,
        };
        let zone = depot.as_ref().and_then(|depot| depot.zone.clone());
        let zone: TimeZone = zone.unwrap_or_else(|| company.zone.clone());
        let dto: Option<RouteDocumentDto> = typed(Kind::Route, &route.body, at, findings);
        let day = dto.as_ref().and_then(|dto| {
            let date = findings.good(&at.key("date"), local_time::date(&dto.date))?;
            Some(LocalDay::new(date, zone))
        });
        let times = RouteTimes {
            route_start: dto.as_ref().and_then(|dto| dto.route_start.as_deref()),
            route_finish: dto.as_ref().and_then(|dto| dto.route_finish.as_deref()),
        };
        let (route_start, route_finish) = route_times(&times, day.as_ref(), at, findings);
        let mode = dto.as_ref().and_then(|dto| dto.routing_mode.as_deref());
        Ok(Self {
            routing_mode: routing_mode(mode, at, findings),
            depot: depot.map(|depot| depot.plan),
            company,
            day,
            route_start,
            route_finish,
        })
    }
}

/// Where an order stands: on a route, or only in a company.
pub(super) enum OrderFrame {
    /// On a route.
    Route(Box<RouteFrame>),
    /// Nowhere yet: its window is checked as if today were any day.
    Loose(Box<Company>),
}

impl OrderFrame {
    /// The frame of an order document.
    pub(super) fn of(draft: &mut Draft<'_>, order: &Document) -> Result<Self, CatalogError> {
        let route = match order.parent {
            Some(route) => draft.document(Kind::Route, route)?.map(|route| route.clone()),
            None => None,
        };
        let Some(route) = route else {
            return Ok(Self::Loose(Box::new(company(draft, order.company)?)));
        };
        let mut findings = Findings::of_request(1);
        let frame = RouteFrame::of(draft, &route, &Place::object(), &mut findings)?;
        Ok(Self::Route(Box::new(frame)))
    }
}

/// The frames of one request's orders, each made once: what the request changes of a route is its
/// sequence.
#[derive(Default)]
pub(super) struct OrderFrames {
    by_route: BTreeMap<Option<u64>, OrderFrame>,
}

impl OrderFrames {
    /// The frame of an order of the company whose request it is.
    pub(super) fn of(
        &mut self,
        draft: &mut Draft<'_>,
        order: &Document,
    ) -> Result<&OrderFrame, CatalogError> {
        Ok(match self.by_route.entry(order.parent) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(OrderFrame::of(draft, order)?),
        })
    }
}

/// An order as the engine needs it.
pub(super) fn order_plan(
    frame: &OrderFrame,
    document: &Document,
    at: &Place,
    findings: &mut Findings,
) -> Option<OrderPlan> {
    let dto: OrderDto = typed(Kind::Order, &document.body, at, findings)?;
    let any_day = LocalDay::new(jiff::civil::Date::ZERO, TimeZone::UTC);
    let context = match frame {
        OrderFrame::Route(route) => OrderContext {
            company: &route.company,
            day: route.day.as_ref(),
            route_start: route.route_start,
        },
        OrderFrame::Loose(company) => {
            OrderContext { company, day: Some(&any_day), route_start: None }
        }
    };
    Some(order::order_plan(OrderId(document.id), &dto, &context, at, findings))
}

/// A route as the engine needs it; `order_of` gives each order as it comes onto it.
pub(super) fn route_plan(
    draft: &mut Draft<'_>,
    route: &Document,
    mut order_of: impl FnMut(&mut Draft<'_>, &OrderFrame, u64) -> Result<Option<OrderPlan>, Stop>,
) -> Result<RoutePlan, Stop> {
    let mut findings = Findings::of_request(1);
    let frame = RouteFrame::of(draft, route, &Place::object(), &mut findings)?;
    let frame = OrderFrame::Route(Box::new(frame));
    let mut nodes = Vec::new();
    for node in route.field(NODES).and_then(Value::as_array).into_iter().flatten() {
        let id = |key: &str| node.get(key).and_then(Value::as_u64);
        let planned = if let Some(order) = id("order") {
            order_of(draft, &frame, order)?.map(Node::Order)
        } else if let Some(depot) = id("depot") {
            let depot = draft.document(Kind::Depot, depot)?;
            depot.and_then(|depot| rules::depot::plan(depot)).map(|depot| Node::Depot(depot.plan))
        } else {
            garage(node).map(Node::Garage)
        };
        nodes.extend(planned);
    }
    let OrderFrame::Route(frame) = frame else { unreachable!("made so above") };
    Ok(RoutePlan {
        id: RouteId(route.id),
        courier: CourierId(route.parent.unwrap_or(0) as u32),
        routing_mode: frame.routing_mode,
        route_start: frame.route_start,
        route_finish: frame.route_finish,
        depot: frame.depot,
        nodes,
    })
}

/// A stored route with its orders, as the engine would get it.
///
/// # Errors
/// The catalog cannot be read.
pub fn stored_route_plan(catalog: &Catalog, route: &Document) -> Result<RoutePlan, CatalogError> {
    let mut draft = Draft::new(catalog);
    let plan = route_plan(&mut draft, route, |draft, frame, order| {
        let Some(order) = draft.document(Kind::Order, order)? else { return Ok(None) };
        let mut findings = Findings::of_request(1);
        Ok(order_plan(frame, order, &Place::object(), &mut findings))
    });
    plan.map_err(|stop| match stop {
        Stop::Failed(error) => error,
        Stop::Refused(_) => unreachable!("nothing here refuses"),
    })
}

/// Where and from when a courier fetches what a route delivers.
#[derive(Clone, Debug)]
pub struct Pickup {
    /// The depot from which the route starts.
    pub depot: DepotPlan,
    /// How the courier travels.
    pub routing_mode: RoutingMode,
    /// When tracking begins; `None`: at once.
    pub tracked_from: Option<Time>,
}

/// The pickup of a stored route; `None`: it does not start at a depot.
///
/// # Errors
/// The catalog cannot be read.
pub fn pickup(catalog: &Catalog, route: &Document) -> Result<Option<Pickup>, CatalogError> {
    let mut draft = Draft::new(catalog);
    let first = route.field(NODES).and_then(|nodes| nodes.get(0)?.get("depot")?.as_u64());
    let Some(first) = first else { return Ok(None) };
    let depot = draft.document(Kind::Depot, first)?;
    let Some(depot) = depot.and_then(|depot| rules::depot::plan(depot)) else { return Ok(None) };
    let mut findings = Findings::of_request(1);
    let frame = RouteFrame::of(&mut draft, route, &Place::object(), &mut findings)?;
    let before_ms = frame.company.policy.tracking_start_ms;
    Ok(Some(Pickup {
        depot: depot.plan,
        routing_mode: frame.routing_mode,
        tracked_from: frame.route_start.map(|start| start - before_ms),
    }))
}

/// The zone in which a depot's times are written: its own, else its company's.
///
/// # Errors
/// The catalog cannot be read.
pub fn depot_zone(catalog: &Catalog, depot: &Document) -> Result<TimeZone, CatalogError> {
    let own = rules::depot::plan(depot).and_then(|depot| depot.zone);
    match own {
        Some(zone) => Ok(zone),
        None => Ok(company(&mut Draft::new(catalog), depot.company)?.zone),
    }
}

/// The zone of a company.
///
/// # Errors
/// The catalog cannot be read.
pub fn company_zone(catalog: &Catalog, id: u64) -> Result<TimeZone, CatalogError> {
    Ok(company(&mut Draft::new(catalog), id)?.zone)
}

/// What a company says where an order is silent.
///
/// # Errors
/// The catalog cannot be read.
pub fn company_eta_type(catalog: &Catalog, id: u64) -> Result<EtaType, CatalogError> {
    Ok(company(&mut Draft::new(catalog), id)?.policy.eta_type)
}

/// A company's settings.
pub(super) fn company(draft: &mut Draft<'_>, id: u64) -> Result<Company, CatalogError> {
    let document = draft.document(Kind::Company, id)?;
    let empty = Document {
        id,
        company: id,
        number: String::new(),
        parent: None,
        shared_with: Vec::new(),
        body: super::request::Item::new(),
    };
    Ok(rules::company::settings(document.map_or(&empty, |document| document)))
}

fn garage(node: &Value) -> Option<Point> {
    let garage = node.get("garage")?;
    Point::from_degrees(garage.get("lat")?.as_f64()?, garage.get("lon")?.as_f64()?).ok()
}

/// The window of an order as read: off a route there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderTimes {
    /// In UTC.
    pub window: Option<TimeWindow>,
    /// Seconds from midnight of the route's day: start and end, or nothing.
    pub seconds: Vec<i64>,
}

/// The times of a stored order.
///
/// # Errors
/// The catalog cannot be read.
pub fn order_times(catalog: &Catalog, order: &Document) -> Result<OrderTimes, CatalogError> {
    let mut times = OrderTimes::default();
    let Some(text) = order.text("time_interval") else { return Ok(times) };
    if let Ok(seconds) = local_time::interval_seconds(text) {
        times.seconds = vec![seconds.start, seconds.end];
    }
    let mut draft = Draft::new(catalog);
    let OrderFrame::Route(frame) = OrderFrame::of(&mut draft, order)? else { return Ok(times) };
    let Some(day) = &frame.day else { return Ok(times) };
    times.window = day.window(text).ok();
    if let (Some(window), Ok(midnight), true) =
        (times.window, day.route_start("00:00"), times.seconds.is_empty())
    {
        let second = |time: Time| (time - midnight).div_euclid(SECOND_MS);
        times.seconds = vec![second(window.start), second(window.end)];
    }
    Ok(times)
}
