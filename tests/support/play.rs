//! Plays steps on engines: partitions in the hands of so many shards, outputs kept with their ETAs.

use doorstep::domain::eta::OrderEta;
use doorstep::domain::ids::PartitionId;
use doorstep::domain::time::Time;
use doorstep::engine::Engine;
use doorstep::engine::input::InputBody;
use doorstep::engine::output::{Output, OutputBody, Outputs};
use doorstep::runtime::partition::Partitions;
use doorstep::travel::straight_line::StraightLine;

/// Something that comes to a partition.
#[derive(Clone, Debug)]
pub struct Step {
    /// The partition.
    pub partition: PartitionId,
    /// The server's clock.
    pub now: Time,
    /// The fact; `None`: only the clock moves on.
    pub body: Option<InputBody>,
}

/// One output, with the ETAs it points at.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The output.
    pub output: Output,
    /// Its changed ETAs, if it is one of those.
    pub etas: Vec<OrderEta>,
}

/// The engines of all shards; partition p belongs to engine p mod n.
pub struct Engines {
    pub engines: Vec<Engine>,
    pub partitions: Partitions,
    out: Outputs,
}

impl Engines {
    /// So many shards.
    pub fn new(shards: usize) -> Self {
        let engine = || Engine::new(Box::new(StraightLine::default()));
        Self {
            engines: (0..shards).map(|_| engine()).collect(),
            partitions: Partitions::default(),
            out: Outputs::default(),
        }
    }

    /// Plays one step.
    pub fn play(&mut self, step: &Step) -> Vec<Told> {
        let Self { engines, partitions, out } = self;
        let shards = engines.len();
        let engine = &mut engines[step.partition.0 as usize % shards];
        out.clear();
        match &step.body {
            Some(body) => partitions.step(engine, step.partition, step.now, body.clone(), out),
            None => partitions.tick(engine, step.partition, step.now, out),
        }
        out.list().iter().map(|output| told(*output, out)).collect()
    }
}

/// Plays all steps; the outputs of each.
pub fn play(steps: &[Step], shards: usize) -> Vec<Vec<Told>> {
    let mut engines = Engines::new(shards);
    steps.iter().map(|step| engines.play(step)).collect()
}

fn told(output: Output, out: &Outputs) -> Told {
    let etas = match output.body {
        OutputBody::Eta { orders, .. } => out.order_etas(orders).to_vec(),
        OutputBody::Event(_)
        | OutputBody::Notification(_)
        | OutputBody::RouteViolated { .. }
        | OutputBody::Dropped { .. } => Vec::new(),
    };
    Told { output, etas }
}
