//! The documents of a scenario under their names: company, depots, couriers, orders and routes, as
//! its lines describe and edit them.

use doorstep::domain::courier::CourierPlan;
use doorstep::domain::depot::DepotPlan;
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CompanyId, CourierId, DepotId, OrderId, RouteId};
use doorstep::domain::order::{EtaType, OrderPlan, OrderStatus};
use doorstep::domain::policy::{ArrivalScope, InferredVisits, OverlapPolicy, Policy, Radius};
use doorstep::domain::position::{Source, SourceSet};
use doorstep::domain::route::{Node, RoutePlan, RoutingMode};
use doorstep::domain::time::{HOUR_MS, Time, TimeWindow};

use super::place::{absolute, is_offset, offset};
use super::words::{Parsed, Words, number, or_none, span_ms, time};
use super::world::{moved, origin};

/// Every document described so far, in the order of description.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Added to every id, so that the same scenario can be told of somebody else.
    id_offset: u32,
    /// The company's settings.
    pub policy: Policy,
    /// Couriers.
    pub couriers: Vec<Named<CourierPlan>>,
    /// Orders.
    pub orders: Vec<Named<OrderPlan>>,
    /// Routes.
    pub routes: Vec<Named<RouteDocument>>,
    depots: Vec<Named<DepotPlan>>,
    garages: Vec<Named<Point>>,
}

/// A document and its name.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// The name in the scenario.
    pub name: String,
    /// The document.
    pub document: T,
}

/// A route; its nodes by their names.
#[derive(Clone, Debug)]
pub struct RouteDocument {
    id: RouteId,
    /// Whose it is.
    pub courier: CourierId,
    mode: RoutingMode,
    start: Option<Time>,
    finish: Option<Time>,
    depot: Option<String>,
    /// Its nodes.
    pub nodes: Vec<String>,
}

impl RouteDocument {
    /// Its id.
    pub fn id(&self) -> RouteId {
        self.id
    }
}

impl Documents {
    /// No documents yet; ids start above `id_offset`.
    pub fn new(id_offset: u32) -> Self {
        Self { id_offset, ..Self::default() }
    }

    /// `company key=value ...`
    pub fn edit_company(&mut self, words: &mut Words) -> Parsed<()> {
        for (key, value) in words.options() {
            edit_policy(&mut self.policy, &key, &value)?;
        }
        Ok(())
    }

    /// `courier K sources=app,s2s_api`
    pub fn edit_courier(&mut self, words: &mut Words) -> Parsed<CourierPlan> {
        let name = words.word("the courier's name")?;
        let id = CourierId(self.next_id(self.couriers.len()));
        let courier = edited(&mut self.couriers, &name, || {
            Ok(CourierPlan { id, company: COMPANY, allowed_courier_position_sources: None })
        })?;
        if let Some(sources) = words.option("sources") {
            courier.allowed_courier_position_sources =
                if sources == "company" { None } else { Some(source_set(&sources)?) };
        }
        Ok(*courier)
    }

    /// `depot D at PLACE radius= start_radius= service= order_service=`
    pub fn edit_depot(&mut self, words: &mut Words) -> Parsed<DepotPlan> {
        let name = words.word("the depot's name")?;
        let point = self.place_of(words)?;
        let id = DepotId(self.next_id(self.depots.len()));
        let depot = edited(&mut self.depots, &name, || {
            Ok(DepotPlan {
                id,
                point: point.ok_or("a depot needs a place")?,
                mark_delivered_radius: None,
                mark_route_started_radius: Radius::from_metres(500.0),
                service_duration_s: 0,
                order_service_duration_s: 0,
            })
        })?;
        depot.point = point.unwrap_or(depot.point);
        set(&mut depot.mark_delivered_radius, words.option("radius"), optional_radius)?;
        set(&mut depot.mark_route_started_radius, words.option("start_radius"), optional_radius)?;
        set(&mut depot.service_duration_s, words.option("service"), number)?;
        set(&mut depot.order_service_duration_s, words.option("order_service"), number)?;
        Ok(*depot)
    }

