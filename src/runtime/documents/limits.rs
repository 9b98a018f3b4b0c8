//! How long texts may be, how large numbers, and which words are known: what checks the documents
//! and what describes them to others take it from here.

use crate::domain::order::{EtaType, OrderStatus};
use crate::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy};

/// Longest number of an object, as for orders in the API document.
pub(crate) const NUMBER_CHARS_MAX: usize = 80;
/// Longest name of a company, as in the API document.
pub(crate) const COMPANY_NAME_CHARS_MAX: usize = 80;
/// Longest text of a courier.
pub(crate) const COURIER_TEXT_CHARS_MAX: usize = 1_023;
/// Longest name of a recipient, as in the API document.
pub(crate) const CUSTOMER_NAME_CHARS_MAX: usize = 1_023;
/// Longest number of a customer, as in the API document.
pub(crate) const CUSTOMER_NUMBER_CHARS_MAX: usize = 128;
/// Longest description of an order, as in the API document.
pub(crate) const DESCRIPTION_CHARS_MAX: usize = 1_023;
/// Longest comment about a status.
pub(crate) const COMMENT_CHARS_MAX: usize = 1_023;
/// Longest service time: a week.
pub(crate) const SECONDS_MAX: u32 = 7 * 86_400;
/// Most companies that an order is shared with.
pub(crate) const SHARED_MAX: usize = 100;
/// Fewest days for which tracks are kept.
pub(crate) const RETENTION_DAYS_MIN: i64 = 1;

/// The words of `eta_type`.
pub(crate) const ETA_TYPES: [(&str, EtaType); 2] = [
    (EtaType::ArrivalTime.name(), EtaType::ArrivalTime),
    (EtaType::DeliveryTime.name(), EtaType::DeliveryTime),
];
/// The words of `arrival_scope`.
pub(crate) const ARRIVAL_SCOPES: [(&str, ArrivalScope); 2] =
    [("head", ArrivalScope::Head), ("any", ArrivalScope::Any)];
/// The words of `overlap_policy`.
pub(crate) const OVERLAP_POLICIES: [(&str, OverlapPolicy); 2] =
    [("parallel", OverlapPolicy::Parallel), ("nearest", OverlapPolicy::Nearest)];
/// The words of `inferred_visits`.
pub(crate) const INFERRED_VISITS: [(&str, InferredVisits); 3] = [
    ("off", InferredVisits::Off),
    ("silent_devices", InferredVisits::SilentDevices),
    ("any_gap", InferredVisits::AnyGap),
];
/// The words of `status`.
pub(crate) fn statuses() -> [(&'static str, OrderStatus); 6] {
    OrderStatus::ALL.map(|status| (status.name(), status))
}
/// The words of `type`.
pub(crate) const ORDER_TYPES: [(&str, ()); 3] =
    [("delivery", ()), ("pickup", ()), ("drop_off", ())];
/// The words of `payment_type`.
pub(crate) const PAYMENT_TYPES: [(&str, ()); 4] =
    [("cash", ()), ("card", ()), ("prepaid", ()), (PAYMENT_TYPE_INTERNAL, ())];
/// The one of them that nobody may set, as the API document says.
pub(crate) const PAYMENT_TYPE_INTERNAL: &str = "yandex_pay";
/// The words of `payment_status`.
pub(crate) const PAYMENT_STATUSES: [(&str, ()); 2] = [("paid", ()), ("unpaid", ())];
