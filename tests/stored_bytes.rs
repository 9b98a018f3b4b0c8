//! What is stored is what is read back: every input, every command, every event of the feed; and
//! garbage is refused, never believed.

use doorstep::domain::command::Command;
use doorstep::domain::courier::CourierPlan;
use doorstep::domain::depot::DepotPlan;
use doorstep::domain::eta::{Eta, EtaCause, EtaChange, OrderEta};
use doorstep::domain::event::{EndReason, EventKind, OrderEvent, StayPoint};
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{
    CompanyId, CourierId, DepotId, EventId, OrderId, PARTITIONS, PartitionId, RouteId,
};
use doorstep::domain::notification::{NearbyTrigger, Notification, NotificationKind};
use doorstep::domain::order::{EtaType, Initiator, OrderPlan, OrderStatus};
use doorstep::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy, Policy, Radius};
use doorstep::domain::position::{Accuracy, Position, Source, SourceSet};
use doorstep::domain::route::{Node, RoutePlan, RoutingMode};
use doorstep::domain::time::{Time, TimeWindow};
use doorstep::engine::input::{Input, InputBody};
use doorstep::storage::bytes::{Reader, Writer};
use doorstep::storage::codec::input::{ChunkReader, ChunkWriter, Record, Reported, SentBy};
use doorstep::storage::codec::outputs::{feed_event, put_feed_event};
use doorstep::storage::feed_event::{FeedBody, FeedEvent};
use doorstep::storage::frame::{Frame, FrameKind, FrameStamp};
use doorstep::storage::tracks::chunk::{ChunkPoints, TrackPoint, put_point};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inputs_come_back(chunks in vec(vec(records(), 1..12), 1..4)) {
        let mut bytes = Vec::new();
        for chunk in &chunks {
            let mut writer = ChunkWriter::default();
            for record in chunk {
                writer.put(&record.input, record.by.as_ref());
            }
            let chunk = writer.finish();
            bytes.extend(chunk.bytes);
        }
        let read: Result<Vec<Record>, _> = ChunkReader::new(&bytes).collect();
        prop_assert_eq!(read, Ok(chunks.concat()));
        // Who asks for positions only gets the same ones.
        let mut reader = ChunkReader::new(&bytes);
        let positions: Vec<_> = std::iter::from_fn(|| reader.next_position()).collect();
        let expected: Vec<_> = chunks.concat().iter().filter_map(reported).collect();
        prop_assert_eq!(positions, expected);
    }

    #[test]
    fn numbers_come_back_in_as_few_bytes_as_hold_them(bits in 0_u32..=64, value in any::<u64>()) {
        let value = if bits == 0 { 0 } else { value >> (64 - bits) };
        let mut writer = Writer::default();
        writer.varint(value);
        let needed = (64 - value.leading_zeros()).div_ceil(7).max(1);
        prop_assert_eq!(writer.bytes.len(), needed as usize);
        let mut reader = Reader::new(&writer.bytes);
        prop_assert_eq!(reader.varint(), Ok(value));
        prop_assert!(reader.is_empty());
        // All but the last say that more follows; none of them is enough.
        let (last, others) = writer.bytes.split_last().unwrap();
        prop_assert!(*last < 0x80 && others.iter().all(|byte| *byte >= 0x80));
        prop_assert!(Reader::new(others).varint().is_err());
    }

    #[test]
    fn numbers_of_over_64_bits_are_refused(last in 2_u8..0x80) {
        let mut bytes = [0xff; 10];
        bytes[9] = last;
        prop_assert!(Reader::new(&bytes).varint().is_err());
        bytes[9] = 1;
        prop_assert_eq!(Reader::new(&bytes).varint(), Ok(u64::MAX));
    }

    #[test]
    fn positions_of_a_track_come_back(
        points in vec((of(any::<u64>()), times(), positions()), 0..40),
    ) {
        let points: Vec<_> = points
            .into_iter()
            .map(|(route, received_at, position)| {
                TrackPoint { route: route.map(RouteId), received_at, position }
            })
            .collect();
        let mut writer = Writer::default();
        let mut before = TrackPoint::ORIGIN;
        for point in &points {
            put_point(&mut writer, &before, point);
            before = *point;
        }
        let read: Result<Vec<_>, _> = ChunkPoints::new(&writer.bytes).collect();
        prop_assert_eq!(read, Ok(points));
    }

    #[test]
    fn events_of_the_feed_come_back(event in events()) {
        let mut writer = Writer::default();
        put_feed_event(&mut writer, &event);
        let mut reader = Reader::new(&writer.bytes);
        prop_assert_eq!(feed_event(&mut reader, event.position), Ok(event));
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn frames_come_back_whole_or_not_at_all(
        payload in vec(any::<u8>(), 0..200),
        (segment, sequence, synced_before) in any::<(u64, u64, u64)>(),
        is_command in any::<bool>(),
        flipped in any::<prop::sample::Index>(),
    ) {
        let stamp = FrameStamp { segment, sequence, synced_before };
        let kind = if is_command { FrameKind::Command } else { FrameKind::Positions };
        let frame = Frame { stamp, kind, payload: &payload };
        let mut bytes = Vec::new();
        frame.write(&mut bytes);
        prop_assert_eq!(bytes.len(), Frame::size(payload.len()));
        prop_assert_eq!(Frame::read(&bytes, segment), Some(frame));
        prop_assert_eq!(Frame::read(&bytes, segment ^ 1), None);
        bytes[flipped.index(40 + payload.len())] ^= 1;
        prop_assert_eq!(Frame::read(&bytes, segment), None);
    }

    #[test]
    fn garbage_is_refused(bytes in vec(any::<u8>(), 0..300)) {
        // Whatever comes, it comes to an end.
        let count = ChunkReader::new(&bytes).count();
        prop_assert!(count <= bytes.len());
        prop_assert!(ChunkPoints::new(&bytes).count() <= bytes.len());
        let _ = feed_event(&mut Reader::new(&bytes), 1);
    }
}

