//! What holds of every day, whatever the courier and the callers do (behaviour 3.3 and 8). A failure
//! prints the day, and `PROPTEST_CASES=10000 cargo test --test properties` looks for more.

mod support {
    pub mod interrupted;
    pub mod invariants;
    pub mod play;
    pub mod reference;
    pub mod walk;
    pub mod world;
}

use doorstep::domain::event::{EventKind, OrderEvent};
use doorstep::domain::geo::distance_m;
use doorstep::domain::ids::{CourierId, PartitionId};
use doorstep::domain::position::Position;
use doorstep::engine::Engine;
use doorstep::engine::output::OutputBody;
use doorstep::engine::state::LAYOUT;
use doorstep::travel::straight_line::StraightLine;
use proptest::prelude::*;
use support::interrupted::interrupted;
use support::invariants::broken;
use support::play::{Engines, Step, Told, play};
use support::reference::{StayEvent, accepted, stays_of};
use support::walk::{Day, busy_days, days, plain, position_body, step};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Ids, stays and notifications, with callers who change things meanwhile.
    #[test]
    fn no_invariant_is_broken(day in busy_days(), late in 1_usize..60) {
        for steps in [day.steps(COURIER), batched(&day, late)] {
            let told = play(&steps, 1).concat();
            prop_assert_eq!(broken(&told), Vec::<String>::new());
            prop_assert_eq!(arrivals_without_departure(&told), 0);
        }
    }

    /// Every ORDER_VISIT can be checked by anyone.
    #[test]
    fn a_visit_is_within_the_used_radius(day in busy_days()) {
        for event in events(&play(&day.steps(COURIER), 1).concat()) {
            if let EventKind::OrderVisit(at) = event.kind {
                let order = day.point(event.order).expect("it is on the route");
                let used_m = at.used_mark_delivered_radius.metres();
                prop_assert!(distance_m(order, at.point) <= used_m, "{:?}", event);
            }
        }
    }

    /// The engine against the rules written out once more, each order by itself.
    #[test]
    fn stays_are_those_of_the_reference(day in days()) {
        let day = plain(day);
        let steps = day.steps(COURIER);
        let told = events(&play(&steps[..steps.len() - 1], 1).concat());
        let accepted = accepted(&day.positions);
        for (number, order) in (1..).zip(&day.orders) {
            // The segment between two positions counts too where no dwell is required (4.5).
            let required_ms = day.policy.dwell_required_ms(order.service_duration_s, 0);
            if required_ms > 0 {
                let expected = stays_of(&day.policy, order, &accepted);
                let told = stay_events(&told, number);
                prop_assert!(are_equal(&told, &expected), "{:?}, not {:?}", told, expected);
            }
        }
    }

    /// The same inputs give the same bytes, ids among them.
    #[test]
    fn a_replay_is_equal(day in busy_days()) {
        let steps = day.steps(COURIER);
        prop_assert_eq!(format!("{:?}", play(&steps, 1)), format!("{:?}", play(&steps, 1)));
    }

    /// The number of shards does not show, nor do other couriers.
    #[test]
    fn shards_do_not_show(days in prop::collection::vec(busy_days(), 1..4)) {
        let lanes: Vec<_> = (1..).zip(&days).map(|(id, day)| day.steps(CourierId(id))).collect();
        let alone: Vec<_> = lanes.iter().map(|lane| play(lane, 1).concat()).collect();
        for shards in [1, 2, 3, 7] {
            prop_assert_eq!(&together(&lanes, shards), &alone, "{} shards", shards);
        }
    }

    /// An engine that takes the state over as bytes goes on as if nothing had been.
    #[test]
    fn an_interruption_does_not_show(day in busy_days(), every in 2_usize..40) {
        let steps = day.steps(COURIER);
        prop_assert_eq!(interrupted(&steps, every), play(&steps, 1));
    }

    /// What takes bytes over has a checksum in front of it, and yet no bytes break it.
    #[test]
    fn bytes_that_no_engine_wrote_break_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..400)
    ) {
        let mut engine = Engine::new(Box::new(StraightLine::default()));
        let _ = engine.import(PartitionId(0), &bytes, LAYOUT);
    }

    /// Cutting the walk into batches, received with their last position, changes no event.
    #[test]
    fn batch_cuts_do_not_show(day in days(), size in 2_usize..50) {
        let single = events(&play(&day.steps(COURIER), 1).concat());
        for size in [size, 7, usize::MAX] {
            let told = play(&batched(&day, size), 1).concat();
            prop_assert_eq!(&events(&told), &single, "batches of {}", size);
        }
    }

    /// The order within a batch does not show, since a batch is sorted.
    #[test]
    fn a_shuffled_batch_is_the_same_batch(
        (day, shuffled) in days().prop_flat_map(|day| {
            let positions = Just(day.positions.clone()).prop_shuffle();
            (Just(day), positions)
        })
    ) {
        let mut sorted = shuffled;
        sorted.sort_by(Position::frame_order);
        prop_assert_eq!(sorted, day.positions);
    }

    /// Late and repeated positions are refused and change nothing.
    #[test]
    fn late_positions_change_nothing(day in days(), late in any::<prop::sample::Index>()) {
        let single = events(&play(&day.steps(COURIER), 1).concat());
        let mut steps = day.steps(COURIER);
        let last = steps.len() - 1;
        let position = day.positions[late.index(day.positions.len())];
        let now = steps[last].now;
        steps.insert(last, step(COURIER, now, position_body(COURIER, position)));
        prop_assert_eq!(events(&play(&steps, 1).concat()), single);
    }
}

