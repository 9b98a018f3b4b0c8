//! The end of a run: what was quarantined is released, and all there is equals a fresh fold of the
//! journal.

use std::task::{Context, Poll, Waker};

use doorstep::domain::ids::{CourierId, RouteId};
use doorstep::runtime::node::NodeSettings;
use doorstep::storage::segment::feed_first;

use super::checks;
use super::held::{held, whole};
use super::life::{Images, Life, Part};
use super::run::Run;

impl Run {
    /// What was quarantined is evaluated again, once nothing fails any more.
    pub(super) fn release(&mut self, life: &mut Life) {
        let quarantined = life.node.views().quarantined();
        let is_called_for = quarantined.is_empty() || self.trap.sprung() >= 2;
        assert!(is_called_for, "quarantined without a cause");
        self.did.quarantined += quarantined.len() as u64;
        for courier in quarantined {
            if self.chance.below(3) == 0 && self.clients.now.has(courier) {
                self.clients.erase(&life.admission, courier);
            } else {
                self.clients.release(&life.admission, courier);
            }
            if self.chance.below(2) == 0 {
                let _ = life.node.ask_for_snapshot(true);
            }
            assert!(self.drain(life), "{:?}", life.node.fault().cause());
        }
        assert!(life.node.views().quarantined().is_empty());
        for _ in 0..10 {
            self.tick();
        }
        assert!(self.drain(life), "{:?}", life.node.fault().cause());
    }

    /// Ends a process that has worked off everything, and compares all it was with a fresh fold.
    pub fn judge_end(&mut self, mut life: Life) {
        let states = self.states(&mut life);
        self.judge_feed(&life.node.feed());
        checks::judge_invariants(&self.published);
        checks::judge_chains(&life.node.feed(), &self.published);
        checks::judge_notifications(&life.node.feed(), &self.published);
        let first_left = life.node.feed().first();
        life.node.end();
        self.until_ended(&mut life);
        assert!(!life.node.fault().has_failed(), "{:?}", life.node.fault().cause());
        let held = held(&self.disk).expect("the journal is whole");
        checks::judge_acknowledged(&held, self.acked().into_iter());
        checks::judge_tracks(&self.disk, &held, (&self.clients.now.couriers, self.kept_from), true);
        let clean = whole(&self.disk);
        let settings = NodeSettings { shards: 1, ..self.settings.clone() };
        let mut images = Images::default();
        let mut fresh = self.start_on(&clean, &settings, Some(&mut images)).expect("it starts");
        assert_eq!(self.states(&mut fresh), states, "the present state, and that of a fresh fold");
        checks::judge_documents(life.catalog().expect("it is idle"), &fresh.notes);
        let (kept, mut replayed) = (checks::feed_bytes(&self.disk), checks::feed_bytes(&clean));
        replayed.retain(|name, _| feed_first(name) >= Some(first_left));
        assert_eq!(kept, replayed, "the feed's bytes, and those of a fresh fold");
        self.did.acked = self.acked().len() as u64;
        self.did.accepted = self.clients.accepted;
        self.did.events = self.published.len() as u64;
    }

    /// What the views show of every route, in words.
    fn states(&mut self, life: &mut Life) -> String {
        let _timers = self.runtime.enter();
        let mut states = String::new();
        for (route, courier) in self.clients.now.routes.clone() {
            let views = life.node.views();
            let courier = CourierId(courier as u32);
            let mut asked = Box::pin(views.route(courier, RouteId(route)));
            let mut task = Context::from_waker(Waker::noop());
            loop {
                if let Poll::Ready(state) = asked.as_mut().poll(&mut task) {
                    states.push_str(&format!("{state:#?}\n"));
                    break;
                }
                for shard in 0..life.node.shards() {
                    life.step(Part::Shard(shard), &mut Images::default(), false);
                }
            }
        }
        states
    }
}
