//! How long to wait before the next try, and when to give up.

use core::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::ClientError;

/// Doubles its pauses, up to a limit, until a connection is there again.
#[derive(Debug)]
pub struct Reconnect {
    pause: Duration,
    connected_at: Option<Instant>,
    lost_at: Option<Instant>,
}

impl Reconnect {
    /// No try yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { pause: PAUSE_MIN, connected_at: None, lost_at: None }
    }

    /// There is a connection.
    pub fn connected(&mut self) {
        self.connected_at = Some(Instant::now());
        self.lost_at = None;
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// There is no use in one: nothing was ever connected, the daemon has refused for good, or too
    /// long ago.
    pub async fn after(&mut self, error: ClientError) -> Result<(), ClientError> {
        let Some(connected_at) = self.connected_at.filter(|_| error.may_pass()) else {
            return Err(error);
        };
        let lost_at = *self.lost_at.get_or_insert_with(|| {
            // A connection that held is a new beginning; one that breaks at once is not.
            if connected_at.elapsed() >= HELD {
                self.pause = PAUSE_MIN;
            }
            Instant::now()
        });
        if lost_at.elapsed() >= TRY_MAX {
            return Err(ClientError::GaveUp { tried: TRY_MAX, last: error.to_string() });
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::new()
    }
}

const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);
const HELD: Duration = Duration::from_secs(10);
/// Longest time without a connection.
const TRY_MAX: Duration = Duration::from_secs(300);
