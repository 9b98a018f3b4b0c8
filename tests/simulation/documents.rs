//! Those who write documents, and what they know: every request in turn, what it was answered, and
//! what the orders must look like.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CompanyId, CourierId, OrderId};
use doorstep::domain::order::{Initiator, OrderStatus};
use doorstep::runtime::admission::{Accepted, Admission, Item, Mode, Refusal, Request};
use doorstep::storage::catalog::Catalog;
use doorstep::storage::catalog::change::Kind;
use serde_json::{Value, json};

use super::chance::Chance;
use crate::support::world::{moved, origin};

/// The one company.
pub const COMPANY: CompanyId = CompanyId(1);

/// The place of a courier's stop.
pub fn stop(courier: CourierId, at: usize) -> Point {
    moved(origin(), 120.0 * at as f64, 40.0 * f64::from(courier.0))
}

/// What an order must look like: the name in it, and its route.
type Order = (String, Option<u64>);

/// What the catalog must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    has_company: bool,
    /// Ids.
    pub couriers: Vec<u64>,
    /// Route and its courier.
    pub routes: Vec<(u64, u64)>,
    orders: BTreeMap<String, Order>,
    ids: BTreeMap<String, u64>,
}

/// The clients of admission.
#[derive(Default)]
pub struct Clients {
    /// As everything that was accepted left it.
    pub now: Documents,
    asked: VecDeque<Asked>,
    names: u64,
    /// Orders that went to another route: they stay there.
    moved: Vec<String>,
    /// Requests that were accepted.
    pub accepted: u64,
}

struct Asked {
    /// What the catalog holds if this was done, and nothing after it.
    change: Change,
    answer: Pin<Box<dyn Future<Output = Result<Accepted, Refusal>>>>,
    /// It is in the queue.
    is_queued: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Company,
    Settings,
    Courier,
    Route { courier: u64 },
    Orders { names: Vec<(String, Order)> },
    Gone(String),
    Status,
    Erased(u64),
}

impl Clients {
    /// Asks for something, if not too much is under way.
    pub fn ask(&mut self, admission: &Admission, chance: &mut Chance) {
        let is_set_up = !self.now.routes.is_empty();
        if self.asked.len() >= if is_set_up { ASKED_MAX } else { 1 } {
            return;
        }
        let Some((request, change)) = self.next(chance) else { return };
        let admission = admission.clone();
        let answer = async move { admission.ask(request).await };
        self.asked.push_back(Asked { change, answer: Box::pin(answer), is_queued: false });
    }

    /// Asks for the end of a quarantine.
    pub fn release(&mut self, admission: &Admission, courier: CourierId) {
        let admission = admission.clone();
        let answer = async move { admission.ask(Request::Release { courier }).await };
        let change = Change::Status;
        self.asked.push_back(Asked { change, answer: Box::pin(answer), is_queued: false });
    }

    /// Asks for the erasure of a courier.
    pub fn erase(&mut self, admission: &Admission, courier: CourierId) {
        let admission = admission.clone();
        let request = Request::EraseCourier { company: COMPANY, courier, orders: Vec::new() };
        let answer = async move { admission.ask(request).await };
        let change = Change::Erased(courier.0.into());
        self.asked.push_back(Asked { change, answer: Box::pin(answer), is_queued: false });
    }

    /// Asks for the erasure of any courier, if nothing else is under way.
    pub fn erase_any(&mut self, admission: &Admission, chance: &mut Chance) {
        // Requests that are under way may name it.
        if self.asked.is_empty() && self.now.routes.len() > 1 {
            let (_, courier) = *chance.pick(&self.now.routes);
            self.erase(admission, CourierId(courier as u32));
        }
    }

    fn next(&mut self, chance: &mut Chance) -> Option<(Request, Change)> {
        if !self.now.has_company {
            return Some((Request::CreateCompany { item: Item::new() }, Change::Company));
        }
        let couriers = self.now.couriers.len();
        if couriers < COURIERS_MAX && (couriers == 0 || chance.permille(200)) {
            let item = json!({"number": format!("c{}", self.name())});
            return Some((write(Kind::Courier, Mode::Create, [item]), Change::Courier));
        }
        let has_route = |courier: &&u64| self.now.routes.iter().any(|(_, of)| of == *courier);
        if let Some(&courier) = self.now.couriers.iter().find(|courier| !has_route(courier)) {
            let number = format!("r{}", self.name());
            let item = json!({"number": number, "courier_id": courier, "date": "2026-03-02"});
            return Some((write(Kind::Route, Mode::Create, [item]), Change::Route { courier }));
        }
        match chance.below(12) {
            0 => Some(self.settings(chance)),
            1..=4 => Some(self.orders(chance)),
            5 | 6 => self.upsert(chance),
            7 | 8 => self.relocate(chance),
            9 => self.delete(chance),
            _ => self.status(chance),
        }
    }