/// The position of a record, if it is one.
fn reported(record: &Record) -> Option<Reported> {
    let received_at = record.input.received_at;
    match record.input.body {
        InputBody::Position { courier, route, position, .. } => {
            Some(Reported { received_at, courier, route, position })
        }
        InputBody::Command(_) | InputBody::Tick => None,
    }
}

fn records() -> impl Strategy<Value = Record> {
    let by = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>())
        .prop_map(|(sender, boot, settles, seq)| SentBy { sender, boot, settles, seq });
    let position = (any::<u32>(), of(0..u64::MAX - 1), positions(), any::<bool>());
    let position = position.prop_map(|(id, route, position, sheds_eta)| {
        let (courier, route) = (CourierId(id), route.map(RouteId));
        InputBody::Position { courier, route, position, sheds_eta }
    });
    let body = prop_oneof![
        4 => (position, of(by)),
        1 => Just((InputBody::Tick, None)),
        2 => commands().prop_map(|command| (InputBody::Command(Box::new(command)), None)),
    ];
    (0..PARTITIONS, any::<u64>(), times(), body).prop_map(
        |(partition, sequence, received_at, (body, by))| {
            let partition = PartitionId(partition);
            Record { input: Input { partition, sequence, received_at, body }, by }
        },
    )
}

fn positions() -> impl Strategy<Value = Position> {
    let numbers = (of(0.1_f32..1e4), of(0.0_f32..90.0), of(0.0_f32..360.0), of(0_u8..=100));
    (times(), points(), numbers, select(Source::ALL.to_vec()), any::<bool>()).prop_map(
        |(device_time, point, (accuracy, speed_mps, heading_deg, battery_pct), source, silent)| {
            Position {
                device_time,
                point,
                accuracy_m: accuracy.and_then(Accuracy::new),
                speed_mps,
                heading_deg,
                battery_pct,
                source,
                silent_when_still: silent,
            }
        },
    )
}

