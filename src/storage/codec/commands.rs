//! Commands as bytes.

use super::super::bytes::{Malformed, Read, Reader, Writer};
use super::words;
use crate::domain::command::Command;
use crate::domain::courier::CourierPlan;
use crate::domain::depot::DepotPlan;
use crate::domain::ids::{CompanyId, CourierId, DepotId, OrderId, RouteId};
use crate::domain::order::OrderPlan;
use crate::domain::policy::Policy;
use crate::domain::route::{Node, RoutePlan};

/// Writes a command.
pub fn put_command(to: &mut Writer, command: &Command) {
    match command {
        Command::PutPolicy { company, policy } => {
            to.u8(0);
            to.varint(company.0.into());
            put_policy(to, policy);
        }
        Command::PutDepot { company, depot } => {
            to.u8(1);
            to.varint(company.0.into());
            put_depot(to, depot);
        }
        Command::PutCourier(plan) => {
            to.u8(2);
            to.varint(plan.id.0.into());
            to.varint(plan.company.0.into());
            to.option(plan.allowed_courier_position_sources, words::put_sources);
        }
        Command::PutRoute(plan) => {
            to.u8(3);
            put_route(to, plan);
        }
        Command::RemoveRoute { courier, route, reason } => {
            put_target(to, 4, *courier, *route);
            words::put_end_reason(to, *reason);
        }
        Command::PutOrder { courier, route, order } => {
            put_target(to, 5, *courier, *route);
            put_order(to, order);
        }
        Command::RemoveOrder { courier, route, order, reason } => {
            put_target(to, 6, *courier, *route);
            to.varint(order.0);
            words::put_end_reason(to, *reason);
        }
        Command::SetStatus { courier, route, order, status, initiator } => {
            put_target(to, 7, *courier, *route);
            to.varint(order.0);
            words::put_status(to, *status);
            words::put_initiator(to, *initiator);
        }
        Command::Quarantine(courier) => {
            to.u8(9);
            to.varint(courier.0.into());
        }
        Command::Release(courier) => {
            to.u8(10);
            to.varint(courier.0.into());
        }
        Command::EraseCourier { courier } => {
            to.u8(8);
            to.varint(courier.0.into());
        }
    }
}

/// Reads a command.
///
/// # Errors
/// The bytes are none.
pub fn command(from: &mut Reader) -> Read<Command> {
    Ok(match from.u8()? {
        0 => Command::PutPolicy { company: CompanyId(from.narrow()?), policy: policy(from)? },
        1 => Command::PutDepot { company: CompanyId(from.narrow()?), depot: depot(from)? },
        2 => Command::PutCourier(CourierPlan {
            id: CourierId(from.narrow()?),
            company: CompanyId(from.narrow()?),
            allowed_courier_position_sources: from.option(words::sources)?,
        }),
        3 => Command::PutRoute(route(from)?),
        4 => Command::RemoveRoute {
            courier: CourierId(from.narrow()?),
            route: RouteId(from.varint()?),
            reason: words::end_reason(from)?,
        },
        5 => Command::PutOrder {
            courier: CourierId(from.narrow()?),
            route: RouteId(from.varint()?),
            order: order(from)?,
        },
        6 => Command::RemoveOrder {
            courier: CourierId(from.narrow()?),
            route: RouteId(from.varint()?),
            order: OrderId(from.varint()?),
            reason: words::end_reason(from)?,
        },
        7 => Command::SetStatus {
            courier: CourierId(from.narrow()?),
            route: RouteId(from.varint()?),
            order: OrderId(from.varint()?),
            status: words::status(from)?,
            initiator: words::initiator(from)?,
        },
        8 => Command::EraseCourier { courier: CourierId(from.narrow()?) },
        9 => Command::Quarantine(CourierId(from.narrow()?)),
        10 => Command::Release(CourierId(from.narrow()?)),
        _ => return Err(Malformed),
    })
}

fn put_target(to: &mut Writer, kind: u8, courier: CourierId, route: RouteId) {
    to.u8(kind);
    to.varint(courier.0.into());
    to.varint(route.0);
}

