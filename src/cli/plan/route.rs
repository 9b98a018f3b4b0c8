//! One route: its day, its times, its depot and its nodes in sequence.

use super::depot::Depots;
use super::dto::{NodeDto, RouteDto};
use super::names::Names;
use crate::domain::depot::DepotPlan;
use crate::domain::ids::{CourierId, OrderId, RouteId};
use crate::domain::route::{Node, ROUTE_ORDERS_MAX, RoutePlan};
use crate::domain::time::Time;
use crate::runtime::documents::company::Company;
use crate::runtime::documents::dto::OrderDto;
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::order::{OrderContext, order_plan};
use crate::runtime::documents::route::{RouteTimes, route_times, routing_mode};
use crate::runtime::local_time::{self, LocalDay};

/// What a route takes from the rest of the plan.
pub(super) struct RouteContext<'a> {
    /// From when the file counts; the default date is its day.
    pub(super) epoch: Time,
    /// The company's settings.
    pub(super) company: &'a Company,
    /// The depots by number.
    pub(super) depots: &'a Depots,
}

/// The route as the engine needs it; draws the ids of its orders.
pub(super) fn route_plan(
    ids: (RouteId, CourierId),
    dto: &RouteDto,
    context: &RouteContext<'_>,
    orders: &mut Names,
    at: &Place,
    findings: &mut Findings,
) -> RoutePlan {
    let depot_number = depot_number(dto, at);
    let depot = depot_number
        .as_ref()
        .and_then(|(number, place)| context.depots.find(number, place, findings));
    let zone = depot.and_then(|depot| depot.zone.as_ref()).unwrap_or(&context.company.zone);
    let day = match &dto.date {
        Some(text) => findings
            .good(&at.key("date"), local_time::date(text))
            .map(|date| LocalDay::new(date, zone.clone())),
        None => {
            findings.good(&Place::root("epoch"), LocalDay::containing(context.epoch, zone.clone()))
        }
    };
    let times = RouteTimes {
        route_start: dto.route_start.as_deref(),
        route_finish: dto.route_finish.as_deref(),
    };
    let (route_start, route_finish) = route_times(&times, day.as_ref(), at, findings);
    let order_context = OrderContext { company: context.company, day: day.as_ref(), route_start };
    let depot = depot.map(|depot| depot.plan);
    let mut nodes = Nodes { context, order_context: &order_context, orders, findings };
    RoutePlan {
        id: ids.0,
        courier: ids.1,
        nodes: nodes.of(dto, depot, at),
        routing_mode: routing_mode(dto.routing_mode.as_deref(), at, findings),
        route_start,
        route_finish,
        depot,
    }
}

/// The route's depot: as it says, else the one at which its nodes start.
fn depot_number(dto: &RouteDto, at: &Place) -> Option<(String, Place)> {
    if let Some(number) = &dto.depot_number {
        return Some((number.clone(), at.key("depot_number")));
    }
    let first = dto.nodes.as_ref()?.first()?.depot.clone()?;
    Some((first, at.key("nodes").index(0).key("depot")))
}

struct Nodes<'a> {
    context: &'a RouteContext<'a>,
    order_context: &'a OrderContext<'a>,
    orders: &'a mut Names,
    findings: &'a mut Findings,
}

impl Nodes<'_> {
    /// The tour. With `orders` it starts at the route's depot, with `nodes` as they say.
    fn of(&mut self, dto: &RouteDto, depot: Option<DepotPlan>, at: &Place) -> Vec<Node> {
        let (nodes, list) = match (&dto.orders, &dto.nodes) {
            (Some(orders), None) => {
                let list = at.key("orders");
                let start = depot.map(Node::Depot).into_iter();
                let orders = orders
                    .iter()
                    .enumerate()
                    .map(|(index, order)| self.order(order, &list.index(index)));
                (start.chain(orders).collect::<Vec<_>>(), list)
            }
            (None, Some(nodes)) => {
                let list = at.key("nodes");
                let nodes = nodes
                    .iter()
                    .enumerate()
                    .filter_map(|(index, node)| self.node(node, &list.index(index)));
                (nodes.collect(), list)
            }
            (Some(_), Some(_)) | (None, None) => {
                self.findings.error(at, "expected either orders or nodes");
                return Vec::new();
            }
        };
        let count = nodes.iter().filter(|node| matches!(node, Node::Order(_))).count();
        if count > ROUTE_ORDERS_MAX {
            let problem = format!("{count} orders: at most {ROUTE_ORDERS_MAX} are allowed");
            self.findings.error(&list, problem);
        }
        nodes
    }

    fn node(&mut self, node: &NodeDto, at: &Place) -> Option<Node> {
        match (&node.order, &node.depot, &node.garage) {
            (Some(order), None, None) => Some(self.order(order, &at.key("order"))),
            (None, Some(number), None) => {
                let depots = self.context.depots;
                let depot = depots.find(number, &at.key("depot"), self.findings)?;
                Some(Node::Depot(depot.plan))
            }
            (None, None, Some(garage)) => {
                self.findings.point(&at.key("garage"), garage.lat, garage.lon).map(Node::Garage)
            }
            _ => {
                self.findings.error(at, "expected exactly one of order, depot, garage");
                None
            }
        }
    }

    fn order(&mut self, dto: &OrderDto, at: &Place) -> Node {
        let id = self.orders.draw(&dto.number, &at.key("number"), self.findings);
        let id = OrderId(u64::from(id));
        Node::Order(order_plan(id, dto, self.order_context, at, self.findings))
    }
}
