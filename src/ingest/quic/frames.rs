//! Cuts a stream's bytes into frames. Holds at most one frame and what came with it.

use quinn::RecvStream;

use super::settings::STREAM_WINDOW_MAX;
use super::wire::error::WireError;
use super::wire::length::{FRAME_BYTES_MAX, Length, read_length};

/// The frames of one stream.
#[derive(Debug)]
pub struct Frames {
    stream: RecvStream,
    buffer: Vec<u8>,
    /// Where the next frame begins.
    start: usize,
}

/// What a stream says of itself.
#[derive(Debug)]
pub enum Came {
    /// A frame is ready: see [`Frames::take`].
    Frame,
    /// The peer has said all it wanted to say.
    End,
    /// The stream is gone: reset by the peer, or its connection is lost.
    Gone,
    /// What came is no frame.
    Bad(WireError),
}

impl Frames {
    /// The frames of a stream from its start.
    #[must_use]
    pub const fn new(stream: RecvStream) -> Self {
        Self { stream, buffer: Vec::new(), start: 0 }
    }

    /// Waits until a whole frame is there. May be dropped and called anew at any time.
    pub async fn ready(&mut self) -> Came {
        loop {
            match self.length() {
                Ok(Some(_)) => return Came::Frame,
                Ok(None) => {}
                Err(error) => return Came::Bad(error),
            }
            match self.stream.read_chunk(CHUNK_BYTES_MAX, true).await {
                Ok(Some(chunk)) => self.append(&chunk.bytes),
                Ok(None) if self.start == self.buffer.len() => return Came::End,
                Ok(None) => return Came::Bad(WireError::Truncated),
                Err(_) => return Came::Gone,
            }
        }
    }

    /// The body of the frame that is ready; the next call gives the next one.
    pub fn take(&mut self) -> &[u8] {
        let Ok(Some(length)) = self.length() else {
            return &[];
        };
        let body = self.start + length.prefix;
        self.start = body + length.body;
        &self.buffer[body..self.start]
    }

    /// Tells the peer to send no more.
    pub fn stop(&mut self, code: u16) {
        // It may be closed already.
        let _ = self.stream.stop(code.into());
    }

    /// The length of the next frame, if all of it is there.
    fn length(&self) -> Result<Option<Length>, WireError> {
        let bytes = &self.buffer[self.start..];
        let length = read_length(bytes)?;
        Ok(length.filter(|length| length.prefix + length.body <= bytes.len()))
    }

    fn append(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > IDLE_BYTES_MAX {
            // An idle stream shall not keep what a large frame once needed.
            self.buffer = Vec::new();
        }
        self.buffer.extend_from_slice(bytes);
        debug_assert!(self.buffer.len() <= FRAME_BYTES_MAX + CHUNK_BYTES_MAX);
    }
}

/// What is taken from QUIC at once.
const CHUNK_BYTES_MAX: usize = STREAM_WINDOW_MAX as usize;
/// Memory that a stream keeps between frames.
const IDLE_BYTES_MAX: usize = 4 * 1_024;
