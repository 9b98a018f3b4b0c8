//! What one sender has to say and what of it is not durable yet: kept until it is acked, said
//! again on the next connection in the same frames with the same numbers.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use tokio::time::{Instant, timeout};

use super::error::ClientError;
use super::frame::{ServerFrame, WireFix};
use super::link::Link;

/// The positions of one sender. Order of calls: [`Self::push`] and [`Self::cut`] at any time,
/// [`Self::connected`] with each new link, then [`Self::send`] and [`Self::hear`] with it.
#[derive(Debug)]
pub struct Outbox {
    /// A gateway names its couriers; a device is one.
    is_gateway: bool,
    /// The number of the first fix that is kept.
    first_seq: u64,
    fixes: VecDeque<(u32, WireFix)>,
    frames: VecDeque<Frame>,
    /// How many of the frames this link has got.
    on_link: usize,
    /// When something was last acked, or first sent after a pause.
    last_progress: Instant,
    /// Told and not settled, so that what is told again counts once.
    refusals: BTreeMap<(u64, String), u64>,
}

/// A frame that is cut.
#[derive(Clone, Copy, Debug)]
struct Frame {
    last_seq: u64,
    sent: Option<Instant>,
}

/// What an ack settled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// The number of the first of its fixes.
    pub first_seq: u64,
    /// The fixes with their couriers: durable, or refused for good.
    pub fixes: Vec<(u32, WireFix)>,
    /// When the last frame was sent whose last fix is among them.
    pub sent: Vec<Instant>,
    /// What of them was refused: why, and how many.
    pub refused: Vec<(String, u64)>,
}

impl Outbox {
    /// Nothing to say yet, as a gateway or as a device.
    #[must_use]
    pub fn new(is_gateway: bool) -> Self {
        Self {
            is_gateway,
            first_seq: 1,
            fixes: VecDeque::new(),
            frames: VecDeque::new(),
            on_link: 0,
            last_progress: Instant::now(),
            refusals: BTreeMap::new(),
        }
    }

    /// Adds a fix of a courier.
    pub fn push(&mut self, courier: u32, fix: WireFix) {
        self.fixes.push_back((courier, fix));
    }

    /// Ends a frame: what was added since the last one goes together, in order, as far as a frame
    /// holds. Gives how many fixes that were.
    pub fn cut(&mut self) -> usize {
        let end = self.first_seq + self.fixes.len() as u64;
        let begin = self.frames.back().map_or(self.first_seq, |frame| frame.last_seq + 1);
        let mut last_seq = begin - 1;
        while last_seq + 1 < end {
            last_seq = (last_seq + FRAME_FIXES_MAX).min(end - 1);
            self.frames.push_back(Frame { last_seq, sent: None });
        }
        (end - begin) as usize
    }

    /// Takes a new link: what the welcome acked is settled, all else is to be sent on it. Gives
    /// what was settled and how many fixes had been sent before.
    pub fn connected(&mut self, acked: u64) -> (Settled, u64) {
        let mut settled = self.settle(acked);
        // When they became durable was not seen.
        settled.sent.clear();
        let sent = self.frames.iter().rfind(|frame| frame.sent.is_some());
        let again = sent.map_or(0, |frame| frame.last_seq + 1 - self.first_seq);
        self.on_link = 0;
        self.last_progress = Instant::now();
        (settled, again)
    }

    /// Sends every frame that the link has not got.
    ///
    /// # Errors
    /// The connection is lost, or takes nothing any more.
    pub async fn send(&mut self, link: &mut Link) -> Result<(), ClientError> {
        while self.on_link < self.frames.len() {
            if self.on_link == 0 {
                self.last_progress = Instant::now();
            }
            let said = timeout(SILENCE_MAX, self.say(self.on_link, link)).await;
            said.map_err(|_| silence())??;
            self.frames[self.on_link].sent = Some(Instant::now());
            self.on_link += 1;
        }
        Ok(())
    }

    async fn say(&self, at: usize, link: &mut Link) -> Result<(), ClientError> {
        let before = at.checked_sub(1).map_or(0, |before| self.frames[before].last_seq);
        let first_seq = self.first_seq.max(before + 1);
        let end = (self.frames[at].last_seq + 1 - self.first_seq) as usize;
        let fixes = self.fixes.range((first_seq - self.first_seq) as usize..end);
        if self.is_gateway {
            let fixes: Vec<_> = fixes.map(|(courier, fix)| (courier, None::<u64>, fix)).collect();
            link.say(&(6, first_seq, fixes)).await
        } else {
            let fixes: Vec<_> = fixes.map(|(_, fix)| fix).collect();
            link.say(&(2, first_seq, None::<u64>, fixes)).await
        }
    }