    /// `garage G at PLACE`
    pub fn edit_garage(&mut self, words: &mut Words) -> Parsed<()> {
        let name = words.word("the garage's name")?;
        let place = self.place_of(words)?.ok_or("a garage needs a place")?;
        *edited(&mut self.garages, &name, || Ok(place))? = place;
        Ok(())
    }

    /// `order A at PLACE radius= service= shared= window= eta_type= status= created`, or `nowhere`.
    pub fn edit_order(&mut self, words: &mut Words) -> Parsed<OrderId> {
        let name = words.word("the order's name")?;
        let point = self.place_of(words)?;
        let first = self.orders.is_empty();
        let nowhere = words.flag("nowhere");
        let id = OrderId(u64::from(self.next_id(self.orders.len())));
        let order = edited(&mut self.orders, &name, || {
            if point.is_none() && !first && !nowhere {
                return Err("only the first order may leave out its place".into());
            }
            Ok(new_order(id, Some(origin())))
        })?;
        order.point = if nowhere { None } else { point.or(order.point) };
        order.created |= words.flag("created");
        set(&mut order.mark_delivered_radius, words.option("radius"), optional_radius)?;
        set(&mut order.service_duration_s, words.option("service"), number)?;
        set(&mut order.shared_service_duration_s, words.option("shared"), number)?;
        set(&mut order.window, words.option("window"), |text| or_none(text, window))?;
        set(&mut order.eta_type, words.option("eta_type"), |text| or_none(text, eta_type))?;
        set(&mut order.status, words.option("status"), status)?;
        Ok(order.id)
    }

    /// `route R courier= mode= start= finish= depot= : D A B`
    pub fn edit_route(&mut self, words: &mut Words) -> Parsed<RouteId> {
        let name = words.word("the route's name")?;
        let nodes = words.after_colon();
        let given = words.option("courier");
        let courier = self.courier(given.as_deref())?;
        let id = RouteId(u64::from(self.next_id(self.routes.len())));
        let route = edited(&mut self.routes, &name, || Ok(new_route(id, courier)))?;
        if given.is_some() {
            route.courier = courier;
        }
        route.nodes = nodes.unwrap_or(std::mem::take(&mut route.nodes));
        set(&mut route.mode, words.option("mode"), mode)?;
        set(&mut route.start, words.option("start"), |text| or_none(text, time))?;
        set(&mut route.finish, words.option("finish"), |text| or_none(text, time))?;
        set(&mut route.depot, words.option("depot"), |text| or_none(text, |name| Ok(name.into())))?;
        Ok(route.id)
    }

    /// A scenario that describes no courier has K, and one without routes has R with every order.
    pub fn complete(&mut self) -> Parsed<()> {
        if self.couriers.is_empty() {
            self.edit_courier(&mut Words::of("K"))?;
        }
        if self.routes.is_empty() {
            let names: Vec<_> = self.orders.iter().map(|order| order.name.as_str()).collect();
            self.edit_route(&mut Words::of(&format!("R : {}", names.join(" "))))?;
        }
        Ok(())
    }

    /// The courier of that name; the first one without a name; `unknown` is never stored.
    pub fn courier(&mut self, name: Option<&str>) -> Parsed<CourierId> {
        if self.couriers.is_empty() {
            self.edit_courier(&mut Words::of("K"))?;
        }
        match name {
            Some("unknown") => Ok(CourierId(self.next_id(UNKNOWN))),
            Some(name) => Ok(found(&self.couriers, name)?.id),
            None => Ok(self.couriers[0].document.id),
        }
    }

    /// The order of that name.
    pub fn order(&self, name: &str) -> Parsed<&OrderPlan> {
        found(&self.orders, name)
    }

    /// The order of that name, to be changed.
    pub fn order_mut(&mut self, name: &str) -> Parsed<&mut OrderPlan> {
        edited(&mut self.orders, name, || Err(format!("nothing is called `{name}`")))
    }

    /// The route of that name; the first one without a name.
    pub fn route(&self, name: Option<&str>) -> Parsed<&RouteDocument> {
        match name {
            Some(name) => found(&self.routes, name),
            None => self.routes.first().map(|route| &route.document).ok_or("no route".into()),
        }
    }

    /// The route that an order is on.
    pub fn route_of(&self, order: &str) -> Option<&Named<RouteDocument>> {
        self.routes.iter().find(|route| route.document.nodes.iter().any(|node| node == order))
    }

