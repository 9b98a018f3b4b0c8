//! Wakes the one thread that works off what others bring, when it sleeps because nothing was there.
//! It sleeps at once: a channel's own waiting first looks again and again for some microseconds,
//! which on few cores takes the time of those who would bring something.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A bell. Clones ring the same.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Door>);

#[derive(Debug, Default)]
struct Door {
    /// Somebody sleeps, or is about to, and nobody has rung since.
    is_asleep: AtomicBool,
    has_rung: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    /// Something was put where the sleeper looks.
    pub fn ring(&self) {
        // Either the sleeper sees what was put, or its sleep is seen here.
        fence(Ordering::SeqCst);
        if self.0.is_asleep.load(Ordering::Relaxed)
            && self.0.is_asleep.swap(false, Ordering::Relaxed)
        {
            *self.0.has_rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.0.rung.notify_one();
        }
    }

    /// Sleeps until somebody rings, for so long at most; not at all where something `is_there`.
    /// Only one thread does. It may wake and find nothing.
    pub fn wait(&self, patience: Option<Duration>, is_there: impl Fn() -> bool) {
        let Door { is_asleep, has_rung, rung } = &*self.0;
        is_asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !is_there() {
            let lock = has_rung.lock().unwrap_or_else(PoisonError::into_inner);
            let is_quiet = |has_rung: &mut bool| !*has_rung;
            // A poisoned lock is as good: what it holds is one word.
            match patience {
                Some(patience) => drop(rung.wait_timeout_while(lock, patience, is_quiet)),
                None => drop(rung.wait_while(lock, is_quiet)),
            }
        }
        is_asleep.store(false, Ordering::Relaxed);
        *has_rung.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::Bell;

    /// Every number is seen though the sleeper never looks by itself: a lost ring would hang.
    #[test]
    fn no_ring_is_lost() {
        let (bell, put) = (Bell::default(), Arc::new(AtomicU64::new(0)));
        let (ringing, number) = (bell.clone(), Arc::clone(&put));
        let (answer, answers) = std::sync::mpsc::channel();
        let ringer = std::thread::spawn(move || {
            for next in 1..=2_000 {
                number.store(next, Ordering::Release);
                ringing.ring();
                assert_eq!(answers.recv(), Ok(next));
            }
        });
        for next in 1..=2_000 {
            while put.load(Ordering::Acquire) < next {
                bell.wait(None, || put.load(Ordering::Acquire) >= next);
            }
            answer.send(next).expect("it listens");
        }
        ringer.join().expect("no panic");
    }

    #[test]
    fn nobody_sleeps_where_something_is_there_or_for_longer_than_was_said() {
        let bell = Bell::default();
        bell.ring();
        bell.wait(None, || true);
        bell.wait(Some(Duration::ZERO), || false);
    }
}
