//! Questions about the present: asked of the shard that owns the courier, answered between two
//! inputs. A question sees every command that was committed before it was asked.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::error::ViewError;
use super::intake::shard_of;
use super::mailbox::{Mail, Weight};
use super::node::Shared;
use super::partition::partition_of;
use crate::domain::geo::Point;
use crate::domain::ids::{CompanyId, CourierId, OrderId, RouteId};
use crate::engine::Engine;
use crate::engine::courier_index::Nearby;
use crate::engine::courier_index::bounds::Bounds;
pub use crate::engine::order_state::{LastPosition, OrderState, RouteState};
pub use crate::engine::upcoming::{UpcomingOrder, UpcomingRoute};

/// A courier within bounds, and where.
pub type Located = (CourierId, LastPosition);

/// The present state. Cheap to clone. Must be asked within a tokio runtime that has a timer.
#[derive(Clone)]
pub struct Views {
    shared: Arc<Shared>,
}

impl Views {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The state of an order on a courier's route; `None`: it is not there.
    ///
    /// # Errors
    /// No answer within the node's `answer_ms_max`, or the node has stopped.
    pub async fn order(
        &self,
        courier: CourierId,
        route: RouteId,
        order: OrderId,
    ) -> Result<Option<OrderState>, ViewError> {
        let Some(shard) = self.home(courier) else { return Ok(None) };
        self.ask(shard, move |engine| engine.order_state(courier, route, order)).await
    }

    /// The state of a courier's route with all its orders; `None`: it is not there.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub async fn route(
        &self,
        courier: CourierId,
        route: RouteId,
    ) -> Result<Option<RouteState>, ViewError> {
        let Some(shard) = self.home(courier) else { return Ok(None) };
        self.ask(shard, move |engine| engine.route_state(courier, route)).await
    }

    /// What a courier has ahead, at most `orders_max` orders a route: an answer to wait for as long
    /// as one likes. A courier that is not known has nothing.
    ///
    /// # Errors
    /// The shard is too busy to be asked, or the node has stopped.
    pub fn upcoming(
        &self,
        courier: CourierId,
        orders_max: usize,
    ) -> Result<oneshot::Receiver<Vec<UpcomingRoute>>, ViewError> {
        let shard = self.home(courier).unwrap_or_default();
        self.send(shard, move |engine| engine.upcoming(courier, orders_max))
    }

    /// The last known position of a courier.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub async fn last_position(
        &self,
        courier: CourierId,
    ) -> Result<Option<LastPosition>, ViewError> {
        let Some(shard) = self.home(courier) else { return Ok(None) };
        self.ask(shard, move |engine| engine.last_position(courier)).await
    }

    /// The first `nearby_max` couriers of a company at most `radius_m` away, by (distance, id).
    ///
    /// # Errors
    /// As [`Self::order`].
    pub async fn couriers_near(
        &self,
        company: CompanyId,
        around: Point,
        radius_m: f64,
        nearby_max: usize,
    ) -> Result<Vec<(Nearby, LastPosition)>, ViewError> {
        let nearby = self.ask_all(move |engine| {
            with_position(engine, engine.couriers_near(company, around, radius_m, nearby_max))
        });
        Ok(first(&nearby.await?, nearby_max))
    }

    /// The `nearby_max` couriers of a company that are nearest, by (distance, id).
    ///
    /// # Errors
    /// As [`Self::order`].
    pub async fn couriers_nearest(
        &self,
        company: CompanyId,
        around: Point,
        nearby_max: usize,
    ) -> Result<Vec<(Nearby, LastPosition)>, ViewError> {
        let nearby = self.ask_all(move |engine| {
            with_position(engine, engine.couriers_nearest(company, around, nearby_max))
        });
        Ok(first(&nearby.await?, nearby_max))
    }

    /// The first `inside_max` couriers of a company within bounds, by id.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub async fn couriers_within(
        &self,
        company: CompanyId,
        bounds: Bounds,
        inside_max: usize,
    ) -> Result<Vec<Located>, ViewError> {
        let inside = self.ask_all(move |engine| {
            let inside = engine.couriers_within(company, bounds, inside_max).into_iter();
            inside.filter_map(|id| Some((id, engine.last_position(id)?))).collect::<Vec<_>>()
        });
        let mut inside = inside.await?.concat();
        inside.sort_by_key(|(courier, _)| *courier);
        inside.truncate(inside_max);
        Ok(inside)
    }

    /// The couriers in quarantine.
    #[must_use]
    pub fn quarantined(&self) -> BTreeSet<CourierId> {
        self.shared.directory.quarantined()
    }

    /// Asks one shard anything.
    async fn ask<T: Send + 'static>(
        &self,
        shard: usize,
        question: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, ViewError> {
        let receiver = self.send(shard, question)?;
        timeout(Duration::from_millis(self.shared.answer_ms_max), receiver)
            .await
            .map_err(|_| ViewError::Busy)?
            .map_err(|_| ViewError::Stopped)
    }

    /// Asks every shard the same.
    async fn ask_all<T: Send + 'static>(
        &self,
        question: impl Fn(&Engine) -> T + Clone + Send + 'static,
    ) -> Result<Vec<T>, ViewError> {
        let asked: Result<Vec<_>, _> = (0..self.shared.mailboxes.len())
            .map(|shard| self.send(shard, question.clone()))
            .collect();
        let mut answers = Vec::new();
        for receiver in asked? {
            let answer = timeout(Duration::from_millis(self.shared.answer_ms_max), receiver).await;
            answers.push(answer.map_err(|_| ViewError::Busy)?.map_err(|_| ViewError::Stopped)?);
        }
        Ok(answers)
    }

    fn send<T: Send + 'static>(
        &self,
        shard: usize,
        question: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, ViewError> {
        let mailbox = &self.shared.mailboxes[shard];
        let (sender, receiver) = oneshot::channel();
        if self.shared.fault.has_ended() {
            return Err(ViewError::Stopped);
        }
        if !mailbox.reserve(Weight::Others(1)) {
            return Err(ViewError::Busy);
        }
        let ask = Mail::Ask(Box::new(move |engine| {
            // Who has stopped waiting wants no answer.
            let _ = sender.send(question(engine));
        }));
        if mailbox.put(ask) { Ok(receiver) } else { Err(ViewError::Stopped) }
    }

    fn home(&self, courier: CourierId) -> Option<usize> {
        let company = self.shared.directory.open().company(courier)?;
        Some(shard_of(partition_of(company, courier), self.shared.mailboxes.len()))
    }
}

fn with_position(engine: &Engine, nearby: Vec<Nearby>) -> Vec<(Nearby, LastPosition)> {
    let nearby = nearby.into_iter();
    nearby.filter_map(|near| Some((near, engine.last_position(near.courier)?))).collect()
}

fn first(shards: &[Vec<(Nearby, LastPosition)>], nearby_max: usize) -> Vec<(Nearby, LastPosition)> {
    let mut nearby = shards.concat();
    nearby.sort_by_key(|(near, _)| *near);
    nearby.truncate(nearby_max);
    nearby
}
