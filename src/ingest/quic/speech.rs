//! What is said on a stream: frames are gathered and handed to QUIC together. An error is the last
//! word: the stream is reset after it.

use quinn::{Connection, SendStream};
use tokio::time::{sleep, timeout};

use super::frames::Frames;
use super::settings::ERROR_LINGER_MAX;
use super::wire::error::WireError;
use super::wire::server_frame::{FrameWriter, Severity};
use crate::feed::error::FeedError;

/// The server's side of one stream.
pub(super) struct Speech {
    stream: SendStream,
    pub(super) frames: FrameWriter,
    pub(super) buffer: Vec<u8>,
}

/// Why a stream ends.
#[derive(Debug)]
pub(super) enum End {
    /// The peer has said all it wanted, or is gone.
    Quiet,
    /// The peer is told why.
    Told(LastWord),
}

/// An error frame.
#[derive(Debug)]
pub(super) struct LastWord {
    pub(super) code: u16,
    pub(super) text: String,
    pub(super) severity: Severity,
}

impl End {
    pub(super) fn hard(code: u16, text: &str) -> Self {
        Self::Told(LastWord { code, text: text.to_owned(), severity: Severity::Hard })
    }

    pub(super) fn transient(code: u16, text: &str) -> Self {
        Self::Told(LastWord { code, text: text.to_owned(), severity: Severity::Transient })
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Told(word) if word.severity == Severity::Transient)
    }
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        Self::hard(error.code(), &error.to_string())
    }
}

impl From<FeedError> for End {
    fn from(error: FeedError) -> Self {
        match &error {
            FeedError::Cursor(_) | FeedError::Ahead { .. } | FeedError::Type(_) => {
                Self::hard(422, &error.to_string())
            }
            FeedError::Storage(_) | FeedError::Stopped => Self::transient(503, &error.to_string()),
        }
    }
}

impl Speech {
    pub(super) fn new(stream: SendStream) -> Self {
        Self { stream, frames: FrameWriter::default(), buffer: Vec::new() }
    }

    /// Hands everything that was gathered to QUIC. Waits while the peer does not read.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let written = self.stream.write_all(&self.buffer).await;
        self.buffer.clear();
        if self.buffer.capacity() > IDLE_BYTES_MAX {
            self.buffer = Vec::new();
        }
        written.map_err(|_| End::Quiet)
    }

    /// The peer is done, and so are we.
    pub(super) fn finish(&mut self) {
        // It may be closed already.
        let _ = self.stream.finish();
    }

    /// Says why, then resets the stream both ways. A reset overtakes what has not arrived yet, so
    /// it waits some round trips.
    pub(super) async fn last_word(
        &mut self,
        word: &LastWord,
        heard: &mut Frames,
        connection: &Connection,
    ) {
        self.buffer.clear();
        self.frames.error(word.code, &word.text, word.severity, &mut self.buffer);
        // A peer that does not read its errors shall not keep the stream.
        let written = timeout(ERROR_LINGER_MAX, self.flush()).await;
        heard.stop(word.code);
        if let Ok(Ok(())) = written {
            let linger = (3 * connection.rtt()).clamp(ERROR_LINGER_MAX / 10, ERROR_LINGER_MAX);
            sleep(linger).await;
        }
        let _ = self.stream.reset(word.code.into());
    }
}

/// Memory that a stream keeps between frames.
const IDLE_BYTES_MAX: usize = 1_024;
