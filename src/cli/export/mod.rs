//! `doorstep export`: what a data directory holds of couriers and orders, as files that other programs
//! read; while a daemon works in it or not. Nothing is changed.

#![expect(clippy::disallowed_types, reason = "it writes the file it is named")]

mod documents;
mod rows;

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use self::documents::Documents;
use self::rows::{Row, header};
use super::error::CliError;
use crate::domain::ids::{CompanyId, CourierId, OrderId};
use crate::domain::time::Time;
use crate::feed::cloud_event::CloudEvent;
use crate::runtime::local_time::instant;
use crate::storage::disk::{Disk, RealDisk};
use crate::storage::error::StorageError;
use crate::storage::feed_event::{FeedBody, FeedEvent};
use crate::storage::feed_log::kept::KeptFeed;
use crate::storage::tracks::TrackLog;
use crate::storage::tracks::look::{Tracked, each_untracked};

/// Write positions or events of a data directory as CSV or JSON Lines
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// What is written
    #[arg(value_enum)]
    what: What,
    /// Only of the courier of this number
    #[arg(long, value_name = "NUMBER")]
    courier: Option<String>,
    /// Only of the order of this number; events only
    #[arg(long, value_name = "NUMBER", conflicts_with = "courier")]
    order: Option<String>,
    /// The company
    #[arg(long, value_name = "ID", default_value_t = 1)]
    company: u32,
    /// Not what was before: positions by their device's time, events by when they were recorded
    /// (ISO 8601)
    #[arg(long, value_name = "T")]
    from: Option<String>,
    /// Only what was before (ISO 8601)
    #[arg(long, value_name = "T")]
    to: Option<String>,
    /// How it is written; events are JSON Lines only
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Where it goes: a file that is not there yet; without it, stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR", default_value = "doorstep-data")]
    data_dir: PathBuf,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Where couriers were
    Positions,
    /// What was told, as `/v1/events` tells it
    Events,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line
    Jsonl,
    /// With a header, as `replay` reads it
    Csv,
}

/// From the first, up to the second.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Time,
    to: Time,
}

impl Span {
    fn holds(self, t: Time) -> bool {
        t >= self.from && t < self.to
    }
}

/// Runs the command.
///
/// # Errors
/// The directory cannot be read or is not what was written, nobody has that number, or the results
/// cannot be written.
pub fn export(args: &ExportArgs) -> Result<(), CliError> {
    let of = |text: &Option<String>, name: &str, open: Time| match text {
        None => Ok(open),
        Some(text) => {
            instant(text).map_err(|error| CliError::Argument(format!("--{name}: {error}")))
        }
    };
    let span = Span {
        from: of(&args.from, "from", Time::DISTANT_PAST)?,
        to: of(&args.to, "to", Time::DISTANT_FUTURE)?,
    };
    match (args.what, args.format) {
        (What::Events, Format::Csv) => {
            Err(CliError::Argument("--format csv: events are JSON Lines only".to_owned()))
        }
        (What::Positions, _) if args.order.is_some() => {
            Err(CliError::Argument("--order: positions are couriers', not orders'".to_owned()))
        }
        (What::Positions, format) => positions(args, span, format),
        (What::Events, Format::Jsonl) => events(args, span),
    }
}

fn positions(args: &ExportArgs, span: Span, format: Format) -> Result<(), CliError> {
    let disk = read_only(&args.data_dir)?;
    let documents = Documents::open(&args.data_dir, args.company)?;
    let wanted: BTreeSet<CourierId> = match &args.courier {
        Some(number) => [CourierId(documents.courier(number)? as u32)].into(),
        None => documents.couriers()?,
    };
    let mut out = out(args)?;
    if format == Format::Csv {
        writeln!(out, "{}", header())?;
    }
    let mut tell = |points: Vec<Tracked>| {
        for (courier, point) in points {
            if wanted.contains(&courier) && span.holds(point.position.device_time) {
                let number = documents.courier_number(courier)?;
                let row = Row::of(&number, courier, &point);
                match format {
                    Format::Csv => writeln!(out, "{}", row.csv())?,
                    Format::Jsonl => writeln!(out, "{}", row.json())?,
                }
            }
        }
        Ok::<_, CliError>(())
    };
    let tracks = TrackLog::look(Arc::clone(&disk))?;
    tracks.each_block(&|courier| wanted.contains(&courier), &mut tell)?;
    each_untracked(&*disk, tracks.next(), &mut tell)?;
    Ok(out.flush()?)
}

fn events(args: &ExportArgs, span: Span) -> Result<(), CliError> {
    let disk = read_only(&args.data_dir)?;
    let documents = Documents::open(&args.data_dir, args.company)?;
    let courier = args.courier.as_ref().map(|number| documents.courier(number)).transpose()?;
    let order = args.order.as_ref().map(|number| documents.order(number)).transpose()?;
    let is_wanted = |event: &FeedEvent| {
        event.company == CompanyId(args.company)
            && courier.is_none_or(|courier| u64::from(event.courier.0) == courier)
            && order.is_none_or(|order| is_about(event, OrderId(order)))
            && span.holds(event.recorded_at)
    };
    let names = documents.names();
    let mut out = out(args)?;
    let mut feed = KeptFeed::whole(&*disk)?;
    while let Some(event) = feed.take()? {
        if is_wanted(&event) {
            let told = serde_json::to_string(&CloudEvent::new(&event, &names));
            writeln!(out, "{}", told.map_err(std::io::Error::from)?)?;
        }
    }
    Ok(out.flush()?)
}

/// Whether an event is about an order, alone or among others.
fn is_about(event: &FeedEvent, order: OrderId) -> bool {
    match &event.body {
        FeedBody::Event(told) => told.order == order,
        FeedBody::Notification { notification, .. } => notification.order == order,
        FeedBody::Eta { orders, .. } => orders.iter().any(|changed| changed.order == order),
        FeedBody::RouteViolated { .. } => false,
    }
}

fn read_only(directory: &Path) -> Result<Arc<dyn Disk>, CliError> {
    let disk = RealDisk::existing(directory);
    let disk = disk.map_err(StorageError::disk("open", &directory.display().to_string()))?;
    Ok(Arc::new(disk))
}

fn out(args: &ExportArgs) -> Result<Box<dyn Write>, CliError> {
    let Some(path) = &args.output else {
        return Ok(Box::new(BufWriter::new(std::io::stdout().lock())));
    };
    let file = std::fs::File::create_new(path)
        .map_err(|error| CliError::Argument(format!("--output: {}: {error}", path.display())))?;
    Ok(Box::new(BufWriter::new(file)))
}

const EXAMPLES: &str = "\
Positions come in the order in which they were received, every one that was acknowledged as part of a
track and is not older than the company keeps it; those of erased couriers are gone. Events come in the
feed's order, as far as it is kept. What a daemon takes in while this runs may be missing. A CSV of
positions can be given to `doorstep replay`.

Examples:
  doorstep export positions --courier ada --from 2026-11-22T00:00:00Z --format csv --output ada.csv
  doorstep export events --order A-1 --data-dir /var/lib/doorstep
  doorstep export positions --company 2 --data-dir /backups/2026-11-22";
