//! A position as a line: JSON, or CSV in the form that a positions file has.

use serde::Serialize;

use crate::domain::ids::CourierId;
use crate::domain::position::Accuracy;
use crate::feed::cloud_event::iso;
use crate::storage::tracks::chunk::TrackPoint;

/// One position. What is not known is null, or empty.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a> {
    courier: &'a str,
    courier_id: u32,
    time: String,
    lat: f64,
    lon: f64,
    accuracy: Option<f32>,
    speed_mps: Option<f32>,
    heading_deg: Option<f32>,
    battery_pct: Option<u8>,
    source: &'static str,
    received: String,
    route_id: Option<u64>,
}

impl<'a> Row<'a> {
    /// The row of a position of a courier with a number.
    pub(super) fn of(number: &'a str, courier: CourierId, point: &TrackPoint) -> Self {
        let position = &point.position;
        Self {
            courier: number,
            courier_id: courier.0,
            time: iso(position.device_time),
            lat: position.point.lat(),
            lon: position.point.lon(),
            accuracy: position.accuracy_m.map(Accuracy::metres),
            speed_mps: position.speed_mps,
            heading_deg: position.heading_deg,
            battery_pct: position.battery_pct,
            source: position.source.name(),
            received: iso(point.received_at),
            route_id: point.route.map(|route| route.0),
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> String {
        // Numbers and texts: it cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As a line under [`header`].
    pub(super) fn csv(&self) -> String {
        let number = |value: Option<f32>| value.map_or_else(String::new, |value| value.to_string());
        [
            quoted(self.courier),
            self.time.clone(),
            self.lat.to_string(),
            self.lon.to_string(),
            number(self.accuracy),
            number(self.speed_mps),
            number(self.heading_deg),
            self.source.to_owned(),
            self.received.clone(),
        ]
        .join(",")
    }
}

/// The columns of the CSV.
pub(super) const fn header() -> &'static str {
    "courier,time,lat,lon,accuracy,speed_mps,heading_deg,source,received"
}

/// A text as a field of CSV (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
