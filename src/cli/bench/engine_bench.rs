//! `doorstep bench engine`: what a position costs the engine on the canonical workload, and whether
//! it tells what the oracle tells.
//!
//! Inputs are made and stamped, a batch at a time as a shard gets them, before the clock runs; what
//! is told is read, and the oracle works and is compared, outside it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::compare;
use super::measure::{cpu_s_of, resident_bytes};
use super::oracle::{Oracle, StraightLineParameters, Told, ToldBody};
use super::workload::{COMPANY, COURIERS_MAX, Report, SPEED_MPS, Workload};
use crate::daemon::huge_pages::{LARGE_FLEET, begin_anew};
use crate::domain::command::Command;
use crate::domain::ids::{CourierId, PARTITIONS, PartitionId};
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::engine::input::{Input, InputBody};
use crate::engine::output::Outputs;
use crate::engine::prefetch::PositionAhead;
use crate::runtime::partition::partition_of;
use crate::travel::straight_line::StraightLine;

/// Measures the engine on the canonical workload and holds it against the oracle.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: doorstep bench engine --couriers 10000 --json")]
pub struct EngineBenchArgs {
    /// Couriers, 10,000 per city.
    #[arg(long, value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(COURIERS_MAX)))]
    pub couriers: u32,
    /// Measured ticks of 5 s, after a tenth as many, and 16 at least, to warm up: by then
    /// everybody has set out.
    #[arg(long, value_name = "T", default_value_t = 120)]
    pub ticks: u32,
    /// Seed of the couriers' ways.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Does not hold the outputs against the oracle's.
    #[arg(long)]
    pub no_oracle: bool,
}

/// Runs the benchmark and prints its result. False if engine and oracle disagree.
///
/// # Errors
/// If the result cannot be written.
pub fn run(args: &EngineBenchArgs, out: &mut dyn Write) -> io::Result<bool> {
    if args.couriers >= LARGE_FLEET {
        // As the daemon has it; without them the figures are what they are.
        let _ = begin_anew();
    }
    let result = measure(args);
    if args.json {
        serde_json::to_writer(&mut *out, &result)?;
        writeln!(out)?;
    } else {
        result.print(out)?;
    }
    Ok(result.agree != Some(false))
}

fn measure(args: &EngineBenchArgs) -> Measured {
    let mut workload = Workload::new(args.couriers, args.seed);
    let mut judge = (!args.no_oracle).then(|| Judge::new(&workload, args.couriers));
    let resident_before = resident_bytes();
    let mut bench = EngineSide::new();
    bench.load(&workload, args.couriers);
    let mut result = Measured::new(args);
    let warm_up = args.ticks.div_ceil(10).max(WARM_UP_TICKS_MIN);
    let mut reports = Vec::new();
    for tick in 0..warm_up + args.ticks {
        let now = workload.now();
        workload.tick(&mut reports);
        let is_read = tick >= warm_up || judge.is_some();
        let mut told = Vec::new();
        let cpu_s = bench.step(&reports, now, |out| {
            if is_read {
                told.append(&mut compare::told_by(out));
            }
        });
        if tick == 0 && judge.is_none() {
            // Everybody has a place in the index by now, and those who are parked a stay. Reports
            // and outputs are the benchmark's own.
            bench.out = Outputs::default();
            let own = resident_before.map(|before| before + size_of_val(&*reports) as f64);
            let grown = resident_bytes().zip(own).map(|(after, own)| (after - own).max(0.0));
            result.bytes_per_courier = grown.map(|bytes| bytes / f64::from(args.couriers));
        }
        if tick >= warm_up {
            result.count(&reports, cpu_s, &told);
        }
        if let Some(judge) = &mut judge {
            let expected = judge.step(&reports, now);
            if tick >= warm_up {
                result.oracle_events += events(&expected);
            }
            result.compare(tick, told, expected);
        }
    }
    result.finish();
    result
}

/// The engine with the stamps of its partitions.
struct EngineSide {
    engine: Engine,
    sequences: Vec<u64>,
    last_stamp: Time,
    out: Outputs,
}

impl EngineSide {
    fn new() -> Self {
        let travel =
            StraightLine { detour: 1.0, driving_mps: SPEED_MPS, ..StraightLine::default() };
        Self {
            engine: Engine::new(Box::new(travel)),
            sequences: vec![0; usize::from(PARTITIONS)],
            last_stamp: Time::DISTANT_PAST,
            out: Outputs::default(),
        }
    }

    fn stamp(&mut self, partition: PartitionId, received_at: Time, body: InputBody) -> Input {
        let sequence = &mut self.sequences[usize::from(partition.0)];
        *sequence += 1;
        Input { partition, sequence: *sequence, received_at, body }
    }

