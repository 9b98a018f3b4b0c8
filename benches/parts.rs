//! The parts of a position's way by criterion, on the canonical workload and its seed: a step of the
//! engine, a chain of ETAs, the reading of a frame, a record of the journal and its append.

#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use doorstep::cli::bench::workload::{COMPANY, Report, Workload};
use doorstep::cli::client::frame::{WireFix, encode};
use doorstep::domain::command::Command;
use doorstep::domain::ids::{CourierId, OrderId, PARTITIONS, PartitionId, RouteId};
use doorstep::domain::order::{Initiator, OrderStatus};
use doorstep::engine::Engine;
use doorstep::engine::input::{Input, InputBody};
use doorstep::engine::output::Outputs;
use doorstep::ingest::quic::wire::client_frame::ClientFrame;
use doorstep::runtime::partition::partition_of;
use doorstep::storage::codec::input::ChunkWriter;
use doorstep::storage::disk::{Disk, RealDisk};
use doorstep::storage::error::StorageError;
use doorstep::storage::frame::FrameKind;
use doorstep::storage::journal::Journal;
use doorstep::storage::replay::replay;
use doorstep::travel::straight_line::StraightLine;

/// The fleet with its engine, one tick after another.
struct Fleet {
    workload: Workload,
    engine: Engine,
    sequence: u64,
    reports: Vec<Report>,
    inputs: Vec<Input>,
    out: Outputs,
}

impl Fleet {
    /// A fleet that has driven for so many ticks.
    fn new(ticks: u32) -> Self {
        let travel = StraightLine { detour: 1.0, driving_mps: 8.0, ..StraightLine::default() };
        let mut fleet = Self {
            workload: Workload::new(COURIERS, SEED),
            engine: Engine::new(Box::new(travel)),
            sequence: 0,
            reports: Vec::new(),
            inputs: Vec::new(),
            out: Outputs::default(),
        };
        for partition in (0..PARTITIONS).map(PartitionId) {
            let put = Command::PutPolicy { company: COMPANY, policy: Workload::policy() };
            fleet.command(partition, put);
        }
        for slot in 0..COURIERS {
            let partition = partition_of(COMPANY, CourierId(slot + 1));
            for command in fleet.workload.first_plan(slot) {
                fleet.command(partition, command);
            }
        }
        for _ in 0..ticks {
            fleet.prepare();
            fleet.step();
        }
        fleet
    }

    fn input(&mut self, partition: PartitionId, body: InputBody) -> Input {
        self.sequence += 1;
        let received_at = self.workload.now();
        Input { partition, sequence: self.sequence, received_at, body }
    }

    fn command(&mut self, partition: PartitionId, command: Command) {
        let input = self.input(partition, InputBody::Command(Box::new(command)));
        self.out.clear();
        self.engine.handle(&input, &mut self.out);
    }

    /// Makes the inputs of the next tick.
    fn prepare(&mut self) {
        let mut reports = std::mem::take(&mut self.reports);
        let received_at = self.workload.now();
        self.workload.tick(&mut reports);
        self.inputs.clear();
        for Report { courier, plan, position } in &reports {
            let (courier, partition) = (*courier, partition_of(COMPANY, *courier));
            let plan = plan.clone().map(InputBody::Command);
            let (position, sheds_eta) = (*position, false);
            let position = InputBody::Position { courier, route: None, position, sheds_eta };
            for body in plan.into_iter().chain([position]) {
                self.sequence += 1;
                let sequence = self.sequence;
                self.inputs.push(Input { partition, sequence, received_at, body });
            }
        }
        self.reports = reports;
    }

    fn step(&mut self) {
        self.out.clear();
        for input in &self.inputs {
            self.engine.handle(input, &mut self.out);
        }
    }
}

fn engine(criterion: &mut Criterion) {
    let mut fleet = Fleet::new(WARM_UP_TICKS);
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(u64::from(COURIERS))).sample_size(20);
    group.bench_function("step", |bencher| {
        bencher.iter_custom(|ticks| {
            let mut spent = Duration::ZERO;
            for _ in 0..ticks {
                fleet.prepare();
                let start = Instant::now();
                fleet.step();
                spent += start.elapsed();
            }
            spent
        });
    });
    group.finish();
}

/// A status that opens or closes an order has the whole chain of its route evaluated.
fn eta(criterion: &mut Criterion) {
    let mut fleet = Fleet::new(2);
    let (courier, route) = (CourierId(1), RouteId(1));
    // The last one of the courier's tour.
    let order = OrderId(20);
    let mut statuses = [OrderStatus::Cancelled, OrderStatus::New].into_iter().cycle();
    criterion.bench_function("engine/eta", |bencher| {
        bencher.iter(|| {
            let status = statuses.next().expect("a cycle does not end");
            let initiator = Initiator::UserApi;
            let set = Command::SetStatus { courier, route, order, status, initiator };
            fleet.command(partition_of(COMPANY, courier), set);
        });
    });
}

fn storage(criterion: &mut Criterion) {
    let mut fleet = Fleet::new(2);
    fleet.prepare();
    let positions = fleet.inputs.iter().filter(|input| match input.body {
        InputBody::Position { .. } => true,
        InputBody::Command(_) | InputBody::Tick => false,
    });
    let batch: Vec<Input> = positions.take(BATCH).cloned().collect();
    let mut group = criterion.benchmark_group("storage");
    group.throughput(Throughput::Elements(BATCH as u64));
    let chunk = || {
        let mut chunk = ChunkWriter::default();
        for input in &batch {
            chunk.put(input, None);
        }
        chunk.finish()
    };
    group.bench_function("codec", |bencher| bencher.iter(chunk));
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-parts");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&directory).expect("it can be made"));
    for name in disk.names().expect("it can be read") {
        disk.remove(&name).expect("it was there");
    }
    let end = replay::<StorageError>(&*disk, &mut |_, _, _| Ok(())).expect("it is empty");
    let mut journal = Journal::resume(disk, SEGMENT_BYTES, &end).expect("it can be written");
    let bytes = chunk().bytes;
    group.bench_function("journal_append", |bencher| {
        bencher.iter(|| {
            journal.push(FrameKind::Positions, &bytes).expect("it fits");
            journal.write().expect("the disk takes it");
        });
    });
    group.finish();
}

fn wire(criterion: &mut Criterion) {
    let mut fleet = Fleet::new(2);
    fleet.prepare();
    let fixes: Vec<_> = fleet.reports[..BATCH]
        .iter()
        .map(|report| {
            let (t, point) = (report.position.device_time.ms(), report.position.point);
            let fix = WireFix(t, point.lat_e7(), point.lon_e7(), None, None, None, None);
            (report.courier.0, None::<u64>, fix)
        })
        .collect();
    let frame = encode(&(6, 1, fixes)).expect("it is a frame");
    let body = black_box(&frame[4..]);
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("frame_decode", |bencher| {
        bencher.iter(|| ClientFrame::decode(body).expect("it was written so"));
    });
    group.finish();
}

criterion_group!(benches, engine, eta, storage, wire);
criterion_main!(benches);

const COURIERS: u32 = 10_000;
const SEED: u64 = 42;
/// Until everybody has set out.
const WARM_UP_TICKS: u32 = 40;
/// Positions of a gateway's frame.
const BATCH: usize = 256;
const SEGMENT_BYTES: u64 = 64 << 20;
