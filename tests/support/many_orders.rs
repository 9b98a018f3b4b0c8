//! Many orders of one courier, each of which is told: for readers who are far behind.

use serde_json::{Value, json};

/// Creates the courier `ada` and so many orders on her routes, by requests that `post` sends. Gives
/// the courier as it was answered.
pub fn of_ada(orders: usize, mut post: impl FnMut(&str, &Value) -> Value) -> Value {
    let courier = post("/api/v1/companies/1/couriers", &json!({"number": "ada"}));
    for batch in 0..orders / BATCH {
        let route = json!({"number": format!("r{batch}"), "courier_number": "ada",
                           "date": "2026-11-22"});
        post("/api/v1/companies/1/routes", &route);
        let order = |n: usize| {
            json!({"number": format!("o{batch}-{n}"), "route_number": format!("r{batch}"),
                   "lat": 52.5, "lon": 13.4})
        };
        post("/api/v1/companies/1/orders-batch", &json!((0..BATCH).map(order).collect::<Vec<_>>()));
    }
    courier
}

/// So many go onto a route, and into a request.
const BATCH: usize = 400;