fn put_policy(to: &mut Writer, policy: &Policy) {
    to.bool(policy.mark_delivered_enabled);
    words::put_radius(to, policy.mark_delivered_radius);
    to.f64(policy.mark_delivered_service_time_coefficient);
    words::put_eta_type(to, policy.eta_type);
    to.signed(policy.tracking_start_ms);
    to.bool(policy.delivery_by_order_statuses);
    to.list(&policy.nearby_eta_ms, |to, ms| to.signed(*ms));
    to.option(policy.nearby_distance_m, Writer::f64);
    words::put_scope(to, policy.arrival_scope);
    words::put_overlap(to, policy.overlap_policy);
    words::put_inferred(to, policy.inferred_visits);
    to.bool(policy.resequence);
    to.signed(policy.max_gap_ms);
    words::put_sources(to, policy.allowed_courier_position_sources);
}

fn policy(from: &mut Reader) -> Read<Policy> {
    Ok(Policy {
        mark_delivered_enabled: from.bool()?,
        mark_delivered_radius: words::radius(from)?,
        mark_delivered_service_time_coefficient: from.f64()?,
        eta_type: words::eta_type(from)?,
        tracking_start_ms: from.signed()?,
        delivery_by_order_statuses: from.bool()?,
        nearby_eta_ms: from.list(Reader::signed)?,
        nearby_distance_m: from.option(Reader::f64)?,
        arrival_scope: words::scope(from)?,
        overlap_policy: words::overlap(from)?,
        inferred_visits: words::inferred(from)?,
        resequence: from.bool()?,
        max_gap_ms: from.signed()?,
        allowed_courier_position_sources: words::sources(from)?,
    })
}

fn put_depot(to: &mut Writer, depot: &DepotPlan) {
    to.varint(depot.id.0.into());
    words::put_point(to, depot.point);
    to.option(depot.mark_delivered_radius, words::put_radius);
    to.option(depot.mark_route_started_radius, words::put_radius);
    to.varint(depot.service_duration_s.into());
    to.varint(depot.order_service_duration_s.into());
}

fn depot(from: &mut Reader) -> Read<DepotPlan> {
    Ok(DepotPlan {
        id: DepotId(from.narrow()?),
        point: words::point(from)?,
        mark_delivered_radius: from.option(words::radius)?,
        mark_route_started_radius: from.option(words::radius)?,
        service_duration_s: from.narrow()?,
        order_service_duration_s: from.narrow()?,
    })
}

fn put_route(to: &mut Writer, plan: &RoutePlan) {
    to.varint(plan.id.0);
    to.varint(plan.courier.0.into());
    words::put_mode(to, plan.routing_mode);
    to.option(plan.route_start, Writer::time);
    to.option(plan.route_finish, Writer::time);
    to.option(plan.depot.as_ref(), put_depot);
    to.list(&plan.nodes, put_node);
}

fn route(from: &mut Reader) -> Read<RoutePlan> {
    Ok(RoutePlan {
        id: RouteId(from.varint()?),
        courier: CourierId(from.narrow()?),
        routing_mode: words::mode(from)?,
        route_start: from.option(Reader::time)?,
        route_finish: from.option(Reader::time)?,
        depot: from.option(depot)?,
        nodes: from.list(node)?,
    })
}

fn put_node(to: &mut Writer, node: &Node) {
    match node {
        Node::Order(order) => {
            to.u8(0);
            put_order(to, order);
        }
        Node::Depot(depot) => {
            to.u8(1);
            put_depot(to, depot);
        }
        Node::Garage(point) => {
            to.u8(2);
            words::put_point(to, *point);
        }
    }
}

fn node(from: &mut Reader) -> Read<Node> {
    Ok(match from.u8()? {
        0 => Node::Order(order(from)?),
        1 => Node::Depot(depot(from)?),
        2 => Node::Garage(words::point(from)?),
        _ => return Err(Malformed),
    })
}

fn put_order(to: &mut Writer, order: &OrderPlan) {
    to.varint(order.id.0);
    to.option(order.point, words::put_point);
    to.option(order.mark_delivered_radius, words::put_radius);
    to.varint(order.service_duration_s.into());
    to.varint(order.shared_service_duration_s.into());
    to.option(order.window, words::put_window);
    to.option(order.eta_type, words::put_eta_type);
    words::put_status(to, order.status);
    to.bool(order.created);
}

fn order(from: &mut Reader) -> Read<OrderPlan> {
    Ok(OrderPlan {
        id: OrderId(from.varint()?),
        point: from.option(words::point)?,
        mark_delivered_radius: from.option(words::radius)?,
        service_duration_s: from.narrow()?,
        shared_service_duration_s: from.narrow()?,
        window: from.option(words::window)?,
        eta_type: from.option(words::eta_type)?,
        status: words::status(from)?,
        created: from.bool()?,
    })
}
