//! Section 4.6: when the courier passed the circle.

use super::*;

impl World {
    fn at_speed(&mut self, seconds: i64, metres_east: f64, speed_mps: Option<f32>) {
        self.send(seconds, metres_east, |position| position.speed_mps = speed_mps);
    }

    /// The estimated seconds of the first event of that name.
    fn estimate(&self, name: &str) -> Option<i64> {
        let event = self.events().find(|event| event.kind.name() == name)?;
        let at = match event.kind {
            EventKind::Arrival(at) | EventKind::OrderVisit(at) => at,
            EventKind::Departure { at, .. } => at,
            _ => return None,
        };
        let ms = at.estimated_time.ms() - EPOCH_S * 1_000;
        Some((ms + 500).div_euclid(1_000))
    }
}

const STANDS: [Option<f32>; 2] = [None, Some(2.0)];
const MOVES: Option<f32> = Some(2.01);

/// 700 m outside (100 s at 7 m/s), then 350 m inside (50 s).
fn entry(gap: i64, before: Option<f32>, inside: Option<f32>) -> Option<i64> {
    let mut world = World::plain();
    world.at_speed(0, 1_200.0, before);
    world.at_speed(gap, 150.0, inside);
    world.estimate("ARRIVAL")
}

/// 350 m inside, then 700 m outside.
fn exit(gap: i64, inside: Option<f32>, away: Option<f32>) -> Option<i64> {
    let mut world = World::plain();
    world.at_speed(0, 150.0, inside);
    world.at_speed(gap, 1_200.0, away);
    world.at_speed(gap + 20, 1_200.0, away);
    world.estimate("DEPARTURE")
}

#[test]
fn who_moves_says_when_the_circle_was_passed() {
    for stands in STANDS {
        assert_eq!(entry(300, MOVES, MOVES), Some(200));
        assert_eq!(entry(300, MOVES, stands), Some(100));
        assert_eq!(entry(300, stands, MOVES), Some(250));
        assert_eq!(entry(300, stands, stands), Some(175));
        assert_eq!(exit(300, MOVES, MOVES), Some(100));
        assert_eq!(exit(300, MOVES, stands), Some(50));
        assert_eq!(exit(300, stands, MOVES), Some(200));
        assert_eq!(exit(300, stands, stands), Some(125));
    }
}

#[test]
fn a_bracket_of_a_minute_is_linear_whoever_moves() {
    for (before, after) in [(None, None), (None, MOVES), (MOVES, None), (MOVES, MOVES)] {
        assert_eq!(entry(60, before, after), Some(40));
        assert_eq!(exit(60, before, after), Some(20));
    }
    // 100 s and 61 - 50 s; 50 s and 61 - 100 s.
    assert_eq!(entry(61, None, None), Some(56));
    assert_eq!(exit(61, None, None), Some(6));
}

#[test]
fn a_way_too_long_for_its_gap_stays_within_it() {
    // 100 s, and 90 - 50 s.
    assert_eq!(entry(90, MOVES, None), Some(90));
    assert_eq!(entry(90, None, MOVES), Some(90));
    assert_eq!(entry(90, None, None), Some(70));
    // 50 s, and 90 - 100 s.
    assert_eq!(exit(90, MOVES, None), Some(50));
    assert_eq!(exit(90, None, MOVES), Some(50));
    assert_eq!(exit(90, None, None), Some(20));
}

#[test]
fn an_entry_from_nowhere_or_from_within_has_its_own_time() {
    let mut world = World::plain();
    world.at_speed(0, 150.0, MOVES);
    assert_eq!(world.estimate("ARRIVAL"), Some(0));
    let mut world = World::plain();
    world.fix_with(0, 490.0, Some(300.0));
    world.at_speed(300, 150.0, MOVES);
    assert_eq!(world.estimate("ARRIVAL"), Some(300));
}
