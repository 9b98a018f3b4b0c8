//! When an ack is due: at once when the sender has nothing in flight, else after 64 frames or
//! 250 ms, whichever is first. Knows no clock: instants come in.

use tokio::time::Instant;

use super::settings::{ACK_FRAMES_MAX, ACK_WITHIN};

/// The acks of one stream.
#[derive(Debug)]
pub struct AckPace {
    in_flight: usize,
    /// Frames that became durable since the last ack.
    done: u32,
    /// Highest sequence to tell.
    acked: u64,
    told: u64,
    last: Instant,
}

impl AckPace {
    /// Nothing in flight, and everything up to `acked` was told by the welcome.
    #[must_use]
    pub const fn new(acked: u64, now: Instant) -> Self {
        Self { in_flight: 0, done: 0, acked, told: acked, last: now }
    }

    /// A frame is on its way.
    pub const fn sent_on(&mut self) {
        self.in_flight += 1;
    }

    /// So many frames have arrived; everything up to `acked` is durable. No frame: it became so
    /// later than the frame that waited for it.
    pub fn arrived(&mut self, frames: usize, acked: u64) {
        self.in_flight = self.in_flight.saturating_sub(frames);
        self.done += frames as u32 + u32::from(frames == 0 && acked > self.acked);
        self.acked = self.acked.max(acked);
    }

    /// How many frames are on their way.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The sequence to tell now, if one is due. It counts as told. What was told is told again only
    /// if it answers all that was sent: not while more is in flight, here or elsewhere (`is_owed`).
    pub fn due(&mut self, now: Instant, is_owed: bool) -> Option<u64> {
        let is_due = self.done > 0
            && (self.in_flight == 0
                || self.done >= ACK_FRAMES_MAX
                || now.duration_since(self.last) >= ACK_WITHIN);
        if !is_due || (self.acked == self.told && (self.in_flight > 0 || is_owed)) {
            return None;
        }
        (self.done, self.told, self.last) = (0, self.acked, now);
        Some(self.acked)
    }

    /// When to ask again, if nothing else happens before.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        (self.done > 0 && self.acked > self.told).then(|| self.last + ACK_WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use tokio::time::Instant;

    use super::AckPace;

    #[test]
    fn an_ack_is_due_at_once_when_nothing_is_in_flight() {
        let now = Instant::now();
        let mut pace = AckPace::new(0, now);
        pace.sent_on();
        pace.sent_on();
        pace.arrived(1, 10);
        assert_eq!(pace.due(now, false), None);
        pace.arrived(1, 20);
        assert_eq!(pace.due(now, false), Some(20));
        assert_eq!((pace.due(now, false), pace.next()), (None, None));
    }

    #[test]
    fn an_ack_is_due_after_64_frames_or_250_ms() {
        let now = Instant::now();
        let mut pace = AckPace::new(0, now);
        (0..200).for_each(|_| pace.sent_on());
        (0..63).for_each(|frame| pace.arrived(1, frame + 1));
        assert_eq!(pace.due(now, false), None);
        pace.arrived(1, 64);
        assert_eq!(pace.due(now, false), Some(64));
        pace.arrived(1, 65);
        assert_eq!(pace.due(now + Duration::from_millis(249), false), None);
        assert_eq!(pace.next(), Some(now + Duration::from_millis(250)));
        assert_eq!(pace.due(now + Duration::from_millis(250), false), Some(65));
    }

    #[test]
    fn what_waits_for_another_stream_is_told_when_that_is_done() {
        let now = Instant::now();
        let mut pace = AckPace::new(0, now);
        pace.sent_on();
        pace.arrived(1, 0);
        assert_eq!((pace.due(now, true), pace.in_flight()), (None, 0));
        pace.arrived(0, 20);
        assert_eq!(pace.due(now, false), Some(20));
    }

    #[test]
    fn a_resend_of_what_is_durable_is_acked_again() {
        let now = Instant::now();
        let mut pace = AckPace::new(7, now);
        pace.sent_on();
        pace.arrived(1, 7);
        assert_eq!(pace.due(now, false), Some(7));
    }
}
