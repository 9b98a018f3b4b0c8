//! One courier, one route, one order, and the drive that visits it.

use serde_json::{Value, json};

use super::serving::{Serving, morning};

/// The first company's paths.
pub const C: &str = "/api/v1/companies/1";

/// A company with a courier and a route from 08:00 with one order 1,000 m from where it starts.
pub fn with_route(serving: &Serving) -> (u64, u64, u64) {
    serving
        .ask(
            "PATCH",
            C,
            &json!({"mark_delivered_enabled": true, "mark_delivered_radius": 100,
        "name": "Parcels", "time_zone": "Europe/Berlin"}),
        )
        .expect(200);
    let courier = serving.post(&format!("{C}/couriers"), &json!({"number": "ann", "name": "Ann"}));
    let route = serving.post(
        &format!("{C}/routes"),
        &json!({"number": "monday",
        "courier_number": "ann", "date": "2026-05-04", "route_start": "10:00",
        "route_finish": "18:00"}),
    );
    let order = serving.post(
        &format!("{C}/orders"),
        &json!({"number": "A-1",
        "route_id": route["id"], "lat": 52.5, "lon": 13.4, "service_duration_s": 120,
        "time_interval": "10:00-12:00", "customer_name": "Bo", "amount": 12.5}),
    );
    let id = |document: &Value| document["id"].as_u64().unwrap();
    (id(&courier), id(&route), id(&order))
}

/// Pushes positions `(seconds after the morning, metres north of the order)`, one a request.
pub fn drive(serving: &Serving, courier: u64, route: u64, fixes: &[(i64, f64)]) {
    for (second, metres) in fixes {
        let at = morning().ms() / 1_000 + second;
        let behind = at * 1_000 - serving.clock.now().ms();
        serving.clock.advance(behind);
        let body = json!({"positions": [{"accuracy": 5, "timestamp": at,
            "point": {"lat": 52.5 + metres / 111_267.0, "lon": 13.4}}]});
        let path = format!("/api/v1/couriers/{courier}/routes/{route}/push-positions-v3");
        let answer = serving.ask("POST", &path, &body).expect(200);
        assert_eq!(answer["accepted"], 1, "{answer}");
    }
}

/// Starts 1,000 m away, comes, stays 80 s, leaves.
pub const VISIT: [(i64, f64); 11] = [
    (10, 1000.0),
    (30, 850.0),
    (60, 500.0),
    (90, 200.0),
    (120, 10.0),
    (140, 10.0),
    (160, 10.0),
    (180, 10.0),
    (200, 10.0),
    (220, 300.0),
    (240, 500.0),
];