    /// Settings to every partition, then couriers and their first routes.
    fn load(&mut self, workload: &Workload, couriers: u32) {
        let now = workload.now();
        for partition in (0..PARTITIONS).map(PartitionId) {
            let policy = Workload::policy();
            let command = Command::PutPolicy { company: COMPANY, policy };
            let input = self.stamp(partition, now, InputBody::Command(Box::new(command)));
            self.engine.handle(&input, &mut self.out);
        }
        for slot in 0..couriers {
            let partition = partition_of(COMPANY, CourierId(slot + 1));
            for command in workload.first_plan(slot) {
                let input = self.stamp(partition, now, InputBody::Command(Box::new(command)));
                self.out.clear();
                self.engine.handle(&input, &mut self.out);
            }
        }
    }

    /// Steps the due deadlines of every partition, then all reports, and shows what is told, batch
    /// by batch. Returns the CPU seconds of the steps.
    fn step(&mut self, reports: &[Report], now: Time, mut told: impl FnMut(&Outputs)) -> f64 {
        self.out.clear();
        let mut cpu_s = cpu_s_of(|| self.tick(now));
        told(&self.out);
        for batch in reports.chunks(BATCH) {
            let inputs = self.inputs(batch, now);
            self.out.clear();
            let (engine, out) = (&mut self.engine, &mut self.out);
            cpu_s += cpu_s_of(|| {
                for (at, input) in inputs.iter().enumerate() {
                    engine.look_ahead(at, |at| position_of(inputs.get(at)?));
                    engine.handle(input, out);
                }
            });
            told(&self.out);
        }
        self.last_stamp = now;
        cpu_s
    }

    fn inputs(&mut self, reports: &[Report], now: Time) -> Vec<Input> {
        let mut inputs = Vec::with_capacity(reports.len());
        for report in reports {
            let (courier, partition) = (report.courier, partition_of(COMPANY, report.courier));
            if let Some(plan) = &report.plan {
                inputs.push(self.stamp(partition, now, InputBody::Command(plan.clone())));
            }
            let (position, sheds_eta) = (report.position, false);
            let body = InputBody::Position { courier, route: None, position, sheds_eta };
            inputs.push(self.stamp(partition, now, body));
        }
        inputs
    }

    fn tick(&mut self, now: Time) {
        for partition in (0..PARTITIONS).map(PartitionId) {
            let mut stamp = self.last_stamp;
            while let Some(due) = self.engine.next_deadline(partition, now) {
                stamp = stamp.max(due);
                let input = self.stamp(partition, stamp, InputBody::Tick);
                self.engine.handle(&input, &mut self.out);
            }
        }
    }
}

fn position_of(input: &Input) -> Option<PositionAhead> {
    match &input.body {
        InputBody::Position { courier, position, .. } => {
            Some((*courier, position.point, position.device_time))
        }
        InputBody::Command(_) | InputBody::Tick => None,
    }
}

/// The oracle over the same inputs.
struct Judge {
    oracle: Oracle,
    last_stamp: Time,
}

impl Judge {
    fn new(workload: &Workload, couriers: u32) -> Self {
        let model = StraightLine::default();
        let mut oracle = Oracle::new(StraightLineParameters {
            detour: 1.0,
            driving_mps: SPEED_MPS,
            walking_mps: model.walking_mps,
            bicycle_mps: model.bicycle_mps,
            transit_mps: model.transit_mps,
        });
        let now = workload.now();
        let policy = Command::PutPolicy { company: COMPANY, policy: Workload::policy() };
        let mut told = Vec::new();
        oracle.command(&policy, now, &mut told);
        for slot in 0..couriers {
            told.clear();
            for command in workload.first_plan(slot) {
                oracle.command(&command, now, &mut told);
            }
        }
        Self { oracle, last_stamp: now }
    }

    fn step(&mut self, reports: &[Report], now: Time) -> Vec<Told> {
        let mut told = Vec::new();
        for report in reports {
            let mut stamp = self.last_stamp;
            let due =
                |oracle: &Oracle| oracle.next_deadline(report.courier).filter(|due| *due <= now);
            while let Some(due) = due(&self.oracle) {
                stamp = stamp.max(due);
                self.oracle.tick(report.courier, stamp, &mut told);
            }
            if let Some(plan) = &report.plan {
                self.oracle.command(plan, now, &mut told);
            }
            self.oracle.position(report.courier, None, &report.position, now, &mut told);
        }
        self.last_stamp = now;
        told
    }
}

/// The result, in the form of `--json`.
#[derive(Serialize)]
struct Measured {
    couriers: u32,
    seed: u64,
    ticks: u32,
    positions: u64,
    plan_inputs: u64,
    cpu_s_per_million: f64,
    ns_per_position: f64,
    /// After the first position of everybody; absent with the oracle, which has memory of its own.
    bytes_per_courier: Option<f64>,
    events: BTreeMap<&'static str, u64>,
    notifications: u64,
    etas: u64,
    /// Each kind of event, notifications and ETA changes, in relation to the positions.
    per_position: BTreeMap<&'static str, f64>,
    /// 0 without the oracle.
    oracle_events: u64,
    /// Absent without the oracle.
    #[serde(skip_serializing_if = "Option::is_none")]
    agree: Option<bool>,
    differences: Vec<Difference>,
    #[serde(skip)]
    cpu_s: f64,
}

