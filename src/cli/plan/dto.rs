//! The plan file as it is written: one struct per room, unknown keys refused, null the same as
//! absent. Its documents are those of the API. Decides nothing about values; the rooms do.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::runtime::documents::dto::{CompanyDto, DepotDto, GarageDto, OrderDto};

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

/// An entry of `couriers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CourierDto {
    pub(super) number: String,
    pub(super) silent_when_still: Option<bool>,
    pub(super) allowed_courier_position_sources: Option<Vec<String>>,
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
