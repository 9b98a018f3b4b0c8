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

    /// A frame has arrived; everything up to `acked` is durable.
    pub fn arrived(&mut self, acked: u64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.done += 1;
        self.acked = self.acked.max(acked);
    }

    /// How many frames are on their way.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The sequence to tell now, if one is due. It counts as told.
    pub fn due(&mut self, now: Instant) -> Option<u64> {
        let is_due = self.done > 0
            && (self.in_flight == 0
                || self.done >= ACK_FRAMES_MAX
                || now.duration_since(self.last) >= ACK_WITHIN);
        if !is_due || (self.acked == self.told && self.in_flight > 0) {
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
        pace.arrived(10);
        assert_eq!(pace.due(now), None);
        pace.arrived(20);
        assert_eq!(pace.due(now), Some(20));
        assert_eq!((pace.due(now), pace.next()), (None, None));
    }

    #[test]
    fn an_ack_is_due_after_64_frames_or_250_ms() {
        let now = Instant::now();
        let mut pace = AckPace::new(0, now);
        (0..200).for_each(|_| pace.sent_on());
        (0..63).for_each(|frame| pace.arrived(frame + 1));
        assert_eq!(pace.due(now), None);
        pace.arrived(64);
        assert_eq!(pace.due(now), Some(64));
        pace.arrived(65);
        assert_eq!(pace.due(now + Duration::from_millis(249)), None);
        assert_eq!(pace.next(), Some(now + Duration::from_millis(250)));
        assert_eq!(pace.due(now + Duration::from_millis(250)), Some(65));
    }

    #[test]
    fn a_resend_of_what_is_durable_is_acked_again() {
        let now = Instant::now();
        let mut pace = AckPace::new(7, now);
        pace.sent_on();
        pace.arrived(7);
        assert_eq!(pace.due(now), Some(7));
    }
}
