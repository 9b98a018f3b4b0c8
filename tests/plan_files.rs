//! Plan files: what is accepted, with which defaults, and that every error names its place.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use doorstep::cli::plan::{Items, Plan, SETTINGS};
use doorstep::domain::geo::Point;
use doorstep::domain::order::{EtaType, OrderStatus};
use doorstep::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy, Policy, Radius};
use doorstep::domain::position::{Source, SourceSet};
use doorstep::domain::route::{Node, RoutingMode};
use doorstep::runtime::local_time::instant;

fn plan(text: &str) -> Plan {
    Plan::parse("plan.json", text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(text: &str) -> Vec<String> {
    let lines = Plan::parse("plan.json", text).unwrap_err();
    lines.lines().map(str::to_owned).collect()
}

/// A plan of one route with these orders and these settings of the company.
fn one_route(orders: &str, company: &str) -> String {
    format!(
        r#"{{"company": {{{company}}},
            "routes": [{{"number": "r", "courier": "c", "orders": [{orders}]}}]}}"#
    )
}

#[test]
fn defaults_are_those_of_the_documents() {
    let plan = plan(&one_route(r#"{"number": "a", "lat": 52.5, "lon": 13.4}"#, ""));
    assert_eq!(plan.policy, Policy::default());
    assert_eq!(plan.epoch.ms(), 0);
    assert_eq!(plan.origin().sole_courier.as_deref(), Some("c"));
    let route = &plan.routes[0];
    assert_eq!((route.routing_mode, route.route_start), (RoutingMode::Driving, None));
    let order = route.orders().next().unwrap();
    assert_eq!(order.point, Some(Point::from_degrees(52.5, 13.4).unwrap()));
    assert_eq!((order.service_duration_s, order.shared_service_duration_s), (600, 0));
    assert_eq!((order.status, order.created), (OrderStatus::New, false));
    assert_eq!((order.mark_delivered_radius, order.window, order.eta_type), (None, None, None));
    assert!(plan.warnings.is_empty());
}

#[test]
fn every_setting_arrives() {
    let plan = plan(&one_route(
        "",
        r#""mark_delivered_enabled": true, "mark_delivered_radius": 75.5,
           "mark_delivered_service_time_coefficient": 0.25, "eta_type": "delivery_time",
           "time_zone": "Asia/Tokyo", "tracking_start_h": 1.5,
           "partially_finished_status_enabled": true, "delivery_by_order_statuses": true,
           "nearby_eta_s": [600, 60], "nearby_distance_m": 250, "overlap_policy": "nearest",
           "inferred_visits": "off", "arrival_scope": "any", "resequence": true, "max_gap_s": 120,
           "use_refined_location": true, "retention_days": 30,
           "allowed_courier_position_sources": ["app", "gps_tracker"]"#,
    ));
    let expected = Policy {
        mark_delivered_enabled: true,
        mark_delivered_radius: Radius::from_metres(75.5).unwrap(),
        mark_delivered_service_time_coefficient: 0.25,
        eta_type: EtaType::DeliveryTime,
        tracking_start_ms: 5_400_000,
        delivery_by_order_statuses: true,
        nearby_eta_ms: vec![600_000, 60_000],
        nearby_distance_m: Some(250.0),
        arrival_scope: ArrivalScope::Any,
        overlap_policy: OverlapPolicy::Nearest,
        inferred_visits: InferredVisits::Off,
        resequence: true,
        max_gap_ms: 120_000,
        allowed_courier_position_sources: SourceSet::NONE
            .with(Source::App)
            .with(Source::GpsTracker),
    };
    assert_eq!(plan.policy, expected);
}

#[test]
fn an_order_as_the_api_gives_it_is_accepted() {
    let order = r#"{
        "address": "a", "amount": 0, "comments": "c", "customer_name": "n", "description": "d",
        "lat": 52.5, "lon": 13.4, "number": "a", "customer_number": "k", "payment_type": "cash",
        "payment_status": "paid", "phone": "p", "route_id": 1, "service_duration_s": 40,
        "shared_service_duration_s": 20, "status": "confirmed", "volume": 0.5, "weight": 2,
        "shared_with_company_ids": [2], "mark_delivered_radius": null, "eta_type": null,
        "company_id": 1, "confirmed_at": "2026-05-04T08:00:00.000Z", "delivered_at": null,
        "history": [{"event": "ORDER_CREATED", "timestamp": 0, "time": "x"}], "id": 7,
        "status_log": [], "shared_with_companies": [{"number": "x"}],
        "order_status_comments": [{"id": 0}], "refined_lat": 52.6, "refined_lon": 13.5,
        "time_interval": null, "time_interval_secs": [28800, 36000],
        "time_window": {"start": "2026-05-04T08:00:00.000Z", "end": "2026-05-04T10:00:00.000Z"},
        "type": "drop_off"}"#;
    let given = plan(&one_route(order, ""));
    let order_plan = given.routes[0].orders().next().unwrap();
    assert_eq!(order_plan.window.unwrap().start, instant("2026-05-04T08:00:00Z").unwrap());
    assert_eq!(order_plan.point, Some(Point::from_degrees(52.5, 13.4).unwrap()));
    let refined = plan(&one_route(order, r#""use_refined_location": true"#));
    let order_plan = refined.routes[0].orders().next().unwrap();
    assert_eq!(order_plan.point, Some(Point::from_degrees(52.6, 13.5).unwrap()));
}

#[test]
fn nodes_say_the_whole_tour_and_orders_start_at_the_depot() {
    let depots = r#""depots": [
        {"number": "d1", "lat": 52.0, "lon": 13.0, "time_zone": "Europe/Berlin"},
        {"number": "d2", "lat": 52.1, "lon": 13.1, "mark_route_started_radius": null}]"#;
    let text = format!(
        r#"{{"epoch": 1777881600, {depots}, "routes": [
            {{"number": "r1", "courier": "c1", "depot_number": "d1", "route_start": "08:00",
              "orders": [{{"number": "a", "lat": 52.5, "lon": 13.4, "time_interval": "9-10"}}]}},
            {{"number": "r2", "courier": "c2", "nodes": [
                {{"depot": "d2"}}, {{"order": {{"number": "b", "lat": 52.5, "lon": 13.4}}}},
                {{"garage": {{"lat": 52.9, "lon": 13.9}}}}]}}]}}"#
    );
    let plan = plan(&text);
    let [first, second] = &plan.routes[..] else { panic!("two routes") };
    let depot = first.starting_depot().unwrap();
    assert_eq!(depot.mark_route_started_radius, Radius::from_metres(500.0));
    assert_eq!(first.nodes.len(), 2);
    // The date is the epoch's, the zone the depot's.
    assert_eq!(first.route_start, Some(instant("2026-05-04T08:00:00+02:00").unwrap()));
    let window = first.orders().next().unwrap().window.unwrap();
    assert_eq!(window.end, instant("2026-05-04T10:00:00+02:00").unwrap());
    assert_eq!(second.starting_depot().unwrap().mark_route_started_radius, None);
    assert_eq!(second.depot, second.starting_depot().copied());
    assert!(matches!(second.nodes[2], Node::Garage(_)));
    assert_eq!(plan.origin().sole_courier, None);
    assert_eq!(plan.order_names.number(2), "b");
    assert_eq!(plan.courier_names.id("c2"), Some(2));
}

