//! A courier as the engine knows one.

use super::ids::{CompanyId, CourierId};
use super::position::SourceSet;

/// A courier of a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CourierPlan {
    /// The courier.
    pub id: CourierId,
    /// Its company.
    pub company: CompanyId,
    /// Sources whose positions are evaluated; `None`: as the company says.
    pub allowed_courier_position_sources: Option<SourceSet>,
}
