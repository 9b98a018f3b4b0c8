//! A scenario told as steps: each line of the file becomes inputs of a partition or outputs that
//! are expected once the inputs before it have been played.

use std::collections::BTreeSet;

use doorstep::domain::command::Command;
use doorstep::domain::event::{EndReason, StayPoint};
use doorstep::domain::geo::Point;
use doorstep::domain::ids::{CourierId, RouteId};
use doorstep::domain::order::Initiator;
use doorstep::domain::position::{Accuracy, Position, Source};
use doorstep::domain::time::{HOUR_MS, Time};
use doorstep::engine::input::InputBody;
use doorstep::runtime::partition::partition_of;

use super::documents::{COMPANY, Documents, one_of, source, status};
use super::expectation::{Expectation, expectations};
use super::fact::{Family, Sight};
use super::place::is_offset;
use super::play::Step;
use super::words::{Parsed, Words, span_ms, time, times};
use super::world::ZERO;

/// A whole scenario.
pub struct Story {
    /// Everything that comes in.
    pub steps: Vec<Step>,
    /// Everything that is expected.
    pub blocks: Vec<Block>,
    /// The families that are checked.
    pub families: BTreeSet<Family>,
    /// Whether the receive times are the device times, which rise, and nothing but positions comes
    /// in after the documents: then the batches may be cut anywhere.
    pub is_plain_walk: bool,
    names: Documents,
    sent: BTreeSet<(Time, Point)>,
}

/// Outputs expected of the steps since the block before.
pub struct Block {
    /// So many steps come before it.
    pub steps: usize,
    /// The outputs.
    pub expectations: Vec<Expectation>,
}

impl Story {
    /// Reads a scenario; ids start above `id_offset`.
    pub fn read(text: &str, id_offset: u32) -> Parsed<Self> {
        let mut teller = Teller::new(id_offset);
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                teller.line(number, line).map_err(|error| format!("line {number}: {error}"))?;
            }
        }
        if teller.batch.is_some() {
            return Err("the last batch has no `end`".into());
        }
        Ok(teller.story)
    }

    /// The couriers, whose partitions are the scenario's.
    pub fn couriers(&self) -> impl Iterator<Item = CourierId> {
        self.names.couriers.iter().map(|courier| courier.document.id)
    }
}

impl Sight for Story {
    fn order(&self, id: u64) -> String {
        let named = self.names.orders.iter().find(|order| order.document.id.0 == id);
        named.map_or(format!("order-{id}"), |order| order.name.clone())
    }

    fn route(&self, id: u64) -> String {
        self.names.route_name(RouteId(id))
    }

    fn was_sent(&self, at: &StayPoint) -> bool {
        self.sent.contains(&(at.device_time, at.point))
    }
}

/// Reads line after line.
struct Teller {
    story: Story,
    documents: Documents,
    stored_at: Time,
    stored: bool,
    batch: Option<Batch>,
    last_t: Time,
    block_open: bool,
    /// The positions of the line at hand come when there is no time for regular ETAs.
    sheds_eta: bool,
}

#[derive(Default)]
struct Batch {
    received_at: Option<Time>,
    positions: Vec<(CourierId, Option<RouteId>, Position)>,
}

impl Teller {
    fn new(id_offset: u32) -> Self {
        let documents = Documents::new(id_offset);
        let families = [Family::Stays, Family::Orders, Family::Violated, Family::Dropped];
        let story = Story {
            steps: Vec::new(),
            blocks: Vec::new(),
            families: families.into(),
            is_plain_walk: true,
            names: documents.clone(),
            sent: BTreeSet::new(),
        };
        let stored_at = ZERO - HOUR_MS;
        let last_t = Time::DISTANT_PAST;
        Self {
            story,
            documents,
            stored_at,
            stored: false,
            batch: None,
            last_t,
            block_open: false,
            sheds_eta: false,
        }
    }

