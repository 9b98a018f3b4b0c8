//! How far a long piece of work is: on a terminal one line that is written over, else nothing.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// A count that goes up.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    /// How many there will be, where that is known.
    total: Option<u64>,
    done: u64,
    is_seen: bool,
    told_at: Option<Instant>,
}

impl Progress {
    /// Nothing done yet of what is counted.
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, total: None, done: 0, is_seen: stderr().is_terminal(), told_at: None }
    }

    /// Nothing done yet of so many.
    pub(super) fn of(what: &'static str, total: u64) -> Self {
        Self { total: Some(total), ..Self::new(what) }
    }

    /// So many more are done.
    pub(super) fn add(&mut self, count: u64) {
        self.done += count;
        let is_due = self.told_at.is_none_or(|told_at| told_at.elapsed() >= EVERY);
        if self.is_seen && (is_due || Some(self.done) == self.total) {
            self.told_at = Some(Instant::now());
            self.tell();
        }
    }

    fn tell(&self) {
        let Self { what, done, .. } = self;
        // Nobody waits for it: a terminal that is gone is no failure.
        let _ = match self.total.filter(|total| *total > 0) {
            Some(total) => {
                let filled = (done * BAR_CHARS / total).min(BAR_CHARS) as usize;
                let bar = "#".repeat(filled) + &".".repeat(BAR_CHARS as usize - filled);
                write!(stderr(), "\r[{bar}] {done} of {total} {what} ")
            }
            None => write!(stderr(), "\r{done} {what} "),
        };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told_at.is_some() {
            self.tell();
            // As above.
            let _ = writeln!(stderr());
        }
    }
}

const EVERY: Duration = Duration::from_millis(100);
const BAR_CHARS: u64 = 30;
