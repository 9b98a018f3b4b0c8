//! Runs a recorded day through the engine: documents first, then rows in order of receipt, with
//! the timers that were due before each. Every output goes to the caller's ear.

use std::path::Path;

use super::intake::{Intake, IntakeOptions};
use super::pace::Pace;
use super::screen::{Screen, Stamped, refuse};
use super::tally::Tally;
use crate::cli::error::CliError;
use crate::cli::plan::{COMPANY, Plan, PlannedCourier};
use crate::domain::command::Command;
use crate::domain::eta::OrderEta;
use crate::domain::ids::PartitionId;
use crate::domain::time::{DAY_MS, Time};
use crate::engine::Engine;
use crate::engine::input::InputBody;
use crate::engine::output::{DropReason, Output, OutputBody, Outputs};
use crate::runtime::partition::{Partitions, partition_of};
use crate::travel::straight_line::StraightLine;

/// One output with the ETAs that belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The output; never one that only says that a position was dropped.
    pub output: &'a Output,
    /// The changed orders of an ETA output.
    pub etas: &'a [OrderEta],
}

/// What hears the outputs in their order.
pub type Ear<'a> = dyn FnMut(Told<'_>) -> Result<(), CliError> + 'a;

/// Runs the positions of a file against a plan.
///
/// # Errors
/// The file cannot be read, a row cannot be parsed, or the ear fails.
pub fn run_day(
    plan: &Plan,
    positions: &Path,
    options: IntakeOptions,
    mut pace: Option<Pace>,
    ear: &mut Ear<'_>,
) -> Result<Tally, CliError> {
    let mut screen = Screen::new(Intake::open(plan, positions, options)?);
    let mut day = Day::new(plan, positions.display().to_string());
    loop {
        let Some(stamped) = screen.next(&mut day.tally)? else { return Ok(day.tally) };
        if let Some(pace) = &mut pace {
            pace.wait_for(stamped.received);
        }
        day.step(stamped, ear)?;
    }
}

/// The engine and its clock.
struct Day<'a> {
    plan: &'a Plan,
    file: String,
    engine: Engine,
    partitions: Partitions,
    /// Partitions that hold a courier of the plan, in their order.
    homes: Vec<PartitionId>,
    clock: Option<Time>,
    outputs: Outputs,
    tally: Tally,
}

impl<'a> Day<'a> {
    fn new(plan: &'a Plan, file: String) -> Self {
        let home = |courier: &PlannedCourier| partition_of(COMPANY, courier.plan.id);
        let mut homes: Vec<PartitionId> = plan.couriers.iter().map(home).collect();
        homes.sort_unstable();
        homes.dedup();
        Self {
            plan,
            file,
            engine: Engine::new(Box::new(StraightLine::default())),
            partitions: Partitions::default(),
            homes,
            clock: None,
            outputs: Outputs::default(),
            tally: Tally::default(),
        }
    }

    fn step(&mut self, stamped: Stamped, ear: &mut Ear<'_>) -> Result<(), CliError> {
        let Stamped { fix, received } = stamped;
        if self.clock.is_none() {
            self.store_documents(received - DAY_MS, ear)?;
        }
        if self.clock.is_none_or(|clock| received > clock) {
            self.clock = Some(received);
            for home in &self.homes {
                self.partitions.tick(&mut self.engine, *home, received, &mut self.outputs);
            }
        }
        let home = partition_of(COMPANY, fix.courier);
        let (courier, position) = (fix.courier, fix.position);
        let body = InputBody::Position { courier, route: None, position, sheds_eta: false };
        self.partitions.step(&mut self.engine, home, received, body, &mut self.outputs);
        self.tell(fix.line, ear)
    }

    /// Settings, couriers and routes exist a day before the first row.
    fn store_documents(&mut self, at: Time, ear: &mut Ear<'_>) -> Result<(), CliError> {
        let plan = self.plan;
        for home in self.homes.clone() {
            let policy = plan.policy.clone();
            self.command(home, at, Command::PutPolicy { company: COMPANY, policy });
        }
        for courier in &plan.couriers {
            let home = partition_of(COMPANY, courier.plan.id);
            self.command(home, at, Command::PutCourier(courier.plan));
        }
        for route in &plan.routes {
            let home = partition_of(COMPANY, route.courier);
            self.command(home, at, Command::PutRoute(route.clone()));
        }
        self.tell(0, ear)
    }

    fn command(&mut self, home: PartitionId, at: Time, command: Command) {
        let body = InputBody::Command(Box::new(command));
        self.partitions.step(&mut self.engine, home, at, body, &mut self.outputs);
    }

    fn tell(&mut self, line: u64, ear: &mut Ear<'_>) -> Result<(), CliError> {
        for output in self.outputs.list() {
            let mut etas: &[OrderEta] = &[];
            let name = match &output.body {
                OutputBody::Dropped { reason, t, .. } => {
                    count_dropped(&self.file, line, *t, *reason, &mut self.tally);
                    continue;
                }
                OutputBody::Event(event) => event.kind.name(),
                OutputBody::Notification(notification) => notification.kind.name(),
                OutputBody::Eta { orders, .. } => {
                    etas = self.outputs.order_etas(*orders);
                    "eta"
                }
                OutputBody::RouteViolated { .. } => "violated",
            };
            *self.tally.told.entry(name).or_default() += 1;
            ear(Told { output, etas })?;
        }
        self.outputs.clear();
        Ok(())
    }
}

fn count_dropped(file: &str, line: u64, t: Time, reason: DropReason, tally: &mut Tally) {
    match reason {
        DropReason::TooOld | DropReason::Future => refuse(file, line, t, reason, tally),
        DropReason::UnknownCourier
        | DropReason::Route
        | DropReason::Source
        | DropReason::Inactive
        | DropReason::Duplicate
        | DropReason::Late
        | DropReason::Jump
        | DropReason::Quarantined => *tally.dropped.entry(reason.name()).or_default() += 1,
    }
}
