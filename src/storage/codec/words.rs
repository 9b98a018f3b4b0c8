//! The words of the field as bytes.

use super::super::bytes::{Malformed, Read, Reader, Writer};
use crate::domain::event::EndReason;
use crate::domain::geo::Point;
use crate::domain::order::{EtaType, Initiator, OrderStatus};
use crate::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy, Radius};
use crate::domain::position::{Source, SourceSet};
use crate::domain::route::RoutingMode;
use crate::domain::time::TimeWindow;

pub fn put_point(to: &mut Writer, point: Point) {
    to.i32(point.lat_e7());
    to.i32(point.lon_e7());
}

pub fn point(from: &mut Reader) -> Read<Point> {
    let (lat_e7, lon_e7) = (from.i32()?, from.i32()?);
    Point::from_e7(lat_e7, lon_e7).map_err(|_| Malformed)
}

pub fn put_radius(to: &mut Writer, radius: Radius) {
    to.varint(u64::from(radius.mm()));
}

pub fn radius(from: &mut Reader) -> Read<Radius> {
    Radius::from_mm(from.narrow()?).ok_or(Malformed)
}

pub fn put_window(to: &mut Writer, window: TimeWindow) {
    to.time(window.start);
    to.time(window.end);
}

pub fn window(from: &mut Reader) -> Read<TimeWindow> {
    Ok(TimeWindow { start: from.time()?, end: from.time()? })
}

pub fn put_sources(to: &mut Writer, sources: SourceSet) {
    let bits = Source::ALL
        .into_iter()
        .enumerate()
        .map(|(bit, source)| u8::from(sources.contains(source)) << bit);
    to.u8(bits.fold(0, |all, bit| all | bit));
}

pub fn sources(from: &mut Reader) -> Read<SourceSet> {
    let bits = from.u8()?;
    if bits >= 1 << Source::ALL.len() {
        return Err(Malformed);
    }
    let sources = Source::ALL.into_iter().enumerate();
    Ok(sources.filter(|(bit, _)| bits & 1 << bit != 0).map(|(_, source)| source).collect())
}

/// Enums without fields, by numbers that never change.
macro_rules! numbered {
    ($put:ident, $read:ident, $kind:ty, $($number:literal = $variant:path),+ $(,)?) => {
        pub(in crate::storage) fn $put(to: &mut Writer, value: $kind) {
            to.u8(match value { $($variant => $number),+ });
        }

        pub(in crate::storage) fn $read(from: &mut Reader) -> Read<$kind> {
            match from.u8()? {
                $($number => Ok($variant),)+
                _ => Err(Malformed),
            }
        }
    };
}
pub(super) use numbered;

numbered!(
    put_status,
    status,
    OrderStatus,
    0 = OrderStatus::New,
    1 = OrderStatus::Confirmed,
    2 = OrderStatus::Finished,
    3 = OrderStatus::PartiallyFinished,
    4 = OrderStatus::Cancelled,
    5 = OrderStatus::Postponed,
);
numbered!(
    put_initiator,
    initiator,
    Initiator,
    0 = Initiator::Engine,
    1 = Initiator::App,
    2 = Initiator::UserApi,
);
numbered!(put_eta_type, eta_type, EtaType, 0 = EtaType::ArrivalTime, 1 = EtaType::DeliveryTime,);
numbered!(put_scope, scope, ArrivalScope, 0 = ArrivalScope::Head, 1 = ArrivalScope::Any,);
numbered!(
    put_overlap,
    overlap,
    OverlapPolicy,
    0 = OverlapPolicy::Parallel,
    1 = OverlapPolicy::Nearest,
);
numbered!(
    put_inferred,
    inferred,
    InferredVisits,
    0 = InferredVisits::Off,
    1 = InferredVisits::SilentDevices,
    2 = InferredVisits::AnyGap,
);
numbered!(
    put_source,
    source,
    Source,
    0 = Source::App,
    1 = Source::GpsTracker,
    2 = Source::S2sApi,
    3 = Source::Yanavi,
);
numbered!(
    put_mode,
    mode,
    RoutingMode,
    0 = RoutingMode::Driving,
    1 = RoutingMode::Walking,
    2 = RoutingMode::Bicycle,
    3 = RoutingMode::Transit,
);
numbered!(
    put_end_reason,
    end_reason,
    EndReason,
    0 = EndReason::Left,
    1 = EndReason::Cancelled,
    2 = EndReason::Removed,
    3 = EndReason::MovedRoute,
    4 = EndReason::MovedPoint,
    5 = EndReason::CourierChanged,
    6 = EndReason::TrackingOver,
);