#[test]
fn every_error_names_its_place_and_what_is_allowed() {
    let text = r#"{"company": {"mark_delivered_radius": -1, "nearby_eta_s": [],
            "overlap_policy": "both", "time_zone": "Mars"},
        "couriers": [{"number": "c"}, {"number": "c"}],
        "depots": [{"number": "d", "lat": 95, "lon": 0}],
        "zones": [{"type": "Feature"}],
        "routes": [
            {"number": "r", "courier": "c", "depot_number": "x", "routing_mode": "boat",
             "route_start": "10:00", "route_finish": "09:00", "orders": [
                {"number": "a", "lat": 1, "lon": 1, "mark_delivered_radius": 20000},
                {"number": "a", "lat": 0, "lon": 0, "service_duration_s": -5},
                {"number": "b", "lat": 1, "payment_type": "gold", "status": "partially_finished",
                 "time_interval": "25-26"}]},
            {"number": "r", "courier": "c", "nodes": [{"depot": "d", "order": null}, {}]},
            {"number": "s", "courier": "c"}]}"#;
    let expected = [
        "zones: zones are not evaluated yet",
        "company.time_zone: \"Mars\" is not a time zone",
        "company.mark_delivered_radius: -1 is not allowed: expected metres from 0 to 10000",
        "company.overlap_policy: \"both\" is not one of parallel, nearest",
        "company.nearby_eta_s: 0 values: expected 1 to 4",
        "depots[0].lat: latitude is outside -90..90",
        "couriers[1].number: \"c\" is used twice",
        "routes[0].depot_number: \"x\" is not the number of any entry of depots",
        "routes[0].route_finish: is not after route_start",
        "routes[0].orders[0].mark_delivered_radius: 20000 is not allowed",
        "routes[0].orders[1].number: \"a\" is used twice",
        "routes[0].orders[1].service_duration_s: -5 is not allowed",
        "routes[0].orders[1].lat: coordinates are exactly (0, 0)",
        "routes[0].orders[2].payment_type: \"gold\" is not one of cash",
        "routes[0].orders[2].lon: is missing",
        "routes[0].orders[2].time_interval: \"25-26\" is not a time interval",
        "routes[0].orders[2].status: partially_finished needs",
        "routes[0].routing_mode: \"boat\" is not one of driving",
        "routes[1].number: \"r\" is used twice",
        "routes[1].nodes[1]: expected exactly one of order, depot, garage",
    ];
    let lines = errors(text);
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("plan.json: {expected}")), "{line}\nnot {expected}");
    }
    assert_eq!(lines.last().unwrap(), "plan.json: and 1 more errors");
}