    /// The name of a route.
    pub fn route_name(&self, id: RouteId) -> String {
        let route = self.routes.iter().find(|route| route.document.id == id);
        route.map_or(format!("route-{id}"), |route| route.name.clone())
    }

    /// Takes a name out of its route's nodes, or puts it at their end.
    pub fn edit_nodes(&mut self, route: &str, edit: impl FnOnce(&mut Vec<String>)) -> Parsed<()> {
        let none = || Err(format!("nothing is called `{route}`"));
        edit(&mut edited(&mut self.routes, route, none)?.nodes);
        Ok(())
    }

    /// A route's plan, its nodes resolved.
    pub fn route_plan(&self, name: &str) -> Parsed<RoutePlan> {
        let route = self.route(Some(name))?;
        let nodes: Vec<_> =
            route.nodes.iter().map(|node| self.node(node)).collect::<Parsed<_>>()?;
        let depot = match &route.depot {
            Some(depot) => Some(*found(&self.depots, depot)?),
            None => nodes.iter().find_map(|node| match node {
                Node::Depot(depot) => Some(*depot),
                Node::Order(_) | Node::Garage(_) => None,
            }),
        };
        Ok(RoutePlan {
            id: route.id,
            courier: route.courier,
            routing_mode: route.mode,
            route_start: route.start,
            route_finish: route.finish,
            depot,
            nodes,
        })
    }

    /// A place: `A`, `A 10`, `D 3E4N`, `55.7558/37.6173`.
    pub fn place(&self, name: &str, metres: Option<&str>) -> Parsed<Point> {
        let anchor = if name.contains('/') { absolute(name)? } else { self.point(name)? };
        let (east_m, north_m) = offset(metres.unwrap_or("0"))?;
        Ok(moved(anchor, east_m, north_m))
    }

    fn place_of(&self, words: &mut Words) -> Parsed<Option<Point>> {
        if !words.flag("at") {
            return Ok(None);
        }
        let name = words.word("the place")?;
        let rest = words.rest();
        let (metres, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|word| is_offset(word));
        words.put_back(rest);
        self.place(&name, metres.first().map(String::as_str)).map(Some)
    }

    fn point(&self, name: &str) -> Parsed<Point> {
        if let Ok(depot) = found(&self.depots, name) {
            return Ok(depot.point);
        }
        if let Ok(garage) = found(&self.garages, name) {
            return Ok(*garage);
        }
        self.order(name)?.point.ok_or(format!("`{name}` is nowhere"))
    }

    fn node(&self, name: &str) -> Parsed<Node> {
        if let Ok(depot) = found(&self.depots, name) {
            return Ok(Node::Depot(*depot));
        }
        if let Ok(garage) = found(&self.garages, name) {
            return Ok(Node::Garage(*garage));
        }
        Ok(Node::Order(self.order(name)?.clone()))
    }

    fn next_id(&self, described: usize) -> u32 {
        self.id_offset + described as u32 + 1
    }
}

fn new_order(id: OrderId, point: Option<Point>) -> OrderPlan {
    OrderPlan {
        id,
        point,
        mark_delivered_radius: None,
        service_duration_s: 600,
        shared_service_duration_s: 0,
        window: None,
        eta_type: None,
        status: OrderStatus::New,
        created: false,
    }
}

fn new_route(id: RouteId, courier: CourierId) -> RouteDocument {
    RouteDocument {
        id,
        courier,
        mode: RoutingMode::Driving,
        start: None,
        finish: None,
        depot: None,
        nodes: Vec::new(),
    }
}

