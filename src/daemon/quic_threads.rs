//! The threads that QUIC runs on, apart from those of HTTP. Few, since a packet that wakes a thread
//! costs more than the packet does; and where acks mean a sync they pause between two rounds, so
//! that one wake-up serves the packets, the acks and the events of a quarter of a millisecond.

use std::cell::Cell;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::task::JoinHandle;

use super::error::DaemonError;
use crate::runtime::node::Durability;

/// The threads. Dropping them ends what runs on them.
pub struct QuicThreads {
    handle: Handle,
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

impl QuicThreads {
    /// Threads for a node of this durability.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(durability: Durability) -> Result<Self, DaemonError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads((cores / 2).clamp(1, THREADS_MAX)).thread_name("quic").enable_all();
        if durability != Durability::None {
            builder.on_thread_park(pause);
        }
        let runtime = builder.build().map_err(DaemonError::System)?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// What is begun while the guard lives runs on them.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Runs something on them.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(work)
    }
}

impl Drop for QuicThreads {
    fn drop(&mut self) {
        // A task may not wait for threads to end.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Before a thread waits for what comes next. A thread that has rested for long enough is not held
/// up, so that where little comes nothing waits.
fn pause() {
    thread_local!(static RESTED: Cell<Option<Instant>> = const { Cell::new(None) });
    let left = RESTED.get().map_or(Duration::ZERO, |rested| left_of_round(rested.elapsed()));
    if !left.is_zero() {
        std::thread::sleep(left);
    }
    RESTED.set(Some(Instant::now()));
}

/// What is left of a round that has lasted for so long.
const fn left_of_round(since: Duration) -> Duration {
    ROUND.saturating_sub(since)
}

/// A round takes at least so long.
const ROUND: Duration = Duration::from_micros(250);
/// With more, packets of one connection go from one thread to the other and back.
const THREADS_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use super::{Duration, ROUND, left_of_round};

    #[test]
    fn only_a_round_that_is_short_is_made_longer() {
        assert_eq!(left_of_round(Duration::ZERO), ROUND);
        assert_eq!(left_of_round(ROUND / 4), ROUND * 3 / 4);
        assert_eq!(left_of_round(ROUND), Duration::ZERO);
        assert_eq!(left_of_round(ROUND * 9), Duration::ZERO);
    }
}