fn commands() -> impl Strategy<Value = Command> {
    let ids = || (any::<u32>(), any::<u64>(), any::<u64>());
    prop_oneof![
        (any::<u32>(), policies()).prop_map(|(company, policy)| {
            Command::PutPolicy { company: CompanyId(company), policy }
        }),
        any::<u32>().prop_map(|id| Command::EraseCourier { courier: CourierId(id) }),
        (any::<u32>(), depots()).prop_map(|(company, depot)| {
            Command::PutDepot { company: CompanyId(company), depot }
        }),
        (any::<u32>(), any::<u32>(), of(sources())).prop_map(|(id, company, sources)| {
            Command::PutCourier(CourierPlan {
                id: CourierId(id),
                company: CompanyId(company),
                allowed_courier_position_sources: sources,
            })
        }),
        routes().prop_map(Command::PutRoute),
        (ids(), reasons()).prop_map(|((courier, route, _), reason)| {
            Command::RemoveRoute { courier: CourierId(courier), route: RouteId(route), reason }
        }),
        (ids(), orders()).prop_map(|((courier, route, _), order)| {
            Command::PutOrder { courier: CourierId(courier), route: RouteId(route), order }
        }),
        (ids(), reasons()).prop_map(|((courier, route, order), reason)| Command::RemoveOrder {
            courier: CourierId(courier),
            route: RouteId(route),
            order: OrderId(order),
            reason,
        }),
        (ids(), statuses(), initiators()).prop_map(
            |((courier, route, order), status, initiator)| Command::SetStatus {
                courier: CourierId(courier),
                route: RouteId(route),
                order: OrderId(order),
                status,
                initiator,
            }
        ),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let flags = any::<[bool; 6]>();
    let limits = (any::<i64>(), any::<i64>(), vec(any::<i64>(), 1..5), of(0.0..1e6_f64));
    (flags, radii(), 0.0..100.0_f64, eta_types(), limits, sources()).prop_map(
        |(flags, radius, coefficient, eta_type, (start, gap, nearby, distance), sources)| Policy {
            mark_delivered_enabled: flags[0],
            mark_delivered_radius: radius,
            mark_delivered_service_time_coefficient: coefficient,
            eta_type,
            tracking_start_ms: start,
            delivery_by_order_statuses: flags[1],
            nearby_eta_ms: nearby,
            nearby_distance_m: distance,
            arrival_scope: if flags[2] { ArrivalScope::Head } else { ArrivalScope::Any },
            overlap_policy: if flags[4] { OverlapPolicy::Parallel } else { OverlapPolicy::Nearest },
            inferred_visits: if flags[5] { InferredVisits::Off } else { InferredVisits::AnyGap },
            resequence: flags[3],
            max_gap_ms: gap,
            allowed_courier_position_sources: sources,
        },
    )
}

fn depots() -> impl Strategy<Value = DepotPlan> {
    let durations = any::<(u32, u32)>();
    (any::<u32>(), points(), of(radii()), of(radii()), durations).prop_map(
        |(id, point, delivered, started, (service, per_order))| DepotPlan {
            id: DepotId(id),
            point,
            mark_delivered_radius: delivered,
            mark_route_started_radius: started,
            service_duration_s: service,
            order_service_duration_s: per_order,
        },
    )
}

fn routes() -> impl Strategy<Value = RoutePlan> {
    let node = prop_oneof![
        orders().prop_map(Node::Order),
        depots().prop_map(Node::Depot),
        points().prop_map(Node::Garage),
    ];
    let mode = select(RoutingMode::ALL.to_vec());
    let ids = (any::<u64>(), any::<u32>());
    (ids, mode, of(times()), of(times()), of(depots()), vec(node, 0..6)).prop_map(
        |((id, courier), routing_mode, route_start, route_finish, depot, nodes)| RoutePlan {
            id: RouteId(id),
            courier: CourierId(courier),
            routing_mode,
            route_start,
            route_finish,
            depot,
            nodes,
        },
    )
}

fn orders() -> impl Strategy<Value = OrderPlan> {
    let durations = any::<(u32, u32)>();
    let rest = (of(eta_types()), statuses(), any::<bool>());
    (any::<u64>(), of(points()), of(radii()), durations, of(windows()), rest).prop_map(
        |(id, point, radius, (service, shared), window, (eta_type, status, created))| OrderPlan {
            id: OrderId(id),
            point,
            mark_delivered_radius: radius,
            service_duration_s: service,
            shared_service_duration_s: shared,
            window,
            eta_type,
            status,
            created,
        },
    )
}

fn events() -> impl Strategy<Value = FeedEvent> {
    let id =
        (0..PARTITIONS, any::<u64>(), any::<u32>()).prop_map(|(partition, sequence, ordinal)| {
            EventId { partition: PartitionId(partition), sequence, ordinal }
        });
    let previous = of(1..u64::MAX);
    (1..u64::MAX, id, any::<(u32, u32)>(), times(), any::<bool>(), previous, bodies()).prop_map(
        |(position, id, (courier, company), recorded_at, backfilled, previous, body)| FeedEvent {
            position,
            id,
            courier: CourierId(courier),
            company: CompanyId(company),
            recorded_at,
            backfilled,
            previous,
            body,
        },
    )
}

fn bodies() -> impl Strategy<Value = FeedBody> {
    let event = (any::<(u64, u64)>(), times(), kinds()).prop_map(|((order, route), t, kind)| {
        FeedBody::Event(OrderEvent { order: OrderId(order), route: RouteId(route), t, kind })
    });
    let message = prop_oneof![
        Just(NotificationKind::ShiftStart),
        any::<u8>().prop_map(|at| NotificationKind::Nearby(NearbyTrigger::Eta(at))),
        Just(NotificationKind::Nearby(NearbyTrigger::Distance)),
        Just(NotificationKind::Nearby(NearbyTrigger::Arrival)),
    ];
    let ids = any::<(u64, u64, u64)>();
    let notification = (ids, times(), message, of(times()), times()).prop_map(
        |((order, route, id), t, kind, eta, time)| {
            let (order, route) = (OrderId(order), RouteId(route));
            FeedBody::Notification {
                notification: Notification { order, route, t, kind, eta },
                id,
                time,
            }
        },
    );
    let order_eta = (any::<u64>(), of((times(), times(), times()))).prop_map(|(order, eta)| {
        let eta = eta.map(|(eta, arrival, completion)| Eta { eta, arrival, completion });
        OrderEta { order: OrderId(order), eta }
    });
    let eta = (any::<u64>(), times(), causes(), any::<bool>(), vec(order_eta, 0..6)).prop_map(
        |(route, now, cause, stale, orders)| FeedBody::Eta {
            change: EtaChange { route: RouteId(route), now, cause, stale },
            orders,
        },
    );
    let violated = (any::<u64>(), times())
        .prop_map(|(route, t)| FeedBody::RouteViolated { route: RouteId(route), t });
    prop_oneof![4 => event, 2 => notification, 2 => eta, 1 => violated]
}

fn kinds() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        Just(EventKind::OrderCreated),
        Just(EventKind::Start),
        Just(EventKind::OrderBecameNext),
        (statuses(), initiators())
            .prop_map(|(status, initiator)| EventKind::StatusUpdate { status, initiator }),
        of(windows()).prop_map(|window| EventKind::IntervalUpdate { window }),
        stay_points().prop_map(EventKind::Arrival),
        stay_points().prop_map(EventKind::OrderVisit),
        (stay_points(), any::<bool>(), reasons())
            .prop_map(|(at, visited, reason)| EventKind::Departure { at, visited, reason }),
    ]
}