fn edit_policy(policy: &mut Policy, key: &str, value: &str) -> Parsed<()> {
    match key {
        "mark_delivered_enabled" => policy.mark_delivered_enabled = truth(value)?,
        "radius" => policy.mark_delivered_radius = radius(value)?,
        "coefficient" => policy.mark_delivered_service_time_coefficient = number(value)?,
        "eta_type" => policy.eta_type = eta_type(value)?,
        "tracking_start_h" => policy.tracking_start_ms = number::<i64>(value)? * HOUR_MS,
        "delivery_by_order_statuses" => policy.delivery_by_order_statuses = truth(value)?,
        "nearby_eta_s" => {
            policy.nearby_eta_ms = value.split(',').map(span_ms).collect::<Parsed<_>>()?;
        }
        "nearby_distance_m" => policy.nearby_distance_m = or_none(value, number)?,
        "arrival_scope" => {
            policy.arrival_scope =
                one_of(value, [("head", ArrivalScope::Head), ("any", ArrivalScope::Any)])?;
        }
        "overlap_policy" => {
            let words =
                [("parallel", OverlapPolicy::Parallel), ("nearest", OverlapPolicy::Nearest)];
            policy.overlap_policy = one_of(value, words)?;
        }
        "inferred_visits" => {
            let words = [
                ("off", InferredVisits::Off),
                ("silent_devices", InferredVisits::SilentDevices),
                ("any_gap", InferredVisits::AnyGap),
            ];
            policy.inferred_visits = one_of(value, words)?;
        }
        "resequence" => policy.resequence = truth(value)?,
        "max_gap_s" => policy.max_gap_ms = span_ms(value)?,
        "sources" => policy.allowed_courier_position_sources = source_set(value)?,
        _ => return Err(format!("a company has no `{key}`")),
    }
    Ok(())
}

fn edited<'a, T>(
    list: &'a mut Vec<Named<T>>,
    name: &str,
    new: impl FnOnce() -> Parsed<T>,
) -> Parsed<&'a mut T> {
    let place = list.iter().position(|named| named.name == name);
    let place = match place {
        Some(place) => place,
        None => {
            list.push(Named { name: name.into(), document: new()? });
            list.len() - 1
        }
    };
    Ok(&mut list[place].document)
}

fn found<'a, T>(list: &'a [Named<T>], name: &str) -> Parsed<&'a T> {
    let named = list.iter().find(|named| named.name == name);
    named.map(|named| &named.document).ok_or(format!("nothing is called `{name}`"))
}

fn set<T>(
    field: &mut T,
    text: Option<String>,
    parse: impl FnOnce(&str) -> Parsed<T>,
) -> Parsed<()> {
    if let Some(text) = text {
        *field = parse(&text)?;
    }
    Ok(())
}

fn truth(text: &str) -> Parsed<bool> {
    one_of(text, [("true", true), ("false", false)])
}

fn radius(text: &str) -> Parsed<Radius> {
    Radius::from_metres(number(text)?).ok_or(format!("`{text}` is not a radius"))
}

fn optional_radius(text: &str) -> Parsed<Option<Radius>> {
    or_none(text, radius)
}

/// A window in `100..200`.
pub fn window(text: &str) -> Parsed<TimeWindow> {
    let (start, end) = text.split_once("..").ok_or(format!("`{text}` is not a window"))?;
    Ok(TimeWindow { start: time(start)?, end: time(end)? })
}

fn eta_type(text: &str) -> Parsed<EtaType> {
    one_of(
        text,
        [EtaType::ArrivalTime, EtaType::DeliveryTime].map(|eta_type| (eta_type.name(), eta_type)),
    )
}

/// A status by its name.
pub fn status(text: &str) -> Parsed<OrderStatus> {
    OrderStatus::from_name(text).ok_or(format!("`{text}` is not a status"))
}

fn mode(text: &str) -> Parsed<RoutingMode> {
    one_of(text, RoutingMode::ALL.map(|mode| (mode.name(), mode)))
}

fn source_set(text: &str) -> Parsed<SourceSet> {
    match text {
        "all" => Ok(SourceSet::ALL),
        "none" => Ok(SourceSet::NONE),
        _ => text.split(',').map(source).collect(),
    }
}

/// A source by its name.
pub fn source(text: &str) -> Parsed<Source> {
    Source::from_name(text).ok_or(format!("`{text}` is not a source"))
}

/// The value of that name.
pub fn one_of<T, const N: usize>(text: &str, names: [(&str, T); N]) -> Parsed<T> {
    let found = names.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| value).ok_or(format!("`{text}` is not understood"))
}

/// The company of every scenario.
pub const COMPANY: CompanyId = CompanyId(1);
/// The place of the courier whom nobody has stored.
const UNKNOWN: usize = 90;
