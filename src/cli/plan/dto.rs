//! The plan file as it is written: one struct per room, unknown keys refused, null the same as
//! absent. Decides nothing about values; the rooms beside this one do.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanDto {
    pub(super) epoch: Option<f64>,
    pub(super) company: Option<CompanyDto>,
    pub(super) couriers: Option<Vec<CourierDto>>,
    pub(super) depots: Option<Vec<DepotDto>>,
    pub(super) routes: Vec<RouteDto>,
    pub(super) zones: Option<Vec<IgnoredAny>>,
}

/// `company`: its settings.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompanyDto {
    pub(super) mark_delivered_enabled: Option<bool>,
    pub(super) mark_delivered_radius: Option<f64>,
    pub(super) mark_delivered_service_time_coefficient: Option<f64>,
    pub(super) eta_type: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) tracking_start_h: Option<f64>,
    pub(super) partially_finished_status_enabled: Option<bool>,
    pub(super) delivery_by_order_statuses: Option<bool>,
    pub(super) nearby_eta_s: Option<Vec<f64>>,
    pub(super) nearby_distance_m: Option<f64>,
    pub(super) overlap_policy: Option<String>,
    pub(super) inferred_visits: Option<String>,
    pub(super) arrival_scope: Option<String>,
    pub(super) resequence: Option<bool>,
    pub(super) max_gap_s: Option<f64>,
    pub(super) use_refined_location: Option<bool>,
    pub(super) retention_days: Option<i64>,
    pub(super) allowed_courier_position_sources: Option<Vec<String>>,
}

/// An entry of `couriers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CourierDto {
    pub(super) number: String,
    pub(super) silent_when_still: Option<bool>,
    pub(super) allowed_courier_position_sources: Option<Vec<String>>,
}

/// An entry of `depots`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DepotDto {
    pub(super) number: String,
    pub(super) lat: f64,
    pub(super) lon: f64,
    #[serde(rename = "address")]
    pub(super) _address: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) mark_delivered_radius: Option<f64>,
    /// Absent: the default; null: no fence.
    #[serde(default, deserialize_with = "null_is_a_value")]
    pub(super) mark_route_started_radius: Option<Option<f64>>,
    pub(super) service_duration_s: Option<i64>,
    pub(super) order_service_duration_s: Option<i64>,
}

/// An entry of `routes`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteDto {
    pub(super) number: String,
    pub(super) courier: String,
    pub(super) date: Option<String>,
    pub(super) depot_number: Option<String>,
    pub(super) routing_mode: Option<String>,
    #[serde(rename = "imei")]
    pub(super) _imei: Option<u64>,
    pub(super) route_start: Option<String>,
    pub(super) route_finish: Option<String>,
    pub(super) orders: Option<Vec<OrderDto>>,
    pub(super) nodes: Option<Vec<NodeDto>>,
}

/// An entry of `nodes`: exactly one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeDto {
    pub(super) order: Option<OrderDto>,
    pub(super) depot: Option<String>,
    pub(super) garage: Option<GarageDto>,
}

/// Where a vehicle is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GarageDto {
    pub(super) lat: f64,
    pub(super) lon: f64,
}

/// An order: every field of the API document "Gets order", so that an order as it was read may
/// stand in a plan. Fields that begin with an underscore are checked in type and not used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderDto {
    pub(super) number: String,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
    pub(super) lat: Option<f64>,
    pub(super) lon: Option<f64>,
    pub(super) refined_lat: Option<f64>,
    pub(super) refined_lon: Option<f64>,
    pub(super) mark_delivered_radius: Option<f64>,
    pub(super) eta_type: Option<String>,
    pub(super) service_duration_s: Option<i64>,
    pub(super) shared_service_duration_s: Option<i64>,
    pub(super) time_interval: Option<String>,
    pub(super) time_interval_secs: Option<Vec<f64>>,
    pub(super) time_window: Option<TimeWindowDto>,
    pub(super) customer_name: Option<String>,
    pub(super) customer_number: Option<String>,
    pub(super) description: Option<String>,
    pub(super) amount: Option<f64>,
    pub(super) payment_type: Option<String>,
    pub(super) payment_status: Option<String>,
    #[serde(rename = "volume")]
    pub(super) _volume: Option<f64>,
    #[serde(rename = "weight")]
    pub(super) _weight: Option<f64>,
    #[serde(rename = "address")]
    pub(super) _address: Option<String>,
    #[serde(rename = "comments")]
    pub(super) _comments: Option<String>,
    #[serde(rename = "phone")]
    pub(super) _phone: Option<String>,
    #[serde(rename = "id")]
    pub(super) _id: Option<i64>,
    #[serde(rename = "company_id")]
    pub(super) _company_id: Option<i64>,
    #[serde(rename = "route_id")]
    pub(super) _route_id: Option<i64>,
    #[serde(rename = "confirmed_at")]
    pub(super) _confirmed_at: Option<String>,
    #[serde(rename = "delivered_at")]
    pub(super) _delivered_at: Option<String>,
    #[serde(rename = "shared_with_company_ids")]
    pub(super) _shared_with_company_ids: Option<Vec<i64>>,
    #[serde(rename = "shared_with_company_numbers")]
    pub(super) _shared_with_company_numbers: Option<Vec<String>>,
    #[serde(rename = "shared_with_companies")]
    pub(super) _shared_with_companies: Option<Vec<IgnoredAny>>,
    #[serde(rename = "history")]
    pub(super) _history: Option<Vec<IgnoredAny>>,
    #[serde(rename = "status_log")]
    pub(super) _status_log: Option<Vec<IgnoredAny>>,
    #[serde(rename = "order_status_comments")]
    pub(super) _order_status_comments: Option<Vec<IgnoredAny>>,
}

/// `time_window` of an order that was read from the API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeWindowDto {
    pub(super) start: String,
    pub(super) end: String,
}

fn null_is_a_value<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}
