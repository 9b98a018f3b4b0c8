//! `doorstep journal dump` and `doorstep journal verify`: what a data directory's journal holds,
//! read without changing anything.

use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::error::CliError;
use super::replay::date_time;
use super::serve::cut_off;
use crate::engine::input::InputBody;
use crate::storage::bytes::{Malformed, Reader};
use crate::storage::codec::input::{ChunkReader, Record};
use crate::storage::disk::RealDisk;
use crate::storage::error::StorageError;
use crate::storage::frame::{CommandHead, Frame, FrameKind};
use crate::storage::replay::{JournalEnd, replay};

/// Read the journal of a data directory
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct JournalArgs {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum JournalCommand {
    /// Print every input, one a line
    Dump(DumpArgs),
    /// Check that every frame is whole and can be understood
    Verify(DataDirectory),
}

#[derive(Args, Clone, Debug)]
struct DataDirectory {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

#[derive(Args, Clone, Debug)]
struct DumpArgs {
    #[command(flatten)]
    directory: DataDirectory,
    /// Print JSON Lines, with the place of each input's frame in the journal
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The journal cannot be read, is corrupt, or the results cannot be written.
pub fn journal(args: &JournalArgs) -> Result<(), CliError> {
    match &args.command {
        JournalCommand::Dump(DumpArgs { directory, json: false }) => dump(&directory.data_dir),
        JournalCommand::Dump(DumpArgs { directory, json: true }) => dump_json(&directory.data_dir),
        JournalCommand::Verify(directory) => verify(&directory.data_dir),
    }
}

fn dump(directory: &Path) -> Result<(), CliError> {
    let mut out = BufWriter::new(stdout().lock());
    read(directory, &mut |frame, name, offset| {
        let sequence = frame.stamp.sequence;
        let records = Records::of(frame).map_err(|Malformed| unreadable(name, offset))?;
        if let Some(head) = &records.command {
            let (place, at) = (head.place, date_time(head.at));
            writeln!(out, "{sequence} command {place} at {at}, {} bytes of note", head.note.len())?;
        }
        for record in records.chunks {
            let record = record.map_err(|Malformed| unreadable(name, offset))?;
            writeln!(out, "{sequence} {}", line(&record))?;
        }
        Ok(())
    })?;
    Ok(out.flush()?)
}

/// The same for programs: instants in unix milliseconds, degrees in 1e-7.
fn dump_json(directory: &Path) -> Result<(), CliError> {
    let mut out = BufWriter::new(stdout().lock());
    read(directory, &mut |frame, name, offset| {
        let records = Records::of(frame).map_err(|Malformed| unreadable(name, offset))?;
        let place = json!({
            "frame": frame.stamp.sequence,
            "file": name,
            "offset": offset,
            "bytes": Frame::size(frame.payload.len()),
        });
        if let Some(head) = &records.command {
            let (at, note) = (head.at.ms(), head.note.len());
            let command = json!({"place": head.place, "at": at, "note_bytes": note});
            writeln!(out, "{}", json!({"in": place, "request": command}))?;
        }
        for record in records.chunks {
            let record = record.map_err(|Malformed| unreadable(name, offset))?;
            let mut line = json_line(&record);
            line["in"] = place.clone();
            writeln!(out, "{line}")?;
        }
        Ok(())
    })?;
    Ok(out.flush()?)
}

fn verify(directory: &Path) -> Result<(), CliError> {
    let (mut positions, mut commands, mut ticks) = (0_u64, 0_u64, 0_u64);
    let end = read(directory, &mut |frame, name, offset| {
        let records = Records::of(frame).map_err(|Malformed| unreadable(name, offset))?;
        for record in records.chunks {
            match record.map_err(|Malformed| unreadable(name, offset))?.input.body {
                InputBody::Position { .. } => positions += 1,
                InputBody::Command(_) => commands += 1,
                InputBody::Tick => ticks += 1,
            }
        }
        Ok(())
    })?;
    if end.segments == 0 {
        return Err(CliError::Argument(format!("{}: no journal is there", directory.display())));
    }
    let mut out = stdout().lock();
    writeln!(
        out,
        "good: {} frames in {} segments, {positions} positions, {commands} commands, {ticks} ticks; \
         ends in segment {} at byte {}",
        end.next - 1,
        end.segments,
        end.segment,
        end.offset
    )?;
    if let Some(cut) = &end.cut {
        writeln!(out, "the next start cuts off {}", cut_off(cut))?;
    }
    Ok(())
}

type OnFrame<'a> = dyn FnMut(&Frame, &str, u64) -> Result<(), CliError> + 'a;

fn read(directory: &Path, on_frame: &mut OnFrame) -> Result<JournalEnd, CliError> {
    let disk = RealDisk::existing(directory);
    let disk = disk.map_err(StorageError::disk("open", &directory.display().to_string()))?;
    replay(&disk, on_frame)
}

/// A frame's content.
struct Records<'a> {
    command: Option<CommandHead<'a>>,
    chunks: ChunkReader<'a>,
}

impl<'a> Records<'a> {
    fn of(frame: &Frame<'a>) -> Result<Self, Malformed> {
        if frame.kind == FrameKind::Positions {
            return Ok(Self { command: None, chunks: ChunkReader::new(frame.payload) });
        }
        let mut reader = Reader::new(frame.payload);
        let command = Some(CommandHead::read(&mut reader)?);
        Ok(Self { command, chunks: ChunkReader::new(reader.rest()) })
    }
}

fn line(record: &Record) -> String {
    let input = &record.input;
    let (partition, sequence) = (input.partition, input.sequence);
    let at = date_time(input.received_at);
    let sender = record.by.map_or_else(String::new, |by| {
        format!(" sender {} boot {} number {}", by.sender, by.boot, by.seq)
    });
    match &input.body {
        InputBody::Position { courier, route, position, sheds_eta } => {
            let shed = if *sheds_eta { " eta-shed" } else { "" };
            let route = route.map_or_else(String::new, |route| format!(" route {route}"));
            let (lat, lon) = (position.point.lat(), position.point.lon());
            let t = date_time(position.device_time);
            format!(
                "{partition}-{sequence} {at} position courier {courier}{route} t {t} \
                 {lat:.7} {lon:.7}{sender}{shed}"
            )
        }
        InputBody::Command(command) => format!("{partition}-{sequence} {at} {command:?}"),
        InputBody::Tick => format!("{partition}-{sequence} {at} tick"),
    }
}

fn json_line(record: &Record) -> Value {
    let input = &record.input;
    let mut line = json!({
        "partition": input.partition.0,
        "sequence": input.sequence,
        "received_at": input.received_at.ms(),
    });
    match &input.body {
        InputBody::Position { courier, route, position, sheds_eta } => {
            line["position"] = json!({
                "courier": courier.0,
                "route": route.map(|route| route.0),
                "t": position.device_time.ms(),
                "lat_e7": position.point.lat_e7(),
                "lon_e7": position.point.lon_e7(),
                "sheds_eta": sheds_eta,
            });
        }
        InputBody::Command(command) => line["command"] = format!("{command:?}").into(),
        InputBody::Tick => line["tick"] = true.into(),
    }
    if let Some(by) = record.by {
        line["by"] = json!({"sender": by.sender, "boot": by.boot, "seq": by.seq});
    }
    line
}

fn unreadable(name: &str, offset: u64) -> CliError {
    let found = "a whole frame cannot be understood: it may be of a later version".to_owned();
    StorageError::Corrupt { name: name.to_owned(), offset, found }.into()
}

const EXAMPLES: &str = "\
Examples:
  doorstep journal verify --data-dir data
  doorstep journal dump --data-dir data
  doorstep journal dump --data-dir data --json | jq -c 'select(.position.courier == 7)'";
