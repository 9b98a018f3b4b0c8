//! GPX 1.1: every `trkpt` with its `time`. `speed` and `course` are read where a recorder writes
//! them inside the point; `hdop` is no accuracy in metres and is ignored.

use std::io::{BufRead, Read, Result as IoResult};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::fields::{Context, LAT, LON, TimeForm};
use super::{FileError, Origin, Row};

/// The track points of a GPX file.
pub(super) struct TrackPoints {
    context: Context,
    reader: Reader<Counted<Box<dyn BufRead>>>,
    buffer: Vec<u8>,
    found: Found,
    is_over: bool,
}

/// How much of what makes a recording has been found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Root,
    Point,
}

impl TrackPoints {
    /// The points of a file.
    pub(super) fn new(
        input: Box<dyn BufRead>,
        file: String,
        origin: Origin,
    ) -> Result<Self, FileError> {
        let context = Context { file, origin };
        context.need_sole_courier()?;
        let mut reader = Reader::from_reader(Counted { input, lines: 1 });
        reader.config_mut().expand_empty_elements = true;
        Ok(Self { context, reader, buffer: Vec::new(), found: Found::Nothing, is_over: false })
    }

    fn next_point(&mut self) -> Result<Option<Row>, FileError> {
        let mut point: Option<TrackPoint> = None;
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into(&mut self.buffer);
            let line = self.reader.get_ref().lines;
            match event.map_err(|error| unreadable(&self.context, line, &error))? {
                Event::Start(tag) if self.found == Found::Nothing => {
                    let root = tag.local_name().as_ref().to_owned();
                    if root != "gpx" {
                        let problem = format!("not GPX: the file begins with <{root}>");
                        return Err(self.context.unreadable(problem));
                    }
                    self.found = Found::Root;
                }
                Event::Start(tag) if tag.local_name().as_ref() == "trkpt" => {
                    self.found = Found::Point;
                    point = Some(
                        TrackPoint::new(&tag, line)
                            .map_err(|error| unreadable(&self.context, line, &error))?,
                    );
                }
                Event::Start(tag) => {
                    if let Some(point) = &mut point {
                        point.open = Leaf::of(tag.local_name().as_ref());
                    }
                }
                Event::Text(text) => {
                    if let Some(point) = &mut point {
                        point.read(&text.xml10_content());
                    }
                }
                Event::End(tag) => {
                    if let Some(point) = &mut point {
                        point.open = None;
                    }
                    if tag.local_name().as_ref() == "trkpt"
                        && let Some(point) = point.take()
                    {
                        return point.row(&self.context).map(Some);
                    }
                }
                Event::Eof => return self.end().map(|()| None),
                _ => {}
            }
        }
    }

    /// A file that ends without a point is no recording.
    fn end(&self) -> Result<(), FileError> {
        let problem = match self.found {
            Found::Nothing => "not GPX: there is no <gpx> in it",
            Found::Root => "there is no track point (<trkpt>) in it",
            Found::Point => return Ok(()),
        };
        Err(self.context.unreadable(problem))
    }
}

impl Iterator for TrackPoints {
    type Item = Result<Row, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let row = self.next_point();
        self.is_over = matches!(row, Err(FileError::Unreadable { .. }));
        row.transpose()
    }
}

fn unreadable(context: &Context, line: u64, error: &quick_xml::Error) -> FileError {
    context.unreadable(format!("line {line}: not XML: {error}"))
}

/// A point while its elements are read.
struct TrackPoint {
    line: u64,
    lat: Option<String>,
    lon: Option<String>,
    time: Option<String>,
    speed: Option<String>,
    course: Option<String>,
    open: Option<Leaf>,
}

#[derive(Clone, Copy)]
enum Leaf {
    Time,
    Speed,
    Course,
}

impl Leaf {
    fn of(name: &str) -> Option<Self> {
        match name {
            "time" => Some(Self::Time),
            "speed" => Some(Self::Speed),
            "course" => Some(Self::Course),
            _ => None,
        }
    }
}

impl TrackPoint {
    fn new(tag: &BytesStart<'_>, line: u64) -> Result<Self, quick_xml::Error> {
        let attribute = |name| {
            let found = tag.try_get_attribute(name)?;
            Ok::<_, quick_xml::Error>(found.map(|found| found.value.trim().to_owned()))
        };
        let (lat, lon) = (attribute(LAT)?, attribute(LON)?);
        Ok(Self { line, lat, lon, time: None, speed: None, course: None, open: None })
    }

    fn read(&mut self, text: &str) {
        let text = text.trim();
        let leaf = match self.open {
            Some(Leaf::Time) => &mut self.time,
            Some(Leaf::Speed) => &mut self.speed,
            Some(Leaf::Course) => &mut self.course,
            None => return,
        };
        if !text.is_empty() {
            leaf.get_or_insert_default().push_str(text);
        }
    }

    fn row(&self, context: &Context) -> Result<Row, FileError> {
        context.row(self.line, TimeForm::Time, |name| match name {
            LAT => self.lat.as_deref(),
            LON => self.lon.as_deref(),
            "time" => self.time.as_deref(),
            "speed_mps" => self.speed.as_deref(),
            "heading_deg" => self.course.as_deref(),
            _ => None,
        })
    }
}

/// Counts the lines that were read, from 1.
struct Counted<R> {
    input: R,
    lines: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> IoResult<usize> {
        let count = self.input.read(into)?;
        self.lines += newlines(&into[..count]);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> IoResult<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What is consumed is still in the buffer, so this reads nothing.
        if let Ok(buffer) = self.input.fill_buf() {
            self.lines += newlines(&buffer[..count.min(buffer.len())]);
        }
        self.input.consume(count);
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
