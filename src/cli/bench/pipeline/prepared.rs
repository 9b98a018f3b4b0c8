//! Data directories as a run finds them: couriers, routes, tokens, and the first minute driven, so
//! that starts and first notifications are told. Made offline through admission, by its rules.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use super::PipelineBenchArgs;
use crate::cli::bench::workload::{COMPANY, Report, SERVICE_S, Workload};
use crate::cli::error::CliError;
use crate::cli::stderr::tell;
use crate::daemon::error::DaemonError;
use crate::domain::geo::Point;
use crate::engine::travel_time::TravelTime;
use crate::runtime::access::{Access, Role};
use crate::runtime::admission::{
    Admission, BATCH_MAX, Item, Mode, Recovery, Refusal, Request, Surroundings,
};
use crate::runtime::clock::Clock;
use crate::runtime::intake::{Delivery, SentFix};
use crate::runtime::node::{Durability, Node, NodeSettings};
use crate::storage::catalog::change::Kind;
use crate::storage::disk::{Disk, RealDisk};
use crate::travel::straight_line::StraightLine;

/// A prepared directory that is copied for every trial.
pub(super) struct Prepared {
    pub(super) directory: PathBuf,
    pub(super) tokens: Tokens,
}

/// What opens the prepared daemon.
#[derive(Deserialize, Serialize)]
pub(super) struct Tokens {
    pub(super) subscriber: String,
    pub(super) gateway: String,
    /// By courier; none without `--devices`.
    pub(super) devices: Vec<String>,
}

impl Prepared {
    /// Takes the directory that fits the arguments, or makes it.
    pub(super) fn get(
        args: &PipelineBenchArgs,
        ticks: u32,
        scratch: &Scratch,
    ) -> Result<Self, CliError> {
        let parent = args.prepared.as_deref().unwrap_or(&scratch.0);
        let kind = if args.devices { "devices" } else { "gateway" };
        let name = format!("{}-{kind}-{}-{ticks}", args.couriers, args.seed);
        let directory = parent.join(name);
        let file = directory.join(TOKENS_FILE);
        if !file.exists() {
            tell(format_args!("preparing {}", directory.display()));
            fs::create_dir_all(&directory).map_err(|source| failed(&directory, source))?;
            let tokens = Maker::new(&directory, args)?.make(args, ticks)?;
            let text = serde_json::to_vec(&tokens).map_err(std::io::Error::from)?;
            fs::write(&file, text).map_err(|source| failed(&file, source))?;
        }
        let text = fs::read(&file).map_err(|source| failed(&file, source))?;
        let tokens = serde_json::from_slice(&text).map_err(std::io::Error::from)?;
        Ok(Self { directory, tokens })
    }

    /// A copy that a trial may spoil.
    pub(super) fn copy(&self, scratch: &Scratch) -> Result<PathBuf, CliError> {
        let copy = scratch.0.join("data");
        if copy.exists() {
            fs::remove_dir_all(&copy).map_err(|source| failed(&copy, source))?;
        }
        fs::create_dir(&copy).map_err(|source| failed(&copy, source))?;
        for entry in fs::read_dir(&self.directory).map_err(|source| failed(&copy, source))? {
            let entry = entry.map_err(|source| failed(&copy, source))?;
            let to = copy.join(entry.file_name());
            fs::copy(entry.path(), &to).map_err(|source| failed(&to, source))?;
        }
        Ok(copy)
    }
}

/// A node with its admission on the directory, without anybody outside.
struct Maker {
    workload: Workload,
    clock: Clock,
    node: Node,
    admission: Admission,
}

impl Maker {
    fn new(directory: &Path, args: &PipelineBenchArgs) -> Result<Self, CliError> {
        let workload = Workload::new(args.couriers, args.seed);
        let clock = Clock::manual(workload.now());
        let disk = RealDisk::open(directory).map_err(|source| failed(directory, source))?;
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let mut recovery = Recovery::open(directory).map_err(DaemonError::from)?;
        let travel = || -> Box<dyn TravelTime> { Box::new(StraightLine::default()) };
        let settings = NodeSettings { durability: Durability::None, ..NodeSettings::default() };
        let on_note = &mut |note| recovery.redo(note);
        let node = Node::start(&settings, &disk, clock.clone(), &travel, on_note)
            .map_err(DaemonError::from)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(DaemonError::System)?;
        let around = Surroundings {
            commands: node.commands(),
            views: node.views(),
            clock: node.clock(),
            access: Arc::new(Access::default()),
            fault: node.fault(),
            runtime: runtime.handle().clone(),
        };
        let admission = Admission::start(recovery, around).map_err(DaemonError::from)?;
        Ok(Self { workload, clock, node, admission })
    }

