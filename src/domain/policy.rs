//! A company's settings as the engine applies them, and the fallback of radius and dwell.

use super::order::{EtaType, OrderPlan};
use super::position::SourceSet;
use super::time::{HOUR_MS, SECOND_MS};

/// The radius of a fence, 0..=10,000 m in whole millimetres. 0 switches the fence off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Radius {
    mm: u32,
}

impl Radius {
    /// No fence.
    pub const OFF: Self = Self { mm: 0 };

    /// A radius from metres, rounded to the millimetre; `None` outside 0..=10,000 or not a number.
    #[must_use]
    pub fn from_metres(metres: f64) -> Option<Self> {
        (0.0..=RADIUS_MAX_M)
            .contains(&metres)
            .then(|| Self { mm: libm::round(metres * 1e3) as u32 })
    }

    /// A radius from millimetres; `None` over 10,000,000.
    #[must_use]
    pub const fn from_mm(mm: u32) -> Option<Self> {
        if mm > RADIUS_MAX_M as u32 * 1_000 { None } else { Some(Self { mm }) }
    }

    /// Millimetres.
    #[must_use]
    pub const fn mm(self) -> u32 {
        self.mm
    }

    /// Metres.
    #[must_use]
    pub fn metres(self) -> f64 {
        f64::from(self.mm) / 1e3
    }
}

/// Settings of a company that decide what the engine tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// A detected visit also moves the order to `finished`.
    pub mark_delivered_enabled: bool,
    /// Radius where neither order nor depot has one.
    pub mark_delivered_radius: Radius,
    /// Multiplies service time into required dwell, 0 or more.
    pub mark_delivered_service_time_coefficient: f64,
    /// Where an order has none.
    pub eta_type: EtaType,
    /// Tracking begins this long before `route_start`, milliseconds.
    pub tracking_start_ms: i64,
    /// Statuses, not visits, advance the route.
    pub delivery_by_order_statuses: bool,
    /// Thresholds of `nearby` by time, 1 to 4, milliseconds.
    pub nearby_eta_ms: Vec<i64>,
    /// Threshold of `nearby` by distance, metres.
    pub nearby_distance_m: Option<f64>,
    /// Which arrivals are told.
    pub arrival_scope: ArrivalScope,
    /// Who gets the dwell where fences overlap.
    pub overlap_policy: OverlapPolicy,
    /// Which silences may be credited as dwell once the exit is confirmed.
    pub inferred_visits: InferredVisits,
    /// A skipped order is planned on in its given order, and the ETA stays.
    pub resequence: bool,
    /// Longest silence that still counts as presence, milliseconds.
    pub max_gap_ms: i64,
    /// Sources whose positions are evaluated, where the courier does not say.
    pub allowed_courier_position_sources: SourceSet,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mark_delivered_enabled: false,
            mark_delivered_radius: Radius { mm: 500_000 },
            mark_delivered_service_time_coefficient: 0.5,
            eta_type: EtaType::ArrivalTime,
            tracking_start_ms: HOUR_MS,
            delivery_by_order_statuses: false,
            nearby_eta_ms: vec![1_800 * SECOND_MS],
            nearby_distance_m: None,
            arrival_scope: ArrivalScope::Head,
            overlap_policy: OverlapPolicy::Parallel,
            inferred_visits: InferredVisits::SilentDevices,
            resequence: false,
            max_gap_ms: 300 * SECOND_MS,
            allowed_courier_position_sources: SourceSet::ALL,
        }
    }
}

impl Policy {
    /// The dwell that makes a visit, milliseconds: coefficient x (service + shared service).
    #[must_use]
    pub fn dwell_required_ms(&self, service_s: u32, shared_service_s: u32) -> i64 {
        let service_ms = (f64::from(service_s) + f64::from(shared_service_s)) * SECOND_MS as f64;
        libm::round(self.mark_delivered_service_time_coefficient * service_ms) as i64
    }

    /// The radius in force: order's, else depot's, else company's.
    #[must_use]
    pub fn radius(&self, order: Option<Radius>, depot: Option<Radius>) -> Radius {
        order.or(depot).unwrap_or(self.mark_delivered_radius)
    }

    /// The ETA type in force for an order.
    #[must_use]
    pub fn eta_type_of(&self, order: &OrderPlan) -> EtaType {
        order.eta_type.unwrap_or(self.eta_type)
    }
}

/// Which arrivals are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArrivalScope {
    /// Those at the head stop; others only together with their visit.
    Head,
    /// All.
    Any,
}

/// Who gets the dwell where fences overlap (behaviour 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OverlapPolicy {
    /// Every order by itself.
    Parallel,
    /// The order that is nearest.
    Nearest,
}

/// Which silences may be credited as dwell once the exit is confirmed (behaviour 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InferredVisits {
    /// None.
    Off,
    /// Those of devices that said that they fall silent while they stand.
    SilentDevices,
    /// All, up to twice the longest gap that counts.
    AnyGap,
}

/// Largest radius of a fence.
pub const RADIUS_MAX_M: f64 = 10_000.0;
/// Most `nearby` thresholds by time.
pub const NEARBY_ETA_MAX: usize = 4;