#[test]
fn type_errors_name_line_column_and_place() {
    let table = [
        ("{\"routes\": [\n}", "plan.json:2:1: expected value"),
        (
            &one_route(r#"{"number": "a", "lat": "x"}"#, "")[..],
            "routes[0].orders[0].lat: invalid type: string \"x\", expected a number",
        ),
        (
            &one_route(r#"{"number": "a", "colour": 1}"#, ""),
            "routes[0].orders[0].colour: unknown field `colour`, expected one of `number`",
        ),
        (&one_route("", r#""radius": 1"#), "company.radius: unknown field `radius`"),
        ("{\"routes\": []} x", "trailing characters at line 1 column 16"),
        ("3", "plan.json:1:1: invalid type: integer `3`, expected an object"),
        ("[]", "invalid length 0, expected an object"),
        ("{\"routes\": {}}", "routes: invalid type: map, expected a list"),
        ("{\"routes\": [7]}", "routes[0]: invalid type: integer `7`, expected an object"),
    ];
    for (text, expected) in table {
        let lines = errors(text);
        assert!(lines.len() == 1 && lines[0].contains(expected), "{lines:?}\nnot {expected}");
    }
}

#[test]
fn limits_of_texts_and_counts() {
    let long = "x".repeat(81);
    let order = |number: &str| format!(r#"{{"number": "{number}", "lat": 1, "lon": 1}}"#);
    let lines = errors(&one_route(&order(&long), ""));
    assert!(lines[0].contains("routes[0].orders[0].number: 81 characters: at most 80"));
    assert!(errors(&one_route(&order(" "), ""))[0].contains("is empty"));
    let orders = |count: usize| (0..count).map(|i| order(&i.to_string())).collect::<Vec<_>>();
    assert_eq!(plan(&one_route(&orders(500).join(","), "")).order_names.len(), 500);
    let lines = errors(&one_route(&orders(501).join(","), ""));
    assert_eq!(lines, ["plan.json: routes[0].orders: 501 orders: at most 500 are allowed"]);
}

#[test]
fn doors_within_each_others_radius_are_worth_a_word() {
    let text = |policy: &str, radius: u32| {
        format!(
            r#"{{"company": {{"overlap_policy": "{policy}"}},
            "routes": [{{"number": "r", "courier": "d", "orders": [
            {{"number": "a", "lat": 55.7558, "lon": 37.6173, "mark_delivered_radius": 300}},
            {{"number": "b", "lat": 55.7558, "lon": 37.6173, "mark_delivered_radius": 300}},
            {{"number": "c", "lat": 55.7568, "lon": 37.6173, "mark_delivered_radius": {radius}}}]}}]}}"#
        )
    };
    let warned = "plan.json: routes[0]: warning: \"a\" and \"c\" lie within each other's radius: \
                  with overlap_policy \"nearest\"";
    let warnings = plan(&text("parallel", 200)).warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with(warned), "{warnings:?}");
    assert_eq!(plan(&text("nearest", 200)).warnings, [""; 0]);
    assert_eq!(plan(&text("parallel", 100)).warnings, [""; 0]);
}

#[test]
fn what_deserves_a_word_is_said() {
    let text = r#"{"couriers": [{"number": "c", "silent_when_still": true}],
        "routes": [{"number": "r", "courier": "d", "route_start": "22:00", "orders": [
            {"number": "a", "time_interval": "01-03"}]}]}"#;
    let plan = plan(text);
    let expected = [
        "routes[0].courier: warning: \"d\" is not in couriers: misspelt?",
        "routes[0].orders[0]: warning: has no coordinates: no visit can be detected",
        "routes[0].orders[0].time_interval: warning: \"01-03\" ends before route_start",
    ];
    assert_eq!(plan.warnings.len(), expected.len(), "{:?}", plan.warnings);
    for (warning, expected) in plan.warnings.iter().zip(expected) {
        assert!(warning.starts_with(&format!("plan.json: {expected}")), "{warning}");
    }
}

#[test]
fn every_setting_of_a_company_is_stored() {
    let told = errors(&one_route("", r#""unheard": 1"#)).remove(0);
    let (_, known) = told.split_once("expected one of ").unwrap();
    let known: Vec<&str> = known.split(", ").map(|key| key.trim_matches('`')).collect();
    assert_eq!(known, SETTINGS);
}

#[test]
fn the_documents_of_a_plan_are_those_of_requests() {
    let text = r#"{"epoch": 1777844400, "company": {"time_zone": "UTC", "resequence": true},
        "depots": [{"number": "d", "lat": 52.0, "lon": 13.0, "time_zone": "Pacific/Auckland"}],
        "couriers": [{"number": "a", "silent_when_still": true}],
        "routes": [
            {"number": "r1", "courier": "b", "route_start": "08:00", "orders": [
                {"number": "1", "lat": 52.5, "lon": 13.4, "route_id": 7, "comments": null}]},
            {"number": "r2", "courier": "a", "nodes": [
                {"depot": "d"}, {"order": {"number": "2"}}, {"garage": {"lat": 1, "lon": 2}}]}]}"#;
    let items = Items::of(text, plan(text).epoch);
    assert_eq!(items.company["resequence"], true);
    assert!(items.company["mark_delivered_radius"].is_null(), "what is left out is reset");
    let numbers: Vec<_> = items.couriers.iter().map(|one| one["number"].clone()).collect();
    assert_eq!(numbers, ["a", "b"]);
    // The day of the epoch, where the route begins: at 21:40 UTC it is the next one in Auckland.
    let dates = (&items.routes[0]["date"], &items.routes[1]["date"]);
    assert_eq!(dates, (&"2026-05-03".into(), &"2026-05-04".into()));
    assert_eq!(items.routes[1]["depot_number"], "d");
    assert_eq!(items.orders.len(), 2);
    assert_eq!(items.orders[0]["route_number"], "r1");
    assert!(items.orders[0].get("route_id").is_none(), "an id of another installation");
    let nodes = items.sequences[0]["nodes"].as_array().unwrap();
    assert_eq!(nodes[0]["depot_number"], "d");
    assert_eq!(nodes[1]["order_number"], "2");
    assert_eq!(nodes[2]["garage"]["lon"], 2);
}
