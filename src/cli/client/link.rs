//! One stream to the daemon after its hello: frames out, frames in.

use core::time::Duration;

use quinn::{Connection, Endpoint, RecvStream, SendStream};
use serde::Serialize;
use tokio::time::timeout;

use super::error::ClientError;
use super::frame::{HelloOptions, ServerFrame, Welcome, encode, length};
use super::target::Target;

/// A stream that was welcomed.
#[derive(Debug)]
pub struct Link {
    /// What was answered to the hello.
    pub welcome: Welcome,
    /// The way out.
    pub send: SendStream,
    /// The way in.
    pub heard: Heard,
    /// Lives as long as the stream does.
    pub connection: Connection,
}

/// The frames that come in.
#[derive(Debug)]
pub struct Heard {
    stream: RecvStream,
    buffer: Vec<u8>,
}

impl Link {
    /// Connects and says hello.
    ///
    /// # Errors
    /// No connection, or the daemon refuses.
    pub async fn open(
        target: &Target,
        endpoint: &Endpoint,
        token: &str,
        options: &HelloOptions,
    ) -> Result<Self, ClientError> {
        let refused =
            |problem: String| ClientError::Connect { address: target.address.to_string(), problem };
        let connecting = endpoint
            .connect(target.address, &target.name)
            .map_err(|error| refused(error.to_string()))?;
        let connection = timeout(CONNECT_WITHIN, connecting)
            .await
            .map_err(|_| refused("no answer in time".to_owned()))?
            .map_err(|error| refused(error.to_string()))?;
        let (mut send, receive) =
            connection.open_bi().await.map_err(|error| ClientError::Lost(error.to_string()))?;
        write(&mut send, &(0, 1, token, options)).await?;
        let mut heard = Heard::new(receive);
        match timeout(CONNECT_WITHIN, heard.next()).await {
            Ok(Ok(ServerFrame::Welcome(welcome))) => Ok(Self { welcome, send, heard, connection }),
            Ok(Ok(ServerFrame::Error { code, text, is_transient })) => {
                Err(ClientError::Refused { code, text, is_transient })
            }
            Ok(Ok(other)) => Err(ClientError::Frame(format!("expected a welcome, got {other:?}"))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(refused("no welcome in time".to_owned())),
        }
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn say(&mut self, body: &impl Serialize) -> Result<(), ClientError> {
        write(&mut self.send, body).await
    }
}

/// Sends one frame on a stream.
///
/// # Errors
/// The connection is lost.
pub async fn write(send: &mut SendStream, body: &impl Serialize) -> Result<(), ClientError> {
    let frame = encode(body)?;
    send.write_all(&frame).await.map_err(|error| ClientError::Lost(error.to_string()))
}

impl Heard {
    /// The frames of a stream from its start.
    #[must_use]
    pub const fn new(stream: RecvStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Waits for the next frame. May be dropped and called anew.
    ///
    /// # Errors
    /// The stream has ended, or what came is no frame.
    pub async fn next(&mut self) -> Result<ServerFrame, ClientError> {
        let body = self.next_body().await?;
        rmp_serde::from_slice(&body).map_err(|error| ClientError::Frame(error.to_string()))
    }

    /// Waits for the next frame and gives its body as it came. May be dropped and called anew.
    ///
    /// # Errors
    /// The stream has ended, or what came is no frame.
    pub async fn next_body(&mut self) -> Result<Vec<u8>, ClientError> {
        loop {
            if let Some((body, width)) = length(&self.buffer) {
                if body > BODY_MAX {
                    return Err(ClientError::Frame(format!("a body of {body} bytes")));
                }
                if self.buffer.len() >= width + body {
                    let frame = self.buffer[width..width + body].to_vec();
                    self.buffer.drain(..width + body);
                    return Ok(frame);
                }
            }
            match self.stream.read_chunk(BODY_MAX, true).await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk.bytes),
                Ok(None) => {
                    return Err(ClientError::Lost("the daemon ended the stream".to_owned()));
                }
                Err(error) => return Err(ClientError::Lost(error.to_string())),
            }
        }
    }
}

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const BODY_MAX: usize = 65_536;
