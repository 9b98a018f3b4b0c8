//! How many streams of events each token has open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::Problem;
use crate::runtime::access::TokenId;

/// The open streams by token.
#[derive(Debug)]
pub(super) struct Streams {
    open: Arc<Mutex<BTreeMap<TokenId, usize>>>,
    per_token_max: usize,
}

impl Streams {
    /// None open yet.
    pub(super) fn new(per_token_max: usize) -> Self {
        Self { open: Arc::default(), per_token_max }
    }

    /// Counts one more, for as long as it is held.
    pub(super) fn open(&self, token: TokenId) -> Result<OpenStream, Problem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(token).or_default();
        if *count >= self.per_token_max {
            return Err(Problem::too_many(
                format!("the token has {count} streams of events open: that is the most"),
                RETRY_S,
            ));
        }
        *count += 1;
        Ok(OpenStream { token, open: Arc::clone(&self.open) })
    }

    /// How many there are in all.
    pub(super) fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// One open stream.
#[derive(Debug)]
pub(super) struct OpenStream {
    token: TokenId,
    open: Arc<Mutex<BTreeMap<TokenId, usize>>>,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.token) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.token);
            }
        }
    }
}

/// Seconds after which a refused reader may ask again.
const RETRY_S: u64 = 10;