    fn name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    fn settings(&self, chance: &mut Chance) -> (Request, Change) {
        let item = json!({
            "mark_delivered_enabled": chance.below(2) == 0,
            "mark_delivered_radius": *chance.pick(&[30, 60]),
            "arrival_scope": *chance.pick(&["head", "any"]),
            "overlap_policy": *chance.pick(&["parallel", "nearest"]),
        });
        (write(Kind::Company, Mode::Patch(1), [item]), Change::Settings)
    }

    /// Some orders on one route or two, in one request.
    fn orders(&mut self, chance: &mut Chance) -> (Request, Change) {
        let count = 1 + chance.below(4);
        let made = (0..count).map(|_| {
            let (route, courier) = *chance.pick(&self.now.routes);
            self.names += 1;
            let (number, name) = (format!("o{}", self.names), format!("n{}", self.names));
            let at = 1 + chance.below(5);
            let point = stop(CourierId(courier as u32), at);
            let item = json!({
                "number": number, "route_id": route, "customer_name": name,
                "lat": point.lat(), "lon": point.lon(), "service_duration_s": 10,
            });
            (item, (number, (name, Some(route))))
        });
        let (items, names): (Vec<_>, Vec<_>) = made.unzip();
        (write(Kind::Order, Mode::Create, items), Change::Orders { names })
    }

    /// Other names for some orders, and perhaps a new one, in one request.
    fn upsert(&mut self, chance: &mut Chance) -> Option<(Request, Change)> {
        let known: Vec<_> = self.now.orders.iter().map(|(n, o)| (n.clone(), o.1)).collect();
        if known.is_empty() || !self.asked.is_empty() {
            return None;
        }
        let name = format!("n{}", self.name());
        let mut names = BTreeMap::new();
        for _ in 0..=chance.below(3) {
            let (number, route) = chance.pick(&known).clone();
            names.insert(number, (name.clone(), route));
        }
        let item =
            |(number, _): (&String, &Order)| json!({"number": number, "customer_name": name});
        let items: Vec<_> = names.iter().map(item).collect();
        let change = Change::Orders { names: names.into_iter().collect() };
        Some((write(Kind::Order, Mode::Upsert, items), change))
    }

    /// An order goes to another route.
    fn relocate(&mut self, chance: &mut Chance) -> Option<(Request, Change)> {
        let known: Vec<_> = self.now.orders.iter().map(|(n, o)| (n.clone(), o.clone())).collect();
        if known.is_empty() || !self.asked.is_empty() {
            return None;
        }
        let (number, (name, _)) = chance.pick(&known).clone();
        if self.moved.contains(&number) {
            return None;
        }
        let (route, _) = *chance.pick(&self.now.routes);
        self.moved.push(number.clone());
        let request =
            write(Kind::Order, Mode::Patch(self.now.ids[&number]), [json!({"route_id": route})]);
        Some((request, Change::Orders { names: vec![(number, (name, Some(route)))] }))
    }

    fn delete(&self, chance: &mut Chance) -> Option<(Request, Change)> {
        let known: Vec<_> = self.now.ids.iter().collect();
        if known.is_empty() || !self.asked.is_empty() {
            return None;
        }
        let (number, &id) = *chance.pick(&known);
        let request = Request::Delete { company: COMPANY, kind: Kind::Order, id };
        Some((request, Change::Gone(number.clone())))
    }

    fn status(&self, chance: &mut Chance) -> Option<(Request, Change)> {
        let known: Vec<_> = self.now.ids.values().collect();
        if known.is_empty() || !self.asked.is_empty() {
            return None;
        }
        let request = Request::SetStatus {
            company: COMPANY,
            order: OrderId(**chance.pick(&known)),
            courier: None,
            status: *chance.pick(&OrderStatus::ALL[..3]),
            initiator: Initiator::UserApi,
            comment: None,
        };
        Some((request, Change::Status))
    }

