//! What a courier's devices report of themselves: who sends, how often, at which speed, whether
//! they fall silent at rest, and when their receiver is frozen.

use doorstep::domain::geo::Point;
use doorstep::domain::position::{Position, Source};

use crate::random::Random;

pub struct Device {
    senders: Vec<Source>,
    sender: usize,
    /// How often another one sends.
    alternation: f64,
    cadence_s: (i64, i64),
    silent_when_still: bool,
    states_speed: bool,
    /// How often it states that it moves.
    moves: f64,
    frozen: Option<Frozen>,
    freezes: f64,
}

struct Frozen {
    point: Point,
    until_ms: i64,
}

impl Device {
    pub fn new(random: &mut Random) -> Self {
        use Source::{App, GpsTracker, S2sApi, Yanavi};
        let senders = [
            vec![App],
            vec![S2sApi],
            vec![App, GpsTracker],
            vec![Yanavi, App],
            vec![App, S2sApi, GpsTracker, Yanavi],
        ];
        Self {
            senders: random.pick(&senders),
            sender: 0,
            alternation: random.pick(&[0.02, 0.1, 0.5]),
            cadence_s: random.pick(&[(1, 3), (4, 12), (4, 30), (4, 30), (20, 60), (40, 60)]),
            silent_when_still: random.chance(0.5),
            states_speed: random.chance(0.6),
            moves: random.pick(&[0.01, 0.3, 0.7, 0.7]),
            frozen: None,
            freezes: random.pick(&[0.0, 0.0, 0.01, 0.03]),
        }
    }

    /// Milliseconds to the next report as things go.
    pub fn interval_ms(&self, random: &mut Random) -> i64 {
        random.between(self.cadence_s.0 * 1_000, self.cadence_s.1 * 1_000)
    }

    /// How long it says nothing, at rest.
    pub fn silence_ms(&self, random: &mut Random) -> Option<i64> {
        let share = if self.silent_when_still { 0.15 } else { 0.03 };
        let longest_s = random.pick(&[120, 400, 700, 4_000]);
        random.chance(share).then(|| random.between(100, longest_s) * 1_000)
    }

    /// What it says of itself in a report, and where a frozen receiver leaves it.
    pub fn describe(&mut self, random: &mut Random, now_ms: i64, position: &mut Position) {
        if random.chance(self.alternation) {
            self.sender = random.below(self.senders.len());
        }
        position.source = self.senders[self.sender];
        position.silent_when_still = self.silent_when_still != random.chance(0.03);
        let moves = random.chance(self.moves);
        let speed = random.pick(if moves {
            &[1.1, 2.0, 2.1, 6.0, 9.0]
        } else {
            &[0.0, 0.5, 0.9, 1.0, 1.0]
        });
        position.speed_mps = self.states_speed.then_some(speed);
        if self.frozen.is_none() && random.chance(self.freezes) {
            let until_ms = now_ms + random.between(50, 500) * 1_000;
            self.frozen = Some(Frozen { point: position.point, until_ms });
        }
        self.frozen = self.frozen.take().filter(|frozen| now_ms <= frozen.until_ms);
        if let Some(frozen) = &self.frozen {
            position.point = frozen.point;
            position.speed_mps = Some(if random.chance(0.05) { 0.4 } else { 7.0 });
        }
    }
}
