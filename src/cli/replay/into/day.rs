//! Hands the rows of a day to its lanes: in their order, each batch together, each courier's rows
//! one after the other even where they change lanes.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::lane::{Field, Lane, Origin, Parcel};
use crate::cli::client::error::ClientError;
use crate::cli::client::frame::WireFix;
use crate::cli::error::CliError;
use crate::cli::progress::Progress;
use crate::cli::replay::screen::{Screen, Stamped};
use crate::cli::replay::tally::Tally;
use crate::domain::position::{Accuracy, Position};
use crate::domain::time::Time;

/// The day on its way.
pub(super) struct Day {
    field: Arc<Field>,
    lanes: BTreeMap<Origin, Lane>,
    /// Where each courier's last row went, by the courier's id in the plan, from 1.
    last: Vec<Option<(Origin, u64)>>,
    /// The daemon's ids, by the same.
    courier_ids: Vec<u32>,
    pace: Option<Pace>,
}

/// Recorded seconds per real second, at most.
struct Pace {
    speed: f64,
    began: Option<(Instant, Time)>,
}

impl Day {
    pub(super) fn new(field: Arc<Field>, courier_ids: Vec<u32>, speed: Option<f64>) -> Self {
        let last = vec![None; courier_ids.len()];
        let pace = speed.map(|speed| Pace { speed, began: None });
        Self { field, lanes: BTreeMap::new(), last, courier_ids, pace }
    }

    /// Hands every row over. Ends early where a lane does.
    pub(super) async fn stream(
        &mut self,
        screen: &mut Screen<'_>,
        first: Option<Stamped>,
        tally: &mut Tally,
    ) -> Result<(), CliError> {
        let mut progress = Progress::new("rows");
        let mut next = first;
        while let Some(row) = next.take() {
            let number = row.fix.batch_number;
            let mut batch = vec![row];
            loop {
                next = screen.next(tally)?;
                match next.take_if(|row| row.fix.batch_number == number) {
                    Some(row) => batch.push(row),
                    None => break,
                }
            }
            progress.add(batch.len() as u64);
            if self.send(batch).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the last acks.
    pub(super) async fn end(self) -> Result<(), ClientError> {
        let mut ended = Ok(());
        for lane in self.lanes.into_values() {
            ended = ended.and(lane.end().await);
        }
        ended
    }

    /// Sends a batch when its time has come; nothing: a lane has ended.
    async fn send(&mut self, batch: Vec<Stamped>) -> Option<()> {
        let Some(received) = batch.last().map(|row| row.received) else { return Some(()) };
        if let Some(pace) = &mut self.pace {
            pace.wait_for(received).await;
        }
        self.field.clock.wait_for(received).await;
        let mut parcels = BTreeMap::<Origin, Vec<Stamped>>::new();
        let mut lane_of = BTreeMap::new();
        for row in batch {
            let origin = Origin {
                source: row.fix.position.source,
                silent_when_still: row.fix.position.silent_when_still,
            };
            // A courier who changes lanes within a batch parts it.
            if lane_of.insert(row.fix.courier, origin).is_some_and(|before| before != origin) {
                self.hand_over(core::mem::take(&mut parcels)).await?;
            }
            parcels.entry(origin).or_default().push(row);
        }
        self.hand_over(parcels).await
    }

    async fn hand_over(&mut self, parcels: BTreeMap<Origin, Vec<Stamped>>) -> Option<()> {
        for (origin, rows) in parcels {
            for row in &rows {
                let last = self.last[row.fix.courier.0 as usize - 1];
                if let Some((before, seq)) = last.filter(|(before, _)| *before != origin)
                    && let Some(lane) = self.lanes.get_mut(&before)
                {
                    lane.wait_for(seq).await;
                }
            }
            let Some(received) = rows.last().map(|row| row.received) else { continue };
            let index = |row: &Stamped| row.fix.courier.0 as usize - 1;
            let fixes =
                rows.iter().map(|row| (self.courier_ids[index(row)], wire_fix(&row.fix.position)));
            let parcel = Parcel { fixes: fixes.collect(), received };
            let field = &self.field;
            let lane =
                self.lanes.entry(origin).or_insert_with(|| Lane::new(Arc::clone(field), origin));
            let seq = lane.send(parcel).await?;
            for row in &rows {
                self.last[index(row)] = Some((origin, seq));
            }
        }
        Some(())
    }
}

impl Pace {
    async fn wait_for(&mut self, time: Time) {
        let (began, first) = *self.began.get_or_insert_with(|| (Instant::now(), time));
        let due_s = (time - first) as f64 / 1e3 / self.speed;
        let left_s = due_s - began.elapsed().as_secs_f64();
        if left_s > 0.0 {
            sleep(core::time::Duration::from_secs_f64(left_s)).await;
        }
    }
}

fn wire_fix(position: &Position) -> WireFix {
    WireFix(
        position.device_time.ms(),
        position.point.lat_e7(),
        position.point.lon_e7(),
        position.accuracy_m.map(Accuracy::metres),
        position.speed_mps,
        position.heading_deg,
        position.battery_pct,
    )
}