#[derive(Serialize)]
struct Difference {
    tick: u32,
    courier: u32,
    engine: Vec<String>,
    oracle: Vec<String>,
}

impl Measured {
    fn new(args: &EngineBenchArgs) -> Self {
        Self {
            couriers: args.couriers,
            seed: args.seed,
            ticks: args.ticks,
            positions: 0,
            plan_inputs: 0,
            cpu_s_per_million: 0.0,
            ns_per_position: 0.0,
            bytes_per_courier: None,
            events: BTreeMap::new(),
            notifications: 0,
            etas: 0,
            per_position: BTreeMap::new(),
            oracle_events: 0,
            agree: (!args.no_oracle).then_some(true),
            differences: Vec::new(),
            cpu_s: 0.0,
        }
    }

    fn count(&mut self, reports: &[Report], cpu_s: f64, told: &[Told]) {
        self.cpu_s += cpu_s;
        self.positions += reports.len() as u64;
        self.plan_inputs += reports.iter().filter(|report| report.plan.is_some()).count() as u64;
        for told in told {
            match &told.body {
                ToldBody::Event(event) => *self.events.entry(event.kind.name()).or_default() += 1,
                ToldBody::Notification(_) => self.notifications += 1,
                ToldBody::Eta { .. } => self.etas += 1,
                ToldBody::RouteViolated { .. } | ToldBody::Dropped { .. } => {}
            }
        }
    }

    fn compare(&mut self, tick: u32, engine: Vec<Told>, oracle: Vec<Told>) {
        let Some((courier, engine, oracle)) = compare::first_difference(engine, oracle) else {
            return;
        };
        self.agree = Some(false);
        if self.differences.len() < DIFFERENCES_MAX {
            let lines = |side: Vec<Told>| side.iter().map(|told| format!("{told:?}")).collect();
            let (engine, oracle) = (lines(engine), lines(oracle));
            self.differences.push(Difference { tick, courier: courier.0, engine, oracle });
        }
    }

    fn finish(&mut self) {
        let positions = self.positions.max(1) as f64;
        self.cpu_s_per_million = self.cpu_s * 1e6 / positions;
        self.ns_per_position = self.cpu_s * 1e9 / positions;
        self.per_position =
            self.told().map(|(name, count)| (name, count as f64 / positions)).collect();
    }

    /// Everything that was told, by kind.
    fn told(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let events = self.events.iter().map(|(&name, &count)| (name, count));
        events.chain([("notifications", self.notifications), ("etas", self.etas)])
    }

    fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { couriers, seed, positions, plan_inputs, .. } = self;
        writeln!(
            out,
            "{couriers} couriers, {positions} positions, {plan_inputs} plan inputs, seed {seed}"
        )?;
        writeln!(out, "cpu        {:10.3} s per million positions", self.cpu_s_per_million)?;
        writeln!(out, "           {:10.1} ns per position", self.ns_per_position)?;
        if let Some(bytes) = self.bytes_per_courier {
            writeln!(out, "memory     {bytes:10.0} bytes per courier")?;
        }
        for (name, count) in self.told() {
            let per_position = self.per_position.get(name).copied().unwrap_or_default();
            writeln!(out, "{name:<20} {count:<12} {per_position:.4} per position")?;
        }
        if let Some(agree) = self.agree {
            let verdict = if agree { "agrees" } else { "DISAGREES" };
            writeln!(out, "oracle               {} events, {verdict}", self.oracle_events)?;
        }
        for Difference { tick, courier, engine, oracle } in &self.differences {
            writeln!(out, "tick {tick}, courier {courier}")?;
            for (side, lines) in [("engine", engine), ("oracle", oracle)] {
                for line in lines {
                    writeln!(out, "  {side}: {line}")?;
                }
            }
        }
        Ok(())
    }
}

fn events(told: &[Told]) -> u64 {
    told.iter().filter(|told| matches!(told.body, ToldBody::Event(_))).count() as u64
}

/// Inputs of one batch: several deliveries of a gateway.
const BATCH: usize = 4_096;
/// Who is parked when the run begins, and sets out last, has been told START by then.
const WARM_UP_TICKS_MIN: u32 = 16;
/// Differences that are shown.
const DIFFERENCES_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_json_object_and_counts_every_position() {
        let args =
            EngineBenchArgs { couriers: 20, ticks: 300, seed: 42, json: true, no_oracle: false };
        let mut out = Vec::new();
        run(&args, &mut out).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(report["positions"], 20 * 300);
        assert!(report["oracle_events"].as_u64() > Some(500), "{report}");
        let arrivals = report["events"]["ARRIVAL"].as_f64().unwrap();
        assert_eq!(report["per_position"]["ARRIVAL"], arrivals / (20.0 * 300.0));
    }
}
