//! An event of a daemon as a person reads it.

use serde_json::Value;

/// One line. What the event lacks is left out.
pub(super) fn line(event: &Value) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = text(event, "type").unwrap_or_default();
    let kind = kind.strip_prefix("doorstep.").and_then(|kind| kind.strip_suffix(".v1"));
    let kind = kind.unwrap_or("event");
    let time = text(event, "time").unwrap_or_default().replace('T', " ");
    let courier = text(event, "partitionkey").unwrap_or_default();
    let data = event.get("data").unwrap_or(&Value::Null);
    let about = text(data, "order_number").or_else(|| text(event, "subject")).unwrap_or_default();
    let mut details = String::new();
    if let Some(visited) = data.get("visited").and_then(Value::as_bool) {
        details.push_str(if visited { "visited" } else { "not visited" });
    }
    if let Some(status) = text(data, "status") {
        details.push_str(&status);
    }
    if let Some(orders) = data.get("orders").and_then(Value::as_array) {
        details = format!("{} orders", orders.len());
    }
    let line = format!("{time:.19}  courier {courier:>4}  {kind:26}  {about:16}  {details}");
    line.trim_end().to_owned()
}
