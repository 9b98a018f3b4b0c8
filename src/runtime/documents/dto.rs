//! Documents as they are written, in plan files and in requests alike: unknown keys refused, null
//! the same as absent. Decides nothing about values; the rooms beside this one do.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// `company`: its settings.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompanyDto {
    pub(crate) mark_delivered_enabled: Option<bool>,
    pub(crate) mark_delivered_radius: Option<f64>,
    pub(crate) mark_delivered_service_time_coefficient: Option<f64>,
    pub(crate) eta_type: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) tracking_start_h: Option<f64>,
    pub(crate) partially_finished_status_enabled: Option<bool>,
    pub(crate) delivery_by_order_statuses: Option<bool>,
    pub(crate) nearby_eta_s: Option<Vec<f64>>,
    pub(crate) nearby_distance_m: Option<f64>,
    pub(crate) overlap_policy: Option<String>,
    pub(crate) inferred_visits: Option<String>,
    pub(crate) arrival_scope: Option<String>,
    pub(crate) resequence: Option<bool>,
    pub(crate) max_gap_s: Option<f64>,
    pub(crate) use_refined_location: Option<bool>,
    pub(crate) retention_days: Option<i64>,
    pub(crate) allowed_courier_position_sources: Option<Vec<String>>,
}

/// An entry of `depots`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DepotDto {
    pub(crate) number: String,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
    #[serde(rename = "address")]
    pub(crate) _address: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) mark_delivered_radius: Option<f64>,
    /// Absent: the default; null: no fence.
    #[serde(default, deserialize_with = "null_is_a_value")]
    pub(crate) mark_route_started_radius: Option<Option<f64>>,
    pub(crate) service_duration_s: Option<i64>,
    pub(crate) order_service_duration_s: Option<i64>,
}

/// Where a vehicle is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GarageDto {
    pub(crate) lat: f64,
    pub(crate) lon: f64,
}

/// An order: every field of the API document "Gets order", so that an order as it was read may
/// stand in a plan. Fields that begin with an underscore are checked in type and not used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderDto {
    pub(crate) number: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) lat: Option<f64>,
    pub(crate) lon: Option<f64>,
    pub(crate) refined_lat: Option<f64>,
    pub(crate) refined_lon: Option<f64>,
    pub(crate) mark_delivered_radius: Option<f64>,
    pub(crate) eta_type: Option<String>,
    pub(crate) service_duration_s: Option<i64>,
    pub(crate) shared_service_duration_s: Option<i64>,
    pub(crate) time_interval: Option<String>,
    pub(crate) time_interval_secs: Option<Vec<f64>>,
    pub(crate) time_window: Option<TimeWindowDto>,
    pub(crate) customer_name: Option<String>,
    pub(crate) customer_number: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) amount: Option<f64>,
    pub(crate) payment_type: Option<String>,
    pub(crate) payment_status: Option<String>,
    #[serde(rename = "volume")]
    pub(crate) _volume: Option<f64>,
    #[serde(rename = "weight")]
    pub(crate) _weight: Option<f64>,
    #[serde(rename = "address")]
    pub(crate) _address: Option<String>,
    #[serde(rename = "comments")]
    pub(crate) _comments: Option<String>,
    #[serde(rename = "phone")]
    pub(crate) _phone: Option<String>,
    #[serde(rename = "id")]
    pub(crate) _id: Option<i64>,
    #[serde(rename = "company_id")]
    pub(crate) _company_id: Option<i64>,
    #[serde(rename = "route_id")]
    pub(crate) _route_id: Option<i64>,
    #[serde(rename = "confirmed_at")]
    pub(crate) _confirmed_at: Option<String>,
    #[serde(rename = "delivered_at")]
    pub(crate) _delivered_at: Option<String>,
    #[serde(rename = "shared_with_company_ids")]
    pub(crate) _shared_with_company_ids: Option<Vec<i64>>,
    #[serde(rename = "shared_with_company_numbers")]
    pub(crate) _shared_with_company_numbers: Option<Vec<String>>,
    #[serde(rename = "shared_with_companies")]
    pub(crate) _shared_with_companies: Option<Vec<IgnoredAny>>,
    #[serde(rename = "history")]
    pub(crate) _history: Option<Vec<IgnoredAny>>,
    #[serde(rename = "status_log")]
    pub(crate) _status_log: Option<Vec<IgnoredAny>>,
    #[serde(rename = "order_status_comments")]
    pub(crate) _order_status_comments: Option<Vec<IgnoredAny>>,
}

/// `time_window` of an order that was read from the API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeWindowDto {
    pub(crate) start: String,
    pub(crate) end: String,
}

fn null_is_a_value<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A company as requests have it: its names beside its settings.
#[derive(Default, Deserialize)]
pub(crate) struct CompanyNamesDto {
    pub(crate) number: Option<String>,
    pub(crate) name: Option<String>,
}

/// A courier as requests have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CourierDocumentDto {
    pub(crate) number: String,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    #[serde(rename = "silent_when_still")]
    pub(crate) _silent_when_still: Option<bool>,
    pub(crate) allowed_courier_position_sources: Option<Vec<String>>,
}

/// A route as requests have it; what it refers to is resolved apart.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteDocumentDto {
    pub(crate) number: String,
    pub(crate) date: String,
    pub(crate) routing_mode: Option<String>,
    #[serde(rename = "imei")]
    pub(crate) _imei: Option<u64>,
    pub(crate) route_start: Option<String>,
    pub(crate) route_finish: Option<String>,
}
