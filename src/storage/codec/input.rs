//! Stamped inputs as bytes, in chunks: runs of inputs that one shard stepped together. A chunk
//! stands for itself; chunks can be put one after another in any number.

use super::super::bytes::{Malformed, Read, Reader, Writer};
use super::commands::{command, put_command};
use super::words;
use crate::domain::ids::{CourierId, PartitionId, RouteId};
use crate::domain::position::{Accuracy, Position, Source};
use crate::domain::time::Time;
use crate::engine::input::{Input, InputBody};

/// How a position came: what recognises it when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentBy {
    /// The sender.
    pub sender: u64,
    /// Since when it runs.
    pub boot: u64,
    /// Once this is durable, everything of the sender up to this number is.
    pub settles: u64,
    /// The sender's number of the position.
    pub seq: u64,
}

/// A journalled input.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The input.
    pub input: Input,
    /// How it came, if it is a position of a sender that counts.
    pub by: Option<SentBy>,
}

/// A position of a record, without what recognises it when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reported {
    /// Receive time.
    pub received_at: Time,
    /// The courier.
    pub courier: CourierId,
    /// The route it names.
    pub route: Option<RouteId>,
    /// Where and when.
    pub position: Position,
}

/// A chunk being written.
#[derive(Clone, Debug, Default)]
pub struct ChunkWriter {
    writer: Writer,
    base: Option<Time>,
    by: Option<SentBy>,
    count: u32,
}

/// A finished chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many inputs are in it.
    pub count: u32,
}

impl ChunkWriter {
    /// A chunk that is likely to take so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { writer: Writer { bytes: Vec::with_capacity(bytes) }, ..Self::default() }
    }

    /// Adds an input.
    pub fn put(&mut self, input: &Input, by: Option<&SentBy>) {
        let base = self.begin(input.received_at);
        self.count += 1;
        match &input.body {
            InputBody::Position { courier, route, position, sheds_eta } => {
                let seq = self.sender(by);
                self.stamp(POSITION, input, base);
                self.writer.varint(seq);
                self.writer.varint(courier.0.into());
                self.writer.varint(route.map_or(0, |route| route.0 + 1));
                put_position(&mut self.writer, position, input.received_at, *sheds_eta);
            }
            InputBody::Command(command) => {
                self.stamp(COMMAND, input, base);
                put_command(&mut self.writer, command);
            }
            InputBody::Tick => self.stamp(TICK, input, base),
        }
    }

    /// Length so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.writer.bytes.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Ends the chunk.
    #[must_use]
    pub fn finish(self) -> Chunk {
        Chunk { bytes: self.writer.bytes, count: self.count }
    }

    fn begin(&mut self, first: Time) -> Time {
        if let Some(base) = self.base {
            return base;
        }
        self.writer.u8(CHUNK);
        self.writer.time(first);
        self.base = Some(first);
        first
    }

    /// Says who sent the next positions, if that changed. Gives the number relative to what was
    /// said.
    fn sender(&mut self, by: Option<&SentBy>) -> u64 {
        let key = |by: SentBy| (by.sender, by.boot, by.settles);
        let is_same = match (self.by, by) {
            (Some(said), Some(by)) => key(said) == key(*by) && said.seq <= by.seq,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same {
            self.by = by.copied();
            self.writer.u8(SENDER);
            self.writer.option(self.by, |to, by| {
                to.varint(by.sender);
                to.varint(by.boot);
                to.varint(by.settles);
                to.varint(by.seq);
            });
        }
        by.zip(self.by).map_or(0, |(by, said)| by.seq - said.seq)
    }

    fn stamp(&mut self, kind: u8, input: &Input, base: Time) {
        self.writer.u8(kind);
        self.writer.varint(input.partition.0.into());
        self.writer.varint(input.sequence);
        self.writer.signed(input.received_at - base);
    }
}

/// Chunks being read.
#[derive(Clone, Copy, Debug)]
pub struct ChunkReader<'a> {
    reader: Reader<'a>,
    base: Time,
    by: Option<SentBy>,
}

