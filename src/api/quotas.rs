//! How many requests each token may still make: counted in windows of [`WINDOW_S`] seconds of real
//! time, told in the `RateLimit` headers of every answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::limits::WINDOW_S;
use crate::runtime::access::TokenId;

/// The counts of the present window.
#[derive(Debug)]
pub(super) struct Quotas {
    requests_max: u64,
    began: Instant,
    windows: Mutex<BTreeMap<TokenId, Window>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: u64,
    used: u64,
}

/// What is left to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    requests_max: u64,
    left: u64,
    pub(super) is_spent: bool,
    pub(super) reset_s: u64,
}

impl Quotas {
    /// Nothing counted yet; 0: nothing is ever refused.
    pub(super) fn new(requests_max: u64) -> Self {
        Self { requests_max, began: Instant::now(), windows: Mutex::default() }
    }

    /// Counts a request; `None`: there is no limit.
    pub(super) fn take(&self, token: TokenId) -> Option<Quota> {
        (self.requests_max > 0).then(|| self.take_at(token, self.began.elapsed().as_secs()))
    }

    fn take_at(&self, token: TokenId, second: u64) -> Quota {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (requests_max, number) = (self.requests_max, second / WINDOW_S);
        let window = windows.entry(token).or_default();
        if window.number != number {
            *window = Window { number, used: 0 };
        }
        let is_spent = window.used >= requests_max;
        window.used += u64::from(!is_spent);
        let left = requests_max - window.used;
        Quota { requests_max, left, is_spent, reset_s: WINDOW_S - second % WINDOW_S }
    }
}

impl Quota {
    /// Tells it in an answer.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let Self { requests_max, left, reset_s, .. } = self;
        let policy = format!("\"requests\";q={requests_max};w={WINDOW_S}");
        let limit = format!("\"requests\";r={left};t={reset_s}");
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", limit)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Quota, Quotas};
    use crate::runtime::access::TokenId;

    #[test]
    fn a_token_is_held_to_its_quota_until_the_window_ends() {
        let quotas = Quotas::new(2);
        let quota = |left, is_spent, reset_s| Quota { requests_max: 2, left, is_spent, reset_s };
        assert_eq!(quotas.take_at(TokenId(1), 13), quota(1, false, 7));
        assert_eq!(quotas.take_at(TokenId(1), 14), quota(0, false, 6));
        assert_eq!(quotas.take_at(TokenId(1), 19), quota(0, true, 1));
        assert_eq!(quotas.take_at(TokenId(2), 19), quota(1, false, 1));
        assert_eq!(quotas.take_at(TokenId(1), 20), quota(1, false, 10));
        assert_eq!(Quotas::new(0).take(TokenId(1)), None);
    }
}