    fn line(&mut self, number: usize, line: &str) -> Parsed<()> {
        if let Some(expected) = line.strip_prefix("=>") {
            return self.expect(number, expected);
        }
        self.block_open = false;
        let mut words = Words::of(line);
        let first = words.word("a word")?;
        if first.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            self.store()?;
            self.timed(&first, &mut words)?;
        } else {
            self.untimed(&first, &mut words)?;
        }
        self.story.names = self.documents.clone();
        words.end()
    }

    fn expect(&mut self, line: usize, text: &str) -> Parsed<()> {
        self.store()?;
        let expectations = expectations(line, text)?;
        self.story.families.extend(expectations.iter().map(Expectation::family));
        if !std::mem::replace(&mut self.block_open, true) {
            let steps = self.story.steps.len();
            self.story.blocks.push(Block { steps, expectations: Vec::new() });
        }
        let block = self.story.blocks.last_mut().expect("it was opened");
        block.expectations.extend(expectations);
        Ok(())
    }

    fn untimed(&mut self, verb: &str, words: &mut Words) -> Parsed<()> {
        match verb {
            "company" => self.documents.edit_company(words),
            "courier" => self.documents.edit_courier(words).map(drop),
            "depot" => self.documents.edit_depot(words).map(drop),
            "garage" => self.documents.edit_garage(words),
            "order" => self.documents.edit_order(words).map(drop),
            "route" => self.documents.edit_route(words).map(drop),
            "stored" => {
                self.stored_at = time(&words.word("the time")?)?;
                Ok(())
            }
            "check" => self.check(words),
            "batch" => {
                self.store()?;
                let received_at = words.time("received")?;
                self.story.is_plain_walk &= received_at.is_none();
                self.batch = Some(Batch { received_at, positions: Vec::new() });
                Ok(())
            }
            "end" => self.end_batch(),
            _ => Err(format!("`{verb}` is not understood")),
        }
    }

    fn check(&mut self, words: &mut Words) -> Parsed<()> {
        for word in words.rest() {
            let names = [
                ("route", Family::Route),
                ("eta", Family::Eta),
                ("notifications", Family::Notifications),
            ];
            self.story.families.insert(one_of(&word, names)?);
        }
        Ok(())
    }

    /// Sends every document that has been described, once.
    fn store(&mut self) -> Parsed<()> {
        if std::mem::replace(&mut self.stored, true) {
            return Ok(());
        }
        self.documents.complete()?;
        let now = self.stored_at;
        for courier in self.documents.couriers.clone() {
            let courier = courier.document;
            let policy = self.documents.policy.clone();
            self.command(now, courier.id, Command::PutPolicy { company: COMPANY, policy });
            self.command(now, courier.id, Command::PutCourier(courier));
        }
        for route in self.documents.routes.clone() {
            self.put_route(now, &route.name)?;
        }
        self.story.names = self.documents.clone();
        Ok(())
    }

    fn timed(&mut self, at: &str, words: &mut Words) -> Parsed<()> {
        let verb = words.word("what happens")?;
        if verb == "at" {
            return self.positions(&times(at)?, words);
        }
        self.story.is_plain_walk = false;
        let now = time(at)?;
        match verb.as_str() {
            "company" => {
                self.documents.edit_company(words)?;
                let policy = self.documents.policy.clone();
                self.everyone(now, &Command::PutPolicy { company: COMPANY, policy });
                Ok(())
            }
            "depot" => {
                let depot = self.documents.edit_depot(words)?;
                self.everyone(now, &Command::PutDepot { company: COMPANY, depot });
                Ok(())
            }
            "courier" => {
                let courier = self.documents.edit_courier(words)?;
                self.command(now, courier.id, Command::PutCourier(courier));
                Ok(())
            }
            "route" => {
                let id = self.documents.edit_route(words)?;
                let name = self.documents.route_name(id);
                self.put_route(now, &name)
            }
            "order" => self.put_order(now, words),
            "status" => self.set_status(now, words),
            "remove" => self.remove(now, words),
            "clock" => {
                for courier in self.documents.couriers.clone() {
                    self.step(now, courier.document.id, None);
                }
                Ok(())
            }
            _ => Err(format!("`{verb}` is not understood")),
        }
    }

    /// `TIMES at PLACE, PLACE ... acc= received= delay= source= speed= on= courier= silent shed`
    fn positions(&mut self, times: &[Time], words: &mut Words) -> Parsed<()> {
        let courier = self.documents.courier(words.option("courier").as_deref())?;
        let route = match words.option("on") {
            Some(name) => Some(self.route_id(&name)?),
            None => None,
        };
        let source = words.option("source").map_or(Ok(Source::App), |text| source(&text))?;
        let accuracy_m = words.number::<f32>("acc")?.and_then(Accuracy::new);
        let speed_mps = words.number("speed")?;
        let silent_when_still = words.flag("silent");
        self.sheds_eta = words.flag("shed");
        let received_at = words.time("received")?;
        let delay = words.option("delay").map(|text| span_ms(&text)).transpose()?;
        let is_plain = received_at.is_none() && delay.is_none() && !self.sheds_eta;
        self.story.is_plain_walk &= is_plain;
        let places = self.places(&words.rest())?;
        for (t, point) in times.iter().zip(places.iter().cycle()) {
            let position = Position {
                source,
                accuracy_m,
                speed_mps,
                silent_when_still,
                ..Position::bare(*t, *point)
            };
            let received_at = received_at.unwrap_or(*t + delay.unwrap_or(0));
            self.position(received_at, courier, route, position);
        }
        Ok(())
    }

    /// `A 505, 495, B 10`: a place without a name is at the one before.
    fn places(&self, words: &[String]) -> Parsed<Vec<Point>> {
        let mut name = String::new();
        let mut points = Vec::new();
        for place in words.join(" ").split(',') {
            let mut metres = None;
            for word in place.split_whitespace() {
                if is_offset(word) { metres = Some(word) } else { name = word.into() }
            }
            points.push(self.documents.place(&name, metres)?);
        }
        Ok(points)
    }

    fn position(
        &mut self,
        received_at: Time,
        courier: CourierId,
        route: Option<RouteId>,
        position: Position,
    ) {
        self.story.sent.insert((position.device_time, position.point));
        if let Some(batch) = &mut self.batch {
            batch.positions.push((courier, route, position));
            return;
        }
        self.story.is_plain_walk &= position.device_time > self.last_t;
        self.last_t = position.device_time;
        let body = InputBody::Position { courier, route, position, sheds_eta: self.sheds_eta };
        self.step(received_at, courier, Some(body));
    }

    /// What ingest does with a frame: sorts it and hands in one position after the other.
    fn end_batch(&mut self) -> Parsed<()> {
        let mut batch = self.batch.take().ok_or("no batch has begun")?;
        batch.positions.sort_by(|(_, _, a), (_, _, b)| a.frame_order(b));
        for (courier, route, position) in batch.positions {
            let received_at = batch.received_at.unwrap_or(position.device_time);
            self.position(received_at, courier, route, position);
        }
        Ok(())
    }

    fn put_route(&mut self, now: Time, name: &str) -> Parsed<()> {
        let plan = self.documents.route_plan(name)?;
        for order in &mut self.documents.orders {
            order.document.created &= !plan.orders().any(|stored| stored.id == order.document.id);
        }
        self.command(now, plan.courier, Command::PutRoute(plan));
        Ok(())
    }

    fn put_order(&mut self, now: Time, words: &mut Words) -> Parsed<()> {
        let name = words.clone().word("the order's name")?;
        let on = words.option("on");
        self.documents.edit_order(words)?;
        if self.documents.route_of(&name).is_none() {
            let route = on.unwrap_or(self.documents.routes[0].name.clone());
            self.documents.edit_nodes(&route, |nodes| nodes.push(name.clone()))?;
        }
        let (courier, route) = self.home_of(&name)?;
        let order = self.documents.order(&name)?.clone();
        self.documents.order_mut(&name)?.created = false;
        self.command(now, courier, Command::PutOrder { courier, route, order });
        Ok(())
    }

    /// `status A finished by user_api`
    fn set_status(&mut self, now: Time, words: &mut Words) -> Parsed<()> {
        let name = words.word("the order's name")?;
        let status = status(&words.word("the status")?)?;
        words.flag("by").then_some(()).ok_or("by whom?")?;
        let initiators = [("app", Initiator::App), ("user_api", Initiator::UserApi)];
        let initiator = one_of(&words.word("by whom")?, initiators)?;
        let (courier, route) = self.home_of(&name)?;
        let order = self.documents.order_mut(&name)?;
        order.status = status;
        let order = order.id;
        self.command(now, courier, Command::SetStatus { courier, route, order, status, initiator });
        Ok(())
    }

    /// `remove A as moved_route`, also for a whole route.
    fn remove(&mut self, now: Time, words: &mut Words) -> Parsed<()> {
        let name = words.word("the name")?;
        words.flag("as").then_some(()).ok_or("as what?")?;
        let reason = one_of(&words.word("the reason")?, REASONS.map(|r| (r.name(), r)))?;
        if let Ok(plan) = self.documents.route_plan(&name) {
            let (courier, route) = (plan.courier, plan.id);
            self.command(now, courier, Command::RemoveRoute { courier, route, reason });
            return Ok(());
        }
        let (courier, route) = self.home_of(&name)?;
        let order = self.documents.order(&name)?.id;
        let home = self.documents.route_name(route);
        self.documents.edit_nodes(&home, |nodes| nodes.retain(|node| *node != name))?;
        self.command(now, courier, Command::RemoveOrder { courier, route, order, reason });
        Ok(())
    }

    fn home_of(&self, order: &str) -> Parsed<(CourierId, RouteId)> {
        let home = self.documents.route_of(order).ok_or(format!("`{order}` is on no route"))?;
        Ok((home.document.courier, home.document.id()))
    }

    /// A route's id; `unknown` is nobody's route.
    fn route_id(&self, name: &str) -> Parsed<RouteId> {
        if name == "unknown" {
            return Ok(RouteId(9_999_999));
        }
        Ok(self.documents.route(Some(name))?.id())
    }

    fn everyone(&mut self, now: Time, command: &Command) {
        for courier in self.documents.couriers.clone() {
            self.command(now, courier.document.id, command.clone());
        }
    }

    fn command(&mut self, now: Time, courier: CourierId, command: Command) {
        self.step(now, courier, Some(InputBody::Command(Box::new(command))));
    }

    fn step(&mut self, now: Time, courier: CourierId, body: Option<InputBody>) {
        let partition = partition_of(COMPANY, courier);
        self.story.steps.push(Step { partition, now, body });
    }
}

const REASONS: [EndReason; 5] = [
    EndReason::Cancelled,
    EndReason::Removed,
    EndReason::MovedRoute,
    EndReason::MovedPoint,
    EndReason::CourierChanged,
];