    fn make(mut self, args: &PipelineBenchArgs, ticks: u32) -> Result<Tokens, CliError> {
        self.admission.first_start().map_err(refused)?;
        self.write(Kind::Company, Mode::Patch(COMPANY.0.into()), vec![company()])?;
        let couriers = (0..args.couriers).map(|slot| json!({ "number": number(slot) }));
        self.write_all(Kind::Courier, couriers)?;
        let routes = (0..args.couriers).map(|slot| {
            json!({ "number": number(slot), "courier_number": number(slot), "date": "2023-11-14" })
        });
        self.write_all(Kind::Route, routes)?;
        for slots in 0..args.couriers.div_ceil(SLOTS) {
            let slots = slots * SLOTS..args.couriers.min((slots + 1) * SLOTS);
            let orders: Vec<Value> = slots.flat_map(|slot| self.orders(slot, ticks)).collect();
            self.write_all(Kind::Order, orders.into_iter())?;
        }
        let devices = if args.devices { args.couriers } else { 0 };
        let tokens = Tokens {
            subscriber: self.token(Role::Subscriber, None)?,
            gateway: self.token(Role::Gateway, None)?,
            devices: (1..=devices)
                .map(|courier| self.token(Role::Device, Some(courier.into())))
                .collect::<Result<_, _>>()?,
        };
        let mut reports = Vec::new();
        for _ in 0..WARM_UP_TICKS {
            self.clock.advance((self.workload.now() - self.clock.now()).max(0));
            self.workload.tick(&mut reports);
            self.drive(&reports)?;
        }
        self.admission.stop();
        self.node.stop().map_err(DaemonError::from)?;
        Ok(tokens)
    }

    fn orders(&self, slot: u32, ticks: u32) -> Vec<Value> {
        let stops = self.workload.stops_ahead(slot, WARM_UP_TICKS + ticks).into_iter();
        let order = |(at, stop): (usize, Point)| {
            json!({
                "number": format!("{}-{at}", number(slot)),
                "route_number": number(slot),
                "lat": stop.lat(),
                "lon": stop.lon(),
                "service_duration_s": SERVICE_S,
            })
        };
        stops.enumerate().map(order).collect()
    }

    fn write_all(
        &self,
        kind: Kind,
        mut values: impl Iterator<Item = Value>,
    ) -> Result<(), CliError> {
        loop {
            let items: Vec<Item> = values
                .by_ref()
                .take(BATCH_MAX)
                .filter_map(|value| if let Value::Object(item) = value { Some(item) } else { None })
                .collect();
            if items.is_empty() {
                return Ok(());
            }
            self.write(kind, Mode::Upsert, items)?;
        }
    }

    fn write(&self, kind: Kind, mode: Mode, items: Vec<Item>) -> Result<(), CliError> {
        let request = Request::Write { company: COMPANY, kind, mode, items };
        self.admission.ask_blocking(request).map(drop).map_err(refused)
    }

    fn token(&self, role: Role, courier: Option<u64>) -> Result<String, CliError> {
        let request = Request::CreateToken { company: COMPANY, role, courier, depot: None };
        let token = self.admission.ask_blocking(request).map_err(refused)?.token;
        token
            .map(|(text, _)| text)
            .ok_or_else(|| CliError::Argument("no token was drawn".to_owned()))
    }

    /// Lets everybody report once, and waits until it is done.
    fn drive(&self, reports: &[Report]) -> Result<(), CliError> {
        let gone = || CliError::Argument("the node has stopped while it was prepared".to_owned());
        for reports in reports.chunks(BATCH_MAX) {
            let fixes = reports.iter().map(|report| SentFix {
                seq: 1,
                courier: report.courier,
                company: COMPANY,
                route: None,
                position: report.position,
            });
            let (reply, mut done) = unbounded_channel();
            let delivery = Delivery { sender: None, frame: 0, fixes: fixes.collect(), reply };
            let parts = self.node.intake().submit(delivery).map_err(|_| gone())?;
            for _ in 0..parts {
                done.blocking_recv().ok_or_else(gone)?;
            }
        }
        Ok(())
    }
}

/// A directory that is gone when the run is.
pub(in crate::cli::bench) struct Scratch(pub(in crate::cli::bench) PathBuf);

impl Scratch {
    pub(in crate::cli::bench) fn new() -> Result<Self, CliError> {
        let path = std::env::temp_dir().join(format!("doorstep-bench-{}", std::process::id()));
        fs::create_dir(&path).map_err(|source| failed(&path, source))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A temporary directory that cannot be removed harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The company's settings on the canonical workload.
fn company() -> Item {
    let settings = json!({ "mark_delivered_enabled": true, "mark_delivered_radius": 100 });
    if let Value::Object(item) = settings { item } else { Item::new() }
}

fn number(slot: u32) -> String {
    format!("c{}", slot + 1)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
fn refused(refusal: Refusal) -> CliError {
    let detail = if let Refusal::Invalid(findings) = &refusal {
        format!(": {:?}", findings.first())
    } else {
        String::new()
    };
    CliError::Argument(format!("failed to prepare: {refusal}{detail}"))
}

fn failed(path: &Path, source: std::io::Error) -> CliError {
    DaemonError::File { path: path.to_owned(), source }.into()
}

/// Ticks that every courier has driven when the directory is ready.
pub(in crate::cli::bench) const WARM_UP_TICKS: u32 = 12;
/// Couriers whose orders are made at once.
const SLOTS: u32 = 1_000;
const TOKENS_FILE: &str = "bench-tokens.json";
