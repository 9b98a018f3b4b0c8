//! The file that `--acks` names: every acknowledged position, one a line, for proofs that compare
//! it with the journal.

#![expect(clippy::disallowed_types, reason = "it appends to the file it is named")]

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::cli::client::frame::WireFix;

/// What was acknowledged, as sessions hear of it.
#[derive(Debug, Default)]
pub(super) struct AckLog {
    file: Option<Mutex<Lines>>,
}

#[derive(Debug)]
struct Lines {
    to: BufWriter<File>,
    /// The first failure: what is written after it proves nothing.
    failed: Option<io::Error>,
}

/// Whose positions they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) device: &'a str,
    pub(super) boot: u64,
}

impl AckLog {
    /// Appends to a file; without one it keeps nothing.
    pub(super) fn new(path: Option<&Path>) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let to = BufWriter::new(OpenOptions::new().append(true).create(true).open(path)?);
        Ok(Self { file: Some(Mutex::new(Lines { to, failed: None })) })
    }

    /// Positions of a sender from that sequence on were acknowledged. They are in the file when
    /// this returns, so that a run that is killed leaves what it heard.
    pub(super) fn acked<'a>(
        &self,
        sender: Sender<'_>,
        first_seq: u64,
        fixes: impl Iterator<Item = &'a (u32, WireFix)>,
    ) {
        let Some(file) = &self.file else { return };
        let mut lines = file.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { to, failed } = &mut *lines;
        let Sender { device, boot } = sender;
        let mut seqs = first_seq..;
        let written = fixes.zip(&mut seqs).try_for_each(|((courier, fix), seq)| {
            let WireFix(t, lat, lon, ..) = fix;
            writeln!(to, "{device} {boot} {seq} {courier} {t} {lat} {lon}")
        });
        if let Err(error) = written.and_then(|()| to.flush()) {
            failed.get_or_insert(error);
        }
    }

    /// Whether everything was written.
    pub(super) fn finish(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut lines = file.lock().unwrap_or_else(PoisonError::into_inner);
        lines.failed.take().map_or(Ok(()), Err)
    }
}
