//! What a device is told of its routes: the next stops after the hello, and again when they change.
//! The owning shard is asked now and then, never waited for; what was told is kept as a hash, so
//! that a device costs a few bytes a route.

use core::hash::{Hash, Hasher};
use core::pin::Pin;
use core::time::Duration;
use std::collections::hash_map::DefaultHasher;

use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use super::settings::{ROUTE_IDLE_LOOKS, ROUTE_ORDERS_MAX};
use super::wire::server_frame::FrameWriter;
use crate::domain::ids::{CourierId, RouteId};
use crate::domain::time::Time;
use crate::runtime::views::{UpcomingOrder, UpcomingRoute, Views};

/// A device's routes as it knows them.
pub(super) struct RouteNews {
    courier: CourierId,
    views: Views,
    every: Duration,
    told: Vec<(RouteId, u64)>,
    answer: Option<oneshot::Receiver<Vec<UpcomingRoute>>>,
    looked: Instant,
    /// Ends when it is time to look again. Kept over the waiting for other things, since a timer
    /// that is set costs more than one that is asked.
    wake: Pin<Box<Sleep>>,
    /// The device has spoken since.
    has_spoken: bool,
}

impl RouteNews {
    /// Asks for the first time.
    pub(super) fn new(courier: CourierId, views: Views, every: Duration) -> Self {
        let (told, looked) = (Vec::new(), Instant::now());
        let wake = Box::pin(sleep_until(looked));
        let has_spoken = false;
        let mut news = Self { courier, views, every, told, answer: None, looked, wake, has_spoken };
        news.look();
        news
    }

    /// The device has sent something: its routes may have moved on.
    pub(super) fn spoken(&mut self) {
        if !self.has_spoken {
            self.has_spoken = true;
            let due = self.due();
            self.wake.as_mut().reset(due);
        }
    }

    /// When to look again.
    fn due(&self) -> Instant {
        self.looked + self.every * if self.has_spoken { 1 } else { ROUTE_IDLE_LOOKS }
    }

    /// Waits for the routes as they are now. May be dropped and called anew.
    pub(super) async fn next(&mut self) -> Vec<UpcomingRoute> {
        loop {
            if let Some(answer) = &mut self.answer {
                let answered = answer.await;
                self.answer = None;
                if let Ok(routes) = answered {
                    return routes;
                }
            }
            self.wake.as_mut().await;
            self.look();
        }
    }

    /// Writes a frame for every route of which something else is to be told.
    pub(super) fn tell(
        &mut self,
        routes: &[UpcomingRoute],
        frames: &mut FrameWriter,
        to: &mut Vec<u8>,
    ) {
        let now: Vec<_> = routes.iter().map(|route| (route.route, hash(&route.next))).collect();
        let before = core::mem::replace(&mut self.told, now);
        for (UpcomingRoute { route, next }, told) in routes.iter().zip(&self.told) {
            if !before.contains(told) {
                frames.route(*route, next, to);
            }
        }
        let is_left = |(route, _): &&(RouteId, u64)| !routes.iter().any(|now| now.route == *route);
        for (route, _) in before.iter().filter(is_left) {
            frames.route(*route, &[], to);
        }
    }

    fn look(&mut self) {
        (self.looked, self.has_spoken) = (Instant::now(), false);
        let due = self.due();
        self.wake.as_mut().reset(due);
        // A shard that is busy is asked another time.
        self.answer = self.views.upcoming(self.courier, ROUTE_ORDERS_MAX).ok();
    }
}

/// What stands in a route's frame, in short.
fn hash(next: &[UpcomingOrder]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for order in next {
        let place = (order.point.lat_e7(), order.point.lon_e7(), order.radius_m.to_bits());
        (order.order.0, place, order.eta.map(Time::ms)).hash(&mut hasher);
    }
    hasher.finish()
}
