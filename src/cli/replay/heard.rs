//! When each courier was heard: the device times of the rows as they come to the engine.

use std::path::Path;

use super::intake::{Intake, IntakeOptions};
use super::tally::Tally;
use crate::cli::error::CliError;
use crate::cli::plan::Plan;
use crate::domain::ids::CourierId;
use crate::domain::time::Time;

/// The device times of each courier's rows, ascending.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    times: Vec<Vec<Time>>,
}

impl Heard {
    /// Reads a file of positions as a run takes it.
    ///
    /// # Errors
    /// The file cannot be read, or a row cannot be parsed.
    pub fn read(plan: &Plan, positions: &Path, options: IntakeOptions) -> Result<Self, CliError> {
        let mut intake = Intake::open(plan, positions, options)?;
        let mut times = vec![Vec::new(); plan.couriers.len() + 1];
        let (mut batch, mut tally) = (Vec::new(), Tally::default());
        loop {
            intake.take_batch(&mut batch, &mut tally)?;
            if batch.is_empty() {
                break;
            }
            for fix in batch.drain(..) {
                let CourierId(courier) = fix.courier;
                times[courier as usize].push(fix.position.device_time);
            }
        }
        for times in &mut times {
            times.sort_unstable();
        }
        Ok(Self { times })
    }

    /// Whether a courier was heard again within `silence_ms` from before `from` until after `to`.
    #[must_use]
    pub fn is_heard(&self, courier: CourierId, from: Time, to: Time, silence_ms: i64) -> bool {
        let Some(times) = self.times.get(courier.0 as usize) else { return false };
        let Some(first) = times.partition_point(|t| *t <= from).checked_sub(1) else {
            return false;
        };
        let mut last = times[first];
        for t in &times[first + 1..] {
            if last >= to {
                break;
            }
            if *t - last > silence_ms {
                return false;
            }
            last = *t;
        }
        last >= to
    }
}
