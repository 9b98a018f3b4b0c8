//! When each row came, and which rows are refused for their time. A refused row never moves the
//! clock. The engine judges the same way; it is judged here first because the clock drives timers
//! before a position is stepped.

use std::collections::VecDeque;

use super::intake::{Fix, Intake};
use super::tally::Tally;
use super::text::date_time;
use crate::cli::error::CliError;
use crate::cli::stderr::tell;
use crate::domain::position::{AGE_MAX_MS, LEAD_MAX_MS};
use crate::domain::time::{DAY_MS, Time};
use crate::engine::output::DropReason;

/// A row with the instant at which it came; these never step back.
pub(super) struct Stamped {
    pub(super) fix: Fix,
    pub(super) received: Time,
}

/// The rows that count, in the order in which they are stepped.
pub(super) struct Screen<'a> {
    intake: Intake<'a>,
    queue: VecDeque<Fix>,
    clock: Option<Time>,
}

impl<'a> Screen<'a> {
    pub(super) fn new(intake: Intake<'a>) -> Self {
        Self { intake, queue: VecDeque::new(), clock: None }
    }

    /// The next row that is not refused.
    pub(super) fn next(&mut self, tally: &mut Tally) -> Result<Option<Stamped>, CliError> {
        loop {
            self.fill(tally)?;
            let Some(fix) = self.queue.pop_front() else { return Ok(None) };
            let stated = fix.received.unwrap_or(fix.position.device_time);
            let received = self.clock.map_or(stated, |clock| clock.max(stated));
            match self.refusal(&fix, received, tally)? {
                Some(reason) => {
                    let t = fix.position.device_time;
                    refuse(self.intake.file(), fix.line, t, reason, tally);
                }
                None => {
                    self.clock = Some(received);
                    return Ok(Some(Stamped { fix, received }));
                }
            }
        }
    }

    fn refusal(
        &mut self,
        fix: &Fix,
        received: Time,
        tally: &mut Tally,
    ) -> Result<Option<DropReason>, CliError> {
        let t = fix.position.device_time;
        if received - t > AGE_MAX_MS {
            return Ok(Some(DropReason::TooOld));
        }
        if t - received > LEAD_MAX_MS {
            return Ok(Some(DropReason::Future));
        }
        let is_leap = fix.received.is_none() && self.clock.is_some_and(|clock| t - clock > DAY_MS);
        if is_leap && !self.next_agrees(t, tally)? {
            return Ok(Some(DropReason::Future));
        }
        Ok(None)
    }

    /// Without a receive time a leap over 24 h is either a pause of the recording, then the next
    /// row is near it, or a broken device clock.
    fn next_agrees(&mut self, t: Time, tally: &mut Tally) -> Result<bool, CliError> {
        self.fill(tally)?;
        let next = self.queue.front().map(|next| next.position.device_time);
        Ok(next.is_some_and(|next| (next - t).abs() <= DAY_MS))
    }

    fn fill(&mut self, tally: &mut Tally) -> Result<(), CliError> {
        if self.queue.is_empty() {
            self.intake.take_batch(&mut self.queue, tally)?;
        }
        Ok(())
    }
}

/// Tells and counts a refused row.
pub(super) fn refuse(file: &str, line: u64, t: Time, reason: DropReason, tally: &mut Tally) {
    let why = match reason {
        DropReason::TooOld => "more than 24 h before it came",
        DropReason::Future => "more than 60 s after it came, or 24 h away from every other row",
        _ => "refused",
    };
    tell(format_args!("{file}:{line}: time: {}: {} is {why}", reason.name(), date_time(t)));
    *tally.refused.entry(reason.name()).or_default() += 1;
}
