//! The frames of one stream on their way to the journal, in order, and what of them was refused.
//! A frame is done when all its parts are; a sequence is settled when every frame up to it is done.

use std::collections::{BTreeMap, VecDeque};

use super::wire::server_frame::Refused;
use crate::domain::ids::CourierId;

/// The frames on their way. Frames are numbered by this line, one after the other.
#[derive(Debug, Default)]
pub struct InFlight {
    /// Number of the first frame in `frames`.
    first: u64,
    frames: VecDeque<Frame>,
    settled: Settled,
    /// Positions of `frames` that were handed on.
    fixes: usize,
}

/// Up to where everything is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The last sequence of the last frame, refused fixes included.
    pub seq: u64,
    /// The last sequence of those frames that was handed on.
    pub submitted: u64,
}

/// What of a frame was handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// So many positions.
    pub fixes: usize,
    /// In so many parts, each of which will be done.
    pub parts: usize,
}

#[derive(Debug)]
struct Frame {
    settles: Settled,
    handed: Handed,
    refusals: Refusals,
}

/// What was refused of a frame: per reason the first sequence, how many, and whose.
#[derive(Debug, Default)]
pub struct Refusals {
    by_reason: BTreeMap<&'static str, Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    seq: u64,
    count: u64,
    /// `None`: several couriers'.
    courier: Option<u64>,
}

impl InFlight {
    /// The number of the frame that is put in next.
    #[must_use]
    pub fn next_frame(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    /// Puts a frame in.
    pub fn begin(&mut self, settles: Settled, handed: Handed, refusals: Refusals) {
        self.fixes += handed.fixes;
        self.frames.push_back(Frame { settles, handed, refusals });
    }

    /// A part of a frame is done, and this of it was refused.
    pub fn part_done(
        &mut self,
        frame: u64,
        refused: impl Iterator<Item = (u64, CourierId, &'static str)>,
    ) {
        let at = frame.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let Some(frame) = at.and_then(|at| self.frames.get_mut(at)) else { return };
        frame.handed.parts = frame.handed.parts.saturating_sub(1);
        for (seq, courier, reason) in refused {
            frame.refusals.add(reason, seq, Some(u64::from(courier.0)));
        }
    }

    /// Takes the first frame out if all its parts are done, and gives its refusals.
    pub fn pop(&mut self) -> Option<Refusals> {
        let done = self.frames.pop_front_if(|frame| frame.handed.parts == 0)?;
        self.fixes -= done.handed.fixes;
        self.first += 1;
        self.settled.seq = self.settled.seq.max(done.settles.seq);
        self.settled.submitted = self.settled.submitted.max(done.settles.submitted);
        Some(done.refusals)
    }

    /// How many positions are on their way.
    #[must_use]
    pub const fn fixes(&self) -> usize {
        self.fixes
    }

    /// Up to where everything is done.
    #[must_use]
    pub const fn settled(&self) -> Settled {
        self.settled
    }
}

impl Refusals {
    /// One fix more.
    pub fn add(&mut self, reason: &'static str, seq: u64, courier: Option<u64>) {
        let run = self.by_reason.entry(reason).or_insert(Run { seq, count: 0, courier });
        run.seq = run.seq.min(seq);
        run.count += 1;
        if run.courier != courier {
            run.courier = None;
        }
    }

    /// One frame to send per reason.
    pub fn frames(&self) -> impl Iterator<Item = Refused<'static>> + '_ {
        self.by_reason.iter().map(|(&reason, run)| Refused {
            seq: run.seq,
            reason,
            count: run.count,
            courier: run.courier,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Handed, InFlight, Refusals, Settled};
    use crate::domain::ids::CourierId;

    #[test]
    fn a_sequence_is_settled_when_all_parts_of_all_earlier_frames_are_done() {
        let mut line = InFlight::default();
        let (first, second) = (Handed { fixes: 9, parts: 2 }, Handed { fixes: 10, parts: 1 });
        line.begin(Settled { seq: 10, submitted: 9 }, first, Refusals::default());
        line.begin(Settled { seq: 20, submitted: 20 }, second, Refusals::default());
        assert_eq!(line.fixes(), 19);
        line.part_done(1, core::iter::empty());
        assert!(line.pop().is_none());
        line.part_done(0, [(3, CourierId(7), "future"), (2, CourierId(8), "future")].into_iter());
        assert!(line.pop().is_none());
        line.part_done(0, core::iter::empty());
        let refusals = line.pop().unwrap();
        let refused: Vec<_> = refusals.frames().collect();
        assert_eq!((refused[0].seq, refused[0].count, refused[0].courier), (2, 2, None));
        assert_eq!(line.fixes(), 10);
        assert_eq!(line.settled(), Settled { seq: 10, submitted: 9 });
        assert!(line.pop().is_some());
        assert_eq!((line.settled().seq, line.next_frame()), (20, 2));
    }
}