    /// Hands over what was asked, and takes answers. Says whether anything came.
    pub fn listen(&mut self) -> bool {
        let mut is_news = false;
        for asked in &mut self.asked {
            if !asked.is_queued {
                asked.is_queued = true;
                is_news = true;
            }
        }
        while let Some(mut asked) = self.asked.pop_front() {
            match asked.answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => {
                    self.asked.push_front(asked);
                    break;
                }
                Poll::Ready(answer) => {
                    is_news = true;
                    if !self.answered(asked, answer) {
                        break;
                    }
                }
            }
        }
        // Those behind are handed over too: they wait in the queue.
        for asked in self.asked.iter_mut().skip(1) {
            let polled = asked.answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "requests are answered in turn");
        }
        is_news
    }

    /// `false`: the node has stopped; whether it was done is found out later.
    fn answered(&mut self, asked: Asked, answer: Result<Accepted, Refusal>) -> bool {
        match answer {
            Ok(accepted) => {
                self.now.apply(&asked.change, &accepted.ids);
                self.accepted += 1;
                true
            }
            Err(Refusal::Stopped(_)) => {
                let answer = Box::pin(std::future::pending());
                self.asked.push_front(Asked { answer, ..asked });
                false
            }
            Err(Refusal::Busy | Refusal::DiskFull | Refusal::Invalid(_) | Refusal::NotFound(_)) => {
                true
            }
            Err(error @ (Refusal::Forbidden | Refusal::Changed)) => panic!("{error}"),
        }
    }

    /// Whether anything is under way.
    pub fn is_waiting(&self) -> bool {
        !self.asked.is_empty()
    }

    /// A process has recovered: what was answered is there, and each request that was not is there
    /// as a whole, or not at all.
    pub fn recovered(&mut self, catalog: &Catalog) {
        let found = Documents::of(catalog);
        let mut possible = vec![self.now.clone()];
        for Asked { change, .. } in self.asked.drain(..) {
            let with = possible.clone().into_iter().map(|mut before| {
                before.apply(&change, &found.new_ids(&before, &change));
                before
            });
            possible.extend(with);
        }
        assert!(
            possible.contains(&found),
            "the documents are none of what they may be: {found:#?}\n{possible:#?}"
        );
        self.now = found;
    }
}

impl Documents {
    /// Whether a courier is there.
    pub fn has(&self, courier: CourierId) -> bool {
        self.couriers.contains(&courier.0.into())
    }

    /// What a catalog holds.
    pub fn of(catalog: &Catalog) -> Self {
        let page = |kind| catalog.page(kind, 1, 0, 10_000).expect("it can be read");
        let orders = page(Kind::Order);
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
        Self {
            has_company: !page(Kind::Company).is_empty(),
            couriers: page(Kind::Courier).iter().map(|courier| courier.id).collect(),
            routes: page(Kind::Route).iter().map(|r| (r.id, r.parent.unwrap_or(0))).collect(),
            ids: orders.iter().map(|order| (order.number.clone(), order.id)).collect(),
            orders: orders
                .iter()
                .map(|o| (o.number.clone(), (text(o.field("customer_name")), o.parent)))
                .collect(),
        }
    }

    /// The ids that a change would have drawn, as they are found.
    fn new_ids(&self, before: &Self, change: &Change) -> Vec<u64> {
        match change {
            Change::Courier => {
                self.couriers.get(before.couriers.len()).copied().into_iter().collect()
            }
            Change::Route { .. } => {
                let next = self.routes.get(before.routes.len());
                next.map(|(id, _)| *id).into_iter().collect()
            }
            Change::Orders { names } => {
                names.iter().filter_map(|(number, _)| self.ids.get(number).copied()).collect()
            }
            Change::Company
            | Change::Settings
            | Change::Gone(_)
            | Change::Status
            | Change::Erased(_) => Vec::new(),
        }
    }

    fn apply(&mut self, change: &Change, ids: &[u64]) {
        match change {
            Change::Company => self.has_company = true,
            Change::Courier => self.couriers.extend(ids),
            Change::Route { courier } => {
                self.routes.extend(ids.iter().map(|&id| (id, *courier)));
            }
            Change::Orders { names } => {
                for (at, (number, order)) in names.iter().enumerate() {
                    self.orders.insert(number.clone(), order.clone());
                    if let Some(&id) = ids.get(at) {
                        self.ids.insert(number.clone(), id);
                    }
                }
            }
            Change::Gone(number) => {
                self.orders.remove(number);
                self.ids.remove(number);
            }
            Change::Erased(courier) => {
                self.couriers.retain(|known| known != courier);
                let gone = |(_, of): &&(u64, u64)| of == courier;
                let gone: Vec<_> = self.routes.iter().filter(gone).map(|(id, _)| *id).collect();
                self.routes.retain(|(id, _)| !gone.contains(id));
                for (_, route) in self.orders.values_mut() {
                    *route = route.filter(|route| !gone.contains(route));
                }
            }
            Change::Settings | Change::Status => {}
        }
    }
}

fn write(kind: Kind, mode: Mode, items: impl IntoIterator<Item = Value>) -> Request {
    let items = items.into_iter().filter_map(|item| match item {
        Value::Object(item) => Some(item),
        _ => None,
    });
    Request::Write { company: COMPANY, kind, mode, items: items.collect() }
}

/// Requests under way at once.
const ASKED_MAX: usize = 3;
/// Couriers of a world.
pub const COURIERS_MAX: usize = 4;