impl<'a> ChunkReader<'a> {
    /// The chunks in these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), base: Time::DISTANT_PAST, by: None }
    }

    fn record(&mut self) -> Read<Option<Record>> {
        while !self.reader.is_empty() {
            match self.reader.u8()? {
                CHUNK => (self.base, self.by) = (self.reader.time()?, None),
                SENDER => self.by = self.reader.option(sent_by)?,
                kind => return self.input(kind).map(Some),
            }
        }
        Ok(None)
    }

    /// The next position; ends at bytes that no writer writes. Passes over everything else, and
    /// costs less than whole records do.
    pub fn next_position(&mut self) -> Option<Reported> {
        let position = self.any_position();
        if position.is_err() {
            self.reader = Reader::new(&[]);
        }
        position.ok().flatten()
    }

    fn any_position(&mut self) -> Read<Option<Reported>> {
        while !self.reader.is_empty() {
            match self.reader.u8()? {
                CHUNK => (self.base, self.by) = (self.reader.time()?, None),
                SENDER => self.by = self.reader.option(sent_by)?,
                POSITION => {
                    let (_, _, received_at) = self.stamp()?;
                    return self.reported(received_at).map(|(_, reported, _)| Some(reported));
                }
                kind => drop(self.input(kind)?),
            }
        }
        Ok(None)
    }

    fn stamp(&mut self) -> Read<(PartitionId, u64, Time)> {
        let from = &mut self.reader;
        Ok((PartitionId(from.narrow()?), from.varint()?, self.base + from.signed()?))
    }

    /// A position after its stamp: its sender's number as it is written, the position, and whether
    /// it sheds ETAs.
    fn reported(&mut self, received_at: Time) -> Read<(u64, Reported, bool)> {
        let from = &mut self.reader;
        let seq = from.varint()?;
        let courier = CourierId(from.narrow()?);
        let route = from.varint()?.checked_sub(1).map(RouteId);
        let (position, sheds_eta) = position(from, received_at)?;
        Ok((seq, Reported { received_at, courier, route, position }, sheds_eta))
    }

    fn input(&mut self, kind: u8) -> Read<Record> {
        let (partition, sequence, received_at) = self.stamp()?;
        let (body, by) = match kind {
            POSITION => {
                let (seq, reported, sheds_eta) = self.reported(received_at)?;
                let Reported { courier, route, position, .. } = reported;
                let by = self.by.map(|by| SentBy { seq: by.seq.saturating_add(seq), ..by });
                (InputBody::Position { courier, route, position, sheds_eta }, by)
            }
            TICK => (InputBody::Tick, None),
            COMMAND => (InputBody::Command(Box::new(command(&mut self.reader)?)), None),
            _ => return Err(Malformed),
        };
        Ok(Record { input: Input { partition, sequence, received_at, body }, by })
    }
}

impl Iterator for ChunkReader<'_> {
    type Item = Read<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.record().transpose();
        if matches!(record, Some(Err(_))) {
            self.reader = Reader::new(&[]);
        }
        record
    }
}

fn sent_by(from: &mut Reader) -> Read<SentBy> {
    Ok(SentBy {
        sender: from.varint()?,
        boot: from.varint()?,
        settles: from.varint()?,
        seq: from.varint()?,
    })
}

fn put_position(to: &mut Writer, position: &Position, received_at: Time, sheds_eta: bool) {
    to.signed(position.device_time - received_at);
    words::put_point(to, position.point);
    let bits = [
        position.accuracy_m.is_some(),
        position.speed_mps.is_some(),
        position.heading_deg.is_some(),
        position.battery_pct.is_some(),
        position.silent_when_still,
        position.source != Source::App,
        sheds_eta,
    ];
    to.u8(bits.iter().enumerate().fold(0, |all, (at, &bit)| all | u8::from(bit) << at));
    if position.source != Source::App {
        words::put_source(to, position.source);
    }
    let accuracy = position.accuracy_m.map(Accuracy::metres);
    for value in [accuracy, position.speed_mps, position.heading_deg].into_iter().flatten() {
        to.f32(value);
    }
    if let Some(battery) = position.battery_pct {
        to.u8(battery);
    }
}

fn position(from: &mut Reader, received_at: Time) -> Read<(Position, bool)> {
    let device_time = received_at + from.signed()?;
    let point = words::point(from)?;
    let bits = from.u8()?;
    if bits >= 1 << 7 {
        return Err(Malformed);
    }
    let has = |at: u8| bits & 1 << at != 0;
    let source = if has(5) { words::source(from)? } else { Source::App };
    let accuracy_m = if has(0) { Some(from.f32()?) } else { None };
    let position = Position {
        device_time,
        point,
        accuracy_m: accuracy_m.map(|m| Accuracy::new(m).ok_or(Malformed)).transpose()?,
        speed_mps: if has(1) { Some(from.f32()?) } else { None },
        heading_deg: if has(2) { Some(from.f32()?) } else { None },
        battery_pct: if has(3) { Some(from.u8()?) } else { None },
        source,
        silent_when_still: has(4),
    };
    Ok((position, has(6)))
}

/// A chunk begins: the time from which its stamps count. Nobody has sent anything yet.
const CHUNK: u8 = 0;
/// Who sent the positions that follow.
const SENDER: u8 = 1;
const POSITION: u8 = 2;
const TICK: u8 = 3;
const COMMAND: u8 = 4;