    /// Takes what the server says.
    ///
    /// # Errors
    /// The server refuses to go on.
    pub fn hear(&mut self, frame: ServerFrame) -> Result<Settled, ClientError> {
        match frame {
            ServerFrame::Ack(seq) => Ok(self.settle(seq)),
            ServerFrame::Refused { seq, reason, count } => {
                self.refusals.insert((seq, reason), count);
                Ok(Settled::default())
            }
            ServerFrame::Error { code, text, is_transient } => {
                Err(ClientError::Refused { code, text, is_transient })
            }
            ServerFrame::Welcome(_)
            | ServerFrame::Events { .. }
            | ServerFrame::Gap { .. }
            | ServerFrame::Route(_)
            | ServerFrame::Other(_) => Ok(Settled::default()),
        }
    }

    /// Waits until the server has been silent for too long while something is in flight. May be
    /// dropped and called anew.
    pub async fn silence(&self) -> ClientError {
        if self.on_link == 0 {
            core::future::pending::<()>().await;
        }
        tokio::time::sleep_until(self.last_progress + SILENCE_MAX).await;
        silence()
    }

    /// How many fixes are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fixes.len()
    }

    /// Whether everything that was added is settled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fixes.is_empty()
    }

    /// The number up to which everything is settled.
    #[must_use]
    pub const fn settled_seq(&self) -> u64 {
        self.first_seq - 1
    }

    fn settle(&mut self, seq: u64) -> Settled {
        let mut settled = Settled { first_seq: self.first_seq, ..Settled::default() };
        let cut = self.frames.back().map_or(self.first_seq, |frame| frame.last_seq + 1);
        let count = (seq + 1).saturating_sub(self.first_seq).min(cut - self.first_seq);
        settled.fixes.extend(self.fixes.drain(..count as usize));
        self.first_seq += count;
        if count > 0 {
            self.last_progress = Instant::now();
        }
        while let Some(frame) = self.frames.pop_front_if(|frame| frame.last_seq <= seq) {
            self.on_link = self.on_link.saturating_sub(1);
            settled.sent.extend(frame.sent);
        }
        while let Some(told) = self.refusals.first_entry().filter(|told| told.key().0 <= seq) {
            let ((_, reason), count) = told.remove_entry();
            settled.refused.push((reason, count));
        }
        settled
    }
}

fn silence() -> ClientError {
    ClientError::Lost(format!("no ack within {} s", SILENCE_MAX.as_secs()))
}

/// Fixes of one frame.
const FRAME_FIXES_MAX: u64 = 1_000;
/// Silence of the server with data in flight after which the connection is given up.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::{Outbox, ServerFrame, WireFix};

    fn full(count: i64) -> Outbox {
        let mut outbox = Outbox::new(true);
        (0..count).for_each(|t| outbox.push(1, WireFix(t, 1, 1, None, None, None, None)));
        outbox
    }

    #[test]
    fn what_is_acked_is_settled_once() {
        let mut outbox = full(2_500);
        assert_eq!(outbox.hear(ServerFrame::Ack(10)).unwrap().fixes.len(), 0, "nothing is cut");
        assert_eq!(outbox.cut(), 2_500);
        assert_eq!(outbox.cut(), 0);
        assert_eq!(outbox.frames.len(), 3);
        // In the middle of a frame, again, and beyond what there is.
        assert_eq!(outbox.hear(ServerFrame::Ack(1_500)).unwrap().fixes.len(), 1_500);
        assert_eq!((outbox.frames.len(), outbox.settled_seq()), (2, 1_500));
        assert!(outbox.connected(1_500).0.fixes.is_empty());
        outbox.push(2, WireFix(0, 1, 1, None, None, None, None));
        assert_eq!((outbox.cut(), outbox.len()), (1, 1_001));
        assert_eq!(outbox.connected(9_999).0.fixes.len(), 1_001);
        assert!(outbox.is_empty() && outbox.frames.is_empty());
    }

    #[test]
    fn what_is_refused_again_after_a_lost_connection_counts_once() {
        let mut outbox = full(5);
        outbox.cut();
        let refused = || ServerFrame::Refused { seq: 2, reason: "too_old".to_owned(), count: 3 };
        outbox.hear(refused()).unwrap();
        assert_eq!(outbox.connected(1).0.refused, []);
        outbox.hear(refused()).unwrap();
        let settled = outbox.hear(ServerFrame::Ack(5)).unwrap();
        assert_eq!((settled.fixes.len(), settled.refused), (4, vec![("too_old".to_owned(), 3)]));
    }
}