fn stay_points() -> impl Strategy<Value = StayPoint> {
    (any::<u16>(), points(), times(), times(), radii(), any::<(bool, bool)>()).prop_map(
        |(stay, point, device_time, estimated_time, radius, (inferred, interpolated))| StayPoint {
            stay,
            point,
            device_time,
            estimated_time,
            used_mark_delivered_radius: radius,
            inferred,
            interpolated,
        },
    )
}

/// The years 1900 to 2200, about.
fn times() -> impl Strategy<Value = Time> {
    (-2_200_000_000_000_i64..7_300_000_000_000).prop_map(Time::from_ms)
}

fn windows() -> impl Strategy<Value = TimeWindow> {
    (times(), times()).prop_map(|(start, end)| TimeWindow { start, end })
}

fn points() -> impl Strategy<Value = Point> {
    let axes = (-900_000_000..=900_000_000, -1_800_000_000..=1_800_000_000);
    axes.prop_filter_map("a point", |(lat, lon)| Point::from_e7(lat, lon).ok())
}

fn radii() -> impl Strategy<Value = Radius> {
    (0_u32..=10_000_000).prop_map(|mm| Radius::from_mm(mm).expect("within the limits"))
}

fn sources() -> impl Strategy<Value = SourceSet> {
    prop::sample::subsequence(Source::ALL.to_vec(), 0..=4).prop_map(SourceSet::from_iter)
}

fn statuses() -> impl Strategy<Value = OrderStatus> {
    select(OrderStatus::ALL.to_vec())
}

fn initiators() -> impl Strategy<Value = Initiator> {
    select(vec![Initiator::Engine, Initiator::App, Initiator::UserApi])
}

fn eta_types() -> impl Strategy<Value = EtaType> {
    select(vec![EtaType::ArrivalTime, EtaType::DeliveryTime])
}

fn causes() -> impl Strategy<Value = EtaCause> {
    select(vec![
        EtaCause::Fix,
        EtaCause::Visit,
        EtaCause::Status,
        EtaCause::Sequence,
        EtaCause::Traffic,
        EtaCause::Timer,
    ])
}

fn reasons() -> impl Strategy<Value = EndReason> {
    select(vec![
        EndReason::Left,
        EndReason::Cancelled,
        EndReason::Removed,
        EndReason::MovedRoute,
        EndReason::MovedPoint,
        EndReason::CourierChanged,
        EndReason::TrackingOver,
    ])
}
