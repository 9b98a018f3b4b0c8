//! The words of the field in kept state. Every enum's variants have numbers that never change.

use super::{Kept, NotState, StateReader, StateWriter, Taken, kept};
use crate::domain::depot::DepotPlan;
use crate::domain::geo::{Centre, Point};
use crate::domain::ids::{CompanyId, CourierId, DepotId, OrderId, RouteId};
use crate::domain::order::{EtaType, OrderStatus};
use crate::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy, Policy, Radius};
use crate::domain::position::{Accuracy, Source, SourceSet};
use crate::domain::route::RoutingMode;
use crate::domain::time::{Time, TimeWindow};
use crate::engine::order::ShiftStart;

kept!(DepotPlan {
    id,
    point,
    mark_delivered_radius,
    mark_route_started_radius,
    service_duration_s,
    order_service_duration_s,
});
kept!(Policy {
    mark_delivered_enabled,
    mark_delivered_radius,
    mark_delivered_service_time_coefficient,
    eta_type,
    tracking_start_ms,
    delivery_by_order_statuses,
    nearby_eta_ms,
    nearby_distance_m,
    arrival_scope,
    overlap_policy,
    inferred_visits,
    resequence,
    max_gap_ms,
    allowed_courier_position_sources,
});
kept!(TimeWindow { start, end });

macro_rules! kept_id {
    ($($kind:ident),+) => {$(
        impl Kept for $kind {
            fn put(&self, to: &mut StateWriter) {
                self.0.put(to);
            }

            fn take(from: &mut StateReader) -> Taken<Self> {
                Ok(Self(from.narrow()?))
            }
        }
    )+};
}
kept_id!(CompanyId, CourierId, DepotId, OrderId, RouteId);

/// Enums without fields, by numbers that never change.
macro_rules! kept_enum {
    ($kind:ty, $($number:literal = $variant:path),+ $(,)?) => {
        impl Kept for $kind {
            fn put(&self, to: &mut StateWriter) {
                to.byte(match self { $($variant => $number),+ });
            }

            fn take(from: &mut StateReader) -> Taken<Self> {
                match from.byte()? {
                    $($number => Ok($variant),)+
                    _ => Err(NotState),
                }
            }
        }
    };
}

kept_enum!(
    OrderStatus,
    0 = OrderStatus::New,
    1 = OrderStatus::Confirmed,
    2 = OrderStatus::Finished,
    3 = OrderStatus::PartiallyFinished,
    4 = OrderStatus::Cancelled,
    5 = OrderStatus::Postponed,
);
kept_enum!(EtaType, 0 = EtaType::ArrivalTime, 1 = EtaType::DeliveryTime);
kept_enum!(ArrivalScope, 0 = ArrivalScope::Head, 1 = ArrivalScope::Any);
kept_enum!(OverlapPolicy, 0 = OverlapPolicy::Parallel, 1 = OverlapPolicy::Nearest);
kept_enum!(
    InferredVisits,
    0 = InferredVisits::Off,
    1 = InferredVisits::SilentDevices,
    2 = InferredVisits::AnyGap,
);
kept_enum!(
    RoutingMode,
    0 = RoutingMode::Driving,
    1 = RoutingMode::Walking,
    2 = RoutingMode::Bicycle,
    3 = RoutingMode::Transit,
);
kept_enum!(Source, 0 = Source::App, 1 = Source::GpsTracker, 2 = Source::S2sApi, 3 = Source::Yanavi,);
kept_enum!(
    ShiftStart,
    0 = ShiftStart::Waiting,
    1 = ShiftStart::Due,
    2 = ShiftStart::Never,
    3 = ShiftStart::Told,
);

impl Kept for SourceSet {
    fn put(&self, to: &mut StateWriter) {
        let sources = Source::ALL.into_iter().enumerate();
        let bits = sources.map(|(bit, source)| u8::from(self.contains(source)) << bit);
        to.byte(bits.fold(0, |all, bit| all | bit));
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let bits = from.byte()?;
        if bits >= 1 << Source::ALL.len() {
            return Err(NotState);
        }
        let sources = Source::ALL.into_iter().enumerate();
        Ok(sources.filter(|(bit, _)| bits & 1 << bit != 0).map(|(_, source)| source).collect())
    }
}

impl Kept for Time {
    fn put(&self, to: &mut StateWriter) {
        to.signed(self.ms());
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Ok(Self::from_ms(from.signed()?))
    }
}

impl Kept for Point {
    fn put(&self, to: &mut StateWriter) {
        to.bytes(&self.lat_e7().to_le_bytes());
        to.bytes(&self.lon_e7().to_le_bytes());
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        let (lat_e7, lon_e7) =
            (i32::from_le_bytes(from.array()?), i32::from_le_bytes(from.array()?));
        Self::from_e7(lat_e7, lon_e7).map_err(|_| NotState)
    }
}

/// The scale follows from the point.
impl Kept for Centre {
    fn put(&self, to: &mut StateWriter) {
        let Self { point, scale: _ } = self;
        point.put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Ok(Self::new(Point::take(from)?))
    }
}

impl Kept for Radius {
    fn put(&self, to: &mut StateWriter) {
        self.mm().put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Self::from_mm(from.narrow()?).ok_or(NotState)
    }
}

impl Kept for Accuracy {
    fn put(&self, to: &mut StateWriter) {
        self.metres().put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Self::new(f32::take(from)?).ok_or(NotState)
    }
}
