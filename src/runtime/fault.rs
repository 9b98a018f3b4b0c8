//! The node's end by failure: told once, seen by all. A failed node takes nothing more.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

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

/// Fails the node if the thread that holds it panics.
pub struct Guard {
    /// The node's fault.
    pub fault: Fault,
    /// Which thread it is.
    pub thread: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fault.fail(format!("{} panicked", self.thread));
        }
    }
}
