//! The rows of a positions file as the day takes them: couriers resolved, bad and invalid rows
//! told and counted, thinned to a cadence, disturbed, cut into batches and sorted within each.

use std::collections::VecDeque;
use std::path::Path;

use super::disturb::Disturbance;
use super::tally::Tally;
use crate::cli::error::CliError;
use crate::cli::noise::Noise;
use crate::cli::plan::Plan;
use crate::cli::stderr::tell;
use crate::domain::ids::CourierId;
use crate::domain::position::Position;
use crate::domain::time::{SECOND_MS, Time};
use crate::engine::output::DropReason;
use crate::ingest::error::FileError;
use crate::ingest::files::{Row, Rows};

/// How rows are taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntakeOptions {
    /// A row that cannot be parsed is counted and does not stop the run.
    pub skip_bad: bool,
    /// At most one row per courier in so many seconds of device time.
    pub cadence_s: Option<u32>,
    /// What disturbs the rows that are left, with its seed.
    pub noise: Option<(Noise, u64)>,
}

/// A row that names a courier of the plan.
#[derive(Clone, Debug)]
pub(super) struct Fix {
    pub(super) line: u64,
    pub(super) courier: CourierId,
    pub(super) position: Position,
    pub(super) received: Option<Time>,
    /// Which batch it came in, counted from 1.
    pub(super) batch_number: u64,
    pub(super) batch: Option<String>,
}

/// The rows of a file, batch by batch.
pub(super) struct Intake<'a> {
    plan: &'a Plan,
    file: String,
    rows: Rows,
    options: IntakeOptions,
    /// Device time of the row kept last, by courier id.
    kept: Vec<Option<Time>>,
    noise: Option<Disturbance>,
    /// Rows that came together, in the order in which they came.
    came: VecDeque<Fix>,
    /// The row that ended the last batch.
    next: Option<Fix>,
    batches: u64,
}

impl<'a> Intake<'a> {
    pub(super) fn open(
        plan: &'a Plan,
        path: &Path,
        options: IntakeOptions,
    ) -> Result<Self, CliError> {
        Ok(Self {
            plan,
            file: path.display().to_string(),
            rows: Rows::open(path, plan.origin())?,
            options,
            kept: vec![None; plan.couriers.len() + 1],
            noise: options
                .noise
                .map(|(noise, seed)| Disturbance::new(noise, seed, plan.couriers.len())),
            came: VecDeque::new(),
            next: None,
            batches: 0,
        })
    }

    /// The file as it was named.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Appends the next batch in the order in which it is stepped; nothing at the end of the file.
    pub(super) fn take_batch(
        &mut self,
        into: &mut impl Extend<Fix>,
        tally: &mut Tally,
    ) -> Result<(), CliError> {
        let first = match self.next.take() {
            Some(fix) => fix,
            None => match self.next_fix(tally)? {
                Some(fix) => fix,
                None => return Ok(()),
            },
        };
        let mut batch = vec![first];
        while batch[0].batch.is_some() {
            self.next = self.next_fix(tally)?;
            let Some(fix) = self.next.take_if(|fix| fix.batch == batch[0].batch) else { break };
            if batch.len() == BATCH_ROWS_MAX {
                let (file, line) = (self.file.clone(), fix.line);
                return Err(CliError::BatchTooLarge { file, line, max: BATCH_ROWS_MAX });
            }
            batch.push(fix);
        }
        batch.sort_by(|a, b| {
            a.position.frame_order(&b.position).then_with(|| a.courier.cmp(&b.courier))
        });
        self.batches += 1;
        let batch_number = self.batches;
        into.extend(batch.into_iter().map(|fix| Fix { batch_number, ..fix }));
        Ok(())
    }

    /// The next row as it came.
    fn next_fix(&mut self, tally: &mut Tally) -> Result<Option<Fix>, CliError> {
        if self.noise.is_none() {
            return self.recorded(tally);
        }
        loop {
            if let Some(fix) = self.came.pop_front() {
                return Ok(Some(fix));
            }
            let recorded = self.recorded(tally)?;
            let Some(noise) = &mut self.noise else { return Ok(recorded) };
            match recorded {
                Some(fix) => noise.take(fix, &mut self.came, tally),
                None => {
                    noise.finish(&mut self.came);
                    return Ok(self.came.pop_front());
                }
            }
        }
    }

    /// The next row as it was recorded.
    fn recorded(&mut self, tally: &mut Tally) -> Result<Option<Fix>, CliError> {
        while let Some(row) = self.rows.next() {
            tally.rows += 1;
            match row {
                Ok(row) => {
                    if let Some(fix) = self.fix(row, tally) {
                        return Ok(Some(fix));
                    }
                }
                Err(error @ FileError::Invalid { .. }) => {
                    tell(format_args!("{error}"));
                    *tally.refused.entry("invalid").or_default() += 1;
                }
                Err(error @ FileError::Row { .. }) if self.options.skip_bad => {
                    tell(format_args!("{error}"));
                    tally.bad += 1;
                }
                Err(error @ FileError::Row { .. }) => return Err(CliError::BadRow(error)),
                Err(error @ FileError::Unreadable { .. }) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn fix(&mut self, row: Row, tally: &mut Tally) -> Option<Fix> {
        let Some(id) = self.plan.courier_names.id(&row.courier) else {
            *tally.dropped.entry(DropReason::UnknownCourier.name()).or_default() += 1;
            return None;
        };
        if self.is_thinned_out(id as usize, row.position.device_time) {
            tally.thinned += 1;
            return None;
        }
        let silent_when_still = self.plan.couriers[id as usize - 1].silent_when_still;
        Some(Fix {
            line: row.line,
            courier: CourierId(id),
            position: Position { silent_when_still, ..row.position },
            received: row.received,
            batch_number: 0,
            batch: row.batch,
        })
    }

    /// Late rows are thinned by the same rule, so that a late batch keeps its shape.
    fn is_thinned_out(&mut self, courier: usize, t: Time) -> bool {
        let Some(cadence_s) = self.options.cadence_s else { return false };
        let cadence_ms = i64::from(cadence_s) * SECOND_MS;
        if self.kept[courier].is_some_and(|kept| (t - kept).abs() < cadence_ms) {
            return true;
        }
        self.kept[courier] = Some(t);
        false
    }
}

/// Most rows of one batch.
const BATCH_ROWS_MAX: usize = 100_000;