/// The day's steps in runs of so many, each received with its last one.
fn batched(day: &Day, size: usize) -> Vec<Step> {
    let mut steps = day.steps(COURIER);
    for batch in steps.chunks_mut(size) {
        let received_at = batch.last().expect("a chunk is not empty").now;
        batch.iter_mut().for_each(|step| step.now = received_at);
    }
    steps
}

/// Plays all lanes step by step beside each other; what each was told.
fn together(lanes: &[Vec<Step>], shards: usize) -> Vec<Vec<Told>> {
    let mut engines = Engines::new(shards);
    let mut told = vec![Vec::new(); lanes.len()];
    let longest = lanes.iter().map(Vec::len).max().unwrap_or_default();
    for place in 0..longest {
        for (lane, told) in lanes.iter().zip(&mut told) {
            if let Some(step) = lane.get(place) {
                told.extend(engines.play(step));
            }
        }
    }
    told
}

fn events(told: &[Told]) -> Vec<OrderEvent> {
    let event = |told: &Told| match told.output.body {
        OutputBody::Event(event) => Some(event),
        OutputBody::Notification(_)
        | OutputBody::Eta { .. }
        | OutputBody::RouteViolated { .. }
        | OutputBody::Dropped { .. } => None,
    };
    told.iter().filter_map(event).collect()
}

fn stay_events(events: &[OrderEvent], number: u64) -> Vec<StayEvent> {
    let of_order = events.iter().filter(|event| event.order.0 % 100 == number);
    let stay_event = |event: &OrderEvent| match event.kind {
        EventKind::Arrival(at) | EventKind::OrderVisit(at) | EventKind::Departure { at, .. } => {
            Some((event.kind.name(), event.t, at.estimated_time))
        }
        EventKind::OrderCreated
        | EventKind::Start
        | EventKind::OrderBecameNext
        | EventKind::StatusUpdate { .. }
        | EventKind::IntervalUpdate { .. } => None,
    };
    of_order.filter_map(stay_event).collect()
}

/// Estimates may differ by a rounded millisecond.
fn are_equal(told: &[StayEvent], expected: &[StayEvent]) -> bool {
    let close =
        |(a, b): (&StayEvent, &StayEvent)| (a.0, a.1) == (b.0, b.1) && (a.2 - b.2).abs() <= 1;
    told.len() == expected.len() && told.iter().zip(expected).all(close)
}

fn arrivals_without_departure(told: &[Told]) -> usize {
    let count = |name| events(told).iter().filter(|event| event.kind.name() == name).count();
    count("ARRIVAL") - count("DEPARTURE").min(count("ARRIVAL"))
}

const COURIER: CourierId = CourierId(1);
