//! The node's end by failure: told once, seen by all. A failed node takes nothing more.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use super::mailbox::{Mail, Mailbox};

/// Whether the node has failed, and of what. Clones see the same.
#[derive(Clone, Debug)]
pub struct Fault {
    cause: Arc<OnceLock<String>>,
    told: watch::Sender<bool>,
}

impl Default for Fault {
    fn default() -> Self {
        Self { cause: Arc::default(), told: watch::Sender::new(false) }
    }
}

impl Fault {
    /// The node has failed; the first cause is kept.
    pub fn fail(&self, cause: String) {
        // A later cause follows from the first.
        let _ = self.cause.set(cause);
        self.told.send_replace(true);
    }

    /// The node was stopped: it takes nothing more, and nothing more will come.
    pub fn end(&self) {
        self.told.send_replace(true);
    }

    /// Whether it takes nothing more: stopped or failed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.told.borrow()
    }

    /// Whether it has.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.cause.get().is_some()
    }

    /// The cause.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.get().map(String::as_str)
    }

    /// Turns true when the node fails or is stopped.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.told.subscribe()
    }
}

/// Fails the node if the thread that holds it panics, and ends all shards if the node has failed:
/// what waits in front of them and behind them is let go, and whoever waits for it learns that.
pub struct Guard {
    /// The node's fault.
    pub fault: Fault,
    /// Which thread it is.
    pub thread: String,
    /// The ways to the shards.
    pub mailboxes: Vec<Mailbox>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fault.fail(format!("{} panicked", self.thread));
        }
        if self.fault.has_failed() {
            for mailbox in &self.mailboxes {
                // A shard that has ended needs not be told.
                let _ = mailbox.put(Mail::Stop);
            }
        }
    }
}
